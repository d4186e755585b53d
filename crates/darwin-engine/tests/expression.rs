//! Expressions: meaning, limits, and the same bits from every way of running them.

#![expect(clippy::float_cmp, reason = "values are exact")]

use darwin_engine::{
    LANES, Objective,
    expression::{Compiler, Fault, FaultKind, MAX_SOURCE, Program, Symbol, Table},
};
use proptest::prelude::*;

fn number(name: &str, base: usize) -> Symbol {
    Symbol { name: name.to_owned(), base, length: None, categories: Vec::new() }
}

/// Numbers a, b, c, a vector x of 4, a category `kind`.
fn symbols() -> Vec<Symbol> {
    let vector = Symbol { length: Some(4), ..number("x", 3) };
    let categories = ["linear", "rbf", "poly"].map(str::to_owned).to_vec();
    vec![
        number("a", 0),
        number("b", 1),
        number("c", 2),
        vector,
        Symbol { categories, ..number("kind", 7) },
    ]
}

fn tables() -> Vec<Table> {
    vec![Table { name: "d".to_owned(), columns: 3, values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] }]
}

fn compile(source: &str) -> Result<Program, Fault> {
    let (symbols, tables) = (symbols(), tables());
    let mut compiler = Compiler::new(&symbols, &tables)?;
    compiler.output(source)?;
    Ok(compiler.finish())
}

const POINT: [f64; 8] = [2.0, 3.0, -0.5, 1.0, -2.0, 0.25, 4.0, 1.0];

/// The value at [`POINT`], alone and in every lane of a block.
fn value(source: &str) -> f64 {
    let program = compile(source).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
    let inputs: Vec<[f64; LANES]> = POINT.iter().map(|x| [*x; LANES]).collect();
    let (mut one, mut block) = ([0.0], [0.0; LANES]);
    program.evaluate(&inputs, &mut one);
    program.evaluate(&inputs, &mut block);
    for lane in block {
        assert_eq!(lane.to_bits(), one[0].to_bits(), "{source}");
    }
    one[0]
}

fn refusal(source: &str) -> Fault {
    compile(source).expect_err(source)
}

#[test]
fn precedence_is_that_of_python() {
    for (source, expected) in [
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("2**-1*3", 1.5),
        ("2^-1^2", 0.5),
        ("1/2", 0.5),
        ("-a^2", -4.0),
        ("(-a)^2", 4.0),
        ("a--b", 5.0),
        ("a-+-b", 5.0),
        ("2-3-4", -5.0),
        ("2/4/2", 0.25),
        ("-7 % 3", 2.0),
        ("7 % -3", -2.0),
        ("2*-a", -4.0),
        ("1 + 2 < 4", 1.0),
        ("not a == 2", 0.0),
        ("not not a", 1.0),
        ("a < b and b < a or 1", 1.0),
        ("1 or 0 and 0", 1.0),
        ("a < b == 1 == 0", f64::NAN),
    ] {
        if expected.is_nan() {
            assert!(matches!(refusal(source).kind, FaultKind::Syntax(_)), "{source}");
        } else {
            assert_eq!(value(source).to_bits(), expected.to_bits(), "{source}");
        }
    }
}

