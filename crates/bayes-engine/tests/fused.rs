//! Steps that join many terms: their values against plain sums, their gradients against differences.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use bayes_engine::language::{Data, Datum, Model, parse};
use proptest::prelude::*;

const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;

fn list(numbers: &[f64]) -> Datum {
    Datum::List(numbers.iter().map(|number| Datum::Number(*number)).collect())
}

fn bind(text: &str, data: &Data) -> Model {
    let program = parse(text).expect("a model");
    Model::bind(&program, text, data, 1, &|| false).unwrap_or_else(|error| panic!("{error:#?}"))
}

fn normal(y: f64, mu: f64, sigma: f64) -> f64 {
    -0.5 * ((y - mu) / sigma).powi(2) - sigma.ln() - HALF_LN_TWO_PI
}

/// Holds a model to its plain log density at a point, and its gradient to differences of that.
fn agree(model: &Model, point: &[f64], plain: &dyn Fn(&[f64]) -> f64) {
    let mut density = model.density();
    let mut gradient = vec![0.0; point.len()];
    let value = density.gradient(point, &mut gradient).expect("finite");
    let expected = plain(point);
    assert!((value - expected).abs() < 1e-10 * (1.0 + expected.abs()), "{value} {expected}");
    for at in 0..point.len() {
        // Richardson's extrapolation of two central differences
        let difference = |step: f64| {
            let mut moved = point.to_vec();
            moved[at] = point[at] + step;
            let above = plain(&moved);
            moved[at] = point[at] - step;
            (above - plain(&moved)) / (2.0 * step)
        };
        let slope = (4.0 * difference(1e-3) - difference(2e-3)) / 3.0;
        let error = (slope - gradient[at]).abs();
        // a difference of two sums is as exact as they are
        let scale = 1.0 + gradient[at].abs() + 1e-3 * expected.abs();
        assert!(error < 1e-7 * scale, "{at}: {} {slope}", gradient[at]);
    }
}

/// Rows of a regression with groups, and a point.
#[derive(Debug, Clone)]
struct Rows {
    groups: usize,
    group: Vec<usize>,
    x: Vec<f64>,
    y: Vec<f64>,
    point: Vec<f64>,
}

impl Rows {
    fn data(&self) -> Data {
        let group: Vec<f64> = self.group.iter().map(|group| (group + 1) as f64).collect();
        let counts: Vec<f64> = self.y.iter().map(|y| y.abs().floor()).collect();
        let answers: Vec<f64> = self.y.iter().map(|y| f64::from(u8::from(*y > 0.0))).collect();
        let weights: Vec<f64> = self.y.iter().map(|y| 0.5 + y.abs()).collect();
        let matrix = self.x.iter().map(|x| list(&[*x, x * x])).collect();
        [
            ("J", Datum::Number(self.groups as f64)),
            ("N", Datum::Number(self.y.len() as f64)),
            ("g", list(&group)),
            ("x", list(&self.x)),
            ("X", Datum::List(matrix)),
            ("y", list(&self.y)),
            ("k", list(&counts)),
            ("answer", list(&answers)),
            ("sd", list(&weights)),
        ]
        .map(|(name, datum)| (name.to_owned(), datum))
        .into()
    }
}

const DATA: &str = "data { int J; int N; array[N] int g; vector[N] x; matrix[N, 2] X; vector[N] y;
array[N] int<lower=0> k; array[N] int answer; vector[N] sd; }";
const PARAMETERS: &str = "parameters { vector[J] a; vector[2] b; real m; real<lower=0> s; }";

fn rows() -> impl Strategy<Value = Rows> {
    (1_usize..7, 1_usize..40).prop_flat_map(|(groups, count)| {
        (
            proptest::collection::vec(0..groups, count),
            proptest::collection::vec(-3.0..3.0_f64, count),
            proptest::collection::vec(-3.0..3.0_f64, count),
            proptest::collection::vec(-1.2..1.2_f64, groups + 4),
        )
            .prop_map(move |(group, x, y, point)| Rows { groups, group, x, y, point })
    })
}

