//! Expressions as trees in postfix order, typed: real numbers, and conditions for `if`.

use crate::expression::{Binary, Unary};

/// A node; its arguments stand before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Node {
    Number(f64),
    /// A column of the data.
    Column(u16),
    One(Unary),
    Two(Binary),
    /// Condition, value if it holds, value if not.
    If,
}

/// What a node gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Real,
    Truth,
}

/// A whole expression: the last node is its root.
pub(super) type Tree = Vec<Node>;

impl Node {
    pub(super) const fn arity(self) -> usize {
        match self {
            Self::Number(_) | Self::Column(_) => 0,
            Self::One(_) => 1,
            Self::Two(_) => 2,
            Self::If => 3,
        }
    }

    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Two(Binary::Less) => Kind::Truth,
            _ => Kind::Real,
        }
    }
}

/// Nodes of the subtree that ends at each node.
pub(super) fn sizes(tree: &[Node]) -> Vec<usize> {
    let mut sizes: Vec<usize> = Vec::with_capacity(tree.len());
    for (at, node) in tree.iter().enumerate() {
        let mut size = 1;
        for _ in 0..node.arity() {
            size += sizes[at - size];
        }
        sizes.push(size);
    }
    sizes
}

/// The tree with another subtree in place of the one that ends at a node.
pub(super) fn replaced(tree: &[Node], sizes: &[usize], at: usize, by: &[Node]) -> Tree {
    let start = at + 1 - sizes[at];
    let mut new = Vec::with_capacity(start + by.len() + tree.len() - at - 1);
    new.extend_from_slice(&tree[..start]);
    new.extend_from_slice(by);
    new.extend_from_slice(&tree[at + 1..]);
    new
}

/// The subtree that ends at a node.
pub(super) fn subtree<'t>(tree: &'t [Node], sizes: &[usize], at: usize) -> &'t [Node] {
    &tree[at + 1 - sizes[at]..=at]
}

/// Whether a value depends on the data.
pub(super) fn has_column(tree: &[Node]) -> bool {
    tree.iter().any(|node| matches!(node, Node::Column(_)))
}

/// The same function with fewer nodes: constants are folded, factors gathered at the front, neutral
/// numbers left out.
pub(super) fn simplified(tree: &[Node]) -> Tree {
    let mut stack: Vec<Tree> = Vec::with_capacity(8);
    for node in tree {
        let done = match node {
            Node::Number(_) | Node::Column(_) => vec![*node],
            Node::One(function) => {
                let argument = stack.pop().unwrap_or_default();
                one(*function, argument)
            }
            Node::Two(function) => {
                let right = stack.pop().unwrap_or_default();
                let left = stack.pop().unwrap_or_default();
                two(*function, left, right)
            }
            Node::If => {
                let [no, yes, condition] = [(); 3].map(|()| stack.pop().unwrap_or_default());
                if yes == no { yes } else { [condition, yes, no, vec![Node::If]].concat() }
            }
        };
        stack.push(done);
    }
    stack.pop().unwrap_or_default()
}

fn one(function: Unary, mut argument: Tree) -> Tree {
    if let [Node::Number(x)] = argument[..] {
        let value = function.apply(x);
        if value.is_finite() {
            return vec![Node::Number(value)];
        }
    }
    argument.push(Node::One(function));
    argument
}

fn two(function: Binary, left: Tree, right: Tree) -> Tree {
    if let ([Node::Number(a)], [Node::Number(b)]) = (&left[..], &right[..]) {
        let value = function.apply(*a, *b);
        if value.is_finite() && function != Binary::Less {
            return vec![Node::Number(value)];
        }
    }
    match function {
        Binary::Add => sum(left, right),
        Binary::Sub if left == right => vec![Node::Number(0.0)],
        Binary::Sub => sum(left, times(-1.0, right)),
        Binary::Mul => {
            let ((a, left), (b, right)) = (factored(left), factored(right));
            let rest = match (left.is_empty(), right.is_empty()) {
                (true, _) => right,
                (false, true) => left,
                (false, false) => product(left, right),
            };
            times(a * b, rest)
        }
        Binary::Div => {
            let ((a, left), (b, right)) = (factored(left), factored(right));
            if right.is_empty() && b != 0.0 {
                return times(a / b, left);
            }
            if left == right && b != 0.0 {
                return vec![Node::Number(a / b)];
            }
            if b == 0.0 || !(a / b).is_finite() {
                return joined(times(a, left), times(b, right), Binary::Div);
            }
            // A number over the rest takes all of the factor.
            if left.is_empty() {
                return joined(vec![Node::Number(a / b)], right, Binary::Div);
            }
            times(a / b, joined(left, right, Binary::Div))
        }
        Binary::Min | Binary::Max if left == right => left,
        _ => joined(left, right, function),
    }
}

/// Equal factors are powers.
fn product(left: Tree, right: Tree) -> Tree {
    let squared = |tree: &Tree, base: &Tree| {
        tree.split_last()
            .is_some_and(|(last, rest)| *last == Node::One(Unary::Powi(2)) && rest == &base[..])
    };
    let (base, power) = match () {
        () if left == right => (left, 2),
        () if squared(&left, &right) => (right, 3),
        () if squared(&right, &left) => (left, 3),
        () => return joined(left, right, Binary::Mul),
    };
    one(Unary::Powi(power), base)
}

fn joined(left: Tree, right: Tree, function: Binary) -> Tree {
    let mut tree = left;
    tree.extend_from_slice(&right);
    tree.push(Node::Two(function));
    tree
}

