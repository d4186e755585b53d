//! The language's front: what is read, how it binds, and what a mistake is told.

use bayes_engine::language::{
    Code, Diagnostic, MAX_NESTING,
    ast::{Base, Binary, Expression, ExpressionKind, Index, Statement, StatementKind, Unary},
    check, parse,
};
use proptest::prelude::*;

const SCHOOLS: &str = "
data {
  int<lower=0> J;  // schools
  array[J] real y;
  array[J] real<lower=0> sigma;
}
parameters {
  real mu;
  real<lower=0> tau;
  vector<offset=mu, multiplier=tau>[J] theta;
}
model {
  tau ~ cauchy(0, 5);
  /* effects: \u{3bc} */
  theta ~ normal(mu, tau);
  y ~ normal(theta, sigma);
}
generated quantities {
  vector[J] log_lik;
  for (j in 1:J) log_lik[j] = normal_lpdf(y[j] | theta[j], sigma[j]);
}
";

#[test]
fn a_model_is_read() {
    let program = parse(SCHOOLS).expect("a model");
    assert_eq!((program.data.len(), program.parameters.len(), program.model.len()), (3, 3, 3));
    let StatementKind::Declare(theta) = &program.parameters[2].kind else { panic!("declared") };
    assert_eq!((theta.base, theta.name.as_str()), (Base::Vector, "theta"));
    assert!(theta.bounds.offset.is_some() && theta.bounds.multiplier.is_some());
    let StatementKind::For { name, high, body, .. } = &program.generated_quantities[1].kind else {
        panic!("a loop")
    };
    assert!(name == "j" && high.is_some());
    let StatementKind::Assign { value, .. } = &body.kind else { panic!("an assignment") };
    let ExpressionKind::Call(name, arguments) = &value.kind else { panic!("a call") };
    assert_eq!((name.as_str(), arguments.len()), ("normal_lpdf", 3));
}

/// Fully bracketed.
fn shown(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Int(value) => value.to_string(),
        ExpressionKind::Real(value) => value.to_string(),
        ExpressionKind::Text(text) => text.clone(),
        ExpressionKind::Name(name) => name.clone(),
        ExpressionKind::Call(name, list) => format!("{name}{}", listed(list)),
        ExpressionKind::Index(base, indices) => {
            let parts: Vec<_> = indices.iter().map(index).collect();
            format!("{}[{}]", shown(base), parts.join(","))
        }
        ExpressionKind::Unary(operator, inner) => {
            let mark = match operator {
                Unary::Minus => "-",
                Unary::Plus => "+",
                Unary::Not => "!",
            };
            format!("({mark}{})", shown(inner))
        }
        ExpressionKind::Binary(operator, left, right) => {
            format!("({} {} {})", shown(left), mark(*operator), shown(right))
        }
        ExpressionKind::Transpose(inner) => format!("{}'", shown(inner)),
        ExpressionKind::Choose(condition, one, other) => {
            format!("({} ? {} : {})", shown(condition), shown(one), shown(other))
        }
        ExpressionKind::Array(list) | ExpressionKind::Row(list) => listed(list),
    }
}

fn listed(list: &[Expression]) -> String {
    format!("({})", list.iter().map(shown).collect::<Vec<_>>().join(","))
}

fn index(index: &Index) -> String {
    let end = |end: &Option<Expression>| end.as_ref().map(shown).unwrap_or_default();
    match index {
        Index::All => ":".to_owned(),
        Index::At(at) => shown(at),
        Index::Range(low, high) => format!("{}:{}", end(low), end(high)),
    }
}

fn mark(operator: Binary) -> &'static str {
    match operator {
        Binary::Or => "||",
        Binary::And => "&&",
        Binary::Equal => "==",
        Binary::NotEqual => "!=",
        Binary::Less => "<",
        Binary::LessEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterEqual => ">=",
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Modulo => "%",
        Binary::IntDivide => "%/%",
        Binary::LeftDivide => "\\",
        Binary::ElementMultiply => ".*",
        Binary::ElementDivide => "./",
        Binary::Power => "^",
        Binary::ElementPower => ".^",
    }
}

