//! The client against upstreams that misbehave, over real sockets on loopback.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_util::task::AbortOnDropHandle;

use super::{breaker::FAILURES, *};
use crate::{Kind, ProbeState, ToolError, deadline};

const FAST: RetryPolicy =
    RetryPolicy { attempts: 4, first: Duration::from_millis(1), longest: Duration::from_millis(2) };

/// A server that answers each request with the next text of a script, the last one for ever, and
/// closes. An empty text is a connection that breaks; none at all, one that stays silent.
pub(super) struct Fake {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    _task: AbortOnDropHandle<()>,
}

impl Fake {
    pub(super) async fn start(script: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::at("127.0.0.1:0", script).await.expect("a free port")
    }

    async fn at(place: &str, script: impl IntoIterator<Item = Vec<u8>>) -> io::Result<Self> {
        let listener = TcpListener::bind(place).await?;
        let address = listener.local_addr()?;
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let (log, count) = (Arc::clone(&seen), Arc::clone(&connections));
        let mut script: VecDeque<_> = script.into_iter().collect();
        let serve = async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let step =
                    if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
                let Some(text) = request(&mut stream).await else { continue };
                log.lock().expect("log").push(text);
                match step {
                    None => open.push(stream),
                    Some(answer) => drop(stream.write_all(&answer).await),
                }
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a test's server")]
        let task = AbortOnDropHandle::new(tokio::spawn(serve));
        Ok(Self { address, seen, connections, _task: task })
    }

    pub(super) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().expect("URL")
    }

    /// A client for which the fake is an address that the operator chose.
    pub(super) fn client(&self, change: impl FnOnce(Options) -> Options) -> Upstream {
        let options = Options::new("fake", "1").list(&self.url("/"), Reach::Private).retry(FAST);
        Upstreams::default().add(change(options))
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("log").clone()
    }
}

/// The head of one request.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut chunk = [0; 1024];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(chunk.get(..read)?);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Addresses by the order of the lookups; the last answer repeats.
#[derive(Debug)]
struct Changing(Mutex<VecDeque<Vec<IpAddr>>>);

impl Changing {
    fn new<const N: usize>(answers: [&[&str]; N]) -> Arc<Self> {
        let parse = |list: &[&str]| list.iter().map(|ip| ip.parse().expect("address")).collect();
        Arc::new(Self(Mutex::new(answers.into_iter().map(parse).collect())))
    }
}

