//! The JSON-RPC envelope, read once and strictly, before any SDK sees the message.
//!
//! Both transports use it: a message that is not one well-formed JSON-RPC 2.0 request,
//! notification or response gets a JSON-RPC error, and no parser's text reaches the caller.

use std::{borrow::Cow, sync::LazyLock};

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

/// Deepest nesting of a message, as `serde_json` will read it.
pub const MAX_DEPTH: usize = 128;

/// What the front must know of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<'a> {
    /// Its id; `None` for a notification.
    pub id: Option<Value>,
    /// Its method; `None` for a response.
    pub method: Option<Cow<'a, str>>,
    /// Name of the tool, in a `tools/call`.
    pub tool: Option<Cow<'a, str>>,
    /// Its parameters, as they were written.
    pub params: Option<&'a str>,
    /// Whether the caller wants progress notifications.
    pub wants_progress: bool,
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// JSON-RPC error code.
    pub code: i32,
    /// JSON-RPC error message.
    pub message: &'static str,
    /// The message's id, where it could be read.
    pub id: Option<Value>,
}

impl Fault {
    const fn parse() -> Self {
        Self { code: -32_700, message: "parse error: the message is not valid JSON", id: None }
    }

    const fn too_deep() -> Self {
        Self { code: -32_700, message: "parse error: nested deeper than 128 levels", id: None }
    }

    const fn invalid(message: &'static str) -> Self {
        Self { code: -32_600, message, id: None }
    }

    /// The fault as a JSON-RPC response.
    pub fn to_json(&self) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id, "error": {"code": self.code, "message": self.message}})
    }
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Tell `"id": null` from no id at all.
fn present<'de, D>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Read the envelope of one message.
///
/// # Errors
/// -32700 when it is not JSON or nested too deeply; -32600 when it is a batch or not a JSON-RPC 2.0
/// message.
pub fn parse(bytes: &[u8]) -> Result<Envelope<'_>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::parse())?;
    if opened(bytes) > MAX_DEPTH && depth(bytes) > MAX_DEPTH {
        return Err(Fault::too_deep());
    }
    match text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).as_bytes().first() {
        Some(b'{') => {}
        Some(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
            return Err(Fault::invalid("invalid request: one JSON-RPC object a message, no batch"));
        }
        _ => return Err(Fault::parse()),
    }
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            Fault::invalid("invalid request: a member of the envelope occurs twice")
        }
        _ => Fault::parse(),
    })?;
    check(&raw)
}

fn check<'a>(raw: &Raw<'a>) -> Result<Envelope<'a>, Fault> {
    let id = raw.id.map(id_of).transpose()?;
    let fault = |message| Fault { id: id.clone(), ..Fault::invalid(message) };
    if raw.jsonrpc.and_then(text_of).as_deref() != Some("2.0") {
        return Err(fault("invalid request: `jsonrpc` must be \"2.0\""));
    }
    let method = match raw.method {
        Some(method) => Some(
            text_of(method).ok_or_else(|| fault("invalid request: `method` must be a string"))?,
        ),
        None if raw.result.is_some() || raw.error.is_some() => None,
        None => return Err(fault("invalid request: `method` is missing")),
    };
    let structured = |params: &RawValue| params.get().starts_with(['{', '[']);
    if raw.params.is_some_and(|params| !structured(params)) {
        return Err(fault("invalid request: `params` must be an object"));
    }
    let wants_progress = raw.params.is_some_and(wants_progress);
    let tool = match &method {
        Some(method) if method == "tools/call" => raw.params.and_then(name_of),
        _ => None,
    };
    let params = raw.params.map(RawValue::get);
    Ok(Envelope { id, method, tool, params, wants_progress })
}

/// `name` of the parameters, where they have one.
fn name_of(params: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        name: Option<&'a RawValue>,
    }
    serde_json::from_str::<Params<'_>>(params.get()).ok()?.name.and_then(text_of)
}

fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    // What stands between the quotes is the text where nothing is escaped.
    let plain = raw.get().strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    if let Some(text) = plain.filter(|text| !text.as_bytes().contains(&b'\\')) {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned)
}

/// A string or an integer; JSON-RPC's null and fractions are not ids in MCP.
fn id_of(raw: &RawValue) -> Result<Value, Fault> {
    match serde_json::from_str(raw.get()) {
        Ok(id @ Value::String(_)) => Ok(id),
        Ok(Value::Number(id)) if id.is_i64() => Ok(Value::Number(id)),
        _ => Err(Fault::invalid("invalid request: `id` must be a string or an integer")),
    }
}

fn wants_progress(params: &RawValue) -> bool {
    static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("progressToken"));
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "progressToken")]
        token: Option<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "_meta")]
        meta: Option<Meta>,
    }
    NAME.find(params.get().as_bytes()).is_some()
        && serde_json::from_str::<Params>(params.get())
            .is_ok_and(|params| params.meta.is_some_and(|meta| meta.token.is_some()))
}

/// How many brackets open, in texts too: an upper bound of the depth, found many bytes at a time.
fn opened(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| matches!(byte, b'{' | b'[')).count()
}

/// Deepest nesting of arrays and objects. `serde_json` skips values without counting, so that a
/// message too deep for the SDK would pass it here.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> i32 {
        parse(text.as_bytes()).expect_err(text).code
    }

    #[test]
    fn a_request_a_notification_and_a_response_pass() {
        let request =
            parse(br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x"}}"#);
        let request = request.unwrap();
        assert_eq!((request.id, request.method.as_deref()), (Some(json!(7)), Some("tools/call")));
        let notification =
            parse(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).unwrap();
        assert_eq!(notification.id, None);
        assert_eq!(parse(br#"{"jsonrpc":"2.0","id":"a","result":{}}"#).unwrap().method, None);
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for text in ["", "{", "{\"jsonrpc\":\"2.0\",", "hello", "{'a':1}", "{\"a\":NaN}", "\u{1}"] {
            assert_eq!(code(text), -32_700, "{text}");
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}").unwrap_err().code, -32_700);
    }

    #[test]
    fn what_is_not_one_json_rpc_message_is_an_invalid_request() {
        for text in [
            "[]",
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            "7",
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":3}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        ] {
            assert_eq!(code(text), -32_600, "{text}");
        }
        assert_eq!(
            parse(br#"{"jsonrpc":"1.0","id":4,"method":"x"}"#).unwrap_err().id,
            Some(json!(4))
        );
    }

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count() {
        let deep = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{open}{close}}}}}"#)
        };
        assert!(parse(deep(126).as_bytes()).is_ok());
        assert_eq!(code(&deep(127)), -32_700);
        assert_eq!(code(&deep(10_000)), -32_700);
        let text = format!(r#"{{"jsonrpc":"2.0","id":"{}\"[","method":"x"}}"#, "[".repeat(500));
        assert!(parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn sees_whether_progress_is_wanted() {
        let with =
            br#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progressToken":0}}}"#;
        let without = br#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"progressToken"}}"#;
        assert!(parse(with).unwrap().wants_progress);
        assert!(!parse(without).unwrap().wants_progress);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&bytes));
        }

        #[test]
        fn no_json_breaks_it(text in r#"[\[\]{}":,0-9a-z\\ ]{0,80}"#) {
            if let Ok(envelope) = parse(text.as_bytes()) {
                prop_assert!(envelope.method.is_some() || envelope.id.is_some() || text.contains("result") || text.contains("error"));
            }
        }
    }
}