/// The sum over the rows of what an outcome and its predictor say, by the model's other parameters.
fn plain<'rows>(
    rows: &'rows Rows,
    eta: impl Fn(&[f64], &[f64], f64, usize) -> f64 + 'rows,
    term: impl Fn(usize, f64, f64) -> f64 + 'rows,
) -> impl Fn(&[f64]) -> f64 + 'rows {
    move |point: &[f64]| {
        let (a, rest) = point.split_at(rows.groups);
        let scale = rest[3].exp();
        let priors: f64 = point[..rows.groups + 3].iter().map(|p| normal(*p, 0.0, 2.0)).sum();
        let each = (0..rows.y.len()).map(|at| term(at, eta(a, &rest[..2], rest[2], at), scale));
        // the Jacobian of the scale, which has no prior
        priors + rest[3] + each.sum::<f64>()
    }
}

fn model(rows: &Rows, statements: &str) -> Model {
    let priors = "a ~ normal(0, 2); b ~ normal(0, 2); m ~ normal(0, 2);";
    bind(&format!("{DATA} {PARAMETERS} model {{ {priors} {statements} }}"), &rows.data())
}

proptest! {
    #[test]
    fn normal_rows_with_groups(rows in rows()) {
        let normal_row = |at: usize, eta: f64, scale: f64| normal(rows.y[at], eta, scale);
        let eta = |a: &[f64], b: &[f64], m: f64, at: usize| {
            a[rows.group[at]] + b[0] * rows.x[at] - m / 4.0 + b[1] * rows.x[at].powi(2)
        };
        let plain = plain(&rows, eta, normal_row);
        for statements in [
            "y ~ normal(a[g] + X * b - m / 4, s);",
            "vector[N] mu = a[g] + b[1] * x; mu += b[2] * square(x); y ~ normal(mu - m * 0.25, s);",
            "for (n in 1:N) y[n] ~ normal(a[g[n]] + x[n] * b[1] - m / 4 + x[n]^2 * b[2], s);",
            "target += normal_lpdf(y - a[g] | -m / 4 + X * b, s);",
            "target += normal_id_glm_lpdf(y | X, a[g] - m / 4, b, s);",
            "for (n in 1:N) target += normal_lpdf(y[n] | dot_product(X[n], b) + a[g[n]] - m / 4, s);",
            "exp(y) ~ lognormal(a[g] + X * b - m / 4, s); target += sum(y);",
        ] {
            agree(&model(&rows, statements), &rows.point, &plain);
        }
    }

    #[test]
    fn normal_rows_with_known_scales(rows in rows()) {
        let sd = |at: usize| 0.5 + rows.y[at].abs();
        let known = |at: usize, eta: f64, _: f64| normal(rows.y[at], eta, sd(at));
        let eta = |a: &[f64], b: &[f64], m: f64, at: usize| {
            a[rows.group[at]] * m + b[0] * rows.x[at]
        };
        let fused = model(&rows, "y ~ normal(a[g] * m + b[1] * x, sd);");
        agree(&fused, &rows.point, &plain(&rows, eta, known));
        let scaled = |at: usize, eta: f64, scale: f64| normal(rows.y[at], eta, sd(at) * scale);
        let separate = model(&rows, "y ~ normal(a[g] * m + b[1] * x, s * sd);");
        agree(&separate, &rows.point, &plain(&rows, eta, scaled));
    }

    #[test]
    fn answers_and_counts(rows in rows()) {
        let eta = |a: &[f64], b: &[f64], m: f64, at: usize| {
            0.3 * (a[rows.group[at]] + m + b[0] * rows.x[at] + b[1] * rows.x[at].powi(2))
        };
        let answer = |at: usize, eta: f64, _: f64| {
            -(if rows.y[at] > 0.0 { -eta } else { eta }).exp().ln_1p()
        };
        for statements in [
            "answer ~ bernoulli_logit(0.3 * (a[g] + m + X * b));",
            "for (n in 1:N) answer[n] ~ bernoulli_logit(0.3 * (a[g[n]] + m + X[n] * b));",
            "answer ~ bernoulli_logit_glm(0.3 * X, 0.3 * (m + a[g]), b);",
        ] {
            agree(&model(&rows, statements), &rows.point, &plain(&rows, eta, answer));
        }
        let count = |at: usize, eta: f64, _: f64| {
            let count = rows.y[at].abs().floor();
            count * eta - eta.exp() - (1..=3).filter(|k| f64::from(*k) <= count).map(|k| f64::from(k).ln()).sum::<f64>()
        };
        let fused = model(&rows, "k ~ poisson_log(0.3 * (a[g] + m + X * b));");
        agree(&fused, &rows.point, &plain(&rows, eta, count));
        let heavy = |at: usize, eta: f64, scale: f64| {
            let z = (rows.y[at] - eta) / scale;
            // of two degrees of freedom
            -scale.ln() - 1.5 * (0.5 * z * z).ln_1p() - 1.5 * 2_f64.ln()
        };
        let fused = model(&rows, "y ~ student_t(2, 0.3 * (a[g] + m + X * b), s);");
        agree(&fused, &rows.point, &plain(&rows, eta, heavy));
    }

    /// Columns far from zero and nearly alike, as years and their squares are.
    #[test]
    fn residuals_survive_large_columns(
        noise in proptest::collection::vec(-1.0..1.0_f64, 30),
        off in proptest::collection::vec(-1e-3..1e-3_f64, 3),
    ) {
        let years: Vec<f64> = (0..30).map(|at| 1980.0 + f64::from(at)).collect();
        let y: Vec<f64> = years.iter().zip(&noise).map(|(t, e)| 0.02 * t - 30.0 + e).collect();
        let data = [("N", Datum::Number(30.0)), ("t", list(&years)), ("y", list(&y))];
        let data = data.map(|(name, datum)| (name.to_owned(), datum)).into();
        let text = "data { int N; vector[N] t; vector[N] y; } parameters { real a; real b; real<lower=0> s; }
            model { y ~ normal(a + b * t, s); }";
        let plain = |point: &[f64]| {
            let rows = years.iter().zip(&y);
            point[2] + rows.map(|(t, y)| normal(*y, point[0] + point[1] * t, point[2].exp())).sum::<f64>()
        };
        let point = [-30.0 + 100.0 * off[0], 0.02 + 1e-3 * off[1], -0.7 + off[2]];
        let model = bind(text, &data);
        let mut gradient = [0.0; 3];
        let value = model.density().gradient(&point, &mut gradient).expect("finite");
        let expected = plain(&point);
        prop_assert!((value - expected).abs() < 1e-11 * (1.0 + expected.abs()), "{value} {expected}");
        let scale = point[2].exp();
        let residuals: Vec<f64> =
            years.iter().zip(&y).map(|(t, y)| y - point[0] - point[1] * t).collect();
        let slope: f64 = residuals.iter().sum::<f64>() / scale.powi(2);
        prop_assert!((gradient[0] - slope).abs() < 1e-9 * (1.0 + slope.abs()), "{} {slope}", gradient[0]);
        let slope: f64 =
            residuals.iter().zip(&years).map(|(r, t)| r * t).sum::<f64>() / scale.powi(2);
        prop_assert!((gradient[1] - slope).abs() < 1e-9 * (2e3 + slope.abs()), "{} {slope}", gradient[1]);
    }
}

/// A whole regression is a handful of steps.
#[test]
fn a_regression_is_one_step() {
    let rows = Rows {
        groups: 5,
        group: (0..60).map(|at| at % 5).collect(),
        x: (0..60).map(|at| f64::from(at).sin()).collect(),
        y: (0..60).map(|at| f64::from(at).cos()).collect(),
        point: vec![0.1; 9],
    };
    for (statements, most) in [
        // the scale in two steps, the priors, the rows, their sum
        ("y ~ normal(a[g] + X * b, s);", 5),
        ("for (n in 1:N) y[n] ~ normal(a[g[n]] + b[1] * x[n], s);", 5),
        // priors, predictors, answers, the sum
        ("answer ~ bernoulli_logit(a[g] + X * b);", 5),
    ] {
        let steps = model(&rows, statements).steps();
        assert!(steps <= most, "{statements}: {steps}");
    }
}