fn value(text: &str) -> String {
    let program = parse(&format!("model {{ target += {text}; }}")).expect(text);
    let [Statement { kind: StatementKind::Target(value), .. }] = &program.model[..] else {
        panic!("one statement")
    };
    shown(value)
}

/// Stan's reference manual, section on precedence.
#[test]
fn operators_bind_as_in_stan() {
    let table = [
        ("a - b - c", "((a - b) - c)"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("-2^2", "(-(2 ^ 2))"),
        ("2 ^ -1", "(2 ^ (-1))"),
        ("a + b * c .* d", "(a + (b * (c .* d)))"),
        ("-a * b", "((-a) * b)"),
        ("a < b == c > d", "((a < b) == (c > d))"),
        ("a || b && !c", "(a || (b && (!c)))"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("a %/% b % c", "((a %/% b) % c)"),
        ("x' * y'", "(x' * y')"),
        ("A[1, :, 2:, :n][k]'", "A[1,:,2:,:n][k]'"),
        ("f_lpdf(x | a, -b)", "f_lpdf(x,a,(-b))"),
        ("1.5e-3 + .5 + 2.", "((0.0015 + 0.5) + 2)"),
        ("{1, 2}[i] + [a, b] * v", "((1,2)[i] + ((a,b) * v))"),
        ("1.*x", "(1 .* x)"),
    ];
    for (text, expected) in table {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn bounds_end_at_their_bracket() {
    let program = parse("parameters { real<lower=a + 1, upper=f(b) * 2> x; }").expect("a model");
    let StatementKind::Declare(x) = &program.parameters[0].kind else { panic!("declared") };
    assert_eq!(x.bounds.upper.as_ref().map(shown).as_deref(), Some("(f(b) * 2)"));
}

fn refused(text: &str) -> Diagnostic {
    let found = parse(text).expect_err(text);
    assert!(!found.fix.is_empty() && !found.message.is_empty(), "{found:?}");
    found
}

/// Each mistake: its code, line and column.
#[test]
fn mistakes_are_placed_and_named() {
    use Code::{Syntax, Unsupported};
    let table = [
        ("model { mu ~ normal(0, 1) }", Syntax, 1, 26, "`;`"),
        ("data { int N }", Syntax, 1, 13, "`;`"),
        ("data {\n  real x[3];\n}", Unsupported, 2, 8, "2.33"),
        ("model { a <- 1; }", Syntax, 1, 11, "assign"),
        ("# old\nmodel { }", Syntax, 1, 1, "comment"),
        ("#include x.stan\nmodel { }", Unsupported, 1, 1, "include"),
        ("model { x ~ normal(0, 1) T[0, ]; }", Unsupported, 1, 26, "truncation"),
        ("parameters { cov_matrix[3] S; }", Unsupported, 1, 14, "cov_matrix"),
        ("data { tuple(int, real) t; }", Unsupported, 1, 8, "tuple"),
        ("data { complex z; }", Unsupported, 1, 8, "complex"),
        ("model { increment_log_prob(1); }", Unsupported, 1, 9, "increment_log_prob"),
        ("model { profile(\"a\") { } }", Unsupported, 1, 9, "profile"),
        ("model { x = ode_rk45(f, y, 0, t); }", Unsupported, 1, 13, "ode_rk45"),
        ("model { x = map_rect(f, a, b, c, d); }", Unsupported, 1, 13, "map_rect"),
        ("model { } data { }", Syntax, 1, 11, "order"),
        ("modle { }", Syntax, 1, 1, "block"),
        ("model { x = ; }", Syntax, 1, 13, "expression"),
        ("model { x + 1; }", Syntax, 1, 9, "nothing"),
        ("model { f(x) = 1; }", Syntax, 1, 9, "assigned"),
        ("model { /* open", Syntax, 1, 9, "comment"),
        ("model { print(\"open); }", Syntax, 1, 15, "text"),
        ("model { x = 2y; }", Syntax, 1, 13, "number"),
        ("model { x = 99999999999; }", Syntax, 1, 13, "large"),
        ("model { real for; }", Syntax, 1, 14, "reserved"),
        ("model { matrix[3] m; }", Syntax, 1, 15, "sizes"),
        ("parameters { real<lower=0, offset=1> x; }", Syntax, 1, 36, "exclude"),
        ("parameters { real<lower=0, lower=1> x; }", Syntax, 1, 28, "twice"),
        ("parameters { real<low=0> x; }", Syntax, 1, 19, "bound"),
        ("model { for (i = 1:3) { } }", Syntax, 1, 16, "in"),
        ("model { x[1 = 2; }", Syntax, 1, 13, "]"),
        ("model { { }", Syntax, 1, 12, "}"),
        ("functions { real f(real[] x) { return 1; } }", Unsupported, 1, 24, "2.33"),
        ("model { x = \u{201c}a\u{201d}; }", Syntax, 1, 13, "belong"),
        ("// \u{3b1}\u{3b2}\nmodel { \u{3b1} = 1; }", Syntax, 2, 9, "belong"),
    ];
    for (text, code, line, column, word) in table {
        let found = refused(text);
        let said = format!("{} {}", found.message, found.fix);
        assert_eq!(
            (found.code, found.line, found.column),
            (code, line, column),
            "{text}: {found:?}"
        );
        assert!(said.contains(word), "{text}: {said}");
        let caret = found.excerpt.lines().last().unwrap_or_default();
        assert_eq!(caret.chars().count(), column, "{text}: {}", found.excerpt);
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for (open, close) in
        [("(", ")"), ("-", ""), ("{", "}"), ("[", "]"), ("1 ^ ", ""), ("1 ? 1 : ", "")]
    {
        let deep = format!("model {{ x = {}1{}; }}", open.repeat(5000), close.repeat(5000));
        assert_eq!(refused(&deep).code, Code::Limit, "{open}");
        let n = MAX_NESTING / 4;
        let shallow = format!("model {{ x = {}1{}; }}", open.repeat(n), close.repeat(n));
        assert!(parse(&shallow).is_ok(), "{open}");
    }
    for chain in
        [format!("x = {}1;", "1 + ".repeat(10_000)), format!("x = y{};", "'".repeat(10_000))]
    {
        assert_eq!(refused(&format!("model {{ {chain} }}")).code, Code::Limit);
    }
    let blocks = format!("model {}{}", "{".repeat(5000), "}".repeat(5000));
    assert_eq!(refused(&blocks).code, Code::Limit);
    assert_eq!(refused(&" ".repeat(70_000)).code, Code::Limit);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 5000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        if let Err(found) = parse(&text) {
            prop_assert!(found.line >= 1 && found.column >= 1 && !found.fix.is_empty());
        }
    }

    /// A model with a piece cut out, doubled or exchanged.
    #[test]
    fn no_mutation_panics(at in 0_usize..600, length in 0_usize..40, piece in "[-+*/<>=(){};,:?'|~a-z0-9.\\[\\] \"]{0,6}") {
        let characters: Vec<char> = SCHOOLS.chars().collect();
        let at = at.min(characters.len());
        let end = (at + length).min(characters.len());
        let text: String = characters[..at].iter().chain(&piece.chars().collect::<Vec<_>>()).chain(&characters[end..]).collect();
        if let Err(found) = parse(&text) {
            prop_assert!(!found.fix.is_empty() && !found.excerpt.is_empty(), "{found:?}");
        }
    }
}

/// Functions that draw: where they may stand, and what a replay makes of them.
#[test]
fn own_generators_draw_where_draws_may_stand() {
    let text = "functions { real two_rng(real mu) { return mu + 0 * normal_rng(0, 1); } }
        transformed data { real a = two_rng(1); }
        parameters { real x; }
        model { x ~ normal(a, 1); }
        generated quantities { real b = two_rng(x); }";
    let program = parse(text).expect("a model");
    assert!(check(&program, text).is_empty(), "{:?}", check(&program, text));
    let wrong = text.replace("normal(a, 1)", "normal(two_rng(1), 1)");
    let found = check(&parse(&wrong).expect("a model"), &wrong);
    assert_eq!((found[0].code, found[0].line), (Code::Type, 4), "{found:?}");
    let hidden = text.replace("two_rng", "two");
    let found = check(&parse(&hidden).expect("a model"), &hidden);
    assert_eq!((found[0].code, found[0].line), (Code::Type, 1), "{found:?}");
}
