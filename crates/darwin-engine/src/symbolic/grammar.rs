//! Random trees of a wanted size, from the functions that may be used.

use super::tree::{Kind, Node, Tree};
use crate::{
    Error, Result,
    expression::{Binary, Unary},
    stream::Stream,
};

/// Functions by their names on the wire.
const FUNCTIONS: &[(&str, Node)] = &[
    ("+", Node::Two(Binary::Add)),
    ("-", Node::Two(Binary::Sub)),
    ("*", Node::Two(Binary::Mul)),
    ("/", Node::Two(Binary::Div)),
    ("pow", Node::Two(Binary::Pow)),
    ("min", Node::Two(Binary::Min)),
    ("max", Node::Two(Binary::Max)),
    ("square", Node::One(Unary::Powi(2))),
    ("cube", Node::One(Unary::Powi(3))),
    ("sqrt", Node::One(Unary::Sqrt)),
    ("cbrt", Node::One(Unary::Cbrt)),
    ("exp", Node::One(Unary::Exp)),
    ("ln", Node::One(Unary::Ln)),
    ("sin", Node::One(Unary::Sin)),
    ("cos", Node::One(Unary::Cos)),
    ("tan", Node::One(Unary::Tan)),
    ("atan", Node::One(Unary::Atan)),
    ("tanh", Node::One(Unary::Tanh)),
    ("abs", Node::One(Unary::Abs)),
    ("if", Node::If),
];

/// Functions when none are named.
pub const DEFAULT_FUNCTIONS: [&str; 11] =
    ["+", "-", "*", "/", "square", "cube", "sqrt", "exp", "ln", "sin", "cos"];

/// Names of the functions that expressions can be built from.
pub fn symbolic_functions() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).collect()
}

/// Highest degree of the polynomials that are tried first.
const DEGREES: usize = 6;
/// Smallest condition: `a < b`.
const CONDITION: usize = 3;

/// What trees are built from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grammar {
    ones: Vec<Node>,
    twos: Vec<Node>,
    conditions: bool,
    columns: u16,
}

impl Grammar {
    pub(super) fn new(names: &[String], columns: u16) -> Result<Self> {
        let (mut ones, mut twos, mut conditions) = (Vec::new(), Vec::new(), false);
        for name in names {
            let Some((_, node)) = FUNCTIONS.iter().find(|(known, _)| known == name) else {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(20).collect();
                let reason = format!("has no `{shown}`");
                return Err(Error::InvalidParameter { field: "functions", reason });
            };
            match node {
                Node::If => conditions = true,
                Node::One(_) if !ones.contains(node) => ones.push(*node),
                Node::Two(_) if !twos.contains(node) => twos.push(*node),
                _ => {}
            }
        }
        if twos.is_empty() {
            let reason = "must hold at least one of two arguments, such as +".to_owned();
            return Err(Error::InvalidParameter { field: "functions", reason });
        }
        Ok(Self { ones, twos, conditions, columns })
    }

    /// A tree of about this size.
    pub(super) fn random(&self, kind: Kind, size: usize, stream: &mut Stream) -> Tree {
        let mut tree = Vec::with_capacity(size);
        self.grow(kind, size, stream, &mut tree);
        tree
    }

    fn grow(&self, kind: Kind, size: usize, stream: &mut Stream, tree: &mut Tree) {
        if kind == Kind::Truth {
            let rest = size.max(CONDITION) - 1;
            let left = 1 + pick(stream, rest - 1);
            self.grow(Kind::Real, left, stream, tree);
            self.grow(Kind::Real, rest - left, stream, tree);
            tree.push(Node::Two(Binary::Less));
            return;
        }
        if size >= CONDITION + 3 && self.conditions && stream.chance(0.2) {
            let rest = size - 1 - CONDITION;
            let yes = 1 + pick(stream, rest - 1);
            self.grow(Kind::Truth, CONDITION, stream, tree);
            self.grow(Kind::Real, yes, stream, tree);
            self.grow(Kind::Real, rest - yes, stream, tree);
            tree.push(Node::If);
            return;
        }
        let single = !self.ones.is_empty() && (size == 2 || stream.chance(0.35));
        match size {
            0 | 1 => tree.push(self.leaf(stream)),
            _ if single => {
                self.grow(Kind::Real, size - 1, stream, tree);
                tree.push(self.ones[pick(stream, self.ones.len())]);
            }
            2 => tree.push(self.leaf(stream)),
            _ => {
                let left = 1 + pick(stream, size - 2);
                self.grow(Kind::Real, left, stream, tree);
                self.grow(Kind::Real, size - 1 - left, stream, tree);
                tree.push(self.twos[pick(stream, self.twos.len())]);
            }
        }
    }

    /// What anyone would try first, by number: a sum of all columns, then polynomials in each, up to the
    /// sixth degree.
    pub(super) fn known(&self, number: usize) -> Option<Tree> {
        let (add, mul) = (Node::Two(Binary::Add), Node::Two(Binary::Mul));
        if !self.twos.contains(&add) || !self.twos.contains(&mul) {
            return None;
        }
        let joined = |terms: Vec<Tree>| {
            let mut tree: Tree = Vec::new();
            for (place, term) in terms.into_iter().enumerate() {
                tree.extend(term);
                tree.extend((place > 0).then_some(add));
            }
            tree
        };
        if number == 0 {
            return Some(joined(
                (0..self.columns).map(|column| vec![Node::Column(column)]).collect(),
            ));
        }
        let (column, degree) = ((number - 1) / (DEGREES - 1), 2 + (number - 1) % (DEGREES - 1));
        let column = u16::try_from(column).ok().filter(|column| *column < self.columns)?;
        Some(joined((1..=degree).map(|degree| self.power(column, degree)).collect()))
    }

