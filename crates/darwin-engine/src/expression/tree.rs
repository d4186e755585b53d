//! An expression as the tree that is computed, for those who draw it.

use super::{
    Compiler, Fault, FaultKind, Op, Place, Program, Symbol,
    function::{Binary, Callee, FUNCTIONS, Unary},
    index::Index,
};

/// Most nodes, and most names, of a tree that can be looked at.
pub const MAX_NODES: usize = 300;
const MAX_NAMES: usize = 100;
/// Length of a vector that is not known.
const UNKNOWN: usize = 1000;
/// Names of counters, the outermost first.
const COUNTERS: [&str; 8] = ["i", "j", "k", "l", "m", "o", "p", "q"];

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A function or an operator.
    Function,
    /// A variable, or a counter.
    Name,
    /// A number.
    Number,
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it says.
    pub label: String,
    /// What it is.
    pub kind: NodeKind,
    /// Its arguments, by their places.
    pub children: Vec<usize>,
}

/// The tree of an expression over any names, numbers joined as they are when it runs. Children come
/// before their parents, the root is last.
///
/// # Errors
/// What is wrong in the text, or that it has more than [`MAX_NODES`] nodes.
pub fn tree(source: &str) -> Result<Vec<Node>, Fault> {
    let mut symbols: Vec<Symbol> = Vec::new();
    loop {
        let mut compiler = Compiler::new(&symbols, &[])?;
        let Err(fault) = compiler.output(source) else {
            return Builder::new(&symbols).build(&compiler.finish());
        };
        let FaultKind::UnknownName { name, .. } = &fault.kind else { return Err(fault) };
        let after = source.get(fault.offset..).and_then(|rest| rest.strip_prefix(name.as_str()));
        let next = after.and_then(|rest| rest.trim_start().chars().next());
        if after.is_none() || next == Some('(') || symbols.len() >= MAX_NAMES {
            return Err(fault);
        }
        let base = symbols.iter().map(|symbol| symbol.length.unwrap_or(1)).sum();
        let length = (next == Some('[')).then_some(UNKNOWN);
        symbols.push(Symbol { name: name.clone(), base, length, categories: Vec::new() });
    }
}

/// Follows the code with a stack of trees in place of values.
struct Builder<'a> {
    symbols: &'a [Symbol],
    nodes: Vec<Node>,
    stack: Vec<usize>,
    lets: Vec<(u16, usize)>,
    /// What the loops are called that are open.
    loops: Vec<String>,
}

impl<'a> Builder<'a> {
    fn new(symbols: &'a [Symbol]) -> Self {
        Self { symbols, nodes: Vec::new(), stack: Vec::new(), lets: Vec::new(), loops: Vec::new() }
    }

    fn build(mut self, program: &Program) -> Result<Vec<Node>, Fault> {
        for op in &program.code {
            self.step(op);
            if self.nodes.len() > MAX_NODES {
                let reason = format!("has a tree of more than {MAX_NODES} nodes");
                return Err(Fault::limit(0, reason));
            }
        }
        let mut whole = Vec::new();
        if let Some(root) = self.stack.pop() {
            // What lets left behind is left out.
            self.copy(root, &mut whole);
        }
        Ok(whole)
    }

    fn add(&mut self, label: impl Into<String>, kind: NodeKind, arguments: usize) {
        let children = self.stack.split_off(self.stack.len().saturating_sub(arguments));
        self.nodes.push(Node { label: label.into(), kind, children });
        self.stack.push(self.nodes.len() - 1);
    }

    fn function(&mut self, label: impl Into<String>, arguments: usize) {
        self.add(label, NodeKind::Function, arguments);
    }

    fn number(&mut self, value: f64) {
        self.add(number(value), NodeKind::Number, 0);
    }

    fn load(&mut self, place: &Place) {
        let symbol = self.symbols.iter().find(|symbol| symbol.base == place.base);
        let name = symbol.map_or("?", |symbol| symbol.name.as_str());
        let label = match symbol.and_then(|symbol| symbol.length) {
            Some(_) => format!("{name}[{}]", index(&place.index)),
            None => name.to_owned(),
        };
        self.add(label, NodeKind::Name, 0);
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Const(value) => self.number(*value),
            Op::Load(place) => self.load(place),
            Op::Counter(slot) => self.add(counter(*slot), NodeKind::Name, 0),
            Op::SetLet(slot) => {
                let value = self.stack.pop().unwrap_or_default();
                self.lets.push((*slot, value));
            }
            Op::Let(slot) => {
                let known = self.lets.iter().rfind(|(one, _)| one == slot);
                if let Some((_, value)) = known.copied() {
                    let mut nodes = std::mem::take(&mut self.nodes);
                    let root = copy(&nodes.clone(), value, &mut nodes);
                    self.nodes = nodes;
                    self.stack.push(root);
                }
            }
            Op::Unary(function) => self.function(unary(*function), 1),
            Op::Binary(function) => self.function(binary(*function), 2),
            Op::WithConst(function, value) => {
                self.number(*value);
                self.function(binary(*function), 2);
            }
            Op::WithLoad(function, place) => {
                self.load(place);
                self.function(binary(*function), 2);
            }
            op => self.rare(op),
        }
    }

    fn rare(&mut self, op: &Op) {
        match op {
            Op::Clamp => self.function("clamp", 3),
            Op::Select => self.function("if", 3),
            Op::Table(_, two) => self.function("at", if *two { 2 } else { 1 }),
            Op::Sum { base, .. } => {
                let name = self.name_at(*base);
                self.function(format!("sum({name})"), 0);
            }
            Op::Dot { left, right, .. } => {
                let names = [self.name_at(*left), self.name_at(*right)];
                self.function(format!("dot({})", names.join(", ")), 0);
            }
            Op::Loop { slot, lo, hi, join, .. } => {
                let word = match join {
                    Binary::Mul => "prod",
                    Binary::Min => "minof",
                    Binary::Max => "maxof",
                    _ => "sum",
                };
                let range = format!("{}..{}", index(lo), index(hi));
                self.loops.push(format!("{word} {}={range}", counter(*slot)));
            }
            Op::Next { .. } => {
                let label = self.loops.pop().unwrap_or_default();
                self.function(label, 1);
            }
            _ => {}
        }
    }

    fn name_at(&self, base: usize) -> String {
        let symbol = self.symbols.iter().find(|symbol| symbol.base == base);
        symbol.map_or_else(|| "?".to_owned(), |symbol| symbol.name.clone())
    }

    fn copy(&self, from: usize, into: &mut Vec<Node>) -> usize {
        copy(&self.nodes, from, into)
    }
}

