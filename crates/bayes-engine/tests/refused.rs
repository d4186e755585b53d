//! What the front refuses before any data are seen: each text is told why, and what its repair makes of it passes.

use bayes_engine::language::{Code, Diagnostic, check, parse};

fn first(text: &str) -> Option<Diagnostic> {
    match parse(text) {
        Ok(program) => check(&program, text).into_iter().next(),
        Err(found) => Some(found),
    }
}

/// Text, what stands in it, what repairs it, a word of the message or the fix.
type Refusal = (&'static str, &'static str, &'static str, &'static str);

fn hold(table: &[Refusal]) {
    for (text, from, to, word) in table {
        let Some(found) = first(text) else { panic!("accepted: {text}") };
        let told = format!("{} {}", found.message, found.fix);
        assert!(told.contains(word), "{text}: {told}");
        assert!(!found.fix.is_empty() && found.line == 1 && found.column > 1, "{text}: {found:?}");
        assert!(!matches!(found.code, Code::Limit), "{text}: {found:?}");
        assert!(text.contains(from), "{from} is nowhere in {text}");
        let repaired = text.replacen(from, to, 1);
        let left = first(&repaired);
        assert!(left.is_none(), "{repaired}: {left:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn types_of_expressions() {
    hold(&[
        ("transformed data { array[2] real x = {{1, 2}, 3}; }", "{1, 2}, 3", "1, 3", "elements"),
        ("transformed data { array[1] int x; x = {}; }", "{}", "{1}", "empty"),
        (
            "transformed data { row_vector[2] a; row_vector[2] x = [a, a]; }",
            "row_vector[2] x",
            "matrix[2, 2] x",
            "the value",
        ),
        (
            "transformed data { row_vector[2] a; matrix[2, 2] x = [a, 1]; }",
            "[a, 1]",
            "[a, a]",
            "row vectors",
        ),
        (
            "data { int n; } transformed data { array[2] int b = {1, 2}; int c = n ? b : 1; }",
            "b : 1",
            "2 : 1",
            "sides",
        ),
        (
            "transformed data { array[2] int b; int c = b ? 2 : 1; }",
            "= b ?",
            "= b[1] ?",
            "condition",
        ),
        ("transformed data { real x = 3[3]; }", "3[3]", "3", "single number"),
        (
            "transformed data { vector[3] v; real x = v[1][2]; }",
            "v[1][2]",
            "v[1]",
            "remove an index",
        ),
        ("transformed data { vector[3] v; v[1, 2] += 1; }", "[1, 2]", "[1]", "takes one"),
        ("transformed data { vector[3] v; real x = v[1.5]; }", "1.5", "1", "not int"),
        ("transformed data { vector[3] v; vector[2] x = v[1.0:2]; }", "1.0", "1", "range"),
        ("transformed data { array[4] int b; array[4] int c = b'; }", "b'", "b", "transposed"),
        (
            "data { real a; } transformed data { real k = a % 2; }",
            "a % 2",
            "floor(a)",
            "whole numbers",
        ),
        (
            "data { array[2] real a; } transformed data { array[2] real b = a + a; }",
            "a + a",
            "a",
            "do not go together",
        ),
        (
            "data { array[2] real a; } transformed data { real b = a > 1; }",
            "a > 1",
            "a[1] > 1",
            "single numbers",
        ),
        (
            "data { array[2] real a; } transformed data { int b = !a; }",
            "!a",
            "a[1] == 0",
            "compare",
        ),
        (
            "data { matrix[2, 2] a; vector[2] b; } transformed data { vector[2] x = a \\ b; }",
            "a \\ b",
            "mdivide_left_tri_low(a, b)",
            "mdivide_left_tri_low",
        ),
        (
            "data { vector[2] a; } transformed data { real x = dot_product(a, 1); }",
            "(a, 1)",
            "(a, a)",
            "takes",
        ),
        (
            "data { vector[2] a; } transformed data { real x = sqrt(a, a); }",
            "sqrt(a, a)",
            "sum(sqrt(a))",
            "other arguments",
        ),
        (
            "data { matrix[2, 2] a; } transformed data { vector[2] x = sort_asc(a); }",
            "sort_asc(a)",
            "sort_asc(a[:, 1])",
            "takes",
        ),
        ("data { real a; } transformed data { real x = fabs(a); }", "fabs", "abs", "`abs`"),
        (
            "data { vector[2] a; } transformed data { if (a) print(1); }",
            "if (a)",
            "if (a[1] > 0)",
            "condition",
        ),
        ("transformed data { for (i in 3) print(i); }", "in 3", "in 1:3", "1:n"),
    ]);
}

#[test]
fn places_of_declarations_and_statements() {
    hold(&[
        ("data { real a = 1; }", " = 1", "", "transformed"),
        ("parameters { real a = 1; }", " = 1", "", "transformed"),
        ("transformed parameters { array[2] int k; }", "int", "real", "int"),
        ("model { real<lower=0> s; s = 1; }", "<lower=0>", "", "constraint"),
        ("transformed data { { simplex[2] s = [0.5, 0.5]'; } }", "simplex", "vector", "constraint"),
        (
            "parameters { array[3] real y; } transformed parameters { array[size(y)] real z = y; }",
            "size(y)",
            "3",
            "depends",
        ),
        ("data { vector[2] v; real<lower=v> a; }", "lower=v", "lower=v[1]", "bound"),
        ("data { int<lower=1.5> a; }", "1.5", "1", "bound"),
        ("parameters { vector[2] v; real<offset=v> a; }", "offset=v", "offset=v[1]", "bound"),
        (
            "generated quantities { int n; for (n in 1:2) print(n); }",
            "n in 1:2",
            "m in 1:2",
            "twice",
        ),
        (
            "functions { real f(real x) { return x; } } generated quantities { real f = 1; }",
            "real f = 1",
            "real g = 1",
            "function of this model",
        ),
        ("parameters { real y_lupdf; }", "y_lupdf", "y", "unnormalised"),
        ("data { real true; }", "true", "truth", "reserved"),
        ("generated quantities { real x = target(); }", "target()", "1", "model block"),
        ("data { real a, reject; }", "reject", "b", "reserved"),
        ("transformed data { int n = 10__000; }", "10__000", "10_000", "digits"),
        ("transformed data { real x = 12_.5; }", "12_.5", "12.5", "digits"),
        ("transformed data { array[2] int x = {1, 2}; x[x[1]] = 2; }", "x[x[1]]", "x[1]", "itself"),
        ("transformed data { matrix[2, 2] x; x[:][1] = [1, 2]; }", "x[:][1]", "x[1]", "one pair"),
        ("transformed data { real x = 1; x .*= 2; }", ".*=", "*=", "elements"),
        ("transformed data { array[2] real x; x += x; }", "x += x", "x = x", "do not go together"),
        (
            "parameters { real y; } transformed parameters { real x = normal_lupdf(y | 0, 1); }",
            "lupdf",
            "lpdf",
            "model block",
        ),
        ("transformed parameters { jacobian += 1; }", "jacobian += 1;", "", "target"),
        ("transformed data { real x = (1, 2); }", "(1, 2)", "(1)", "tuple"),
        ("transformed data { real x = 3i; }", "3i", "3", "complex"),
    ]);
}

#[test]
fn heads_and_ends_of_functions() {
    hold(&[
        ("functions { real f() { if (1) return 1; } }", "if (1) ", "", "every path"),
        (
            "functions { real f() { while (1) { if (0) break; return 1; } } }",
            "if (0) break; ",
            "",
            "every path",
        ),
        ("functions { real f() { return {1}; } }", "{1}", "1", "the value"),
        ("functions { void f() { return 1; } }", "return 1", "return", "void"),
        ("functions { real f() { return; } }", "return", "return 1", "value"),
        ("functions { real f(int a, real a) { return 1; } }", "real a", "real b", "twice"),
        ("functions { real f(real x); }", "f(real x);", "f(real x) { return x; }", "body"),
        ("functions { real f(data real x); real f(real x) { return x; } }", "data ", "", "body"),
        (
            "functions { real square(real x) { return x * x; } }",
            "square",
            "squared",
            "the language",
        ),
        (
            "functions { real poisson_lpmf(int n, real x) { return -x; } }",
            "poisson",
            "own",
            "the language",
        ),
        ("functions { real ode_rk45(real x) { return x; } }", "ode_rk45", "own", "another name"),
        ("functions { real f_lpdf(int y) { return 1; } }", "int y", "real y", "outcomes"),
        ("functions { real f_lpmf(real y) { return 1; } }", "real y", "int y", "outcomes"),
        ("functions { real f_lpdf() { return 1; } }", "()", "(real y)", "outcome"),
        ("functions { vector f_lpdf(vector y) { return 1; } }", "vector f", "real f", "return"),
        ("functions { real f_lupdf(real y) { return 1; } }", "lupdf", "lpdf", "unnormalised"),
        (
            "functions { real f() reject(\"no\"); }",
            "reject(\"no\");",
            "{ reject(\"no\"); }",
            "braces",
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn calls_and_densities() {
    hold(&[
        (
            "functions { void f(int n) { print(n); } } transformed data { print(f(1)); }",
            "print(f(1))",
            "f(1)",
            "returns nothing",
        ),
        (
            "functions { real f(real x) { return x; } } model { f(1); }",
            "f(1);",
            "target += f(1);",
            "not used",
        ),
        (
            "functions { real f(array[] int x) { return 1; } } transformed data { real a = f({1.5}); }",
            "1.5",
            "1",
            "takes",
        ),
        (
            "functions { real f(int a, real b) { return b; } real f(real a, int b) { return a; } } transformed data { real x = f(1, 2); }",
            "f(1, 2)",
            "f(1, 2.0)",
            "equally well",
        ),
        (
            "functions { real f(data real x) { return x; } } parameters { real y; } model { target += f(y); }",
            "data ",
            "",
            "data only",
        ),
        (
            "parameters { real y; } model { target += normal_lpdf(y, 0, 1); }",
            "y, 0",
            "y | 0",
            "`|`",
        ),
        ("transformed data { vector[3] x = rep_vector(1 | 3); }", "1 | 3", "1, 3", "`|`"),
        ("model { target += binomial_lpdf(1 | 2, 0.5); }", "lpdf", "lpmf", "counts"),
        (
            "parameters { real y; } model { target += normal_lpmf(y | 0, 1); }",
            "lpmf",
            "lpdf",
            "real numbers",
        ),
        (
            "model { target += binomial_logit_cdf(1 | 2, 0.5); }",
            "binomial_logit_cdf",
            "binomial_lcdf",
            "supported",
        ),
        (
            "generated quantities { real x = own_rng(1); }",
            "own_rng(1)",
            "exponential_rng(1)",
            "supported",
        ),
        (
            "data { vector[2] k; } parameters { vector[2] t; } model { k ~ bernoulli_logit(t); }",
            "vector[2] k",
            "array[2] int k",
            "int",
        ),
        (
            "parameters { matrix[2, 2] m; } model { m ~ normal(0, 1); }",
            "m ~",
            "to_vector(m) ~",
            "to_vector",
        ),
        (
            "functions { real f_lpdf(real y, int a) { return a; } } model { 1.5 ~ f(1.5); }",
            "f(1.5)",
            "f(1)",
            "takes",
        ),
    ]);
}

#[test]
fn what_is_right_is_read() {
    for text in [
        "data { int a, b; array[2] real c, d; } transformed data { real e = 1, f = 2; }",
        "functions { real f(real x); real f(real x) { return x; } } transformed data { real a = f(1); }",
        "functions { real f(real x) { return x; } real f(int x) { return x; } } transformed data { real a = f(1); }",
        "functions { real f() { while (1) { if (0) return 1; } } }",
        "functions { real f() { for (i in 1:2) return 1; } }",
        "functions { real f_lpdf(real y) { return y; } } parameters { real x; } model { x ~ f(); target += f_lupdf(x); target += f_lpdf(x|); }",
        "functions { real normal_lpdf(real y, matrix s) { return y; } } data { matrix[1, 1] m; } model { 1.0 ~ normal(m); }",
        "data { vector[2] v; } transformed data { vector[2] w = 1 ./ v + 2 ^ v .^ 2; real s = log_mix([0.2, 0.8]', {1.0, 2.0}); }",
        "data { vector[2] v; } parameters { vector<lower=v, upper=10>[2] x; } model { x ~ normal(v, {1, 2}); }",
        "data { ; real x;; } parameters { ; real y; } model { ; }",
        "parameters { real lower_x; real mu_lpdf; } model { target += mu_lpdf; }",
        "generated quantities { array[3] real y = normal_rng([1, 2, 3], 1); int k = categorical_rng([0.5, 0.5]'); }",
        "data { array[3] int k; } parameters { real<lower=0> m; } model { target += poisson_lcdf(k | m); target += std_normal_lcdf(m); }",
    ] {
        assert_eq!(first(text).map(|found| found.to_string()), None, "{text}");
    }
}
