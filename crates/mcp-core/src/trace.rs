//! The distributed trace that a call is part of (W3C Trace Context): read from `_meta` or from HTTP
//! headers, told in logs and audit lines, handed on to upstreams.
//!
//! `_meta` goes before the headers: over HTTP these may be a proxy's, and on stdio there are none.
//! What does not follow the grammar is ignored, as if nothing had come. A call without a trace pays
//! for two look-ups.

use std::{fmt, future::Future, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use rmcp::{RoleServer, service::RequestContext};
use tracing::Instrument;

use crate::pipeline::call::RequestId;

/// Name of the header, and of the key in `_meta`.
pub(crate) const PARENT: HeaderName = HeaderName::from_static("traceparent");
/// Beside it: what the vendors on the way have to say. Never read, only handed on.
pub(crate) const STATE: HeaderName = HeaderName::from_static("tracestate");
/// Most characters of a state that is handed on, and most of its members.
const MAX_STATE: usize = 512;
const MAX_MEMBERS: usize = 32;
/// Flags that have a meaning: sampled, random.
const FLAGS: u8 = 0b11;

tokio::task_local! {
    static CURRENT: Trace;
}

/// A trace, and this server's place in it.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) id: TraceId,
    /// The caller's span; `None` where the trace begins here.
    pub(crate) parent: Option<SpanId>,
    /// The span of this call.
    pub(crate) own: SpanId,
    flags: u8,
    state: Option<Arc<str>>,
}

/// Names a trace: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId(pub(crate) [u8; 16]);

/// Names one piece of work in a trace: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanId(pub(crate) [u8; 8]);

impl Trace {
    /// The trace of a message, or of what a task does after it.
    pub(crate) fn of(context: &RequestContext<RoleServer>) -> Option<Self> {
        if let Some(call) = context.extensions.get::<Self>() {
            return call.child();
        }
        let told = context.meta.get_traceparent();
        told.and_then(|parent| Self::read(parent, context.meta.get_tracestate())).or_else(|| {
            Self::of_headers(&context.extensions.get::<http::request::Parts>()?.headers)
        })
    }

    /// The trace of a request, by its headers.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(PARENT).iter();
        let parent = parents.next()?.to_str().ok().filter(|_| parents.next().is_none())?;
        let states: Result<Vec<&str>, _> =
            headers.get_all(STATE).iter().map(HeaderValue::to_str).collect();
        let states = states.map(|states| states.join(",")).unwrap_or_default();
        Self::read(parent, Some(&states))
    }

    fn read(parent: &str, state: Option<&str>) -> Option<Self> {
        let (id, parent, flags) = parse(parent)?;
        let state = state.filter(|state| is_state(state)).map(Arc::from);
        Some(Self { id, parent: Some(parent), own: SpanId::random()?, flags, state })
    }

    /// A trace that begins here, to be recorded.
    #[cfg(feature = "otlp")]
    pub(crate) fn root() -> Option<Self> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).ok()?;
        id[15] |= u8::from(id == [0; 16]);
        Some(Self {
            id: TraceId(id),
            parent: None,
            own: SpanId::random()?,
            flags: FLAGS,
            state: None,
        })
    }

    /// A span below this one, of what goes on after it.
    pub(crate) fn child(&self) -> Option<Self> {
        Some(Self { parent: Some(self.own), own: SpanId::random()?, ..self.clone() })
    }

    /// Whether whoever began the trace wants it recorded.
    #[cfg(feature = "otlp")]
    pub(crate) fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// What an upstream of this call is told.
    pub(crate) fn hand_on(&self, headers: &mut HeaderMap) {
        let parent = format!("00-{}-{}-{:02x}", self.id, self.own, self.flags);
        if let Ok(parent) = HeaderValue::from_str(&parent) {
            headers.insert(PARENT, parent);
        }
        let state = self.state.as_deref().and_then(|state| HeaderValue::from_str(state).ok());
        if let Some(state) = state {
            headers.insert(STATE, state);
        }
    }
}

/// The trace of the call that runs here.
pub(crate) fn current() -> Option<Trace> {
    CURRENT.try_with(Trace::clone).ok()
}

/// Run a call as part of its trace: every log line in it carries the trace's id.
pub(crate) async fn within<T>(
    trace: Option<&Trace>,
    id: &RequestId,
    work: impl Future<Output = T>,
) -> T {
    let Some(trace) = trace else { return work.await };
    // At the level of errors, so that a filter which lets their lines pass lets it pass too.
    let (trace_id, request_id) = (tracing::field::display(trace.id), id.as_str());
    let parent_id = trace.parent.map(tracing::field::display);
    let span = tracing::error_span!("trace", trace_id, parent_id, request_id);
    CURRENT.scope(trace.clone(), work).instrument(span).await
}

