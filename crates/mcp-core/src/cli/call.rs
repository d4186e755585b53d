//! `call TOOL …`: one call through the whole pipeline.

use std::io::Read;

use serde_json::{Map, Value};

use super::print;
use crate::{
    StartError,
    pipeline::Guarded,
    server::Exit,
    transport::local::{answer, call_message},
};

/// Call a tool and print the result; errors go to stderr.
///
/// # Errors
/// When the arguments cannot be read.
pub async fn call(
    server: &Guarded,
    tool: &str,
    words: &[String],
    machine: bool,
) -> Result<Exit, StartError> {
    let arguments = arguments_of(words)?;
    let answer =
        answer(server, &call_message(tool, &arguments)).await.unwrap_or_else(|error| error);
    show(&answer, machine)
}

/// Print the answer to a call: the result to stdout, an error to stderr.
///
/// # Errors
/// When stdout cannot be written.
pub fn show(answer: &Value, machine: bool) -> Result<Exit, StartError> {
    let result = &answer["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    if !answer["error"].is_null() {
        complain(&answer["error"], machine);
        return Ok(Exit::CallFailed);
    }
    if result["isError"] == Value::Bool(true) {
        complain(&serde_json::from_str(text).unwrap_or_else(|_| text.into()), machine);
        return Ok(Exit::CallFailed);
    }
    let structured = result.get("structuredContent");
    match (structured, machine) {
        (Some(value), true) => print::line(&value.to_string())?,
        (Some(value), false) => print::pretty(value)?,
        (None, true) => print::line(&result["content"].to_string())?,
        (None, false) => print::line(text)?,
    }
    let mut blocks = result["content"].as_array().into_iter().flatten();
    if let Some(image) = blocks.find(|block| block["type"] == "image") {
        let kind = image["mimeType"].as_str().unwrap_or_default();
        print::error_line(&format!(
            "note: the answer has an image ({kind}); format=svg gives text, and POST /tools/NAME with \
             `Accept: image/*` the file"
        ));
    }
    Ok(Exit::Ok)
}

fn complain(error: &Value, machine: bool) {
    if machine {
        print::error_line(&error.to_string());
        return;
    }
    // A protocol error carries the place and the repair beside its own members.
    let member =
        |name: &str| if error[name].is_null() { &error["data"][name] } else { &error[name] };
    let part = |name: &str| match member(name) {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let code = part("code").unwrap_or_default();
    let message = part("message").unwrap_or_else(|| error.to_string());
    print::error_line(&format!("error: {code}: {message}"));
    for name in ["field", "hint", "details"] {
        if let Some(text) = part(name) {
            print::error_line(&format!("{name}: {text}"));
        }
    }
}

/// Arguments from the words of a command line: one JSON object, `-` for stdin, or KEY=VALUE pairs
/// whose values are JSON where they parse as such, else text.
///
/// # Errors
/// When the words are neither.
pub fn arguments_of(words: &[String]) -> Result<Value, StartError> {
    match words {
        [] => Ok(Value::Object(Map::new())),
        [word] if word == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| {
                StartError::config(format!("the arguments on stdin cannot be read: {error}"))
            })?;
            object(&text)
        }
        [word] if word.trim_start().starts_with('{') => object(word),
        pairs => pairs
            .iter()
            .map(|pair| self::pair(pair))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
    }
}

fn object(text: &str) -> Result<Value, StartError> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(StartError::config("the arguments must be one JSON object")),
        Err(error) => Err(StartError::config(format!("the arguments are not JSON: {error}"))
            .with_hint("quote the object for your shell, or give KEY=VALUE pairs")),
    }
}

fn pair(pair: &str) -> Result<(String, Value), StartError> {
    let (key, value) = pair.split_once('=').ok_or_else(|| {
        StartError::config(format!("`{pair}` is neither JSON nor KEY=VALUE"))
            .with_hint("for example: limit=5 query='blue shirt' 'tags=[\"a\",\"b\"]'")
    })?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(words: &[&str]) -> Result<Value, StartError> {
        arguments_of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn words_become_arguments() {
        assert_eq!(of(&[]).unwrap(), json!({}));
        assert_eq!(of(&[r#"{"a": 1}"#]).unwrap(), json!({"a": 1}));
        assert_eq!(
            of(&["n=3", "name=blue shirt", "list=[1]", "eq=a=b"]).unwrap(),
            json!({"n": 3, "name": "blue shirt", "list": [1], "eq": "a=b"})
        );
    }

    #[test]
    fn other_words_are_refused() {
        for words in [&["x"][..], &["{"], &["a=1", "b"]] {
            assert_eq!(of(words).unwrap_err().exit(), Exit::Usage, "{words:?}");
        }
    }
}
