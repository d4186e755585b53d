//! Binds a model and answers points with its log density and gradient, as a line of JSON.
//!
//! `gradients MODEL.stan DATA.json [COUNT [TIMES]]`
//!
//! Points are `s_k sin(0.7 i + k)` in the free parameters, for `benches/bayes/gradients.py` to ask Stan the same.
//! Densities keep their constants; the times are CPU seconds of this thread. Each gradient is computed as many
//! times as is said, once otherwise.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "an example prints what it found; small counts"
)]

use std::{error::Error, fs};

use bayes_engine::language::{Data, Datum, Diagnostic, Model, parse};
use serde_json::{Value, json};

/// Sizes of the points.
const SIZES: [f64; 5] = [0.1, 0.3, -0.2, 0.5, 0.8];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [text, data, count @ ..] = arguments.as_slice() else {
        return Err("gradients MODEL.stan DATA.json [COUNT [TIMES]]".into());
    };
    let times: usize = count.get(1).map_or(Ok(1), |times| times.parse())?;
    let count: usize = count.first().map_or(Ok(SIZES.len()), |count| count.parse())?;
    let text = fs::read_to_string(text)?;
    let given: Value = serde_json::from_str(&fs::read_to_string(data)?)?;
    match answer(&text, &given, (count, times)) {
        Ok(said) => println!("{said}"),
        Err(error) => println!(
            "{}",
            json!({"code": error.code.word(), "line": error.line, "message": error.message})
        ),
    }
    Ok(())
}

fn answer(text: &str, given: &Value, (count, times): (usize, usize)) -> Result<Value, Diagnostic> {
    let began = cpu_s();
    let program = parse(text)?;
    let known: Vec<String> = program.data_variables().into_iter().map(|(name, _)| name).collect();
    let data: Data = given
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| known.contains(name))
        .map(|(name, value)| (name.clone(), datum(value)))
        .collect();
    let read = cpu_s();
    let model = Model::bind(&program, text, &data, 1, &|| false)?;
    let bound = cpu_s();
    let mut density = model.density();
    let mut found = Vec::new();
    for (at, size) in SIZES.iter().take(count).enumerate() {
        let point: Vec<f64> =
            (0..model.dim()).map(|i| size * (0.7 * i as f64 + at as f64).sin()).collect();
        let mut gradient = vec![0.0; point.len()];
        let mut value = None;
        for _ in 0..times {
            value = density.gradient(&point, &mut gradient);
        }
        found.push(json!({"point": point, "value": value, "gradient": gradient}));
    }
    let done = cpu_s();
    Ok(json!({
        "dim": model.dim(), "steps": model.steps(), "parse_s": read - began, "bind_s": bound - read,
        "gradients_s": done - bound, "found": found,
    }))
}

/// Of this thread, in seconds.
fn cpu_s() -> f64 {
    let said = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    said.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN) * 1e-9
}

fn datum(value: &Value) -> Datum {
    match value {
        Value::Array(list) => Datum::List(list.iter().map(datum).collect()),
        other => Datum::Number(other.as_f64().unwrap_or(f64::NAN)),
    }
}
