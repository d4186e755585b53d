//! Twenty-five fits that no one should believe: each is refused with a code, or called unreliable with a reason.

use bayes_engine::elpd::{Criterion, score};
use bayes_engine::language::{Data, Datum, Diagnostic, Model, check, parse};
use bayes_engine::posterior::{Posterior, run_chain};
use bayes_engine::sampler::Settings;
use serde_json::{Value, json};

/// What is fitted, and the words one of which must be told.
struct Case {
    name: &'static str,
    text: &'static str,
    data: Value,
    settings: Settings,
    told: &'static [&'static str],
}

const SCHOOLS: &str = "data { int J; array[J] real y; array[J] real sigma; } parameters { real mu; \
    real<lower=0> tau; vector[J] theta; } model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); \
    theta ~ normal(mu, tau); y ~ normal(theta, sigma); }";
const SAMPLE: &str = "data { int N; vector[N] y; } parameters { real mu; real<lower=0> s; } \
    model { mu ~ normal(0, 5); s ~ normal(0, 5); y ~ normal(mu, s); }";
const MIXING: &[&str] = &["r_hat", "ess_bulk", "ess_tail", "divergences", "tree_depth", "energy"];

fn case(
    name: &'static str,
    text: &'static str,
    data: Value,
    told: &'static [&'static str],
) -> Case {
    let settings = Settings { seed: 3, max_depth: 8, ..Settings::default() };
    Case { name, text, data, settings, told }
}

/// Posteriors that chains cannot walk.
#[expect(clippy::too_many_lines, reason = "a table")]
fn geometries() -> Vec<Case> {
    let schools = json!({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]});
    let split = json!({"N": 6, "x": [-3, -2, -1, 1, 2, 3], "k": [0, 0, 0, 1, 1, 1]});
    let two: Vec<f64> =
        (0..40).map(|at| if at % 2 == 0 { -5.0 } else { 5.0 } + 0.01 * f64::from(at)).collect();
    let short = Settings { seed: 3, draws: 30, ..Settings::default() };
    let shallow = Settings { seed: 3, max_depth: 2, ..Settings::default() };
    vec![
        case("improper: nothing is said", "parameters { real x; } model { }", json!({}), MIXING),
        case(
            "improper: a flat scale",
            "parameters { real<lower=0> s; } model { target += -0.5 * log(s); }",
            json!({}),
            MIXING,
        ),
        case(
            "separation",
            "data { int N; vector[N] x; array[N] int k; } parameters { real a; real b; } model { k ~ bernoulli_logit(a + b * x); }",
            split,
            MIXING,
        ),
        case(
            "no success under a flat prior",
            "data { int n; int k; } parameters { real a; } model { k ~ binomial_logit(n, a); }",
            json!({"n": 30, "k": 0}),
            MIXING,
        ),
        case("centred schools", SCHOOLS, schools, &["divergences"]),
        case(
            "funnel",
            "parameters { real v; vector[9] x; } model { v ~ normal(0, 3); x ~ normal(0, exp(v / 2)); }",
            json!({}),
            MIXING,
        ),
        case(
            "labels switch",
            "data { int N; vector[N] y; } parameters { array[2] real mu; } model { mu ~ normal(0, 10); \
             for (n in 1:N) target += log_mix(0.5, normal_lpdf(y[n] | mu[1], 1), normal_lpdf(y[n] | mu[2], 1)); }",
            json!({"N": 40, "y": two}),
            &["r_hat"],
        ),
        case(
            "two far modes",
            "parameters { real x; } model { target += log_mix(0.5, normal_lpdf(x | -30, 1), normal_lpdf(x | 30, 1)); }",
            json!({}),
            &["r_hat", "ess_bulk"],
        ),
        case(
            "an empty group under a flat prior",
            "data { int N; array[N] int g; vector[N] y; } parameters { vector[3] a; } model { y ~ normal(a[g], 1); }",
            json!({"N": 4, "g": [1, 1, 2, 2], "y": [0.1, 0.4, 1.0, 1.2]}),
            MIXING,
        ),
        case(
            "constant data and a flat scale",
            "data { int N; vector[N] y; } parameters { real mu; real<lower=0> s; } model { y ~ normal(mu, s); }",
            json!({"N": 5, "y": [2, 2, 2, 2, 2]}),
            MIXING,
        ),
        Case {
            settings: shallow,
            ..case(
                "trajectories of full depth",
                "parameters { real a; real b; } model { a ~ normal(0, 1); b ~ normal(200 * a, 1); }",
                json!({}),
                &["tree_depth"],
            )
        },
        Case {
            settings: short,
            ..case("few draws", SAMPLE, json!({"N": 3, "y": [1, 2, 4]}), &["ess_bulk", "ess_tail"])
        },
        case(
            "what is computed is no number",
            "parameters { real x; } transformed parameters { real y = sqrt(x); } model { x ~ normal(0, 1); }",
            json!({}),
            &["non_finite"],
        ),
        case(
            "an observation far from all others",
            "data { int N; vector[N] y; } parameters { real mu; } model { mu ~ normal(0, 100); y ~ normal(mu, 1); } \
             generated quantities { vector[N] log_lik; for (n in 1:N) log_lik[n] = normal_lpdf(y[n] | mu, 1); }",
            json!({"N": 5, "y": [0.1, -0.2, 0.3, 0.0, 30.0]}),
            &["pareto_k"],
        ),
    ]
}

