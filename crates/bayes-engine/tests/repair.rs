//! Mistakes in models and data: each names its code and its place, and the repair that its hint offers works.

use bayes_engine::language::{Data, Datum, Diagnostic, Model, check, parse};
use bayes_engine::posterior::run_chain;
use bayes_engine::sampler::Settings;
use serde_json::Value;

/// One mistake.
struct Mistake {
    /// Code and place: `line:column` of the text, or a pointer into the data.
    told: (&'static str, &'static str),
    text: &'static str,
    data: &'static str,
    /// What stands in text or data, and what the hint says to write.
    repair: (&'static str, &'static str),
    /// Words of the hint that lead to the repair.
    hint: &'static str,
}

const fn mistake(
    told: (&'static str, &'static str),
    text: &'static str,
    data: &'static str,
    repair: (&'static str, &'static str),
    hint: &'static str,
) -> Mistake {
    Mistake { told, text, data, repair, hint }
}

mod mistakes {
    include!("repair/mistakes.rs");
}

fn datum(value: &Value) -> Datum {
    match value {
        Value::Array(list) => Datum::List(list.iter().map(datum).collect()),
        Value::String(word) => Datum::Number(word.parse().unwrap_or(f64::NAN)),
        other => Datum::Number(other.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Parses, checks, binds, and makes one draw.
fn tried(text: &str, data: &str) -> Result<(), Diagnostic> {
    let data: Value = serde_json::from_str(data).expect("JSON");
    let data: Data =
        data.as_object().expect("an object").iter().map(|(k, v)| (k.clone(), datum(v))).collect();
    let program = parse(text)?;
    if let Some(first) = check(&program, text).into_iter().next() {
        return Err(first);
    }
    let model = Model::bind(&program, text, &data, 1, &|| false)?;
    let settings = Settings { tune: 20, draws: 1, ..Settings::default() };
    run_chain(&model, &settings, 0, &mut |_| {}, &|| false).map(|_| ())
}

#[test]
fn what_a_hint_says_repairs_the_mistake() {
    assert!(mistakes::ALL.len() >= 60);
    let mut wrong = Vec::new();
    for Mistake { told, text, data, repair: (from, to), hint } in mistakes::ALL {
        let Err(found) = tried(text, data) else {
            wrong.push(format!("accepted: {text} {data}"));
            continue;
        };
        let place = if found.path.is_empty() {
            format!("{}:{}", found.line, found.column)
        } else {
            found.path.clone()
        };
        if (found.code.word(), place.as_str()) != *told || !found.fix.contains(hint) {
            wrong.push(format!(
                "{text} {data}\n  told {} at {place}: {}; fix: {}",
                found.code.word(),
                found.message,
                found.fix
            ));
        }
        assert!(text.contains(from) || data.contains(from), "{from} is nowhere: {text}");
        if let Err(left) = tried(&text.replacen(from, to, 1), &data.replacen(from, to, 1)) {
            wrong.push(format!("{text} {data}\n  repaired by {to}: {left}; fix: {}", left.fix));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), mistakes::ALL.len(), wrong.join("\n"));
}
