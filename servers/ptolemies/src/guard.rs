//! What of a raw query is let through: one statement that only reads, in words of a closed list.
//!
//! Pure: text in, verdict out. It judges tokens, not meaning, and refuses where two lexers could
//! read the same text differently. It is the first of three nets: behind it the engine's own parser
//! or planner must call the statement a read, and it runs in a transaction that cannot write.

mod cypher;
mod lexer;
mod surrealql;

use std::{collections::BTreeSet, fmt};

use self::lexer::{Kind, Token};

pub(crate) use self::surrealql::FAMILIES;

/// Brackets within brackets.
const MOST_NESTED: usize = 64;

/// A language of raw queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Cypher,
    SurrealQl,
}

/// A query that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    /// What to run: the text without a semicolon at its end, in Cypher with a `LIMIT` where one was
    /// missing. Offsets into it are offsets into what was given.
    pub(crate) text: String,
    /// Names of the parameters that the caller must give.
    pub(crate) parameters: BTreeSet<String>,
}

/// Judge a query of which `rows` rows will be read at most.
pub(crate) fn judge(language: Language, text: &str, rows: usize) -> Result<Judged, Refusal> {
    match language {
        Language::Cypher => cypher::judge(text, rows),
        Language::SurrealQl => surrealql::judge(text),
    }
}

/// Judge the engine's own spelling of a query in `SurrealQL` that passed.
pub(crate) fn judge_spelt(text: &str) -> Result<(), Refusal> {
    surrealql::judge_spelt(text)
}

/// Why a query is not let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: Rule,
    /// Byte of the query.
    pub(crate) offset: usize,
    /// Line and column, counted from 1 in characters.
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// What stands there, at most 40 characters.
    pub(crate) found: String,
}

/// A rule of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// A string, comment or bracket does not end, or ends what was not begun.
    Unfinished,
    /// A character outside strings that is not plain ASCII, or a line end of another kind.
    Character,
    UnicodeEscape,
    SingleStatement,
    /// A clause or statement that is not on the list.
    Clause,
    Procedure,
    Function,
    UnboundedPath,
    Parameter,
    /// A quoted name that a plain one could not be.
    Identifier,
    /// A table that holds no knowledge.
    Table,
    /// A literal or cast that could name a table at run time.
    Literal,
    TooDeep,
}

impl Rule {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Character => "character",
            Self::UnicodeEscape => "unicode_escape",
            Self::SingleStatement => "single_statement",
            Self::Clause => "clause",
            Self::Procedure => "procedure",
            Self::Function => "function",
            Self::UnboundedPath => "unbounded_path",
            Self::Parameter => "parameter",
            Self::Identifier => "identifier",
            Self::Table => "table",
            Self::Literal => "literal",
            Self::TooDeep => "too_deep",
        }
    }

    /// What is wrong, said of what was found.
    const fn says(self) -> &'static str {
        match self {
            Self::Unfinished => "is not closed, or closes nothing",
            Self::Character => "may stand in strings only",
            Self::UnicodeEscape => "could hide what the query does",
            Self::SingleStatement => "is beyond one statement",
            Self::Clause => "is not a clause that only reads",
            Self::Procedure => "is not a procedure that may be called",
            Self::Function => "is not a function that may be called",
            Self::UnboundedPath => "has no upper bound of at most 10 steps",
            Self::Parameter => "is not a parameter's name",
            Self::Identifier => "is not a plain name",
            Self::Table => "is not a table of what is known",
            Self::Literal => "could name what may not be read",
            Self::TooDeep => "nests more than 64 deep",
        }
    }

    /// How to repair it.
    pub(crate) const fn fix(self) -> &'static str {
        match self {
            Self::Unfinished => "close every string, comment and bracket",
            Self::Character => {
                "write names in ASCII, end lines with a line feed, pass other text as a parameter"
            }
            Self::UnicodeEscape => {
                "write the character itself within quotes, or pass the text as a parameter"
            }
            Self::SingleStatement => "send one statement a call",
            Self::Clause => {
                "query_graph only reads: Cypher of MATCH, OPTIONAL MATCH, WHERE, WITH, UNWIND, CALL, RETURN, \
                 ORDER BY, SKIP, LIMIT, UNION; SurrealQL of one SELECT, RETURN or INFO FOR TABLE. \
                 To write, use store_memory, upsert_entities, upsert_facts, forget_items"
            }
            Self::Procedure => {
                "call only db.labels, db.relationshipTypes, db.propertyKeys, db.schema.*, \
                 db.index.fulltext.query*, db.index.vector.query*"
            }
            Self::Function => {
                "use the languages' own functions of numbers, texts, lists and times; no apoc, http, crypto, sleep"
            }
            Self::UnboundedPath => "write a bound, as in [:TYPE*1..5]",
            Self::Parameter => "name parameters as in $name, with letters, digits and underscores",
            Self::Identifier => "quote names of letters, digits, spaces, _ . - only",
            Self::Table => {
                "read memory, entity, observation, fact, merge, rule, document, chunk, change"
            }
            Self::Literal => {
                "name tables in the text; select a record by type::record('table', $id); write patterns as strings"
            }
            Self::TooDeep => "write a flatter query",
        }
    }
}

