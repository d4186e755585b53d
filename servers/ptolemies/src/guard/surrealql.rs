//! The guard of `SurrealQL`.

use std::collections::BTreeSet;

use super::{Judged, Language, Refusal, Rule, Source, lexer::Kind};

/// Never seen but as the name of a field, a column or an object's entry. `MERGE` is none: it stands
/// in statements that are, and a table is called so.
const STATEMENTS: &[&str] = &[
    "ACCESS", "ALTER", "API", "BEGIN", "BREAK", "CANCEL", "COMMIT", "CONTINUE", "CREATE", "DEFINE",
    "DELETE", "EVAL", "FOR", "FUNCTION", "INSERT", "KILL", "LET", "LIVE", "OPTION", "REBUILD",
    "RELATE", "REMOVE", "SHOW", "SLEEP", "THROW", "UPDATE", "UPSERT", "USE",
];

/// Words before a bracket that call nothing.
const BEFORE_BRACKET: &[&str] = &[
    "AND",
    "BY",
    "CONTAINS",
    "ELSE",
    "FROM",
    "IF",
    "IN",
    "INSIDE",
    "IS",
    "LIMIT",
    "NOT",
    "ONLY",
    "OR",
    "OUTSIDE",
    "RETURN",
    "SELECT",
    "START",
    "THEN",
    "VALUE",
    "WHERE",
    "CONTAINSALL",
    "CONTAINSANY",
    "CONTAINSNONE",
    "CONTAINSNOT",
    "ALLINSIDE",
    "ANYINSIDE",
    "NONEINSIDE",
    "NOTINSIDE",
    "INTERSECTS",
];

/// Functions without a family.
const BARE_FUNCTIONS: &[&str] = &["count", "not"];

/// Families whose functions compute on what they are given.
pub(crate) const FAMILIES: &[&str] = &[
    "array", "duration", "geo", "math", "meta", "object", "parse", "record", "set", "string",
    "time", "type", "value", "vector",
];

/// Of those families: what reads its argument as the name of a table or as code.
const DENIED_FUNCTIONS: &[&str] = &["type::field", "type::fields", "type::file", "type::table"];

/// Methods that do the same, or write to files.
const DENIED_METHODS: &[&str] = &[
    "copy",
    "copy_if_not_exists",
    "delete",
    "put",
    "put_if_not_exists",
    "rename",
    "rename_if_not_exists",
    "to_file",
    "to_record",
    "to_table",
];

/// These make a record's id; their first argument is the name of a table, written out.
const RECORD_FUNCTIONS: &[&str] = &["type::record", "type::thing"];

/// What is known.
const TABLES: &[&str] =
    &["change", "chunk", "document", "entity", "fact", "memory", "merge", "observation", "rule"];

/// What the store keeps for itself.
const HIDDEN_TABLES: &[&str] = &["head", "meta", "written"];

/// Parameters that the engine gives.
const GIVEN: &[&str] = &["parent", "this"];
/// Parameters that tell of the session.
const RESERVED: &[&str] = &["access", "auth", "session", "token"];

pub(super) fn judge(text: &str) -> Result<Judged, Refusal> {
    let source = Source::read(Language::SurrealQl, text)?;
    match source.tokens.first() {
        Some(first) if first.is_among(&["SELECT", "RETURN"]) => {}
        Some(first) if first.is_word("INFO") => return info(&source),
        _ => return source.refuse(Rule::Clause, 0),
    }
    judge_rest(&Surreal { source, spelt: false })
}

/// As [`judge`], of the engine's own spelling of a query that passed: a slash in it divides.
pub(super) fn judge_spelt(text: &str) -> Result<(), Refusal> {
    let source = Source::read(Language::SurrealQl, text)?;
    if source.tokens.first().is_some_and(|first| first.is_word("INFO")) {
        return info(&source).map(drop);
    }
    judge_rest(&Surreal { source, spelt: true }).map(drop)
}

