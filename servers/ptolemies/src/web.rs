//! Documents behind URLs: of hosts that the operator lists, and of no others.

use mcp_core::{
    ConfigError, ToolError,
    prelude::Kind,
    upstream::{Answer, Body, Failure, Options, Reach, Refusal, Request, Upstream, Upstreams, Url},
};

use crate::{
    Error,
    document::{Format, MAX_BYTES},
};

/// Redirects followed, each to a listed host.
const REDIRECTS: usize = 3;

/// The way to the listed hosts. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    upstream: Upstream,
    listed: Vec<Url>,
}

/// What a host answered.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) bytes: Vec<u8>,
    /// By its media type, where that says more than the name.
    pub(crate) format: Option<Format>,
}

/// The origin that a setting lists: one without a scheme is reached by https.
///
/// # Errors
/// No origin.
pub(crate) fn origin(setting: &str) -> Result<Url, ConfigError> {
    let text =
        if setting.contains("://") { setting.to_owned() } else { format!("https://{setting}") };
    let refuse = |why: &str| ConfigError::new("ingest_hosts", format!("{setting:?} {why}"));
    let url: Url = text.parse().map_err(|_| refuse("is no host or origin"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("is no host or origin of http or https"));
    }
    if url.path() != "/" || url.query().is_some() || !url.username().is_empty() {
        return Err(refuse("must be a host or origin alone, such as docs.example.org"));
    }
    Ok(url)
}

impl Web {
    /// `None` when nothing is listed.
    pub(crate) fn new(
        settings: &[String],
        upstreams: &Upstreams,
    ) -> Result<Option<Self>, ConfigError> {
        let listed: Vec<Url> =
            settings.iter().map(|setting| origin(setting)).collect::<Result<_, _>>()?;
        if listed.is_empty() {
            return Ok(None);
        }
        let options = Options::new("ingest", env!("CARGO_PKG_VERSION"))
            .max_body(usize::try_from(MAX_BYTES).unwrap_or(usize::MAX));
        // The operator named them, so they may be hosts of a private network.
        let options =
            listed.iter().fold(options, |options, origin| options.list(origin, Reach::Private));
        Ok(Some(Self { upstream: upstreams.add(options), listed }))
    }

    /// Read what is behind a URL.
    pub(crate) async fn get(&self, field: &str, url: &str) -> Result<Fetched, ToolError> {
        let mut url: Url = url.parse().map_err(|_| denied(field, "is no URL"))?;
        for _ in 0..=REDIRECTS {
            self.check(field, &url)?;
            let answer = self.upstream.send(&Request::get(url.clone())).await;
            let answer = answer.map_err(|failure| failed(field, failure))?;
            let Some(target) = target(&url, &answer) else { return read(field, &url, answer) };
            url = target.map_err(|()| denied(field, "leads nowhere"))?;
        }
        Err(denied(field, "redirects too often").into())
    }

    fn check(&self, field: &str, url: &Url) -> Result<(), Error> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(denied(field, Refusal::Credentials.message()));
        }
        if self.listed.iter().any(|listed| listed.origin() == url.origin()) {
            return Ok(());
        }
        Err(denied(field, "leads to a host that is not listed"))
    }
}

/// Where an answer leads, if it leads on.
fn target(from: &Url, answer: &Answer) -> Option<Result<Url, ()>> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let place = answer.headers.get("location").and_then(|value| value.to_str().ok());
    Some(place.and_then(|place| from.join(place).ok()).ok_or(()))
}

fn read(field: &str, url: &Url, answer: Answer) -> Result<Fetched, ToolError> {
    let upstream = |message: String| {
        ToolError::new(Kind::Upstream, "upstream_error", message)
            .with_field(field)
            .with_hint("open the URL yourself; repeat the call when it answers")
    };
    if answer.status != 200 {
        return Err(upstream(format!("the host answered status {}", answer.status)));
    }
    let media = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
    let format = media.and_then(format_of).filter(|format| {
        // Plain text says less than the name of a file that is source code or Markdown.
        *format != Format::Text || Format::of_name(url.path()).is_none()
    });
    match answer.body {
        Body::Whole(bytes) => Ok(Fetched { bytes, format }),
        Body::TooLarge => Err(Error::TooLarge {
            field: field.to_owned(),
            message: format!("a document must be <= {MAX_BYTES} bytes"),
            hint: "split it into several documents",
        }
        .into()),
        Body::Broken => Err(upstream("the answer of the host broke off".to_owned())),
        Body::Late => Err(upstream("the answer of the host took too long".to_owned())),
    }
}

/// What a media type says.
fn format_of(media: &str) -> Option<Format> {
    let media = media.split(';').next().unwrap_or_default().trim().to_lowercase();
    match media.as_str() {
        "text/html" | "application/xhtml+xml" => Some(Format::Html),
        "text/markdown" => Some(Format::Markdown),
        "text/csv" => Some(Format::Csv),
        "text/plain" => Some(Format::Text),
        "application/json" => Some(Format::Json),
        other if other.ends_with("+json") => Some(Format::Json),
        _ => None,
    }
}

fn denied(field: &str, why: &str) -> Error {
    Error::UrlDenied {
        field: field.to_owned(),
        message: format!("this URL is not read: it {why}"),
        hint: "give an https URL of a host that the operator lists in MACHINA_PTOLEMIES_INGEST_HOSTS",
    }
}

fn failed(field: &str, failure: Failure) -> ToolError {
    match failure {
        Failure::Refused(refusal) => {
            denied(field, &format!("is refused: {}", refusal.message())).into()
        }
        other => ToolError::from(other).with_field(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_origins_are_listed() {
        for (setting, wanted) in [
            ("docs.example.org", "https://docs.example.org/"),
            ("https://docs.example.org", "https://docs.example.org/"),
            ("http://10.1.2.3:8080", "http://10.1.2.3:8080/"),
        ] {
            assert_eq!(origin(setting).unwrap().as_str(), wanted);
        }
        for wrong in ["", "ftp://a", "https://a/b", "https://u:p@a", "a b", "file:///etc"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn media_types_tell_formats() {
        assert_eq!(format_of("Text/HTML; charset=utf-8"), Some(Format::Html));
        assert_eq!(format_of("application/ld+json"), Some(Format::Json));
        assert_eq!(format_of("image/png"), None);
    }
}
