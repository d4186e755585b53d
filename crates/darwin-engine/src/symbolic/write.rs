//! Trees as text that the expression compiler reads.

use super::tree::{Node, Tree};
use crate::expression::{Binary, Unary};

/// How tightly a text binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Sum,
    Term,
    Sign,
    Atom,
}

/// Nodes, where a minus sign counts as one.
pub(super) fn complexity(tree: &Tree) -> usize {
    let is_minus = |at: usize| {
        tree[at] == Node::Number(-1.0) && tree.len() > at + 1 && starts_product(tree, at)
    };
    let signs = (0..tree.len()).filter(|at| is_minus(*at)).count();
    tree.len() - signs
}

/// Whether the leaf is the left side of a product.
fn starts_product(tree: &Tree, leaf: usize) -> bool {
    // The product ends where the leaf and one more value have been used up.
    let mut values = 1_usize;
    for node in &tree[leaf + 1..] {
        values = values + 1 - node.arity().min(values);
        if values == 1 {
            return matches!(node, Node::Two(Binary::Mul));
        }
    }
    false
}

/// The expression, over columns of these names.
pub(super) fn written(tree: &Tree, names: &[String]) -> String {
    let mut stack: Vec<(String, Level)> = Vec::new();
    for node in tree {
        let mut pop = || stack.pop().unwrap_or_else(|| ("0".to_owned(), Level::Atom));
        let text = match node {
            Node::Number(value) => number(*value),
            Node::Column(column) => {
                let name = names.get(usize::from(*column)).cloned().unwrap_or_default();
                (name, Level::Atom)
            }
            Node::One(Unary::Powi(power)) => {
                (format!("{}^{power}", at(pop(), Level::Atom)), Level::Sign)
            }
            Node::One(function) => (format!("{}({})", name(*function), pop().0), Level::Atom),
            Node::Two(function) => {
                let (right, left) = (pop(), pop());
                join(*function, left, right)
            }
            Node::If => {
                let (no, yes, condition) = (pop().0, pop().0, pop().0);
                (format!("if({condition}, {yes}, {no})"), Level::Atom)
            }
        };
        stack.push(text);
    }
    stack.pop().map(|(text, _)| text).unwrap_or_default()
}

fn number(value: f64) -> (String, Level) {
    let whole = value == libm::trunc(value) && value.abs() < 1e15;
    let text = if whole { format!("{value:.0}") } else { format!("{value:?}") };
    // No sign for a zero.
    let text = if value == 0.0 { "0".to_owned() } else { text };
    (text, if value < 0.0 { Level::Sign } else { Level::Atom })
}

/// In brackets unless it binds as tightly as this.
fn at((text, level): (String, Level), wanted: Level) -> String {
    if level >= wanted { text } else { format!("({text})") }
}

fn join(function: Binary, left: (String, Level), right: (String, Level)) -> (String, Level) {
    match function {
        Binary::Add => {
            let left = at(left, Level::Sum);
            let text = match right.0.strip_prefix('-') {
                Some(rest) if right.1 >= Level::Term => format!("{left} - {rest}"),
                _ => format!("{left} + {}", at(right, Level::Sum)),
            };
            (text, Level::Sum)
        }
        Binary::Sub => {
            (format!("{} - {}", at(left, Level::Sum), at(right, Level::Term)), Level::Sum)
        }
        Binary::Mul if left.0 == "-1" => {
            (format!("-{}", at(right, Level::Term).trim_start_matches('+')), Level::Term)
        }
        Binary::Mul => {
            (format!("{}*{}", at(left, Level::Term), at(right, Level::Term)), Level::Term)
        }
        Binary::Div => {
            (format!("{}/{}", at(left, Level::Term), at(right, Level::Sign)), Level::Term)
        }
        Binary::Less => {
            (format!("{} < {}", at(left, Level::Sum), at(right, Level::Sum)), Level::Sum)
        }
        Binary::Min => (format!("min({}, {})", left.0, right.0), Level::Atom),
        Binary::Max => (format!("max({}, {})", left.0, right.0), Level::Atom),
        _ => (format!("pow({}, {})", left.0, right.0), Level::Atom),
    }
}

