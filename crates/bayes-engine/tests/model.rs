//! Models on data: log densities against closed forms, gradients against differences.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use bayes_engine::language::{Data, Datum, Model, parse};
use proptest::prelude::*;

fn list(numbers: &[f64]) -> Datum {
    Datum::List(numbers.iter().map(|number| Datum::Number(*number)).collect())
}

fn bind(text: &str, data: &Data) -> Model {
    let program = parse(text).expect("a model");
    Model::bind(&program, text, data, 1, &|| false).unwrap_or_else(|error| panic!("{error:#?}"))
}

fn given<const N: usize>(pairs: [(&str, Datum); N]) -> Data {
    pairs.into_iter().map(|(name, datum)| (name.to_owned(), datum)).collect()
}

fn value(model: &Model, point: &[f64]) -> f64 {
    let mut gradient = vec![0.0; point.len()];
    model.density().gradient(point, &mut gradient).unwrap_or(f64::NAN)
}

/// Worst difference of the gradient from central differences, relative to its size.
fn worst_slope(model: &Model, point: &[f64]) -> f64 {
    let mut density = model.density();
    let (mut gradient, mut idle) = (vec![0.0; point.len()], vec![0.0; point.len()]);
    density.gradient(point, &mut gradient).expect("finite");
    let mut worst = 0.0_f64;
    for at in 0..point.len() {
        // Richardson's extrapolation of two central differences
        let mut difference = |step: f64| {
            let mut moved = point.to_vec();
            moved[at] = point[at] + step;
            let above = density.gradient(&moved, &mut idle).expect("finite");
            moved[at] = point[at] - step;
            (above - density.gradient(&moved, &mut idle).expect("finite")) / (2.0 * step)
        };
        let (coarse, fine) = (difference(2e-4), difference(1e-4));
        let slope = (4.0 * fine - coarse) / 3.0;
        worst = worst.max((slope - gradient[at]).abs() / (1.0 + gradient[at].abs()));
    }
    worst
}

const SCHOOLS: &str = "
data { int<lower=0> J; array[J] real y; array[J] real<lower=0> sigma; }
parameters { real mu; real<lower=0> tau; vector[J] z; }
transformed parameters { vector[J] theta = mu + tau * z; }
model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); z ~ normal(0, 1); y ~ normal(theta, sigma); }
generated quantities { vector[J] log_lik; for (j in 1:J) log_lik[j] = normal_lpdf(y[j] | theta[j], sigma[j]); }
";

fn schools() -> Data {
    given([
        ("J", Datum::Number(8.0)),
        ("y", list(&[28., 8., -3., 7., -1., 1., 18., 12.])),
        ("sigma", list(&[15., 10., 16., 11., 9., 11., 10., 18.])),
    ])
}

fn test_point(dim: usize) -> Vec<f64> {
    (0..dim).map(|at| 0.1 * (0.7 * at as f64).sin()).collect()
}

#[test]
fn eight_schools_has_stans_log_density() {
    let model = bind(SCHOOLS, &schools());
    assert_eq!(model.dim(), 10);
    let point = test_point(10);
    let found = value(&model, &point);
    assert!((found + 44.084_119_276_824).abs() < 1e-11, "{found}");
    assert!(worst_slope(&model, &point) < 1e-9);
    let names: Vec<&str> =
        model.variables().iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(names, ["mu", "tau", "z", "theta", "log_lik"]);
    assert_eq!(model.variables()[2].label(3), "z[4]");
}

/// Declares every kind of parameter, then uses one statement; all of it must have the right slopes.
fn with_all(statement: &str) -> Model {
    let text = format!(
        "data {{ int N; array[N] int k; vector[N] y; matrix[N, 3] X; array[N] int g; }}
         parameters {{
           real a; real<lower=0> s; real<lower=0.5> t; real<upper=2> u; real<lower=0, upper=1> p;
           real<lower=a, upper=a + s> w; vector[3] b; simplex[3] q; ordered[3] o; positive_ordered[3] r;
           unit_vector[3] e; cholesky_factor_corr[3] L; vector<offset=a, multiplier=s>[3] c;
           array[2] vector<lower=0, upper=1>[3] m; matrix[2, 3] A;
         }}
         model {{ {statement} }}"
    );
    let data = given([
        ("N", Datum::Number(4.0)),
        ("k", list(&[0., 1., 2., 1.])),
        ("y", list(&[0.3, 1.2, 0.7, 2.5])),
        (
            "X",
            Datum::List(vec![
                list(&[1., 0.2, -1.]),
                list(&[0.5, 2., 0.]),
                list(&[1., 1., 1.]),
                list(&[-0.3, 0.4, 2.]),
            ]),
        ),
        ("g", list(&[1., 3., 2., 1.])),
    ]);
    bind(&text, &data)
}

