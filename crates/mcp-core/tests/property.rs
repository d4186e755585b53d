//! Properties of what reads bytes from outside. `PROPTEST_CASES` sets how many cases each gets: 256 by
//! default, a million in `scripts/nightly fuzz`.

#![expect(clippy::unwrap_used, reason = "what cannot be set up has failed")]

use std::sync::LazyLock;

use mcp_core::{
    config::{CoreConfig, Environment, Flags, NoConfig, load},
    envelope, fleet,
    transport::stdio::Stdio,
};
use proptest::{prelude::*, sample::Index};
use rmcp::{
    ErrorData,
    model::{JsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// One for all cases: a million directories are what took the time.
static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// Messages that are right, to be spoiled.
const MESSAGES: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":{"a":[1,{"b":"c"}]}}}"#,
    r#"{"jsonrpc":"2.0","id":"s","method":"tools/list","params":{"_meta":{"progressToken":1}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{"x":"\u00e4\ud83d\ude00"}}"#,
    r#"{"jsonrpc":"2.0","id":-5,"error":{"code":-32601,"message":"no"}}"#,
];

/// Pieces that turn a message into another one.
const PIECES: &[&str] = &[
    "null",
    "1e400",
    "-0",
    "1.5",
    "\"\"",
    "{}",
    "[]",
    "[[[[",
    "}}",
    "\\u0000",
    "\\ud800",
    "\"id\":2,",
    "\"jsonrpc\":\"1.0\",",
    "\u{feff}",
    " ",
    "\n",
    "\u{202e}",
    ",",
    ":",
    "\"",
    "\\",
    "/*x*/",
    "NaN",
    "true",
    "\u{0}",
];

/// A message with some bytes taken out, put in or changed.
fn spoiled() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<Index>(), any::<Index>(), 0..4_u8, any::<u8>()), 0..6);
    (any::<Index>(), edits).prop_map(|(message, edits)| {
        let mut bytes = message.get(MESSAGES).as_bytes().to_vec();
        for (place, piece, kind, byte) in edits {
            let at = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..at, piece.get(PIECES).bytes())),
                2 if at < bytes.len() => bytes[at] = byte,
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    })
}

/// Whether a message is one JSON-RPC 2.0 message, said in another way than the parser's.
fn is_message(value: &Value) -> bool {
    let id = value.get("id");
    let id_fits = id.is_none_or(|id| id.is_string() || id.is_i64());
    let kind = match value.get("method") {
        Some(method) => method.is_string(),
        None => value.get("result").or(value.get("error")).is_some_and(|part| !part.is_null()),
    };
    let params = value
        .get("params")
        .is_none_or(|params| params.is_object() || params.is_array() || params.is_null());
    value["jsonrpc"] == "2.0" && id_fits && kind && params
}