const fn name(function: Unary) -> &'static str {
    match function {
        Unary::Sqrt => "sqrt",
        Unary::Cbrt => "cbrt",
        Unary::Exp => "exp",
        Unary::Ln => "ln",
        Unary::Sin => "sin",
        Unary::Cos => "cos",
        Unary::Tan => "tan",
        Unary::Atan => "atan",
        Unary::Tanh => "tanh",
        Unary::Abs => "abs",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Sample,
            grammar::{Grammar, symbolic_functions},
            machine::Machine,
            tree::{Kind, simplified},
        },
        *,
    };
    use crate::{
        LANES, Objective, Seed,
        expression::{Compiler, Symbol},
        stream::Stream,
    };

    /// What is written is read as the same function.
    #[test]
    fn the_compiler_reads_what_is_written() {
        let names: Vec<String> = ["x", "y"].map(str::to_owned).to_vec();
        let functions = symbolic_functions().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let grammar = Grammar::new(&functions, 2).unwrap();
        let column = |by: f64| (0..7).map(|k| 0.4 + by * f64::from(k)).collect::<Vec<_>>();
        let columns = vec![column(0.37), column(0.81)];
        let data = Sample::new(names.clone(), columns.clone(), column(1.0)).unwrap();
        let symbols: Vec<Symbol> = (names.iter().enumerate())
            .map(|(base, name)| Symbol {
                name: name.clone(),
                base,
                length: None,
                categories: Vec::new(),
            })
            .collect();
        let mut lanes = [[0.0; LANES]; 2];
        for (lanes, column) in lanes.iter_mut().zip(&columns) {
            lanes[..7].copy_from_slice(column);
        }
        let mut stream = Stream::new(Seed::new(8).unwrap(), 0, 0);
        let mut compared = 0;
        for round in 0..3000 {
            let tree = grammar.random(Kind::Real, 1 + round % 30, &mut stream);
            let tree = simplified(&tree);
            assert!(complexity(&tree) <= tree.len());
            let Some(expected) = Machine::new(&data).values(&tree) else { continue };
            let text = written(&tree, &names);
            let mut compiler = Compiler::new(&symbols, &[]).unwrap();
            if let Err(fault) = compiler.output(&text) {
                panic!("{text}: {fault:?}");
            }
            let mut values = [0.0; 7];
            compiler.finish().evaluate(&lanes, &mut values);
            for (value, expected) in values.iter().zip(&expected) {
                let scale = expected.abs().max(1.0);
                // Differences of large numbers may round otherwise.
                let close = (value - expected).abs() < 1e-6 * scale || scale > 1e6;
                assert!(close, "{text}: {value} is not {expected}");
            }
            compared += 1;
        }
        assert!(compared > 1000);
    }

    #[test]
    fn brackets_and_signs_are_few() {
        let names: Vec<String> = ["x", "y"].map(str::to_owned).to_vec();
        let (x, y) = (Node::Column(0), Node::Column(1));
        let (add, mul) = (Node::Two(Binary::Add), Node::Two(Binary::Mul));
        let square = Node::One(Unary::Powi(2));
        for (tree, text, size) in [
            (vec![x, Node::Number(-1.0), y, mul, add], "x - y", 4),
            (vec![Node::Number(-2.5), x, mul, Node::Number(-3.0), add], "-2.5*x - 3", 5),
            (vec![x, y, add, square], "(x + y)^2", 4),
            (vec![x, square, y, add], "x^2 + y", 4),
            (vec![Node::Number(1e-9), x, mul], "1e-9*x", 3),
            (vec![x, y, y, mul, Node::Two(Binary::Div)], "x/(y*y)", 5),
        ] {
            assert_eq!((written(&tree, &names).as_str(), complexity(&tree)), (text, size));
        }
    }
}
