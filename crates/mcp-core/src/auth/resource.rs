//! What a client without credentials is told: RFC 6750 challenges, RFC 9728 metadata.

use http::HeaderValue;
use serde_json::{Value, json};
use url::Url;

use super::Scope;
use crate::fleet::Member;

/// Path of the metadata; the path of the resource follows it (RFC 9728 section 3.1).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// This server as an OAuth resource.
#[derive(Debug)]
pub(super) struct Resource {
    realm: String,
    server: &'static str,
    /// The document and where it lies, when there is an issuer to name.
    metadata: Option<(Value, String)>,
}

impl Resource {
    pub(super) fn new(member: &Member, uri: &str, issuer: Option<&str>) -> Self {
        // Only a URL says where to get a token.
        let issuer = issuer.filter(|issuer| Url::parse(issuer).is_ok_and(|url| url.has_host()));
        let metadata = issuer.and_then(|issuer| {
            let scopes: Vec<String> = Scope::ALL.map(|scope| scope.name(member.name)).into();
            let document = json!({
                "resource": uri,
                "resource_name": member.title,
                "authorization_servers": [issuer],
                "scopes_supported": scopes,
                "bearer_methods_supported": ["header"],
            });
            Some((document, metadata_url(uri)?))
        });
        Self { realm: member.binary(), server: member.name, metadata }
    }

    pub(super) fn metadata(&self) -> Option<&Value> {
        self.metadata.as_ref().map(|(document, _)| document)
    }

    /// `WWW-Authenticate` of a 401.
    pub(super) fn challenge(&self, token_was_given: bool) -> Option<HeaderValue> {
        let error = if token_was_given { ", error=\"invalid_token\"" } else { "" };
        let scope = Scope::Read.name(self.server);
        self.header(&format!("{error}, scope=\"{scope}\""))
    }

    /// `WWW-Authenticate` of a 403.
    pub(super) fn step_up(&self, needed: Scope) -> Option<HeaderValue> {
        let scope = needed.name(self.server);
        self.header(&format!(", error=\"insufficient_scope\", scope=\"{scope}\""))
    }

    fn header(&self, more: &str) -> Option<HeaderValue> {
        let metadata = self.metadata.as_ref();
        let metadata =
            metadata.map(|(_, url)| format!(", resource_metadata=\"{url}\"")).unwrap_or_default();
        format!("Bearer realm=\"{}\"{more}{metadata}", self.realm).parse().ok()
    }
}

fn metadata_url(uri: &str) -> Option<String> {
    let mut url = Url::parse(uri).ok()?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{WELL_KNOWN}{path}"));
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::BAYES;

    #[test]
    fn an_issuer_is_named_and_the_document_found() {
        let uri = "https://mcp.example.com/bayes/mcp";
        let resource = Resource::new(&BAYES, uri, Some("https://login.example.com"));
        let document = resource.metadata().unwrap();
        assert_eq!(document["resource"], uri);
        assert_eq!(document["authorization_servers"], json!(["https://login.example.com"]));
        assert_eq!(
            resource.challenge(false).unwrap(),
            "Bearer realm=\"machina-bayes\", scope=\"bayes:read\", resource_metadata=\
             \"https://mcp.example.com/.well-known/oauth-protected-resource/bayes/mcp\""
        );
        let step_up = resource.step_up(Scope::Admin).unwrap();
        assert!(
            step_up
                .to_str()
                .unwrap()
                .contains("error=\"insufficient_scope\", scope=\"bayes:admin\"")
        );
    }

    #[test]
    fn without_an_issuer_there_is_no_metadata() {
        let resource = Resource::new(&BAYES, "http://127.0.0.1:5004/mcp", None);
        assert_eq!(resource.metadata(), None);
        assert!(!resource.challenge(true).unwrap().to_str().unwrap().contains("metadata"));
    }
}
