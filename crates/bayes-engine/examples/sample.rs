//! Samples a model: draws to a file, what they cost as a line of JSON.
//!
//! `sample MODEL.stan DATA.json DRAWS SEED TUNE KEPT CHAINS [diag|low_rank]`
//!
//! The file holds 64-bit numbers by chain, draw and place. CPU time is that of this one thread since the
//! process began, as the kernel counts it; the chains run one after another on it.
#![expect(clippy::print_stdout, reason = "an example prints what it found")]

#[path = "shared/given.rs"]
mod given;

use std::{error::Error, fs, io::Write};

use bayes_engine::language::{Model, parse};
use bayes_engine::posterior::{Posterior, run_chain};
use bayes_engine::sampler::{Metric, Settings};
use given::{cpu_s, given};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [text, data, draws, numbers @ ..] = arguments.as_slice() else {
        return Err("sample MODEL.stan DATA.json DRAWS SEED TUNE KEPT CHAINS".into());
    };
    let [seed, tune, kept, chains, metric @ ..] = numbers else {
        return Err("give four numbers".into());
    };
    let metric = match metric {
        [] => Metric::Auto,
        [word] if word == "diag" => Metric::Diagonal,
        [word] if word == "low_rank" => Metric::LowRank,
        _ => return Err("a metric is diag or low_rank".into()),
    };
    let text = fs::read_to_string(text)?;
    let program = parse(&text)?;
    let data = given(&program, data)?;
    let model = Model::bind(&program, &text, &data, seed.parse()?, &|| false)?;
    let bound = cpu_s();
    let settings = Settings {
        seed: seed.parse()?,
        tune: tune.parse()?,
        draws: kept.parse()?,
        metric,
        ..Settings::default()
    };
    let chains = (0..chains.parse()?)
        .map(|number| run_chain(&model, &settings, number, &mut |_| {}, &|| false))
        .collect::<Result<Vec<_>, _>>()?;
    let cpu_s = cpu_s();
    let gradients: u64 = chains.iter().map(|chain| chain.ended.gradients).sum();
    let posterior = Posterior::new(&model, &settings, chains);
    let mut file = std::io::BufWriter::new(fs::File::create(draws)?);
    for number in posterior.chains.iter().flat_map(|chain| &chain.numbers) {
        file.write_all(&number.to_le_bytes())?;
    }
    file.flush()?;
    let labels: Vec<(String, usize)> = posterior.labels(1).collect();
    println!(
        "{}",
        json!({"cpu_s": cpu_s, "bound_s": bound, "gradients": gradients, "divergent": posterior.divergent(),
               "steps": posterior.chains.iter().map(|chain| chain.ended.step).collect::<Vec<_>>(),
               "labels": labels})
    );
    Ok(())
}
