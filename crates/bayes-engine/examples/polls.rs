//! How long heavy models go without asking whether their caller gave up: while they are bound, and while they sample.
//!
//! `cargo run --release -p bayes-engine --example polls`
#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a bench measures wall time and prints it"
)]

use std::{
    error::Error,
    sync::Mutex,
    time::{Duration, Instant},
};

use bayes_engine::language::{Data, Model, parse};
use bayes_engine::posterior::run_chain;
use bayes_engine::sampler::Settings;

/// Name and text; none needs data.
const HEAVY: [(&str, &str); 5] = [
    ("20,000 parameters", "parameters { vector[20000] x; } model { x ~ normal(0, 1); }"),
    (
        "Gaussian process, 250 points",
        "transformed data { array[250] real x; for (i in 1:250) x[i] = i * 0.1; } parameters { real<lower=0> l; real<lower=0> s; vector[250] z; } \
         model { matrix[250, 250] L = cholesky_decompose(add_diag(gp_exp_quad_cov(x, s, l), 0.01)); l ~ inv_gamma(5, 5); s ~ normal(0, 1); z ~ normal(0, 1); target += -0.5 * dot_self(L * z); }",
    ),
    (
        "a million statements on data",
        "transformed data { real x = 0; for (i in 1:1000000) x += 1.0 / i; } parameters { real y; } model { y ~ normal(x, 1); }",
    ),
    (
        "30,000 traced statements",
        "parameters { vector[300] y; } model { for (i in 1:100) for (j in 1:300) target += -0.5 * square(y[j] - i); }",
    ),
    (
        "a product of 400 x 400 on data",
        "transformed data { matrix[400, 400] a = rep_matrix(0.5, 400, 400); matrix[400, 400] b = a; for (i in 1:20) b = (a * b) / 200; } parameters { real y; } model { y ~ normal(b[1, 1], 1); }",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("model,bound_ms,longest_gap_ms,sampled_ms,longest_gap_ms");
    for (name, text) in HEAVY {
        let program = parse(text)?;
        let poll = Poll::new(Duration::from_secs(60));
        let model = Model::bind(&program, text, &Data::new(), 1, &|| poll.asked())?;
        let bound = poll.read();
        let poll = Poll::new(Duration::from_secs(3));
        let settings = Settings { tune: 200, draws: 100_000, ..Settings::default() };
        let kept = run_chain(&model, &settings, 0, &mut |_| {}, &|| poll.asked())?.steps.len();
        let sampled = poll.read();
        println!(
            "{name},{:.0},{:.1},{:.0},{:.1},{kept} draws kept",
            bound.0, bound.1, sampled.0, sampled.1
        );
    }
    Ok(())
}

/// A caller who gives up after some time, and the longest gap between its being asked.
struct Poll {
    began: Instant,
    patience: Duration,
    last: Mutex<(Instant, Duration)>,
}

impl Poll {
    fn new(patience: Duration) -> Self {
        let began = Instant::now();
        Self { began, patience, last: Mutex::new((began, Duration::ZERO)) }
    }

    fn asked(&self) -> bool {
        if let Ok(mut last) = self.last.lock() {
            last.1 = last.1.max(last.0.elapsed());
            last.0 = Instant::now();
        }
        self.began.elapsed() > self.patience
    }

    /// Milliseconds since it began, and of the longest gap, the one to now among them.
    fn read(&self) -> (f64, f64) {
        self.asked();
        let gap = self.last.lock().map_or(Duration::ZERO, |last| last.1);
        (self.began.elapsed().as_secs_f64() * 1e3, gap.as_secs_f64() * 1e3)
    }
}