proptest! {
    /// What the envelope admits is a message, and what is none it refuses with a code that fits.
    #[test]
    fn the_envelope_admits_messages_only(bytes in spoiled()) {
        let whole = serde_json::from_slice::<Value>(&bytes);
        match envelope::parse(&bytes) {
            Ok(envelope) => {
                // Numbers that no machine holds, and lone surrogates, are left to who reads the values.
                if let Ok(value) = &whole {
                    prop_assert!(is_message(value), "{value}");
                    prop_assert_eq!(envelope.id.as_ref(), value.get("id"));
                    prop_assert_eq!(envelope.method.as_deref(), value["method"].as_str());
                }
            }
            Err(fault) => {
                prop_assert!([-32_700, -32_600].contains(&fault.code));
                let text = fault.to_json().to_string();
                prop_assert!(!text.contains("line 1") && !text.contains("expected"), "{}", text);
                if fault.code == -32_700 && envelope_depth(&bytes) <= envelope::MAX_DEPTH {
                    prop_assert!(whole.is_err(), "valid JSON called invalid: {:?}", String::from_utf8_lossy(&bytes));
                }
            }
        }
    }

    /// Depth is counted exactly, wherever the brackets are.
    #[test]
    fn the_envelope_counts_depth(levels in 1_usize..300, text in "[\\[{]{0,300}", objects in any::<bool>()) {
        let (open, close) = if objects { ("{\"a\":", "}") } else { ("[", "]") };
        let inner = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        let message = json!({"jsonrpc": "2.0", "id": text, "method": "x", "params": "HERE"});
        let message = message.to_string().replacen("\"HERE\"", &inner, 1);
        let admitted = envelope::parse(message.as_bytes()).is_ok();
        prop_assert_eq!(admitted, levels < envelope::MAX_DEPTH);
    }

    /// No file and no variable breaks the loader; what it accepts it accepts again as it shows it.
    #[test]
    fn the_loader_accepts_or_names_what_is_wrong(settings in settings(), junk in "[\\[\\]=\"'#a-z_.0-9\n -]{0,40}", use_junk in prop::bool::weighted(0.2)) {
        let path = DIRECTORY.path().join("machina.toml");
        let mut text = "[core]\n".to_owned();
        for (key, value) in settings.iter().filter(|(key, _)| !key.starts_with("MACHINA_")) {
            text.push_str(&format!("{key} = {value}\n"));
        }
        if use_junk {
            text.push_str(&junk);
        }
        std::fs::write(&path, text).unwrap();
        let environment: Environment =
            settings.iter().filter(|(key, _)| key.starts_with("MACHINA_")).map(|(key, value)| (key.clone(), value.trim_matches('"').to_owned())).collect();
        let flags = Flags { config: Some(path), ..Flags::default() };
        match load::<NoConfig>(&fleet::BAYES, &flags, &environment) {
            Ok(loaded) => {
                let shown = serde_json::to_value(&loaded.core).unwrap();
                let again: CoreConfig = serde_json::from_value(shown.clone()).unwrap();
                prop_assert_eq!(serde_json::to_value(again).unwrap(), shown);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    /// Whatever is written to stdin, stdout is JSON-RPC, a line for each line at most, and it ends.
    #[test]
    fn the_line_reader_answers_in_json(lines in prop::collection::vec(spoiled(), 0..8), end in any::<bool>(), pieces in 1_usize..64) {
        let mut input = lines.join(&b'\n');
        if end {
            input.push(b'\n');
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let output = runtime.block_on(drive(&input, pieces));
        let newlines = input.split(|byte| *byte == b'\n').count() - 1;
        let answers: Vec<&[u8]> = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        prop_assert!(answers.len() <= newlines + 1, "{} answers to {} lines", answers.len(), newlines + 1);
        for answer in answers {
            let answer: Value = serde_json::from_slice(answer).unwrap();
            prop_assert!(answer["error"]["code"].is_i64(), "{answer}");
        }
    }
}

/// Nesting as the text shows it, brackets in strings left out.
fn envelope_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match (quoted, escaped, byte) {
            (true, true, _) => escaped = false,
            (true, false, b'\\') => escaped = true,
            (_, false, b'"') => quoted = !quoted,
            (false, _, b'[' | b'{') => {
                depth += 1;
                most = most.max(depth);
            }
            (false, _, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Keys that exist, and some that do not, with values of every kind.
fn settings() -> impl Strategy<Value = Vec<(String, String)>> {
    let known = serde_json::to_value(CoreConfig::default()).unwrap();
    let mut keys: Vec<String> = known.as_object().unwrap().keys().cloned().collect();
    keys.extend(keys.clone().iter().map(|key| format!("MACHINA_{}", key.to_uppercase())));
    keys.extend(
        ["no_such_key", "MACHINA_NO_SUCH_KEY", "MACHINA_BAYES_PORT", "MACHINA_BIND_FILE"]
            .map(str::to_owned),
    );
    let values = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("TOML has no other", |number| number.is_finite())
            .prop_map(|number| format!("{number:?}")),
        any::<bool>().prop_map(|flag| flag.to_string()),
        "[a-z0-9:/.*,_-]{0,20}".prop_map(|text| format!("\"{text}\"")),
        "[\"\\[\\]a-z, 0-9]{0,12}",
        Just("\"127.0.0.1\"".to_owned()),
        Just("\"::1\"".to_owned()),
        Just("[\"http://localhost:*\"]".to_owned()),
        Just("\"core\"".to_owned()),
    ];
    let key = any::<Index>().prop_map(move |index| index.get(&keys).clone());
    prop::collection::vec((key, values), 0..6)
}

/// Write the input in pieces; all that came back until the reader ended.
async fn drive(input: &[u8], pieces: usize) -> Vec<u8> {
    let (mut ours, theirs) = tokio::io::duplex(1 << 20);
    let (reader, writer) = tokio::io::split(theirs);
    let mut line_reader = Stdio::new(reader, writer, 256, CancellationToken::new());
    for piece in input.chunks(pieces) {
        ours.write_all(piece).await.unwrap();
    }
    ours.shutdown().await.unwrap();
    while let Some(message) = line_reader.receive().await {
        // Left unanswered, the reader would wait for them at the end.
        if let JsonRpcMessage::Request(request) = message {
            let error = ErrorData::internal_error("not served here", None);
            line_reader.send(ServerJsonRpcMessage::error(error, Some(request.id))).await.unwrap();
        }
    }
    line_reader.close().await.unwrap();
    drop(line_reader);
    let mut output = Vec::new();
    ours.read_to_end(&mut output).await.unwrap();
    output
}