/// Statements over the parameters of [`with_all`].
const STATEMENTS: &[&str] = &[
    "a ~ normal(0, 2); s ~ cauchy(0, 1); t ~ gamma(2, s); u ~ student_t(t + 1, a, s); p ~ beta(t, 2 * s);",
    "y ~ normal(X * b, s); b ~ double_exponential(a, t); c ~ logistic(a, s);",
    "y ~ lognormal(a, s); y ~ inv_gamma(t, s); y ~ weibull(t, s); y ~ exponential(s); y ~ gamma(t, s);",
    "k ~ poisson(s); k ~ poisson_log(X * b); k ~ neg_binomial_2(s, t); k ~ neg_binomial_2_log(X * b, t);",
    "k ~ binomial(3, p); k ~ binomial_logit(3, a + X * b); w ~ uniform(a - 1, a + s + 1);",
    "for (n in 1:N) { if (k[n] < 2) { k[n] ~ bernoulli(p); k[n] ~ bernoulli_logit(a + b[g[n]]); } }",
    "g ~ categorical(q); g ~ categorical_logit(b); q ~ dirichlet(r + 0.5); y ~ student_t(3, a, s);",
    "b ~ multi_normal_cholesky(c, diag_pre_multiply(r + 0.1, L)); L ~ lkj_corr_cholesky(t);",
    "b ~ multi_normal(rep_vector(0, 3), quad_form_diag(tcrossprod(L), r + 0.1));",
    "target += log_mix(p, normal_lpdf(y | a, s), normal_lpdf(y | 0, t));",
    "y ~ normal_id_glm(X, a, b, s); segment(k, 1, 2) ~ bernoulli_logit_glm(X[1:2], a, b);",
    "target += log_sum_exp(o) + log_sum_exp(a, p) + log_diff_exp(a + s, a) + dot_self(b) + sum(A) + prod(r);",
    "target += sum(softmax(b) .* c) + mean(o) + sd(b) + variance(c) + dot_product(o, e) + max(b) - min(c);",
    "target += -sum(square(A * b)) + sum(A' * A) * 0.01 + sum(diag_matrix(b) * L) + b' * L * c;",
    "target += sum(mdivide_left_tri_low(L, b)) + sum(cholesky_decompose(add_diag(tcrossprod(A'), 1.5)));",
    "target += sum(gp_exp_quad_cov({0.1, 0.7, 2.0}, t, s)) + sum(cumulative_sum(b)) + squared_distance(b, c);",
    "target += exp(a) + log(s) + log1p(s) + log1m(p) + log1p_exp(a) + log1m_exp(-s) + expm1(a) + sqrt(s);",
    "target += inv(t) + inv_sqrt(t) + square(a) + cbrt(s) + sin(a) + cos(a) + tan(a) + atan(a) + tanh(a) + sinh(a);",
    "target += cosh(a) + asin(p) + acos(p) + inv_logit(a) + log_inv_logit(a) + logit(p) + Phi(a) + inv_Phi(p);",
    "target += erf(a) + erfc(a) + lgamma(s) + digamma(t) + lbeta(s, t) + fmin(a, p) + fmax(a, p) + atan2(a, s);",
    "target += s ^ t + pow(t, a) + t ^ 2 + log2(s) + log10(s) + exp2(a) + Phi_approx(a) + log1m_inv_logit(a);",
    "target += normal_lcdf(a | 0, s) + normal_lccdf(y | a, s) + exponential_lccdf(t | s) + weibull_lcdf(t | s, t);",
    "target += std_normal_lcdf(a) + lognormal_lcdf(t | a, s) + logistic_lccdf(a | b, s) + normal_cdf(a | 0, t);",
    "vector[3] x = b; x *= s; x += a; x .*= c; x /= t; x ./= r + 1; target += sum(x); matrix[2, 3] B = A; B *= t; target += sum(B);",
    "for (i in 1:2) m[i] ~ beta(2, s); target += sum(m[1] .* m[2]) + sum(to_vector(A) ./ rep_vector(t, 6));",
    "vector[3] x; x[1] = a; x[2:3] = b[{3, 1}]; x[2] += s; x ~ normal(o, t); target += sum(append_row(x, b));",
    "real h = 0; for (n in 2:N) { h = y[n] - a - p * h; h ~ normal(0, s); } target += sum(log(append_col(q, r)));",
];

