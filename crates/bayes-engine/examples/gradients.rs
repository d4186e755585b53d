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

#[path = "shared/given.rs"]
mod given;

use std::{error::Error, fs};

use bayes_engine::language::{Diagnostic, Model, parse};
use given::{cpu_s, given};
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
    match answer(&text, data, (count, times)) {
        Ok(said) => println!("{said}"),
        Err(error) => match error.downcast_ref::<Diagnostic>() {
            Some(found) => println!(
                "{}",
                json!({"code": found.code.word(), "line": found.line, "message": found.message})
            ),
            None => return Err(error),
        },
    }
    Ok(())
}

fn answer(text: &str, data: &str, (count, times): (usize, usize)) -> Result<Value, Box<dyn Error>> {
    let began = cpu_s();
    let program = parse(text)?;
    let parsed = cpu_s();
    let data = given(&program, data)?;
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
        "dim": model.dim(), "steps": model.steps(), "parse_s": parsed - began, "bind_s": bound - read,
        "gradients_s": done - bound, "found": found,
    }))
}