#[test]
fn every_construct_has_its_value() {
    for (source, expected) in [
        ("sum(i, 0, n - 5, x[i]^2)", 21.0625),
        ("sum(i,0,len(x)-1,x[i]^2)", 21.0625),
        ("sum(i,0,3,sum(j,0,i,x[j]))", 1.0 - 1.0 - 0.75 + 3.25),
        ("prod(i,1,5,i)", 120.0),
        ("sum(i,3,2,x[i])", 0.0),
        ("prod(i,3,2,x[i])", 1.0),
        ("maxof(i,0,3,x[i])", 4.0),
        ("minof(i,0,3,x[3-i])", -2.0),
        ("x[1+2*1]", 4.0),
        ("x[6/2]", 4.0),
        ("x[-1+len(x)%3]", 1.0),
        ("sum(x)", 3.25),
        ("mean(x)", 0.8125),
        ("dot(x,x)", 21.0625),
        ("norm(x)^2", 21.0625_f64.sqrt() * 21.0625_f64.sqrt()),
        ("if(a>b, 1, if(c<0, 2, 3))", 2.0),
        ("clamp(a, 3, 5)", 3.0),
        ("min(a,b,c)+max(a,b,c)", 2.5),
        ("min(a)", 2.0),
        ("at(d, 2)", 3.0),
        ("at(d, 1, 1)", 5.0),
        ("at(d, a - 0.6)", 2.0),
        ("kind == 'rbf'", 1.0),
        ("\"poly\" != kind", 1.0),
        ("if(kind == 'linear', 10, at(d, kind))", 2.0),
        ("let s = a + b; let t = s * s; t - s;", 20.0),
        ("pi - acos(-1)", 0.0),
        ("hypot(3, 4) + atan2(0, 1)", 5.0),
        ("sign(c) + abs(c) + floor(c) + ceil(c) + trunc(c)", -1.0 + 0.5 - 1.0),
        ("sqrt(4) + cbrt(27) + exp(0) + ln(e) + log2(8) + log10(100)", 12.0),
        ("tau / pi", 2.0),
        ("n", 8.0),
    ] {
        assert_eq!(value(source), expected, "{source}");
    }
    for outside in ["at(d, -1)", "at(d, 6)", "at(d, 2, 0)", "at(d, 0, 3)", "at(d, 0/0)"] {
        assert!(value(outside).is_nan(), "{outside}");
    }
    assert_eq!([value("minof(i,1,0,i)"), value("0/0 != 0/0")], [f64::INFINITY, 1.0]);
}

#[test]
fn mistakes_are_named_where_they_stand() {
    for (source, offset) in [
        ("", 0),
        ("a +", 3),
        ("a b", 2),
        ("(a", 0),
        ("a)", 1),
        ("x", 0),
        ("a[0]", 0),
        ("x[4]", 0),
        ("x[-1]", 0),
        ("sum(i,0,4,x[i])", 10),
        ("x[a]", 0),
        ("x[0.5]", 0),
        ("x[1/0]", 0),
        ("sin(a, b)", 0),
        ("clamp(a)", 0),
        ("sum(i,0,3)", 0),
        ("sum(a,0,3,a)", 4),
        ("sum(i,0,3,1,2)", 11),
        ("1 < 2 < 3", 6),
        ("1 + not a", 4),
        ("'rbf'", 0),
        ("kind + 'rbf'", 7),
        ("a == 'rbf' ", 5),
        ("a; b", 3),
        ("let a = 1; a", 4),
        ("let sin = 1; a", 4),
        ("sin()", 4),
        ("a, b", 1),
        ("a = 1", 2),
        ("dot(x, a)", 7),
        ("(a]", 2),
        ("x[0)", 3),
    ] {
        let fault = refusal(source);
        assert!(!matches!(fault.kind, FaultKind::Limit(_)), "{source}: {fault:?}");
        assert_eq!(fault.offset, offset, "{source}: {fault:?}");
    }
    for (source, name, known) in
        [("sine(a)", "sine", "sin"), ("y + 1", "y", "a"), ("kind == 'rfb'", "rfb", "rbf")]
    {
        match refusal(source).kind {
            FaultKind::UnknownName { name: seen, known: all } => {
                assert_eq!(seen, name);
                assert!(all.iter().any(|one| one == known), "{all:?}");
            }
            other => panic!("{source}: {other:?}"),
        }
    }
}