#[test]
fn every_function_has_the_right_slopes() {
    for statement in STATEMENTS {
        let model = with_all(statement);
        let off = worst_slope(&model, &test_point(model.dim()));
        assert!(off < 2e-8, "{statement}: {off:e}");
    }
}

proptest! {
    #[test]
    fn slopes_are_right_anywhere(point in prop::collection::vec(-1.2..1.2_f64, 40), which in 0..STATEMENTS.len()) {
        let model = with_all(STATEMENTS[which]);
        let mut gradient = vec![0.0; model.dim()];
        let point = &point[..model.dim()];
        // some statements have no density everywhere: a bound may lie outside a support
        if model.density().gradient(point, &mut gradient).is_some() && gradient.iter().all(|slope| slope.abs() < 1e3) {
            let off = worst_slope_if_smooth(&model, point);
            prop_assert!(off < 1e-5, "{}: {off:e}", STATEMENTS[which]);
        }
    }
}

/// 0 where a step of the difference leaves the support.
fn worst_slope_if_smooth(model: &Model, point: &[f64]) -> f64 {
    let mut idle = vec![0.0; point.len()];
    let mut density = model.density();
    for at in 0..point.len() {
        for step in [-1e-3, 1e-3] {
            let mut moved = point.to_vec();
            moved[at] += step;
            if density.gradient(&moved, &mut idle).is_none() {
                return 0.0;
            }
        }
    }
    worst_slope(model, point)
}

/// Log Jacobians by brute force: the density of the constrained value under a flat prior integrates to the
/// volume of its support.
#[test]
fn transforms_integrate_to_the_volume() {
    let volume = |declaration: &str, low: f64, high: f64| {
        let text = format!("parameters {{ {declaration} }} model {{ }}");
        let model = bind(&text, &Data::new());
        let steps = 4000;
        let width = (high - low) / f64::from(steps);
        let at = |step: i32| low + width * (f64::from(step) + 0.5);
        if model.dim() == 1 {
            return (0..steps).map(|step| value(&model, &[at(step)]).exp() * width).sum::<f64>();
        }
        let (steps, width) = (steps / 10, width * 10.0);
        let at = |step: i32| low + width * (f64::from(step) + 0.5);
        let mut total = 0.0;
        for one in 0..steps {
            for other in 0..steps {
                total += value(&model, &[at(one), at(other)]).exp() * width * width;
            }
        }
        total
    };
    assert!((volume("real<lower=2, upper=5> x;", -40.0, 40.0) - 3.0).abs() < 1e-9);
    assert!((volume("real<lower=0> x;", -60.0, 3.0) - 3_f64.exp()).abs() < 1e-3);
    assert!((volume("real<upper=0> x;", -60.0, 3.0) - 3_f64.exp()).abs() < 1e-3);
    assert!((volume("simplex[2] x;", -40.0, 40.0) - 1.0).abs() < 1e-9);
    assert!((volume("simplex[3] x;", -30.0, 30.0) - 0.5).abs() < 1e-6);
    assert!((volume("cholesky_factor_corr[2] x;", -40.0, 40.0) - 2.0).abs() < 1e-9);
}