impl Resolver for Changing {
    fn lookup(&self, _host: &str) -> Lookup {
        let mut answers = self.0.lock().expect("answers");
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(std::future::ready(Ok(next.unwrap_or_default())))
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_leads_nowhere_new() {
    let allowed = Fake::start([answer(200, "", b"ok")]).await;
    let port = allowed.address.port();
    let Ok(denied) = Fake::at(&format!("127.0.0.2:{port}"), [answer(200, "", b"no")]).await else {
        eprintln!("skipped: this system has one loopback address");
        return;
    };
    let url: Url = format!("http://rebind.example:{port}/").parse().expect("URL");
    // The mapped form is denied to every host; dialled, it would reach the second listener.
    let (good, bad) = ("127.0.0.1", "::ffff:127.0.0.2");
    let resolver =
        Changing::new([&[good], &[bad], &[bad, "169.254.169.254"], &[bad, good], &[bad]]);
    let client = allowed.client(|options| options.list(&url, Reach::Private).resolver(resolver));
    let once = async || client.attempt(&Request::get(url.clone())).await;

    assert_eq!(once().await.expect("the first answer").body, Body::Whole(b"ok".to_vec()));
    for _ in 0..2 {
        assert_eq!(once().await.expect_err("rebound"), Failure::Refused(Refusal::Address));
    }
    assert_eq!(once().await.expect("the checked one of two").status, 200);
    assert_eq!(once().await.expect_err("rebound"), Failure::Refused(Refusal::Address));
    assert_eq!((allowed.connections(), denied.connections()), (2, 0));
    drop(TcpStream::connect(denied.address).await.expect("the listener counts what reaches it"));
}

#[tokio::test]
async fn a_public_name_with_a_private_address_is_not_dialled() {
    let inside = Fake::start([answer(200, "", b"secret")]).await;
    let port = inside.address.port();
    let url: Url = format!("http://public.example:{port}/").parse().expect("URL");
    let resolver = Changing::new([&["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"]]);
    let options = Options::new("fake", "1").list(&url, Reach::Public).resolver(resolver);
    let client = Upstreams::default().add(options);
    for target in [url, inside.url("/")] {
        let failure = client.send(&Request::get(target)).await.expect_err("refused");
        assert!(matches!(failure, Failure::Refused(_)), "{failure:?}");
        assert_eq!(ToolError::from(failure).code(), "address_refused");
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_unless_it_is_to_be_followed() {
    let moved = answer(302, "Location: http://169.254.169.254/latest\r\n", b"");
    let fake = Fake::start([moved]).await;
    let answer = fake.client(|o| o).send(&Request::get(fake.url("/"))).await.expect("an answer");
    assert_eq!((answer.status, fake.connections()), (302, 1));
    let following = fake.client(|options| options.redirects(3));
    let failure = following.send(&Request::get(fake.url("/"))).await.expect_err("refused");
    assert_eq!((failure, fake.connections()), (Failure::Refused(Refusal::Scheme), 2));
    let post = Request::post(fake.url("/"), "text/plain", "x");
    assert_eq!(following.send(&post).await.expect("an answer").status, 302);
}

#[tokio::test]
async fn redirects_are_few_and_credentials_stay_with_their_origin() {
    let other = Fake::start([answer(200, "", b"there")]).await;
    let away = answer(302, &format!("Location: {}\r\n", other.url("/end")), b"");
    let home = Fake::start([answer(307, "Location: /second\r\n", b""), away]).await;
    let client = home.client(|o| o.redirects(3).list(&other.url("/"), Reach::Private));
    let request = Request::get(home.url("/first"))
        .bearer("t0ken")
        .secret_header("x-key", &"s3cret".to_owned().into())
        .header("x-plain", "kept");
    assert_eq!(client.send(&request).await.expect("there").body, Body::Whole(b"there".to_vec()));
    let (home, other) = (home.seen(), other.seen());
    assert!(home.len() == 2 && home.iter().all(|seen| seen.contains("t0ken")), "{home:?}");
    assert!(home.iter().all(|seen| seen.contains("s3cret")));
    assert!(!other[0].contains("t0ken") && !other[0].contains("s3cret"), "{other:?}");
    assert!(other[0].starts_with("GET /end ") && other[0].contains("x-plain: kept"));

    let circle = Fake::start([answer(302, "Location: /\r\n", b"")]).await;
    let client = circle.client(|options| options.redirects(9));
    let failure = client.send(&Request::get(circle.url("/"))).await.expect_err("a circle");
    assert_eq!((failure, circle.connections()), (Failure::Refused(Refusal::Redirect), 4));
}

#[tokio::test]
async fn only_what_may_be_repeated_is() {
    for status in [429, 503] {
        let fake = Fake::start([answer(status, "", b""), answer(200, "", b"")]).await;
        let write = Request::post(fake.url("/"), "text/plain", "x");
        let client = fake.client(|o| o);
        assert_eq!(client.send(&write).await.expect("an answer").status, status);
        assert_eq!(client.send(&write.idempotent()).await.expect("an answer").status, 200);
        assert_eq!(fake.connections(), 2);
        let fake = Fake::start([answer(status, "", b""), answer(200, "", b"")]).await;
        let client = fake.client(|o| o);
        assert_eq!(client.send(&Request::get(fake.url("/"))).await.expect("an answer").status, 200);
    }
    let fake = Fake::start([vec![]]).await;
    let write = Request::post(fake.url("/"), "text/plain", "x");
    let client = fake.client(|o| o);
    assert_eq!(client.send(&write).await.expect_err("lost"), Failure::Lost);
    assert_eq!(fake.connections(), 1);
    assert_eq!(client.send(&write.idempotent()).await.expect_err("lost"), Failure::Lost);
    assert_eq!(fake.connections(), 5);
}

#[tokio::test]
async fn the_upstreams_pause_is_kept_or_handed_on() {
    let limited = answer(429, "Retry-After: 1\r\n", b"");
    let fake = Fake::start([limited, answer(200, "", b"")]).await;
    let begun = Instant::now();
    let request = Request::get(fake.url("/"));
    assert_eq!(fake.client(|o| o).send(&request).await.expect("an answer").status, 200);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let fake = Fake::start([answer(429, "Retry-After: 60\r\n", b"")]).await;
    let answer = fake.client(|o| o).send(&Request::get(fake.url("/"))).await.expect("an answer");
    assert_eq!((answer.status, fake.connections()), (429, 1));
}

#[tokio::test]
async fn a_call_that_ends_ends_its_exchange() {
    let fake = Fake::start([]).await;
    let client = fake.client(|o| o);
    let within = |millis| Instant::now() + Duration::from_millis(millis);
    let request = Request::get(fake.url("/"));
    // The first one also sets up TLS.
    let outcome = deadline::within(within(2_000), client.attempt(&request)).await;
    assert_eq!(outcome.expect_err("late"), Failure::Timeout);
    let outcome = deadline::within(within(200), client.send(&request)).await;
    assert_eq!(outcome.expect_err("late"), Failure::Timeout);
    let outcome = client.send(&request.clone().before(within(200))).await;
    assert_eq!(outcome.expect_err("late"), Failure::Timeout);
    let outcome = client.attempt(&request.before(within(0))).await;
    assert_eq!((outcome.expect_err("over"), fake.connections()), (Failure::NoTime, 3));
}

#[tokio::test]
async fn a_body_is_read_to_its_cap_and_no_further() {
    let cap = |options: Options| options.max_body(1000);
    let whole = Fake::start([answer(200, "", &[b'x'; 1000])]).await;
    let got = whole.client(cap).send(&Request::get(whole.url("/"))).await.expect("an answer");
    assert_eq!(got.body, Body::Whole(vec![b'x'; 1000]));

    let announced = Fake::start([answer(200, "", &[b'x'; 1001])]).await;
    let head = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = [b"190\r\n", [b'x'; 400].as_slice(), b"\r\n"].concat();
    let endless = Fake::start([[head, chunk.repeat(3).as_slice()].concat()]).await;
    let broken = Fake::start([[head, chunk.as_slice()].concat()]).await;
    let got = announced.client(cap).send(&Request::get(announced.url("/"))).await.expect("answer");
    assert_eq!(got.body, Body::TooLarge);
    let got = endless.client(cap).attempt(&Request::get(endless.url("/"))).await.expect("answer");
    assert_eq!(got.body, Body::TooLarge);
    let got = broken.client(cap).attempt(&Request::get(broken.url("/"))).await.expect("answer");
    assert_eq!(got.body, Body::Broken);

    // 64 KiB of zeros in 95 bytes: the cap holds for what comes out.
    let bomb = Fake::start([answer(200, "Content-Encoding: gzip\r\n", BOMB)]).await;
    let got = bomb.client(cap).send(&Request::get(bomb.url("/"))).await.expect("an answer");
    assert_eq!(got.body, Body::TooLarge);
    let got = bomb.client(|o| o).send(&Request::get(bomb.url("/"))).await.expect("an answer");
    assert_eq!(got.body, Body::Whole(vec![0; 65_536]));
}

#[tokio::test]
async fn a_dead_upstream_is_left_alone_and_said_so() {
    let fake = Fake::start([answer(500, "", b"stack trace /etc/passwd")]).await;
    let upstreams = Upstreams::default();
    let options = Options::new("fake", "1").list(&fake.url("/"), Reach::Private);
    let client = upstreams.add(options.retry(FAST));
    let request = Request::get(fake.url("/?query=private"));
    assert_eq!(upstreams.probes()[0].state, ProbeState::Up);
    for _ in 0..FAILURES {
        assert_eq!(client.attempt(&request).await.expect("an answer").status, 500);
    }
    let failure = client.send(&request).await.expect_err("open");
    assert!(matches!(failure, Failure::Open(left) if left <= breaker::OPEN), "{failure:?}");
    let error = ToolError::from(failure);
    assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "upstream_unavailable"));
    let told = error.to_json().to_string();
    assert!(
        told.contains("retry_after_ms") && !told.contains("private") && !told.contains("127.0")
    );
    assert_eq!(fake.connections(), FAILURES);

    let probe = &upstreams.probes()[0];
    assert_eq!((probe.name, probe.required, probe.state), ("fake", false, ProbeState::Down));
    let mut metrics = String::new();
    upstreams.encode(&mut metrics).expect("text");
    for line in [
        r#"machina_upstream_requests_total{upstream="fake",outcome="server_error"} 10"#,
        r#"machina_upstream_requests_total{upstream="fake",outcome="open"} 1"#,
        r#"machina_upstream_breaker{upstream="fake"} 2"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let requests = serde_json::json!({"server_error": 10, "open": 1});
    let told = serde_json::json!({"fake": {"breaker": "open", "requests": requests}});
    assert_eq!(upstreams.figures(), told);
    assert_eq!(Upstreams::default().figures(), serde_json::Value::Null);
}

#[tokio::test]
async fn limits_and_refusals_open_nothing() {
    let fake = Fake::start([answer(429, "", b"")]).await;
    let client = fake.client(|o| o.redirects(1));
    for _ in 0..3 * FAILURES {
        let answer = client.attempt(&Request::get(fake.url("/"))).await.expect("an answer");
        assert_eq!(answer.status, 429);
        let odd = Request::get(fake.url("/")).header("x-odd", "a\nb");
        let failure = client.attempt(&odd).await.expect_err("refused");
        assert_eq!(failure, Failure::Refused(Refusal::Header));
    }
    assert_eq!(fake.connections(), 3 * FAILURES);
}

#[tokio::test]
async fn a_request_prints_neither_secret_nor_query() {
    let url = "https://api.example/path?token=hidden".parse().expect("URL");
    let request = Request::post(url, "text/plain", "hidden body").bearer("hidden");
    let shown = format!("{request:?}");
    assert!(shown.contains("api.example") && !shown.contains("hidden"), "{shown}");
}

const BOMB: &[u8] = include_bytes!("../../data/zeros.gz");

#[tokio::test]
async fn an_upstream_is_told_of_the_trace_of_its_call_and_of_none_outside_one() {
    use crate::{pipeline::call::RequestId, trace};

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let fake = Fake::start([answer(200, "", b"")]).await;
    let client = fake.client(|o| o);
    let request = Request::get(fake.url("/")).header("tracestate", "own=1");
    client.attempt(&request).await.expect("an answer");
    let mut headers = header::HeaderMap::new();
    let parent = format!("00-{ID}-00f067aa0ba902b7-01").parse().expect("a value");
    headers.insert("traceparent", parent);
    headers.insert("tracestate", "a=1,b=2".parse().expect("a value"));
    let trace = trace::Trace::of_headers(&headers).expect("a trace");
    let sent = trace::within(Some(&trace), &RequestId::next(), client.attempt(&request)).await;
    sent.expect("an answer");
    let [outside, inside] = fake.seen().try_into().expect("two requests");
    assert!(!outside.contains("traceparent"), "{outside}");
    let own = format!("traceparent: 00-{ID}-{}-01\r\n", trace.own);
    assert!(inside.contains(&own), "{inside}");
    assert!(inside.contains("tracestate: a=1,b=2\r\n") && !inside.contains("own=1"), "{inside}");
}