/// Every one is answered by a limit, or exactly, without deep recursion.
#[test]
fn what_broke_other_evaluators_is_bounded() {
    let many = 100_000;
    let limits = [
        format!("{}a{}", "(".repeat(many), ")".repeat(many)),
        format!("{}a", "-".repeat(many)),
        format!("{}a{}", "(".repeat(300), ")".repeat(300)),
        format!("{}a", "-".repeat(300)),
        vec!["a"; 1_000_000].join("+"),
        vec!["a"; 5000].join("+"),
        vec!["a"; 300].join("^"),
        format!("{}a", "not ".repeat(300)),
        format!("{}a{}", "abs(".repeat(300), ")".repeat(300)),
        "sum(i,0,1000000,1)".to_owned(),
        "sum(i,0,1000000000000,sum(j,1,0,1))".to_owned(),
        "sum(i,0,2000,sum(j,0,2000,i*j))".to_owned(),
        format!("{}1{}", "sum(i,0,1,".replace('i', "i0"), ")"),
    ];
    let (last, refused) = limits.split_last().expect("valid");
    for source in refused {
        let head: String = source.chars().take(30).collect();
        assert!(matches!(refusal(source).kind, FaultKind::Limit(_)), "{head}");
    }
    assert_eq!(value(last), 2.0);
    assert!(vec!["a"; MAX_SOURCE].join("+").len() > MAX_SOURCE);
    let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(value(&deep(256)), 2.0);
    assert_eq!(value(&format!("{}a", "-".repeat(256))), 2.0);
    assert_eq!(value(&vec!["a"; 2048].join("+")), 4096.0);
    let loops = |n: usize| {
        let heads = (0..n).map(|i| format!("sum(i{i},0,1,")).collect::<Vec<_>>().concat();
        format!("{heads}1{}", ")".repeat(n))
    };
    assert_eq!(value(&loops(8)), 256.0);
    assert!(matches!(refusal(&loops(9)).kind, FaultKind::Limit(_)));
    assert!(matches!(refusal("sum(i,0,9223372036854775807,1)").kind, FaultKind::Syntax(_)));
}

#[test]
fn outputs_share_lets_and_come_one_after_another() {
    let symbols = [number("a", 0), number("b", 1)];
    let mut compiler = Compiler::new(&symbols, &[]).expect("valid");
    compiler.define("s", "a + b").expect("valid");
    for source in ["s^2", "let t = s; t - 1", "a - b"] {
        compiler.output(source).expect("valid");
    }
    assert!(compiler.output("t").is_err(), "a let of one text is not seen in another");
    let mut compiler = Compiler::new(&symbols, &[]).expect("valid");
    compiler.define("s", "a + b").expect("valid");
    compiler.output("s^2").expect("valid");
    compiler.output("a - b").expect("valid");
    let program = compiler.finish();
    let lanes =
        |start: f64| std::array::from_fn(|l| start + f64::from(u32::try_from(l).expect("valid")));
    let inputs: [[f64; LANES]; 2] = [lanes(0.0), lanes(1.0)];
    for points in [1, 4, 5, 64] {
        let mut values = vec![f64::NAN; 2 * points];
        program.evaluate(&inputs, &mut values);
        for point in 0..points {
            let (a, b) = (inputs[0][point], inputs[1][point]);
            assert_eq!([values[point], values[points + point]], [(a + b) * (a + b), a - b]);
        }
    }
}

