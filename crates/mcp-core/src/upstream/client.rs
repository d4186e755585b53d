//! The pooled client of one upstream.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{
    Method, Response, StatusCode,
    header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION},
};
use tokio::{sync::OnceCell, time::Instant};
use url::Url;

use super::{
    breaker::Verdict,
    dial::{Checked, Resolver, System},
    exchange::{Answer, Body, Failure, Request},
    guard::{Guard, Reach, Refusal},
    registry::{Upstreams, Watched},
    retry::{Retry, RetryPolicy, retry_after},
};
use crate::{Result, audit, deadline, task, trace};

/// Most redirects that can be allowed.
const MAX_REDIRECTS: u8 = 3;

/// What an upstream needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    name: &'static str,
    user_agent: String,
    guard: Guard,
    redirects: u8,
    connect_timeout: Duration,
    total_timeout: Duration,
    max_body: usize,
    retry: RetryPolicy,
    resolver: Arc<dyn Resolver>,
}

impl Options {
    /// The usual limits, for a server of this version: 5 s to connect, 30 s in all, 10 MiB of body,
    /// no redirects, four attempts. `name` becomes a metric label and the name of a probe.
    pub fn new(name: &'static str, version: &str) -> Self {
        Self {
            name,
            user_agent: format!("machina-{name}/{version}"),
            guard: Guard::default(),
            redirects: 0,
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            max_body: 10 << 20,
            retry: RetryPolicy::default(),
            resolver: Arc::new(System),
        }
    }

    /// List the origin of a configured URL: its scheme and port are then allowed, and with
    /// [`Reach::Private`] also addresses that are not public.
    #[must_use]
    pub fn list(mut self, origin: &Url, reach: Reach) -> Self {
        self.guard.list(origin, reach);
        self
    }

    /// Follow up to three redirects of reads. Each passes the guard; credentials stay with the
    /// origin they are for.
    #[must_use]
    pub fn redirects(mut self, most: u8) -> Self {
        self.redirects = most.min(MAX_REDIRECTS);
        self
    }

    /// When to try again.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Read at most this much of a body, after decompression.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Find addresses in another way than the system does.
    #[must_use]
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }
}

/// One remote service: pooled connections, guarded, with a breaker for each of its hosts.
///
/// TLS and root certificates are set up by the first request: a server that is never asked does not
/// hold them.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    options: Options,
    guard: Arc<Guard>,
    watched: Arc<Watched>,
    http: OnceCell<reqwest::Client>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upstream").field(&self.0.options.name).finish()
    }
}

impl Upstreams {
    /// Add an upstream.
    pub fn add(&self, options: Options) -> Upstream {
        let guard = Arc::new(options.guard.clone());
        let watched = self.watch(options.name);
        Upstream(Arc::new(Inner { options, guard, watched, http: OnceCell::new() }))
    }
}

impl Upstream {
    /// Send a request, again where it may be repeated and that may help.
    ///
    /// # Errors
    /// The last attempt's failure. An answer of any status is none.
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let mut retry = self.retry(request);
        loop {
            let outcome = self.attempt(request).await;
            let after = match &outcome {
                Ok(answer) if is_passing(answer) => retry_after(&answer.headers, SystemTime::now()),
                Err(Failure::Lost | Failure::Timeout | Failure::Unreachable) => None,
                _ => return outcome,
            };
            let Some(pause) = retry.pause(after) else { return outcome };
            tokio::time::sleep(pause).await;
        }
    }

    /// The pauses between attempts at a request, for a caller that keeps the loop itself.
    pub fn retry(&self, request: &Request) -> Retry {
        Retry::new(self.0.options.retry, request.idempotent, self.end(request))
    }

    /// Send a request once.
    ///
    /// # Errors
    /// How the exchange ended without a status. An answer of any status is none.
    pub async fn attempt(&self, request: &Request) -> Result<Answer, Failure> {
        let outcome = self.follow(request).await;
        self.0.watched.count(label(&outcome));
        outcome
    }

    async fn follow(&self, request: &Request) -> Result<Answer, Failure> {
        let redirects = if request.method == Method::GET { self.0.options.redirects } else { 0 };
        let mut request = request.clone();
        for _ in 0..=redirects {
            let answer = self.hop(&request).await?;
            if redirects == 0 || !is_redirect(answer.status) {
                return Ok(answer);
            }
            let target = target(&request.url, &answer.headers);
            let target = target.ok_or(Failure::Refused(Refusal::Redirect))?;
            if target.origin() != request.url.origin() {
                request.headers = without_credentials(request.headers);
            }
            request.url = target;
        }
        Err(Failure::Refused(Refusal::Redirect))
    }

    /// One exchange with one host: guard, breaker, deadline, dial, cap.
    async fn hop(&self, request: &Request) -> Result<Answer, Failure> {
        if let Some(fault) = request.fault {
            return Err(Failure::Refused(fault));
        }
        self.0.guard.check_url(&request.url).map_err(Failure::Refused)?;
        let now = Instant::now();
        let breaker = self.0.watched.breaker(&host(&request.url), now);
        let permit = breaker.admit(now).map_err(Failure::Open)?;
        let outcome = self.exchange(request).await;
        if let Some(verdict) = verdict(&outcome) {
            permit.settle(verdict, Instant::now());
        }
        outcome
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, Failure> {
        let http = self.0.http.get_or_try_init(|| self.connect()).await?;
        let left = self.end(request).saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::NoTime);
        }
        let mut headers = request.headers.clone();
        if let Some(trace) = trace::current() {
            trace.hand_on(&mut headers);
        }
        let sent = http
            .request(request.method.clone(), request.url.clone())
            .headers(headers)
            .body(request.body.clone())
            .timeout(left);
        audit::mark_upstream();
        let mut response = sent.send().await.map_err(|error| failure(&error))?;
        let body = collect(&mut response, self.0.options.max_body).await;
        let status = response.status().as_u16();
        Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body })
    }

    /// When a request must have been answered.
    fn end(&self, request: &Request) -> Instant {
        let longest = Instant::now() + self.0.options.total_timeout;
        [deadline::end(), request.deadline].into_iter().flatten().fold(longest, Instant::min)
    }

    async fn connect(&self) -> Result<reqwest::Client, Failure> {
        let options = self.0.options.clone();
        let guard = Arc::clone(&self.0.guard);
        // Reads some hundred certificates from disk.
        let built = task::blocking(move || client(options, guard)).await;
        built
            .ok()
            .and_then(|built| {
                built
                    .inspect_err(|error| tracing::error!(%error, "no HTTP client can be built"))
                    .ok()
            })
            .ok_or(Failure::Unreachable)
    }
}