/// Data and texts that are wrong.
fn mistakes() -> Vec<Case> {
    vec![
        case(
            "NaN among the data",
            SAMPLE,
            json!({"N": 3, "y": [1, null, 4]}),
            &["data_non_finite"],
        ),
        case(
            "an infinity among the data",
            SAMPLE,
            json!({"N": 3, "y": [1, "1e999", 4]}),
            &["init_failed", "data_non_finite"],
        ),
        case("sizes that differ", SAMPLE, json!({"N": 3, "y": [1, 2]}), &["data_size"]),
        case("data that are missing", SAMPLE, json!({"N": 3}), &["data_missing"]),
        case("a fraction for a count", SAMPLE, json!({"N": 2.5, "y": [1, 2]}), &["data_type"]),
        case(
            "data outside of their bounds",
            "data { real<lower=0, upper=1> p; } parameters { real x; } model { x ~ normal(p, 1); }",
            json!({"p": 1.5}),
            &["data_constraint"],
        ),
        case(
            "every start has no density",
            "parameters { real x; } model { x ~ uniform(5, 9); }",
            json!({}),
            &["init_failed"],
        ),
        case(
            "a whole number overflows",
            "transformed data { int n = 2147483647; n += 1; } parameters { real x; } model { x ~ normal(n, 1); }",
            json!({}),
            &["numeric"],
        ),
        case(
            "an unknown name",
            "parameters { real x; } model { x ~ normal(m, 1); }",
            json!({}),
            &["unknown_name"],
        ),
        case(
            "a function outside of the language",
            "parameters { real x; } model { target += bessel_first_kind(1, x); }",
            json!({}),
            &["unsupported"],
        ),
        case(
            "a condition on parameters",
            "parameters { real x; } model { if (x > 0) target += -x; }",
            json!({}),
            &["unsupported"],
        ),
    ]
}

#[test]
fn none_is_called_reliable() {
    let cases: Vec<Case> = geometries().into_iter().chain(mistakes()).collect();
    assert_eq!(cases.len(), 25);
    let mut wrong = Vec::new();
    for case in cases {
        let told = judged(&case).unwrap_or_else(|error| vec![error.code.word().to_owned()]);
        if !told.iter().any(|word| case.told.contains(&word.as_str())) {
            wrong.push(format!("{}: told {told:?}, not one of {:?}", case.name, case.told));
        }
    }
    assert!(wrong.is_empty(), "{} of 25:\n{}", wrong.len(), wrong.join("\n"));
}

/// Codes of the reasons not to believe a fit.
fn judged(case: &Case) -> Result<Vec<String>, Diagnostic> {
    let data: Data = case
        .data
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), datum(value)))
        .collect();
    let program = parse(case.text)?;
    if let Some(first) = check(&program, case.text).into_iter().next() {
        return Err(first);
    }
    let model = Model::bind(&program, case.text, &data, 3, &|| false)?;
    let chains = (0..4)
        .map(|number| run_chain(&model, &case.settings, number, &mut |_| {}, &|| false))
        .collect::<Result<Vec<_>, _>>()?;
    let posterior = Posterior::new(&model, &case.settings, chains);
    let verdict = posterior.verdict();
    assert_eq!(verdict.is_reliable, verdict.reasons.is_empty());
    let mut told: Vec<String> =
        verdict.reasons.iter().map(|reason| reason.code.to_owned()).collect();
    let logs: Vec<usize> = posterior
        .labels(2)
        .filter(|(label, _)| label.starts_with("log_lik"))
        .map(|(_, place)| place)
        .collect();
    if !logs.is_empty() {
        let column = |at: usize| posterior.column(logs[at]).concat();
        let elpd = score(Criterion::Loo, logs.len(), &column, posterior.efficiency(), &|| false)
            .expect("a score");
        let is_flagged = elpd.points.iter().any(|point| point.spread > elpd.bound);
        told.extend(is_flagged.then(|| "pareto_k".to_owned()));
    }
    Ok(told)
}

fn datum(value: &Value) -> Datum {
    match value {
        Value::Array(list) => Datum::List(list.iter().map(datum).collect()),
        Value::String(word) => Datum::Number(word.parse().unwrap_or(f64::NAN)),
        other => Datum::Number(other.as_f64().unwrap_or(f64::NAN)),
    }
}
