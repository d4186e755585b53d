//! Well-known models written from their definitions, against the reference posteriors of posteriordb.
//!
//! The data are found by `MACHINA_BENCH_DATA`; without it the test says so. Where `MACHINA_POSTERIORDB` names a
//! checkout, its programs are run instead of ours, unmodified.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use bayes_engine::language::{Data, Datum, Model, parse};
use bayes_engine::posterior::{Posterior, run_chain};
use bayes_engine::sampler::Settings;
use serde_json::Value;

/// Posterior, data, model text.
type Case = (&'static str, &'static str, &'static str);

mod models {
    include!("reference/models.rs");
}

/// Long trajectories or many observations: run where `MACHINA_BENCH_ONLY` (a part of a name, or empty for all)
/// asks for them.
const SLOW: [&str; 14] = [
    "accel_gp",
    "earn_height",
    "log10earn_height",
    "logearn_height",
    "logearn_logheight",
    "logearn_interaction",
    "diamonds",
    "gp_pois_regr-gp_pois",
    "kidiq-kidscore_interaction",
    "kidiq-kidscore_momhsiq",
    "kilpisjarvi",
    "nes19",
    "logvas",
    "mesquite-mesquite",
];

#[test]
fn reference_posteriors_are_recovered() {
    #[expect(clippy::disallowed_methods, reason = "where a developer keeps the data")]
    let Some(root) = std::env::var_os("MACHINA_BENCH_DATA").map(PathBuf::from) else {
        println!("skipped: MACHINA_BENCH_DATA is not set");
        return;
    };
    let root = root.join("posteriordb");
    let Ok(file) = std::fs::File::open(root.join("data.jsonl.gz")) else {
        println!("skipped: posteriordb is not in MACHINA_BENCH_DATA");
        return;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("data sets");
    let sets: BTreeMap<String, Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a data set"))
        .map(|set| (set["name"].as_str().unwrap_or_default().to_owned(), set["data"].clone()))
        .collect();
    let references = std::fs::read_to_string(root.join("references.json")).expect("references");
    let references: Value = serde_json::from_str(&references).expect("references");
    #[expect(clippy::disallowed_methods, reason = "which models a developer wants")]
    let only = std::env::var("MACHINA_BENCH_ONLY").ok();
    let (mut worst, mut far, mut count) = (0.0_f64, Vec::new(), 0);
    for (name, data, text) in models::CASES {
        let is_wanted = only.as_ref().map_or_else(
            || SLOW.iter().all(|slow| !name.contains(slow)),
            |only| name.contains(only.as_str()),
        );
        if !is_wanted {
            continue;
        }
        let theirs = program(name);
        let text = theirs.as_deref().unwrap_or(text);
        let (cost, found) = case(name, &sets[*data], text, &references);
        println!("{name}: {cost}");
        for (label, z) in found {
            worst = worst.max(z);
            count += 1;
            if z > 3.0 {
                far.push(format!("{name} {label}: {z:.2}"));
            }
        }
    }
    println!("{count} quantities, worst z {worst:.2}, above 3: {far:?}");
    assert!(worst < 4.5, "worst z {worst:.2}: {far:?}");
    // of few quantities one may be far by chance
    assert!(far.len() <= (count / 50).max(1), "{} of {count} above 3: {far:?}", far.len());
}

/// The program of a posterior in a checkout of posteriordb, if one is named.
fn program(posterior: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "where a developer keeps a checkout")]
    let root = std::env::var_os("MACHINA_POSTERIORDB").map(PathBuf::from)?;
    let root = root.join("posterior_database");
    let about = std::fs::read_to_string(root.join(format!("posteriors/{posterior}.json")));
    let about: Value = serde_json::from_str(&about.expect("a posterior")).expect("JSON");
    let model = about["model_name"].as_str().expect("a name");
    Some(
        std::fs::read_to_string(root.join(format!("models/stan/{model}.stan"))).expect("a program"),
    )
}

/// What a posterior cost, and how many errors the mean and the mean square of every quantity are off.
fn case(name: &str, set: &Value, text: &str, references: &Value) -> (String, Vec<(String, f64)>) {
    let data: Data = set
        .as_object()
        .expect("an object")
        .iter()
        .map(|(key, value)| (key.clone(), datum(value)))
        .collect();
    let program = parse(text).unwrap_or_else(|error| panic!("{name}: {error:#?}"));
    let model = Model::bind(&program, text, &data, 4, &|| false)
        .unwrap_or_else(|error| panic!("{name}: {error:#?}"));
    let settings = Settings { seed: 4, target_accept: 0.9, ..Settings::default() };
    let (shared, settings) = (&model, &settings);
    let run = |number| run_chain(shared, settings, number, &mut |_| {}, &|| false);
    let mut chains = Vec::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|number| scope.spawn(move || run(number))).collect();
        for chain in running {
            chains.push(chain.join().expect("no panic").expect(name));
        }
    });
    let gradients: u64 = chains.iter().map(|chain| chain.ended.gradients).sum();
    let posterior = Posterior::new(&model, settings, chains);
    let verdict = posterior.verdict();
    let codes: Vec<&str> = verdict.reasons.iter().map(|reason| reason.code).collect();
    let mut found = Vec::new();
    for (power, kind, value) in
        [(1, "mean", "mean_value"), (2, "mean_square", "mean_squared_value")]
    {
        let reference = &references[kind][name];
        let numbers = |key: &str| -> Vec<f64> {
            reference[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
        };
        let (means, errors) = (numbers(value), numbers("mcse_mean"));
        let names = reference["names"].as_array().expect("names");
        assert!(!names.is_empty() && means.len() == names.len() && errors.len() == names.len());
        for ((label, mean), error) in names.iter().zip(means).zip(errors) {
            let label = label.as_str().expect("a name");
            let place = posterior.labels(2).find(|(known, _)| known == label);
            let (_, place) = place.unwrap_or_else(|| panic!("{name} has no {label}"));
            let raised: Vec<Vec<f64>> = posterior
                .column(place)
                .into_iter()
                .map(|chain| chain.into_iter().map(|x| x.powi(power)).collect())
                .collect();
            let lists: Vec<&[f64]> = raised.iter().map(Vec::as_slice).collect();
            let estimate = bayes_engine::diagnose::estimate(&lists, 0.9).expect("an estimate");
            let z = (estimate.mean - mean).abs() / estimate.mcse_mean.hypot(error);
            found.push((format!("{kind} {label}"), if z.is_nan() { f64::INFINITY } else { z }));
        }
    }
    let cost =
        format!("d {}, {} steps, {gradients} gradients {codes:?}", model.dim(), model.steps());
    (cost, found)
}

fn datum(value: &Value) -> Datum {
    match value {
        Value::Array(list) => Datum::List(list.iter().map(datum).collect()),
        other => Datum::Number(other.as_f64().unwrap_or(f64::NAN)),
    }
}