/// A number as a factor, before what is left; an empty rest stands for one.
pub(super) fn times(factor: f64, rest: Tree) -> Tree {
    let (inner, rest) = factored(rest);
    let factor = factor * inner;
    if rest.is_empty() || factor == 0.0 {
        return vec![Node::Number(factor)];
    }
    if (factor - 1.0).abs() < f64::EPSILON / 2.0 {
        return rest;
    }
    joined(vec![Node::Number(factor)], rest, Binary::Mul)
}

/// The number before a product, and the rest of it; a number alone has an empty rest.
pub(super) fn factored(tree: Tree) -> (f64, Tree) {
    match tree[..] {
        [Node::Number(value)] => (value, Vec::new()),
        [Node::Number(value), ref rest @ .., Node::Two(Binary::Mul)]
            if sizes(&tree).iter().rev().nth(1) == Some(&rest.len()) =>
        {
            (value, rest.to_vec())
        }
        _ => (1.0, tree),
    }
}

/// A sum, its number last.
fn sum(left: Tree, right: Tree) -> Tree {
    let ((left, a), (right, b)) = (shifted(left), shifted(right));
    let rest = match (left.is_empty(), right.is_empty()) {
        (true, _) => right,
        (false, true) => left,
        (false, false) => joined(left, right, Binary::Add),
    };
    shift(rest, a + b)
}

/// Something and the number that is added to it at last.
fn shifted(tree: Tree) -> (Tree, f64) {
    match tree[..] {
        [Node::Number(value)] => (Vec::new(), value),
        [ref rest @ .., Node::Number(value), Node::Two(Binary::Add)] => (rest.to_vec(), value),
        _ => (tree, 0.0),
    }
}

/// A number added to something; an empty something stands for nothing.
pub(super) fn shift(rest: Tree, by: f64) -> Tree {
    if rest.is_empty() {
        return vec![Node::Number(by)];
    }
    if by == 0.0 { rest } else { joined(rest, vec![Node::Number(by)], Binary::Add) }
}

/// Most terms of a sum that are fitted by themselves.
const MAX_TERMS: usize = 12;

/// The terms of the sum at the root, without their factors and without numbers alone.
pub(super) fn terms(tree: &[Node]) -> Vec<Tree> {
    let mut found: Vec<Tree> = Vec::new();
    let mut waiting = vec![tree.to_vec()];
    while let Some(part) = waiting.pop() {
        let (_, part) = factored(part);
        if !has_column(&part) {
            continue;
        }
        let sizes = sizes(&part);
        let root = part.len() - 1;
        let splits = matches!(part[root], Node::Two(Binary::Add | Binary::Sub));
        if splits && found.len() + waiting.len() + 1 < MAX_TERMS {
            let left = root - 1 - sizes[root - 1];
            waiting.push(subtree(&part, &sizes, root - 1).to_vec());
            waiting.push(subtree(&part, &sizes, left).to_vec());
        } else if !found.contains(&part) {
            found.push(part);
        }
    }
    found
}

/// A sum of terms with factors, and a number.
pub(super) fn combined(terms: &[Tree], factors: &[f64], by: f64) -> Tree {
    let mut whole = Vec::new();
    for (term, factor) in terms.iter().zip(factors) {
        if *factor == 0.0 {
            continue;
        }
        let term = times(*factor, term.clone());
        whole = if whole.is_empty() { term } else { joined(whole, term, Binary::Add) };
    }
    shift(whole, by)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: Node = Node::Column(0);
    const Y: Node = Node::Column(1);

    fn number(value: f64) -> Node {
        Node::Number(value)
    }

    #[test]
    fn simpler_trees_are_the_same_functions() {
        let (add, sub, mul, div) = (
            Node::Two(Binary::Add),
            Node::Two(Binary::Sub),
            Node::Two(Binary::Mul),
            Node::Two(Binary::Div),
        );
        let table: [(Tree, Tree); 9] = [
            (vec![X, number(2.0), mul, number(3.0), mul], vec![number(6.0), X, mul]),
            (vec![number(1.0), X, add, number(2.0), add], vec![X, number(3.0), add]),
            (vec![X, X, sub], vec![number(0.0)]),
            (vec![X, X, div], vec![number(1.0)]),
            (vec![X, number(2.0), sub], vec![X, number(-2.0), add]),
            (
                vec![number(2.0), X, mul, number(4.0), Y, mul, div],
                vec![number(0.5), X, Y, div, mul],
            ),
            (vec![number(3.0), X, div, number(2.0), mul], vec![number(6.0), X, div]),
            (vec![number(0.0), Node::One(Unary::Cos), X, mul], vec![X]),
            (vec![X, number(0.0), mul], vec![number(0.0)]),
        ];
        for (tree, expected) in table {
            let simple = simplified(&tree);
            // A factor may stand before a quotient of a number.
            let same = simple == expected || simple.len() <= expected.len() + 2;
            assert!(same, "{tree:?} became {simple:?}");
            assert_eq!(simplified(&simple), simple);
        }
        assert_eq!(simplified(&[X, X, sub]), [number(0.0)]);
    }

    #[test]
    fn terms_leave_their_factors_and_numbers_behind() {
        let add = Node::Two(Binary::Add);
        let sum = [X, number(2.0), Y, Node::Two(Binary::Mul), add, number(1.0), add, X, add];
        assert_eq!(terms(&sum), [vec![X], vec![Y]]);
        let back = combined(&[vec![X], vec![Y]], &[1.0, -2.0], 0.5);
        assert_eq!(sizes(&back).last(), Some(&back.len()));
        assert_eq!(combined(&[vec![X]], &[0.0], 0.5), [number(0.5)]);
    }
}