/// Whole densities integrate to 1 over what is declared.
#[test]
fn densities_are_normalised() {
    let total = |declaration: &str, statement: &str| {
        let text = format!("parameters {{ {declaration} }} model {{ {statement} }}");
        let model = bind(&text, &Data::new());
        let (low, width) = (-40.0, 0.004);
        (0..20_000)
            .map(|step| value(&model, &[low + width * (f64::from(step) + 0.5)]))
            .filter(|log| !log.is_nan())
            .map(|log| log.exp() * width)
            .sum::<f64>()
    };
    for (declaration, statement) in [
        ("real x;", "x ~ normal(0.3, 1.4);"),
        ("real x;", "x ~ student_t(7, 1, 0.6);"),
        ("real x;", "x ~ logistic(1, 0.5);"),
        ("real x;", "x ~ double_exponential(1, 0.5);"),
        ("real<lower=0> x;", "x ~ gamma(2.5, 1.5);"),
        ("real<lower=0> x;", "x ~ inv_gamma(2.5, 1.5);"),
        ("real<lower=0> x;", "x ~ lognormal(0.5, 0.7);"),
        ("real<lower=0> x;", "x ~ weibull(1.7, 2);"),
        ("real<lower=0> x;", "x ~ exponential(1.3);"),
        ("real<lower=0, upper=1> x;", "x ~ beta(2.5, 1.5);"),
        ("real<lower=1, upper=4> x;", "x ~ uniform(1, 4);"),
        ("simplex[2] x;", "x ~ dirichlet([2.5, 0.7]');"),
        ("cholesky_factor_corr[2] x;", "x ~ lkj_corr_cholesky(1.7);"),
        ("vector[1] x;", "x ~ multi_normal([0.3]', [[2.0]]);"),
    ] {
        let found = total(declaration, statement);
        assert!((found - 1.0).abs() < 1e-4, "{statement}: {found}");
    }
}

/// The density of the language is the one of the library of distributions.
#[test]
fn densities_equal_the_library() {
    let cases = [
        ("normal", vec![1.3, 0.4, 2.0], ""),
        ("cauchy", vec![1.3, 0.4, 2.0], ""),
        ("student_t", vec![1.3, 4.5, 0.4, 2.0], ""),
        ("logistic", vec![1.3, 0.4, 2.0], ""),
        ("double_exponential", vec![1.3, 0.4, 2.0], ""),
        ("lognormal", vec![1.3, 0.4, 2.0], ""),
        ("gamma", vec![1.3, 2.4, 2.0], ""),
        ("inv_gamma", vec![1.3, 2.4, 2.0], ""),
        ("weibull", vec![1.3, 2.4, 2.0], ""),
        ("exponential", vec![1.3, 2.4], ""),
        ("beta", vec![0.3, 2.4, 2.0], ""),
        ("uniform", vec![1.3, 0.4, 2.0], ""),
        ("bernoulli", vec![1.0, 0.4], "k"),
        ("binomial", vec![3.0, 7.0, 0.4], "k"),
        ("poisson", vec![3.0, 2.4], "k"),
        ("neg_binomial_2", vec![3.0, 2.4, 1.7], "k"),
    ];
    for (name, numbers, whole) in cases {
        let (y, parameters) = numbers.split_first().expect("an outcome");
        let shown: Vec<String> = parameters
            .iter()
            .map(
                |x| if name == "binomial" && *x > 1.0 { format!("{x:.0}") } else { format!("{x}") },
            )
            .collect();
        let outcome = if whole.is_empty() { format!("{y}") } else { format!("{y:.0}") };
        let text = format!("model {{ {outcome} ~ {name}({}); }}", shown.join(", "));
        let found = value(&bind(&text, &Data::new()), &[]);
        let family = bayes_engine::distribution::Family::named(name).expect(name);
        let named =
            family.parameters.iter().map(|(known, _)| *known).zip(parameters.iter().copied());
        let law = bayes_engine::distribution::Distribution::new(name, named).expect(name);
        let expected = law.ln_pdf(*y);
        assert!(
            (found - expected).abs() < 1e-13 * (1.0 + expected.abs()),
            "{name}: {found} {expected}"
        );
    }
}

/// Arguments of every kind, empty ones among them.
const ARGUMENTS: [&str; 16] = [
    "1",
    "0",
    "-1",
    "2.5",
    "a",
    "b",
    "b'",
    "X",
    "A",
    "k",
    "y",
    "m",
    "none",
    "rep_array(1, 0)",
    "X[1]",
    "L",
];