/// A tree, its text, and its value by plain recursion: what the compiler must agree with.
#[derive(Debug, Clone)]
enum Tree {
    Number(f64),
    Variable(usize),
    Negative(Box<Self>),
    Call(&'static str, Box<Self>),
    Join(&'static str, Box<Self>, Box<Self>),
    Choice(Box<Self>, Box<Self>, Box<Self>),
}

const JOINS: [&str; 10] = ["+", "-", "*", "/", "%", "<", ">=", "==", "and", "or"];
const CALLS: [&str; 5] = ["abs", "sin", "exp", "floor", "sqrt"];

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        prop_oneof![Just(0.0), Just(2.0), 0.0..10.0_f64].prop_map(Tree::Number),
        (0_usize..3).prop_map(Tree::Variable),
    ];
    leaf.prop_recursive(6, 60, 3, |inner| {
        let tree = inner.prop_map(Box::new).boxed();
        prop_oneof![
            tree.clone().prop_map(Tree::Negative),
            (0..CALLS.len(), tree.clone()).prop_map(|(f, x)| Tree::Call(CALLS[f], x)),
            (0..JOINS.len(), tree.clone(), tree.clone())
                .prop_map(|(f, x, y)| Tree::Join(JOINS[f], x, y)),
            (tree.clone(), tree.clone(), tree).prop_map(|(c, x, y)| Tree::Choice(c, x, y)),
        ]
    })
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Number(value) => format!("{value}"),
            Self::Variable(variable) => ["a", "b", "c"][*variable].to_owned(),
            Self::Negative(x) => format!("-({})", x.text()),
            Self::Call(function, x) => format!("{function}({})", x.text()),
            Self::Join(function, x, y) => format!("({}) {function} ({})", x.text(), y.text()),
            Self::Choice(c, x, y) => format!("if({},{},{})", c.text(), x.text(), y.text()),
        }
    }

    fn value(&self, point: &[f64]) -> f64 {
        let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            Self::Number(value) => *value,
            Self::Variable(variable) => point[*variable],
            Self::Negative(x) => -x.value(point),
            Self::Call(function, x) => {
                let x = x.value(point);
                match *function {
                    "abs" => x.abs(),
                    "sin" => libm::sin(x),
                    "exp" => libm::exp(x),
                    "floor" => x.floor(),
                    _ => x.sqrt(),
                }
            }
            Self::Join(function, x, y) => {
                let (x, y) = (x.value(point), y.value(point));
                match *function {
                    "+" => x + y,
                    "-" => x - y,
                    "*" => x * y,
                    "/" => x / y,
                    "%" => {
                        let rest = x % y;
                        if rest != 0.0 && (rest < 0.0) != (y < 0.0) { rest + y } else { rest }
                    }
                    "<" => truth(x < y),
                    ">=" => truth(x >= y),
                    "==" => truth(x == y),
                    "and" => truth(x != 0.0 && y != 0.0),
                    _ => truth(x != 0.0 || y != 0.0),
                }
            }
            Self::Choice(c, x, y) => {
                if c.value(point) != 0.0 {
                    x.value(point)
                } else {
                    y.value(point)
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiled_trees_have_the_value_of_the_tree(tree in trees(), at in -9.0..9.0_f64) {
        let program = compile(&tree.text()).expect("valid");
        let lane = |lane: usize, k: usize| at + f64::from(u32::try_from(lane * 3 + k).expect("valid")) * 0.37;
        let mut inputs = vec![[0.0; LANES]; 8];
        for (k, block) in inputs.iter_mut().take(3).enumerate() {
            *block = std::array::from_fn(|l| lane(l, k));
        }
        let mut block = [0.0; LANES];
        program.evaluate(&inputs, &mut block);
        for (l, value) in block.iter().enumerate() {
            let expected = tree.value(&[lane(l, 0), lane(l, 1), lane(l, 2)]);
            let same = value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan();
            prop_assert!(same, "{} {} {}", tree.text(), value, expected);
        }
    }

    #[test]
    fn no_text_breaks_the_compiler(words in prop::collection::vec(0_usize..44, 0..60)) {
        const WORDS: [&str; 44] = [
            "a", "x", "i", "n", "kind", "d", "'rbf'", "1", "0", "2.5", "1e3", "(", ")", "[", "]",
            ",", ";", "+", "-", "*", "/", "%", "^", "**", "<", "==", "!=", "=", "and", "or", "not",
            "let", "sum(", "sum(i,0,", "sin(", "if(", "min(", "at(d,", "dot(x,", "x[", "mean(x)",
            "norm(", "len(x)", "\"",
        ];
        let source: Vec<&str> = words.iter().map(|word| WORDS[*word]).collect();
        let source = source.join(" ");
        if let Ok(program) = compile(&source) {
            let inputs = vec![[0.5; LANES]; 8];
            let (mut one, mut block) = ([0.0], [0.0; LANES]);
            program.evaluate(&inputs, &mut one);
            program.evaluate(&inputs, &mut block);
            let same = one[0].to_bits() == block[9].to_bits() || one[0].is_nan() && block[9].is_nan();
            prop_assert!(same, "{source}");
        }
    }

    #[test]
    fn no_bytes_break_the_compiler(source in "\\PC{0,80}") {
        prop_assert!(compile(&source).map_or_else(|fault| fault.offset <= source.len(), |_| true));
    }
}
