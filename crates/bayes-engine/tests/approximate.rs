//! Modes, Laplace and pathfinder: exact where they must be, honest where they are not.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use bayes_engine::approximate::{Approximation, Method, approximate};
use bayes_engine::language::{Code, Data, Datum, Diagnostic, Model, Part, parse};
use bayes_engine::sampler::Settings;

fn list(numbers: &[f64]) -> Datum {
    Datum::List(numbers.iter().map(|number| Datum::Number(*number)).collect())
}

fn given<const N: usize>(pairs: [(&str, Datum); N]) -> Data {
    pairs.into_iter().map(|(name, datum)| (name.to_owned(), datum)).collect()
}

fn found(text: &str, data: &Data, part: Part, method: Method) -> Result<Approximation, Diagnostic> {
    let program = parse(text).expect("a model");
    let model = Model::bind_part(&program, text, data, 7, part, &|| false)
        .unwrap_or_else(|error| panic!("{error:#?}"));
    let settings = Settings { seed: 3, draws: 4000, ..Settings::default() };
    approximate(&model, method, &settings, 4, &|| false)
}

fn column(approximation: &Approximation, name: &str) -> Vec<f64> {
    let posterior = &approximation.posterior;
    let (_, place) = posterior.labels(2).find(|(label, _)| label == name).expect(name);
    posterior.column(place).concat()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn codes(approximation: &Approximation) -> Vec<&'static str> {
    approximation.verdict.reasons.iter().map(|reason| reason.code).collect()
}

/// Correlated, and scales a factor of 10,000 apart.
const GAUSSIAN: &str = "
    transformed data {
      vector[3] m = [1, -200, 0.03]';
      matrix[3, 3] S = [[1, 80, 0.004], [80, 10000, 0.2], [0.004, 0.2, 0.0001]];
    }
    parameters { vector[3] x; }
    model { x ~ multi_normal(m, S); }
    generated quantities { real twice = 2 * x[1]; }";

#[test]
fn a_gaussian_is_its_own_laplace_approximation() {
    let laplace = found(GAUSSIAN, &Data::new(), Part::Posterior, Method::Laplace).expect("found");
    assert!(laplace.verdict.is_reliable, "{:?}", laplace.verdict);
    // weights that differ by less than 1e-6 in their logs
    assert!(laplace.shape < f64::MIN, "no tail at all");
    for (name, expected, sd) in
        [("x[1]", 1.0, 1.0), ("x[2]", -200.0, 100.0), ("x[3]", 0.03, 0.01), ("twice", 2.0, 2.0)]
    {
        let draws = column(&laplace, name);
        assert_eq!(draws.len(), 4000);
        let off = (mean(&draws) - expected) / sd;
        assert!(off.abs() < 4.5 / 4000_f64.sqrt(), "{name}: {off}");
        let square = draws.iter().map(|x| (x - expected) * (x - expected)).sum::<f64>() / 4000.0;
        assert!((square.sqrt() / sd - 1.0).abs() < 4.5 / 8000_f64.sqrt(), "{name}: {square}");
    }
    let mode = found(GAUSSIAN, &Data::new(), Part::Posterior, Method::Map).expect("found");
    let at = column(&mode, "x[2]");
    assert!((at[0] + 200.0).abs() < 1e-3, "{at:?}");
    assert_eq!(codes(&mode), ["point_estimate"]);
}

#[test]
fn pathfinder_meets_a_gaussian() {
    let text = "transformed data { vector[8] m = [1, 2, 3, 4, 5, 6, 7, 8]'; vector[8] s = [1, 2, 0.5, 3, 1, 0.2, 5, 1]'; }
        parameters { vector[8] x; } model { x ~ normal(m, s); }";
    let path = found(text, &Data::new(), Part::Posterior, Method::Pathfinder).expect("found");
    assert!(path.verdict.is_reliable, "{:?}", path.verdict);
    assert_eq!(path.converged, [4, 4]);
    let scales = [1.0, 2.0, 0.5, 3.0, 1.0, 0.2, 5.0, 1.0];
    for (at, scale) in scales.iter().enumerate() {
        let draws = column(&path, &format!("x[{}]", at + 1));
        let off = (mean(&draws) - (at as f64 + 1.0)) / scale;
        // resampled draws are fewer than they seem
        assert!(off.abs() < 5.0 / path.effective.min(4000.0).sqrt(), "{at}: {off}");
    }
}

#[test]
fn a_mode_depends_on_the_jacobian() {
    // gamma(3, 2): mode 1; that of its log, turned back, 1.5
    let text = "parameters { real<lower=0> x; } model { x ~ gamma(3, 2); }";
    for (part, mode) in [(Part::Plain, 1.0), (Part::Posterior, 1.5)] {
        let at = found(text, &Data::new(), part, Method::Map).expect("found");
        let x = column(&at, "x");
        assert!(x.len() == 1 && (x[0] - mode).abs() < 1e-6, "{part:?}: {x:?}");
    }
}