/// Add a copy of a part of a tree; where its root is then. Trees are no deeper than expressions nest.
fn copy(nodes: &[Node], from: usize, into: &mut Vec<Node>) -> usize {
    let Node { label, kind, children } = &nodes[from];
    // A let of lets of lets doubles each time: more than can be shown is not made.
    let room = into.len() <= 2 * MAX_NODES;
    let children =
        children.iter().filter(|_| room).map(|child| copy(nodes, *child, into)).collect();
    into.push(Node { label: label.clone(), kind: *kind, children });
    into.len() - 1
}

fn counter(slot: u8) -> &'static str {
    COUNTERS.get(usize::from(slot)).copied().unwrap_or("i")
}

fn index(index: &Index) -> String {
    match index {
        Index::Fixed(value) => value.to_string(),
        Index::Counter { slot, plus: 0 } => counter(*slot).to_owned(),
        Index::Counter { slot, plus } => format!("{}{plus:+}", counter(*slot)),
        Index::Program(_) => "..".to_owned(),
    }
}

/// About five digits.
fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e7 {
        format!("{value:.0}")
    } else if (1e-3..1e6).contains(&size) {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.3e}")
    }
}

fn unary(function: Unary) -> String {
    if let Unary::Powi(power) = function {
        return format!("^{power}");
    }
    let known = FUNCTIONS.iter().find(|(_, callee)| *callee == Callee::Unary(function));
    let word = known.map_or(if function == Unary::Not { "not" } else { "-" }, |(name, _)| name);
    word.to_owned()
}

fn binary(function: Binary) -> &'static str {
    match function {
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Mod => "%",
        Binary::Pow => "^",
        Binary::Less => "<",
        Binary::LessEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterEqual => ">=",
        Binary::Equal => "==",
        Binary::NotEqual => "!=",
        Binary::And => "and",
        Binary::Or => "or",
        Binary::Min => "min",
        Binary::Max => "max",
        Binary::Atan2 => "atan2",
        Binary::Hypot => "hypot",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brackets around everything.
    fn shown(source: &str) -> String {
        fn of(nodes: &[Node], at: usize) -> String {
            let Node { label, children, .. } = &nodes[at];
            let inner: Vec<String> = children.iter().map(|child| of(nodes, *child)).collect();
            if inner.is_empty() { label.clone() } else { format!("{label}({})", inner.join(" ")) }
        }
        let nodes = tree(source).unwrap();
        of(&nodes, nodes.len() - 1)
    }

    #[test]
    fn trees_are_what_is_computed() {
        for (source, expected) in [
            ("a", "a"),
            ("2 + 3", "5"),
            ("a*exp(-b*t) + c", "+(*(a exp(*(-(b) t))) c)"),
            ("x[0]^2 - 1/3", "-(^2(x[0]) 0.3333)"),
            ("sum(i, 0, 9, x[i+1])", "sum i=0..9(x[i+1])"),
            ("let d = a - b; d*d", "*(-(a b) -(a b))"),
            ("if(a < 1, min(a, b), atan2(a, b))", "if(<(a 1) min(a b) atan2(a b))"),
        ] {
            assert_eq!(shown(source), expected, "{source}");
        }
    }

    #[test]
    fn children_come_first_and_the_root_last() {
        let nodes = tree("let d = a - b; d*d + sin(d)").unwrap();
        let mut told = vec![0; nodes.len()];
        for (place, node) in nodes.iter().enumerate() {
            for child in &node.children {
                assert!(*child < place);
                told[*child] += 1;
            }
        }
        assert!(
            told[..nodes.len() - 1].iter().all(|times| *times == 1) && told[nodes.len() - 1] == 0
        );
    }

    #[test]
    fn what_is_no_expression_or_too_large_is_refused() {
        assert!(tree("a +").is_err() && tree("foo(a)").is_err() && tree("").is_err());
        let long = vec!["sin(a)"; 200].join(" + ");
        assert!(matches!(tree(&long), Err(Fault { kind: FaultKind::Limit(_), .. })));
        let doubling: Vec<String> =
            (0..40).map(|k| format!("let d{} = d{k} * sin(d{k});", k + 1)).collect();
        assert!(tree(&format!("let d0 = a; {} d40", doubling.join(" "))).is_err());
    }
}