fn judge_rest(surreal: &Surreal<'_>) -> Result<Judged, Refusal> {
    for index in 0..surreal.source.tokens.len() {
        surreal.check(index)?;
    }
    let parameters = surreal.parameters()?;
    Ok(Judged { text: surreal.source.trimmed().to_owned(), parameters })
}

/// `INFO FOR TABLE name`.
fn info(source: &Source<'_>) -> Result<Judged, Refusal> {
    let words = [&["FOR"][..], &["TABLE", "TB"]];
    for (index, allowed) in words.into_iter().enumerate() {
        if !source.tokens.get(index + 1).is_some_and(|token| token.is_among(allowed)) {
            return source.refuse(Rule::Clause, index + 1);
        }
    }
    let table = source.tokens.get(3);
    if !table.is_some_and(|table| table.kind == Kind::Word && TABLES.contains(&table.text)) {
        return source.refuse(Rule::Table, 3);
    }
    let structure = source.tokens.get(4).is_none_or(|last| last.is_word("STRUCTURE"));
    if !structure || source.tokens.len() > 5 {
        return source.refuse(Rule::Clause, 4);
    }
    Ok(Judged { text: source.trimmed().to_owned(), parameters: BTreeSet::new() })
}

struct Surreal<'a> {
    source: Source<'a>,
    /// Whether the engine wrote it.
    spelt: bool,
}