fn tried(expression: &str) -> Result<Model, bayes_engine::language::Diagnostic> {
    let text = format!(
        "data {{ int N; array[N] int k; vector[N] y; matrix[N, 3] X; vector[0] none; }}
         parameters {{ real a; vector[3] b; matrix[2, 3] A; array[2] vector[3] m; cholesky_factor_corr[3] L; }}
         model {{ target += sum(to_vector({expression})); }}"
    );
    let data = given([
        ("N", Datum::Number(2.0)),
        ("k", list(&[0., 2.])),
        ("y", list(&[0.3, 1.2])),
        ("X", Datum::List(vec![list(&[1., 0.2, -1.]), list(&[0.5, 2., 0.])])),
        ("none", list(&[])),
    ]);
    let program = parse(&text)?;
    Model::bind(&program, &text, &data, 1, &|| false)
}

#[test]
fn no_call_panics() {
    let densities =
        ["normal", "student_t", "categorical", "dirichlet", "multi_normal", "lkj_corr_cholesky"];
    let names: Vec<String> = bayes_engine::language::functions()
        .map(str::to_owned)
        .chain(densities.iter().map(|name| format!("{name}_lpdf")))
        .chain(
            ["normal_id_glm_lpdf", "binomial_lpmf", "normal_lccdf", "gamma_cdf"].map(str::to_owned),
        )
        .collect();
    let (mut served, mut panics) = (0, Vec::new());
    let mut call = |call: String| {
        let run = || {
            let Ok(model) = tried(&call) else { return false };
            let mut gradient = vec![0.0; model.dim()];
            model.density().gradient(&test_point(model.dim()), &mut gradient);
            true
        };
        match std::panic::catch_unwind(run) {
            Ok(is_served) => served += usize::from(is_served),
            Err(_) => panics.push(call),
        }
    };
    for (number, name) in names.iter().enumerate() {
        call(format!("{name}()"));
        for (at, one) in ARGUMENTS.iter().enumerate() {
            call(format!("{name}({one})"));
            for other in ARGUMENTS {
                let mark = if name.contains("_lp") || name.ends_with("cdf") { "|" } else { "," };
                call(format!("{name}({one}{mark} {other})"));
                // a different third argument for each pair
                let third = ARGUMENTS[(at * 7 + number + other.len()) % ARGUMENTS.len()];
                call(format!("{name}({one}{mark} {other}, {third})"));
            }
        }
    }
    assert!(panics.is_empty(), "{panics:?}");
    assert!(served > 500, "{served}");
}

#[test]
fn greed_is_refused() {
    for (text, word) in [
        ("model { vector[2000000000] x; }", "data_size"),
        ("model { matrix[5000, 5000] x; }", "limit_exceeded"),
        ("model { target += sum(identity_matrix(100000)); }", "limit_exceeded"),
        (
            "model { target += sum(rep_vector(1, 9999) * rep_row_vector(1, 9999)); }",
            "limit_exceeded",
        ),
        ("model { target += sum(rep_vector(1, 20000000)); }", "data_size"),
        ("transformed data { int n = 0; while (1) n = 1 - n; }", "limit_exceeded"),
        (
            "functions { real f(real x) { return f(x); } } model { target += f(1); }",
            "limit_exceeded",
        ),
        (
            "parameters { real a; } model { for (i in 1:3000000) target += a * i; }",
            "limit_exceeded",
        ),
        ("parameters { vector[30000] a; } model { }", "limit_exceeded"),
    ] {
        let program = parse(text).expect(text);
        let error = Model::bind(&program, text, &Data::new(), 1, &|| false).expect_err(text);
        assert_eq!(error.code.word(), word, "{text}: {error}");
        assert!(!error.fix.is_empty());
    }
    let chain = " + x".repeat(990);
    let deep = format!(
        "functions {{ real f(real x) {{ return f(x){chain}; }} }} model {{ target += f(1); }}"
    );
    let program = parse(&deep).expect("a model");
    let error = Model::bind(&program, &deep, &Data::new(), 1, &|| false).expect_err("too deep");
    assert_eq!(error.code.word(), "limit_exceeded");
    let mut many = String::from("model {");
    for number in 0..20 {
        many.push_str(&format!("vector[900000] x{number};"));
    }
    many.push('}');
    let program = parse(&many).expect("a model");
    let error = Model::bind(&program, &many, &Data::new(), 1, &|| false).expect_err("too much");
    assert_eq!(error.code.word(), "limit_exceeded");
}