/// TLS by rustls on ring, with the system's root certificates, or Mozilla's where it has none; no
/// redirects, retries or proxy variables of the library's own; Nagle off.
fn client(options: Options, guard: Arc<Guard>) -> reqwest::Result<reqwest::Client> {
    // A second installation in one process is refused and harmless: the first is ring as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let checked = Arc::new(Checked { guard, resolver: options.resolver });
    let builder = || {
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let builder = reqwest::Client::builder();
        builder
            .user_agent(options.user_agent.clone())
            .connect_timeout(options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .dns_resolver(Arc::clone(&checked))
    };
    builder().build().or_else(|_| {
        let roots: rustls::RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots);
        builder().tls_backend_preconfigured(tls.with_no_client_auth()).build()
    })
}

/// The error's own text is never used: it holds the URL, and with it the caller's data.
fn failure(error: &reqwest::Error) -> Failure {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return Failure::Refused(*refusal);
        }
        source = cause.source();
    }
    if error.is_builder() {
        Failure::Refused(Refusal::Header)
    } else if error.is_connect() {
        Failure::Unreachable
    } else if error.is_timeout() {
        Failure::Timeout
    } else {
        Failure::Lost
    }
}

/// Read a body to its end, or to the cap.
async fn collect(response: &mut Response, cap: usize) -> Body {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |length| length > cap) {
        return Body::TooLarge;
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > cap => return Body::TooLarge,
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(body),
            Err(error) if error.is_timeout() => return Body::Late,
            Err(_) => return Body::Broken,
        }
    }
}

/// What an exchange says of its host. A refusal says nothing; any answer but a server error, a 429
/// too, says that it works.
fn verdict(outcome: &Result<Answer, Failure>) -> Option<Verdict> {
    match outcome {
        Ok(answer) if answer.status >= 500 => Some(Verdict::Fails),
        Ok(Answer { body: Body::Broken | Body::Late, .. }) => Some(Verdict::Fails),
        Ok(_) => Some(Verdict::Works),
        Err(Failure::Unreachable | Failure::Timeout | Failure::Lost) => Some(Verdict::Fails),
        Err(Failure::Refused(_) | Failure::Open(_) | Failure::NoTime) => None,
    }
}

/// Metric label of an attempt.
fn label(outcome: &Result<Answer, Failure>) -> &'static str {
    match outcome {
        Ok(answer) => match (answer.status, &answer.body) {
            (429, _) => "rate_limited",
            (500.., _) => "server_error",
            (400.., _) => "client_error",
            (_, Body::Whole(_)) => "ok",
            (_, Body::TooLarge) => "too_large",
            (_, Body::Late) => "timeout",
            (_, Body::Broken) => "lost",
        },
        Err(Failure::Refused(_)) => "refused",
        Err(Failure::Open(_)) => "open",
        Err(Failure::Unreachable) => "unreachable",
        Err(Failure::Timeout | Failure::NoTime) => "timeout",
        Err(Failure::Lost) => "lost",
    }
}

/// Whether the same request may succeed later.
fn is_passing(answer: &Answer) -> bool {
    matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504)
        || matches!(answer.body, Body::Broken | Body::Late)
}

fn is_redirect(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_redirection() && status != 304)
}

fn target(from: &Url, headers: &HeaderMap) -> Option<Url> {
    from.join(headers.get(LOCATION)?.to_str().ok()?).ok()
}

/// Drop what authenticates: named headers, and every one that was given as a secret.
fn without_credentials(headers: HeaderMap) -> HeaderMap {
    let mut name = None;
    let mut kept = HeaderMap::new();
    for (next, value) in headers {
        name = next.or(name);
        if let Some(name) = name
            .clone()
            .filter(|name| !value.is_sensitive() && name != AUTHORIZATION && name != COOKIE)
        {
            kept.append(name, value);
        }
    }
    kept
}

/// What a breaker stands for: a host and a port.
fn host(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}