/// `traceparent`: version, trace, span and flags in lower-case hexadecimal. Of a version to come the
/// part that is known counts.
fn parse(text: &str) -> Option<(TraceId, SpanId, u8)> {
    let bytes = text.as_bytes();
    let (known, more) = bytes.split_at_checked(55)?;
    let mut parts = known.split(|byte| *byte == b'-');
    let mut part = || parts.next();
    let [version] = hex(part()?)?;
    let (id, parent, [flags]) = (hex(part()?)?, hex(part()?)?, hex(part()?)?);
    let length = match version {
        0 => more.is_empty(),
        0xff => false,
        _ => more.is_empty() || more.starts_with(b"-"),
    };
    let good = length && part().is_none() && id != [0; 16] && parent != [0; 8];
    good.then_some((TraceId(id), SpanId(parent), flags & FLAGS))
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let lower = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let mut bytes = [0; N];
    (text.iter().all(lower) && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

/// `tracestate`: members `key=value`, separated by commas.
fn is_state(text: &str) -> bool {
    let mut keys = Vec::new();
    let members = text.split(',').map(|member| member.trim_matches([' ', '\t']));
    let good = members.filter(|member| !member.is_empty()).all(|member| {
        let Some((key, value)) = member.split_once('=') else { return false };
        let new = !keys.contains(&key);
        keys.push(key);
        new && is_key(key) && is_value(value)
    });
    text.len() <= MAX_STATE && good && (1..=MAX_MEMBERS).contains(&keys.len())
}

fn is_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=256).contains(&key.len())
        && key.bytes().next().is_some_and(plain)
        && key.bytes().all(|byte| plain(byte) || b"_-*/@".contains(&byte))
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
}

impl SpanId {
    /// A new one; `None` when the system gives no randomness.
    fn random() -> Option<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).ok()?;
        // Zero means none.
        bytes[7] |= u8::from(bytes == [0; 8]);
        Some(Self(bytes))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_grammar_is_w3c_s() {
        let (id, parent, flags) = parse(GOOD).unwrap();
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((parent.to_string().as_str(), flags), ("00f067aa0ba902b7", 1));
        let later = GOOD.replacen("00-", "cc-", 1);
        assert!(parse(&later).is_some() && parse(&format!("{later}-more")).is_some());
        assert_eq!(parse(&GOOD.replace("-01", "-ff")).unwrap().2, FLAGS);
        for wrong in [
            "",
            "00-",
            &format!("{GOOD}-more"),
            &format!("{later}more"),
            &format!(" {GOOD}"),
            &GOOD.replacen("00-", "ff-", 1),
            &GOOD.replacen("00-", "0-", 1),
            &GOOD.replacen("4bf9", "4BF9", 1),
            &GOOD.replacen("4bf9", "4bg9", 1),
            &GOOD.replacen("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32), 1),
            &GOOD.replacen("00f067aa0ba902b7", &"0".repeat(16), 1),
            &GOOD.replacen("00f067aa0ba902b7", "00f067aa0ba902b", 1),
            &GOOD.replace('-', "_"),
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_state_is_members_of_key_and_value() {
        let many =
            |count: usize| (0..count).map(|key| format!("k{key}=v")).collect::<Vec<_>>().join(",");
        for good in ["a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a@b=x y, c=d ,,", &many(32)]
        {
            assert!(is_state(good), "{good}");
        }
        let long = format!("a={}", "x".repeat(256));
        for wrong in
            ["", ",", "a", "a=", "=1", "A=1", "a=1,a=2", "a=b=c", "a=\u{e9}", "a=\n", &many(33)]
        {
            assert!(!is_state(wrong), "{wrong}");
        }
        assert!(is_state(&long) && !is_state(&format!("{long}x")));
        assert!(!is_state(&format!("{long},b={}", "x".repeat(256))), "513 characters and more");
    }

    #[test]
    fn two_parents_are_none_and_states_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append(PARENT, HeaderValue::from_static(GOOD));
        headers.append(STATE, HeaderValue::from_static("a=1"));
        headers.append(STATE, HeaderValue::from_static("b=2"));
        let trace = Trace::of_headers(&headers).unwrap();
        assert_eq!(trace.state.as_deref(), Some("a=1,b=2"));
        assert_ne!(Some(trace.own), trace.parent);
        headers.append(STATE, HeaderValue::from_static("b=3"));
        assert!(Trace::of_headers(&headers).unwrap().state.is_none(), "a bad state alone is left");
        headers.append(PARENT, HeaderValue::from_static(GOOD));
        assert!(Trace::of_headers(&headers).is_none());
    }

    proptest! {
        #[test]
        fn what_is_handed_on_is_read_again(
            id in prop::array::uniform16(any::<u8>()),
            parent in prop::array::uniform8(any::<u8>()),
            flags in any::<u8>(),
            state in "[a-z0-9_@=, \t~]{0,40}",
        ) {
            let text = format!("00-{}-{}-{flags:02x}", hex::encode(id), hex::encode(parent));
            let trace = Trace::read(&text, Some(&state));
            prop_assert_eq!(trace.is_some(), id != [0; 16] && parent != [0; 8]);
            if let Some(trace) = trace {
                let mut headers = HeaderMap::new();
                trace.hand_on(&mut headers);
                let next = Trace::of_headers(&headers).unwrap();
                prop_assert_eq!(next.id, trace.id);
                prop_assert_eq!(next.parent, Some(trace.own));
                prop_assert_eq!(next.state, trace.state);
                prop_assert_eq!(next.flags, flags & FLAGS);
            }
        }

        #[test]
        fn no_text_breaks_it(parent in ".{0,80}", state in ".{0,80}") {
            if let Some(trace) = Trace::read(&parent, Some(&state)) {
                prop_assert!(trace.id.0 != [0; 16]);
            }
        }
    }
}