#[test]
fn weights_repair_what_is_nearly_normal() {
    // beta(2 + 7, 3 + 3): mean 9 / 15, sd sqrt(54 / 3600)
    let text = "data { int y; int n; } parameters { real<lower=0, upper=1> p; }
        model { p ~ beta(2, 3); y ~ binomial(n, p); }";
    let data = given([("y", Datum::Number(7.0)), ("n", Datum::Number(10.0))]);
    for method in [Method::Laplace, Method::Pathfinder] {
        let near = found(text, &data, Part::Posterior, method).expect("found");
        assert!(near.verdict.is_reliable && near.shape < 0.7, "{method:?} {:?}", near.verdict);
        let off = (mean(&column(&near, "p")) - 0.6) / 0.015_f64.sqrt();
        assert!(off.abs() < 5.0 / near.effective.min(4000.0).sqrt(), "{method:?}: {off}");
    }
}

#[test]
fn a_regression_agrees_with_sampling_and_is_called_reliable() {
    // sd known: the posterior is normal, means by the normal equations
    let x: Vec<f64> = (0..40).map(|at| f64::from(at) / 10.0 - 2.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.5 - 0.7 * x + 0.3 * (7.0 * x).sin()).collect();
    let text = "data { int N; vector[N] x; vector[N] y; } parameters { real a; real b; }
        model { a ~ normal(0, 10); b ~ normal(0, 10); y ~ normal(a + b * x, 0.5); }";
    let data = given([("N", Datum::Number(40.0)), ("x", list(&x)), ("y", list(&y))]);
    let near = found(text, &data, Part::Posterior, Method::Map).expect("found");
    let (count, sx, sy) = (40.0, x.iter().sum::<f64>(), y.iter().sum::<f64>());
    let sxx = x.iter().map(|x| x * x).sum::<f64>();
    let sxy = x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>();
    // precision of the prior in units of that of an observation
    let ridge = 0.25 / 100.0;
    let slope = ((count + ridge) * sxy - sx * sy) / ((count + ridge) * (sxx + ridge) - sx * sx);
    let level = (sy - slope * sx) / (count + ridge);
    assert!((column(&near, "a")[0] - level).abs() < 1e-7, "{level} {:?}", column(&near, "a"));
    assert!((column(&near, "b")[0] - slope).abs() < 1e-7);
    let laplace = found(text, &data, Part::Posterior, Method::Laplace).expect("found");
    assert!(laplace.verdict.is_reliable && laplace.shape < f64::MIN);
}

#[test]
fn what_is_not_normal_is_said() {
    let funnel = "parameters { real v; vector[9] x; } model { v ~ normal(0, 3); x ~ normal(0, exp(v / 2)); }";
    for method in [Method::Laplace, Method::Pathfinder] {
        // its density has no top: whatever is found must not be called reliable
        match found(funnel, &Data::new(), Part::Posterior, method) {
            Ok(near) => assert!(!near.verdict.is_reliable, "{method:?} {near:?}"),
            Err(error) => assert_eq!(error.code, Code::Numeric),
        }
    }
    let heavy = "parameters { vector[5] x; } model { x ~ student_t(2, 0, 1); }";
    let near = found(heavy, &Data::new(), Part::Posterior, Method::Laplace).expect("found");
    assert_eq!(codes(&near), ["pareto_k"], "{}", near.shape);
}

#[test]
fn several_tops_and_none_are_told() {
    let two = "parameters { real x; } model { target += log_mix(0.4, normal_lpdf(x | -5, 0.5), normal_lpdf(x | 5, 0.5)); }";
    let program = parse(two).expect("a model");
    let model = Model::bind(&program, two, &Data::new(), 1, &|| false).expect("bound");
    let settings = Settings { seed: 1, radius: 8.0, ..Settings::default() };
    let found_ = approximate(&model, Method::Map, &settings, 12, &|| false).expect("found");
    assert!(codes(&found_).contains(&"several_tops"), "{:?}", found_.verdict);
    assert!((column(&found_, "x")[0] - 5.0).abs() < 1e-6);

    let flat = "parameters { real x; real y; } model { x ~ normal(0, 1); }";
    let error = found(flat, &Data::new(), Part::Posterior, Method::Laplace).expect_err("flat");
    assert_eq!(error.code, Code::Numeric);
    let open = "parameters { real<lower=0> x; } model { target += 2 * log(x); }";
    let near = found(open, &Data::new(), Part::Plain, Method::Map).expect("found");
    assert!(codes(&near).contains(&"not_converged"), "{:?}", near.verdict);
}

#[test]
fn equal_seeds_give_equal_draws_and_cancelling_ends() {
    let text = "parameters { vector[4] x; } model { x ~ student_t(4, 1, 2); }";
    let one = found(text, &Data::new(), Part::Posterior, Method::Pathfinder).expect("found");
    let other = found(text, &Data::new(), Part::Posterior, Method::Pathfinder).expect("found");
    let bits = |found: &Approximation| -> Vec<u64> {
        found.posterior.chains[0].numbers.iter().map(|x| x.to_bits()).collect()
    };
    assert_eq!(bits(&one), bits(&other));
    let program = parse(text).expect("a model");
    let model = Model::bind(&program, text, &Data::new(), 1, &|| false).expect("bound");
    let error = approximate(&model, Method::Laplace, &Settings::default(), 4, &|| true);
    assert_eq!(error.expect_err("cancelled").code, Code::Cancelled);
}
