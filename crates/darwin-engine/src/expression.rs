//! Formulas that a user writes: read once, checked whole, run on blocks of points.
//!
//! Precedence is that of Python: `-x^2` is -(x^2), `2^3^2` is 512, `2^-1` is 0.5, `1/2` is 0.5,
//! comparisons give 1 or 0 and do not chain, `%` has the sign of its divisor. All numbers are
//! `f64`. `sum(i, 0, n-1, x[i]^2)` counts `i` up to and with the last value; places in vectors and
//! ends of loops are whole numbers over literals, `n` (all coordinates), `len(x)` and counters.
//!
//! Reading never recurses: operators wait on a stack of its own, and the code is written in the
//! order in which it runs. Everything that could grow is bounded before anything runs: text,
//! nesting, instructions, operations per evaluation, and every index by walking the loops once.

mod compile;
mod function;
mod index;
mod token;
mod tree;
mod vm;
mod walk;

pub use compile::Compiler;
pub use function::function_names;
pub(crate) use function::{Binary, Unary};
use index::Index;
pub use tree::{MAX_NODES, Node, NodeKind, tree};

/// Longest text of one expression, bytes.
pub const MAX_SOURCE: usize = 64 * 1024;
/// Most instructions of a program, all its expressions together.
pub const MAX_INSTRUCTIONS: usize = 4096;
/// Most brackets, signs and powers inside each other.
pub const MAX_NESTING: usize = 256;
/// Most operations of one evaluation.
pub const MAX_OPERATIONS: u64 = 1_000_000;

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset in the source.
    pub offset: usize,
    /// Which kind of fault.
    pub kind: FaultKind,
}

/// Kinds of [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Not a well-formed expression; a clause that completes "the expression ..".
    Syntax(String),
    /// A name that means nothing here, and those that would.
    UnknownName {
        /// The name.
        name: String,
        /// Variables, lets, counters, tables, functions or values, as fits the place.
        known: Vec<String>,
    },
    /// Too large; a clause that completes "the expression ..".
    Limit(String),
}

impl Fault {
    fn syntax(offset: usize, reason: String) -> Self {
        Self { offset, kind: FaultKind::Syntax(reason) }
    }

    fn limit(offset: usize, reason: String) -> Self {
        Self { offset, kind: FaultKind::Limit(reason) }
    }
}

/// A variable as expressions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Name.
    pub name: String,
    /// Number of its first coordinate.
    pub base: usize,
    /// Coordinates of a vector; `None` for a single number.
    pub length: Option<usize>,
    /// Values of a category, compared as strings; its number is the place in this list.
    pub categories: Vec<String>,
}

/// Numbers that `at` looks up.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Name.
    pub name: String,
    /// Numbers of a row; all of them in a table of one row.
    pub columns: usize,
    /// Row after row.
    pub values: Vec<f64>,
}

/// A place in the coordinates: `base + index`, with `index` in `0..length`.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    base: usize,
    length: usize,
    index: Index,
    /// Where it stands in the source.
    offset: usize,
}

/// One instruction: takes its arguments from a stack of blocks and leaves its result there.
#[derive(Debug, Clone, PartialEq)]
enum Op {
    Const(f64),
    Load(Place),
    Counter(u8),
    Let(u16),
    Unary(Unary),
    Binary(Binary),
    /// The right argument is a constant.
    WithConst(Binary, f64),
    /// The right argument is a coordinate.
    WithLoad(Binary, Place),
    Clamp,
    Select,
    /// A table with one index, or with two.
    Table(u16, bool),
    Sum {
        base: usize,
        length: usize,
    },
    Dot {
        left: usize,
        right: usize,
        length: usize,
    },
    /// Begin to count; over nothing, leave the neutral number and skip `body` instructions.
    Loop {
        slot: u8,
        lo: Index,
        hi: Index,
        join: Binary,
        body: usize,
        offset: usize,
    },
    /// Join into the total, and go back `body` instructions while there is more to count.
    Next {
        slot: u8,
        join: Binary,
        body: usize,
    },
    SetLet(u16),
    Output(u16),
    /// A string that waits for the category that it is compared with.
    Text(u16),
}

/// Expressions that share variables and lets, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    code: Vec<Op>,
    tables: Vec<Table>,
    dimension: usize,
    outputs: usize,
    lets: usize,
    stack: usize,
    operations: u64,
}

impl Program {
    /// Coordinates that it reads.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Numbers that it gives.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Exact number of operations of one evaluation.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// Number of instructions.
    pub fn instructions(&self) -> usize {
        self.code.len()
    }
}