    /// A whole power of a column, in as few nodes as the functions allow.
    fn power(&self, column: u16, degree: usize) -> Tree {
        let [square, cube] = [2, 3].map(|power| Node::One(Unary::Powi(power)));
        let base = |by: usize| self.power(column, by);
        let with = |mut tree: Tree, node: Node| {
            tree.push(node);
            tree
        };
        match degree {
            0 | 1 => vec![Node::Column(column)],
            _ if degree % 2 == 0 && self.ones.contains(&square) => with(base(degree / 2), square),
            _ if degree % 3 == 0 && self.ones.contains(&cube) => with(base(degree / 3), cube),
            _ => with(with(base(degree - 1), Node::Column(column)), Node::Two(Binary::Mul)),
        }
    }

    /// A column, or sometimes a number.
    pub(super) fn leaf(&self, stream: &mut Stream) -> Node {
        if stream.chance(0.75) {
            let column = stream.index(u32::from(self.columns));
            return Node::Column(u16::try_from(column).unwrap_or(0));
        }
        Node::Number(if stream.chance(0.5) {
            [1.0, 2.0, 0.5, -1.0][pick(stream, 4)]
        } else {
            stream.between(-3.0, 3.0)
        })
    }

    /// A node that takes and gives what this one does.
    pub(super) fn alike(&self, node: Node, stream: &mut Stream) -> Node {
        match node {
            Node::Number(value) if stream.chance(0.5) => {
                Node::Number(value * stream.between(0.5, 2.0))
            }
            Node::Number(_) | Node::Column(_) => self.leaf(stream),
            Node::One(_) => self.ones[pick(stream, self.ones.len())],
            Node::Two(Binary::Less) | Node::If => node,
            Node::Two(_) => self.twos[pick(stream, self.twos.len())],
        }
    }

    /// Something around a value.
    pub(super) fn around(&self, inner: &[Node], stream: &mut Stream) -> Tree {
        let mut tree = Vec::with_capacity(inner.len() + 4);
        if !self.ones.is_empty() && stream.chance(0.5) {
            tree.extend_from_slice(inner);
            tree.push(self.ones[pick(stream, self.ones.len())]);
            return tree;
        }
        let other = self.random(Kind::Real, 1 + pick(stream, 3), stream);
        let (left, right) =
            if stream.chance(0.5) { (inner, &other[..]) } else { (&other[..], inner) };
        tree.extend_from_slice(left);
        tree.extend_from_slice(right);
        tree.push(self.twos[pick(stream, self.twos.len())]);
        tree
    }
}

/// One of the first `count` numbers; of none, 0.
pub(super) fn pick(stream: &mut Stream, count: usize) -> usize {
    stream.index(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{super::tree::sizes, *};
    use crate::Seed;

    #[test]
    fn random_trees_are_whole_typed_and_of_the_wanted_size() {
        let names = symbolic_functions().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let grammar = Grammar::new(&names, 3).unwrap();
        let mut stream = Stream::new(Seed::new(3).unwrap(), 0, 0);
        for round in 0..5000 {
            let size = 1 + round % 40;
            let tree = grammar.random(Kind::Real, size, &mut stream);
            assert_eq!(sizes(&tree).last(), Some(&tree.len()), "{tree:?}");
            assert_eq!(tree.len(), size, "{tree:?}");
            typed(&tree);
            let wrapped = grammar.around(&tree, &mut stream);
            assert_eq!(sizes(&wrapped).last(), Some(&wrapped.len()));
        }
        assert_eq!(grammar.random(Kind::Truth, 1, &mut stream).len(), 3);
    }

    fn typed(tree: &Tree) {
        let sizes = sizes(tree);
        for (at, node) in tree.iter().enumerate() {
            let mut child = at;
            for place in (0..node.arity()).rev() {
                child = if place + 1 == node.arity() { at - 1 } else { child - sizes[child] };
                let condition = *node == Node::If && place == 0;
                assert_eq!(tree[child].kind() == Kind::Truth, condition, "{tree:?}");
            }
        }
    }

    #[test]
    fn sums_and_polynomials_are_tried_first() {
        let grammar = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Grammar::new(&names, 2).unwrap()
        };
        let plain = grammar(&["+", "*"]);
        assert_eq!(plain.known(0).unwrap().len(), 3);
        // x + x*x, up to the sixth power of both columns.
        assert_eq!(plain.known(1).unwrap().len(), 5);
        assert_eq!(plain.known(10).unwrap().len(), 1 + 3 + 5 + 7 + 9 + 11 + 5);
        assert_eq!(plain.known(11), None);
        let short = grammar(&["+", "*", "square", "cube"]);
        assert_eq!(short.known(10).unwrap().len(), 1 + 2 + 2 + 3 + 5 + 3 + 5);
        for number in 0..11 {
            let tree = short.known(number).unwrap();
            assert_eq!(sizes(&tree).last(), Some(&tree.len()));
        }
        assert_eq!(grammar(&["+", "/"]).known(0), None);
    }

    #[test]
    fn unknown_functions_and_none_of_two_arguments_are_refused() {
        let refused = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Grammar::new(&names, 1).unwrap_err().to_string()
        };
        assert!(refused(&["+", "sinus"]).contains("`sinus`"));
        assert!(refused(&["sin"]).contains("two arguments"));
        assert!(refused(&[]).contains("two arguments"));
    }
}