impl Refusal {
    fn new(rule: Rule, text: &str, offset: usize, found: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { rule, offset, line, column, found: mcp_core::untrusted::line(found, 40) }
    }

    /// Of a query as a whole.
    pub(crate) fn whole(text: &str) -> Self {
        Self::new(Rule::Clause, text, 0, text)
    }

    fn at(rule: Rule, text: &str, token: &Token<'_>) -> Self {
        Self::new(rule, text, token.at, token.text)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, line, column, found, .. } = self;
        write!(f, "line {line}, column {column} of the query: `{found}` {}", rule.says())
    }
}

impl std::error::Error for Refusal {}

/// A text in tokens, each with the number of brackets around it.
struct Source<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    depths: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Tokens of one statement, its brackets in pairs; without a semicolon at its end.
    fn read(language: Language, text: &'a str) -> Result<Self, Refusal> {
        let mut tokens = lexer::tokens(language, text)?;
        if tokens.last().is_some_and(|token| token.is_sign(";")) {
            tokens.pop();
        }
        let Some(first) = tokens.first() else {
            return Err(Refusal::new(Rule::Clause, text, 0, "nothing"));
        };
        if let Some(next) = tokens.iter().find(|token| token.is_sign(";")) {
            return Err(Refusal::at(Rule::SingleStatement, text, next));
        }
        if first.kind != Kind::Word {
            return Err(Refusal::at(Rule::Clause, text, first));
        }
        let depths = depths(text, &tokens)?;
        Ok(Self { text, tokens, depths })
    }

    fn refuse<T>(&self, rule: Rule, index: usize) -> Result<T, Refusal> {
        match self.tokens.get(index).or(self.tokens.last()) {
            Some(token) => Err(Refusal::at(rule, self.text, token)),
            None => Err(Refusal::new(rule, self.text, 0, "")),
        }
    }

    fn before(&self, index: usize) -> Option<&Token<'a>> {
        self.tokens.get(index.checked_sub(1)?)
    }

    fn after(&self, index: usize) -> Option<&Token<'a>> {
        self.tokens.get(index + 1)
    }

    fn follows_sign(&self, index: usize, signs: &[&str]) -> bool {
        self.before(index).is_some_and(|token| signs.iter().any(|sign| token.is_sign(sign)))
    }

    fn precedes_sign(&self, index: usize, signs: &[&str]) -> bool {
        self.after(index).is_some_and(|token| signs.iter().any(|sign| token.is_sign(sign)))
    }

    /// Whether a word stands where only a name can: of a property, of a column, of a map's entry.
    fn is_name(&self, index: usize) -> bool {
        self.follows_sign(index, &["."])
            || self.before(index).is_some_and(|token| token.is_word("AS"))
            || (self.follows_sign(index, &["{", ","]) && self.precedes_sign(index, &[":"]))
    }

    /// The text from its start to the end of the last token.
    fn trimmed(&self) -> &'a str {
        let end = self.tokens.last().map_or(0, |token| token.end);
        self.text.get(..end).unwrap_or(self.text)
    }
}

fn depths(text: &str, tokens: &[Token<'_>]) -> Result<Vec<usize>, Refusal> {
    let mut open: Vec<&Token<'_>> = Vec::new();
    let mut depths = Vec::with_capacity(tokens.len());
    for token in tokens {
        let closes = match token.text {
            ")" => Some("("),
            "]" => Some("["),
            "}" => Some("{"),
            _ => None,
        };
        if let Some(opening) = closes.filter(|_| token.kind == Kind::Sign)
            && open.pop().is_none_or(|open| open.text != opening)
        {
            return Err(Refusal::at(Rule::Unfinished, text, token));
        }
        depths.push(open.len());
        if token.kind == Kind::Sign && matches!(token.text, "(" | "[" | "{") {
            open.push(token);
        }
        if open.len() > MOST_NESTED {
            return Err(Refusal::at(Rule::TooDeep, text, token));
        }
    }
    match open.last() {
        Some(token) => Err(Refusal::at(Rule::Unfinished, text, token)),
        None => Ok(depths),
    }
}

#[cfg(test)]
mod tests;
