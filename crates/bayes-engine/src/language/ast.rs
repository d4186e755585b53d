//! The syntax tree of a model.

use super::Span;

/// A model: seven blocks, each possibly empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    /// User functions.
    pub functions: Vec<Function>,
    /// What the caller gives.
    pub data: Vec<Statement>,
    /// What follows from it, computed once.
    pub transformed_data: Vec<Statement>,
    /// What is unknown.
    pub parameters: Vec<Statement>,
    /// What follows from that, at every step.
    pub transformed_parameters: Vec<Statement>,
    /// The log density.
    pub model: Vec<Statement>,
    /// What is computed of every draw.
    pub generated_quantities: Vec<Statement>,
}

/// A user function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it returns; none for `void`.
    pub returns: Option<Type>,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// Its body; none for a forward declaration.
    pub body: Option<Statement>,
    /// Where its name stands.
    pub span: Span,
}

/// One argument of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Whether it must not depend on parameters.
    pub is_data: bool,
    /// Its type.
    pub kind: Type,
    /// Its name.
    pub name: String,
}

/// A type without sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type {
    /// What an element is.
    pub base: Base,
    /// Array dimensions around it.
    pub arrays: usize,
}

/// What a variable is, arrays aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Whole number.
    Int,
    /// Number.
    Real,
    /// Column vector.
    Vector,
    /// Row vector.
    RowVector,
    /// Matrix.
    Matrix,
    /// Positive shares that sum to 1.
    Simplex,
    /// Vector of length 1.
    UnitVector,
    /// Rising vector.
    Ordered,
    /// Rising vector above 0.
    PositiveOrdered,
    /// Cholesky factor of a correlation matrix.
    CholeskyFactorCorr,
}

/// Bounds of a variable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bounds {
    /// Least value.
    pub lower: Option<Expression>,
    /// Largest value.
    pub upper: Option<Expression>,
    /// Shift of an affine transform.
    pub offset: Option<Expression>,
    /// Factor of an affine transform.
    pub multiplier: Option<Expression>,
}

/// A declared variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// What an element is.
    pub base: Base,
    /// Sizes of the arrays around it.
    pub arrays: Vec<Expression>,
    /// Sizes of a vector or matrix.
    pub sizes: Vec<Expression>,
    /// Its bounds.
    pub bounds: Bounds,
    /// Its name.
    pub name: String,
    /// Its value, if given at once.
    pub value: Option<Expression>,
}

/// A statement with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// Nothing: `;`.
    Empty,
    /// Statements in their own scope.
    Block(Vec<Statement>),
    /// A variable.
    Declare(Box<Declaration>),
    /// `target = value`, or with an operator `target += value`.
    Assign {
        /// What is assigned to.
        target: Expression,
        /// `None` for `=`.
        operator: Option<Binary>,
        /// The value.
        value: Expression,
    },
    /// `outcome ~ name(arguments)`.
    Distribute {
        /// What is distributed.
        outcome: Expression,
        /// The distribution.
        name: String,
        /// Its parameters.
        arguments: Vec<Expression>,
    },
    /// `target += value`.
    Target(Expression),
    /// A call for its effect.
    Call(Expression),
    /// `for (name in low:high)`, or over elements if `high` is absent.
    For {
        /// The loop variable.
        name: String,
        /// First value, or what is run through.
        low: Expression,
        /// Last value.
        high: Option<Expression>,
        /// The body.
        body: Box<Statement>,
    },
    /// `while`.
    While(Expression, Box<Statement>),
    /// `if` and `else`.
    If(Expression, Box<Statement>, Option<Box<Statement>>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `return`.
    Return(Option<Expression>),
    /// `print`.
    Print(Vec<Expression>),
    /// `reject`.
    Reject(Vec<Expression>),
}

/// An expression with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionKind {
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// A text, in `print` and `reject` only.
    Text(String),
    /// A variable.
    Name(String),
    /// A function; `x | mu, sigma` counts as one list of arguments.
    Call(String, Vec<Expression>),
    /// Elements or parts.
    Index(Box<Expression>, Vec<Index>),
    /// An operator before its operand.
    Unary(Unary, Box<Expression>),
    /// An operator between two operands.
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `'`.
    Transpose(Box<Expression>),
    /// `condition ? one : other`.
    Choose(Box<Expression>, Box<Expression>, Box<Expression>),
    /// `{a, b}`.
    Array(Vec<Expression>),
    /// `[a, b]`.
    Row(Vec<Expression>),
}

/// One index.
#[derive(Debug, Clone, PartialEq)]
pub enum Index {
    /// Everything.
    All,
    /// One element, or those that an array names.
    At(Expression),
    /// A range; an absent end is open.
    Range(Option<Expression>, Option<Expression>),
}

/// An operator before its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `-`.
    Minus,
    /// `+`.
    Plus,
    /// `!`.
    Not,
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as they read")]
pub enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    IntDivide,
    LeftDivide,
    ElementMultiply,
    ElementDivide,
    Power,
    ElementPower,
}

impl Binary {
    /// Whether it compares or joins conditions.
    pub(super) fn is_logical(self) -> bool {
        matches!(
            self,
            Self::Or
                | Self::And
                | Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
        )
    }
}