impl Surreal<'_> {
    fn check(&self, index: usize) -> Result<(), Refusal> {
        let Self { source, .. } = self;
        let token = &source.tokens[index];
        match token.kind {
            Kind::Word => self.check_word(index),
            Kind::Quoted if HIDDEN_TABLES.contains(&token.text) => {
                source.refuse(Rule::Table, index)
            }
            Kind::Quoted if source.precedes_sign(index, &["::", "("]) => {
                source.refuse(Rule::Function, index)
            }
            // A path begins with a word.
            Kind::Sign
                if token.text == "::"
                    && source.before(index).is_none_or(|before| before.kind != Kind::Word) =>
            {
                source.refuse(Rule::Function, index)
            }
            Kind::Sign if token.text == "/" => self.check_slash(index),
            Kind::Sign if token.text == "(" => self.check_bracket(index),
            // A string with a record, a file or bytes in it, set apart by a blank.
            Kind::Text if self.has_prefix(index) => source.refuse(Rule::Literal, index),
            Kind::Quoted | Kind::Sign | Kind::Text | Kind::Param | Kind::Number => Ok(()),
        }
    }

    fn has_prefix(&self, index: usize) -> bool {
        self.source.before(index).is_some_and(|token| token.is_among(&["b", "f", "r"]))
    }

    fn check_word(&self, index: usize) -> Result<(), Refusal> {
        let Self { source, .. } = self;
        let word = &source.tokens[index];
        if source.precedes_sign(index, &["::"]) {
            return self.check_function(index);
        }
        if source.follows_sign(index, &["::"]) {
            return Ok(());
        }
        // After a comma `meta:x` is a record as well as an entry of an object.
        if word.is_among(HIDDEN_TABLES) && !source.follows_sign(index, &["."]) {
            return source.refuse(Rule::Table, index);
        }
        if source.is_name(index) {
            return Ok(());
        }
        if word.is_among(STATEMENTS) {
            return source.refuse(Rule::Clause, index);
        }
        // A cast or the type of an argument: text would become the name of a table or of a record.
        if word.is_among(&["record", "table", "future", "references"]) {
            return source.refuse(Rule::Literal, index);
        }
        Ok(())
    }

    /// A path `family::..::name`, at its first word.
    fn check_function(&self, index: usize) -> Result<(), Refusal> {
        let Self { source, .. } = self;
        let mut path = source.tokens[index].text.to_ascii_lowercase();
        let mut last = index;
        if source.follows_sign(index, &["::"]) {
            return Ok(());
        }
        while source.precedes_sign(last, &["::"]) {
            last += 2;
            match source.tokens.get(last) {
                Some(part) if part.kind == Kind::Word => {
                    path = format!("{path}::{}", part.text.to_ascii_lowercase());
                }
                _ => return source.refuse(Rule::Function, index),
            }
        }
        let family = path.split("::").next().unwrap_or_default();
        let constant = !source.precedes_sign(last, &["("]);
        if !FAMILIES.contains(&family) || DENIED_FUNCTIONS.contains(&path.as_str()) {
            return source.refuse(Rule::Function, index);
        }
        if RECORD_FUNCTIONS.contains(&path.as_str()) {
            return self.check_record(last, constant);
        }
        Ok(())
    }

    /// `type::record("table", ..`: the table is written out and holds what is known.
    fn check_record(&self, last: usize, bare: bool) -> Result<(), Refusal> {
        let Self { source, .. } = self;
        let table = source.tokens.get(last + 2);
        let known =
            table.is_some_and(|table| table.kind == Kind::Text && TABLES.contains(&table.text));
        if bare || !known {
            return source.refuse(Rule::Table, last + 2);
        }
        // Alone it would be read as a whole id.
        if !source.precedes_sign(last + 2, &[","]) {
            return source.refuse(Rule::Literal, last + 2);
        }
        Ok(())
    }

    /// What stands before a bracket may be called.
    fn check_bracket(&self, index: usize) -> Result<(), Refusal> {
        let Self { source, .. } = self;
        let Some(before) = source.before(index).filter(|token| token.kind == Kind::Word) else {
            return Ok(());
        };
        // The end of a path was judged at its beginning.
        if source.follows_sign(index - 1, &["::"]) {
            return Ok(());
        }
        if source.follows_sign(index - 1, &["."]) {
            let denied = before.is_among(DENIED_METHODS);
            return if denied { source.refuse(Rule::Function, index - 1) } else { Ok(()) };
        }
        let bare = BARE_FUNCTIONS.contains(&before.text.to_ascii_lowercase().as_str());
        if bare || before.is_among(BEFORE_BRACKET) {
            return Ok(());
        }
        source.refuse(Rule::Function, index - 1)
    }

    /// A division; where a value is expected the engine would read a pattern up to the next slash.
    fn check_slash(&self, index: usize) -> Result<(), Refusal> {
        let divides = self.source.before(index).is_some_and(|token| match token.kind {
            Kind::Number | Kind::Param => true,
            Kind::Sign => matches!(token.text, ")" | "]"),
            Kind::Word | Kind::Quoted | Kind::Text => false,
        });
        if divides || self.spelt { Ok(()) } else { self.source.refuse(Rule::Literal, index) }
    }

    /// Names that the caller must give: not those that a closure binds.
    fn parameters(&self) -> Result<BTreeSet<String>, Refusal> {
        let Self { source, .. } = self;
        let params = || {
            let tokens = source.tokens.iter().enumerate();
            tokens.filter(|(_, token)| token.kind == Kind::Param)
        };
        let bound = self.bound();
        if let Some((index, _)) = params().find(|(_, token)| RESERVED.contains(&token.text)) {
            return source.refuse(Rule::Parameter, index);
        }
        let free = params().filter(|(_, token)| !bound.contains(token.text));
        let free = free.filter(|(_, token)| !GIVEN.contains(&token.text));
        Ok(free.map(|(_, token)| token.text.to_owned()).collect())
    }
    /// Names between the bars of closures, `|$a, $b: int|`.
    fn bound(&self) -> BTreeSet<&str> {
        let tokens = &self.source.tokens;
        let mut bound = BTreeSet::new();
        let mut index = 0;
        while let Some(opening) = (index..tokens.len()).find(|&at| tokens[at].is_sign("|")) {
            let Some(closing) = (opening + 1..tokens.len()).find(|&at| tokens[at].is_sign("|"))
            else {
                break;
            };
            let inner = tokens.get(opening + 1..closing).unwrap_or_default();
            let header = inner.iter().all(|token| {
                matches!(token.kind, Kind::Param | Kind::Word)
                    || matches!(token.text, "," | ":" | "<" | ">")
            });
            if header {
                bound.extend(inner.iter().filter(|at| at.kind == Kind::Param).map(|at| at.text));
            }
            index = if header { closing + 1 } else { opening + 1 };
        }
        bound
    }
}
