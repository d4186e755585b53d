//! The guard of Cypher.

use super::{Judged, Language, Refusal, Rule, Source, lexer::Kind};

/// Steps of a path of variable length.
const MOST_STEPS: u64 = 10;

/// What a statement, a subquery or a part of a union begins with.
const READS: &[&str] = &["CALL", "MATCH", "OPTIONAL", "RETURN", "UNWIND", "WITH"];

/// Never seen but as the name of a property, a column or a map's entry.
const WRITES: &[&str] = &[
    "CREATE", "DELETE", "DETACH", "DROP", "FOREACH", "INSERT", "LOAD", "MERGE", "NODETACH",
    "REMOVE", "SET",
];

/// What may follow an expression or a pattern.
const AFTER_OPERAND: &[&str] = &[
    "AND",
    "AS",
    "ASC",
    "ASCENDING",
    "CALL",
    "CONTAINS",
    "DESC",
    "DESCENDING",
    "ELSE",
    "END",
    "ENDS",
    "IN",
    "IS",
    "LIMIT",
    "MATCH",
    "NOT",
    "OFFSET",
    "OPTIONAL",
    "OR",
    "ORDER",
    "RETURN",
    "SKIP",
    "STARTS",
    "THEN",
    "UNION",
    "UNWIND",
    "WHEN",
    "WHERE",
];

/// The same, that also begin or join.
const AFTER_OPERAND_TOO: &[&str] = &["WITH", "XOR", "YIELD"];

/// Further words that are no expression.
const OTHER_KEYWORDS: &[&str] = &["ALL", "BY", "CASE", "DISTINCT"];

/// Words before a bracket that call nothing.
const BEFORE_BRACKET: &[&str] = &[
    "AND", "BY", "CALL", "CASE", "CONTAINS", "DISTINCT", "ELSE", "IN", "LIMIT", "MATCH", "NOT",
    "OFFSET", "OR", "RETURN", "SHORTEST", "SKIP", "THEN", "UNWIND", "WHEN", "WHERE", "WITH", "XOR",
    "IS", "AS",
];

const PROCEDURES: &[&str] = &[
    "db.index.fulltext.queryNodes",
    "db.index.fulltext.queryRelationships",
    "db.index.vector.queryNodes",
    "db.index.vector.queryRelationships",
    "db.labels",
    "db.propertyKeys",
    "db.relationshipTypes",
    "db.schema.nodeTypeProperties",
    "db.schema.relTypeProperties",
    "db.schema.visualization",
];

/// In lower case, in order.
const FUNCTIONS: &[&str] = &[
    "abs",
    "acos",
    "all",
    "allshortestpaths",
    "any",
    "asin",
    "atan",
    "atan2",
    "avg",
    "btrim",
    "ceil",
    "char_length",
    "character_length",
    "coalesce",
    "collect",
    "cos",
    "cot",
    "count",
    "date",
    "date.realtime",
    "date.statement",
    "date.transaction",
    "date.truncate",
    "datetime",
    "datetime.fromepoch",
    "datetime.fromepochmillis",
    "datetime.realtime",
    "datetime.statement",
    "datetime.transaction",
    "datetime.truncate",
    "degrees",
    "duration",
    "duration.between",
    "duration.indays",
    "duration.inmonths",
    "duration.inseconds",
    "e",
    "elementid",
    "endnode",
    "exists",
    "exp",
    "floor",
    "haversin",
    "head",
    "id",
    "isempty",
    "isnan",
    "keys",
    "labels",
    "last",
    "left",
    "length",
    "localdatetime",
    "localdatetime.realtime",
    "localdatetime.statement",
    "localdatetime.transaction",
    "localdatetime.truncate",
    "localtime",
    "localtime.realtime",
    "localtime.statement",
    "localtime.transaction",
    "localtime.truncate",
    "log",
    "log10",
    "lower",
    "ltrim",
    "max",
    "min",
    "nodes",
    "none",
    "normalize",
    "nullif",
    "percentilecont",
    "percentiledisc",
    "pi",
    "point",
    "point.distance",
    "point.withinbbox",
    "properties",
    "radians",
    "rand",
    "randomuuid",
    "range",
    "reduce",
    "relationships",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "shortestpath",
    "sign",
    "sin",
    "single",
    "size",
    "split",
    "sqrt",
    "startnode",
    "stdev",
    "stdevp",
    "substring",
    "sum",
    "tail",
    "tan",
    "time",
    "time.realtime",
    "time.statement",
    "time.transaction",
    "time.truncate",
    "timestamp",
    "toboolean",
    "tobooleanlist",
    "tobooleanornull",
    "tofloat",
    "tofloatlist",
    "tofloatornull",
    "tointeger",
    "tointegerlist",
    "tointegerornull",
    "tolower",
    "tostring",
    "tostringlist",
    "tostringornull",
    "toupper",
    "trim",
    "type",
    "upper",
    "valuetype",
    "vector.similarity.cosine",
    "vector.similarity.euclidean",
];

pub(super) fn judge(text: &str, rows: usize) -> Result<Judged, Refusal> {
    // Before anything else the engine replaces these, in strings and comments too.
    if let Some(offset) = text.find("\\u").or_else(|| text.find("\\U")) {
        return Err(Refusal::new(Rule::UnicodeEscape, text, offset, "\\u"));
    }
    let source = Source::read(Language::Cypher, text)?;
    if !source.tokens.first().is_some_and(|first| first.is_among(READS)) {
        return source.refuse(Rule::Clause, 0);
    }
    let cypher = Cypher { source };
    for index in 0..cypher.source.tokens.len() {
        cypher.check(index)?;
    }
    let params = cypher.source.tokens.iter().filter(|token| token.kind == Kind::Param);
    let parameters = params.map(|token| token.text.to_owned()).collect();
    Ok(Judged { text: cypher.limited(rows), parameters })
}

struct Cypher<'a> {
    source: Source<'a>,
}

impl Cypher<'_> {
    fn check(&self, index: usize) -> Result<(), Refusal> {
        let Self { source } = self;
        match source.tokens[index].kind {
            Kind::Word => self.check_word(index),
            Kind::Sign => self.check_sign(index),
            Kind::Quoted | Kind::Param | Kind::Text | Kind::Number => {
                if self.is_after_operand(index) {
                    return source.refuse(Rule::Clause, index);
                }
                Ok(())
            }
        }
    }

    fn check_word(&self, index: usize) -> Result<(), Refusal> {
        let Self { source } = self;
        let word = &source.tokens[index];
        if source.is_name(index) || source.follows_sign(index, &[":"]) {
            return Ok(());
        }
        let follows = word.is_among(AFTER_OPERAND) || word.is_among(AFTER_OPERAND_TOO);
        if word.is_among(WRITES) || (self.is_after_operand(index) && !follows) {
            return source.refuse(Rule::Clause, index);
        }
        if self.begins_part(index) && !word.is_among(READS) {
            return source.refuse(Rule::Clause, index);
        }
        if word.is_word("OPTIONAL")
            && !source.after(index).is_some_and(|next| next.is_word("MATCH"))
        {
            return source.refuse(Rule::Clause, index);
        }
        // CALL { .. } IN TRANSACTIONS
        if word.is_word("IN") && source.follows_sign(index, &["}"]) {
            return source.refuse(Rule::Clause, index);
        }
        if word.is_word("CALL") { self.check_call(index) } else { Ok(()) }
    }

    /// Whether a word is the first of a subquery or of a part of a union.
    fn begins_part(&self, index: usize) -> bool {
        let Self { source } = self;
        if source.follows_sign(index, &["{"]) {
            return !source.precedes_sign(index, &[":", ",", "}", "=", "."]);
        }
        let Some(before) = source.before(index) else { return true };
        let union = |token: &super::Token<'_>| token.is_word("UNION");
        let joined = before.is_among(&["ALL", "DISTINCT"])
            && index.checked_sub(2).and_then(|at| source.tokens.get(at)).is_some_and(union);
        (union(before) && !source.tokens[index].is_among(&["ALL", "DISTINCT"])) || joined
    }

    fn check_call(&self, index: usize) -> Result<(), Refusal> {
        let Self { source } = self;
        if source.precedes_sign(index, &["{", "("]) {
            return Ok(());
        }
        let mut name = String::new();
        for token in source.tokens.iter().skip(index + 1) {
            match token.kind {
                Kind::Word if name.is_empty() || name.ends_with('.') => name.push_str(token.text),
                Kind::Sign if token.text == "." && !name.is_empty() => name.push('.'),
                _ => break,
            }
        }
        if PROCEDURES.contains(&name.as_str()) {
            return Ok(());
        }
        source.refuse(Rule::Procedure, index + 1)
    }

    fn check_sign(&self, index: usize) -> Result<(), Refusal> {
        match self.source.tokens[index].text {
            "(" => self.check_bracket(index),
            "*" | "+" | "{" => self.check_repetition(index),
            _ => Ok(()),
        }
    }

    /// What stands before a bracket may be called.
    fn check_bracket(&self, index: usize) -> Result<(), Refusal> {
        let Self { source } = self;
        let Some(mut first) = index.checked_sub(1) else { return Ok(()) };
        let last = &source.tokens[first];
        match last.kind {
            Kind::Quoted => return source.refuse(Rule::Function, first),
            Kind::Word => {}
            _ => return Ok(()),
        }
        let mut name = last.text.to_ascii_lowercase();
        while source.follows_sign(first, &["."]) && first >= 2 {
            first -= 2;
            let part = &source.tokens[first];
            if part.kind != Kind::Word {
                return source.refuse(Rule::Function, first);
            }
            name = format!("{}.{name}", part.text.to_ascii_lowercase());
        }
        let called = source.before(first).is_some_and(|token| token.is_word("CALL"));
        let keyword = first + 1 == index && last.is_among(BEFORE_BRACKET);
        if called || keyword || FUNCTIONS.contains(&name.as_str()) {
            return Ok(());
        }
        source.refuse(Rule::Function, first)
    }

    /// A path of variable length has an upper bound; quantified patterns are not let through.
    fn check_repetition(&self, index: usize) -> Result<(), Refusal> {
        let Self { source } = self;
        let sign = source.tokens[index].text;
        if source.follows_sign(index, &[">", "-"]) {
            return source.refuse(Rule::UnboundedPath, index);
        }
        if source.follows_sign(index, &[")"]) && self.closes_pattern(index - 1) {
            return source.refuse(Rule::UnboundedPath, index);
        }
        if sign != "*" || !self.is_in_relationship(index) {
            return Ok(());
        }
        let number = |at: usize| {
            let token = source.tokens.get(at).filter(|token| token.kind == Kind::Number)?;
            Some(token.text.parse::<u64>().unwrap_or(u64::MAX))
        };
        let ranged = |at: usize| source.tokens.get(at).is_some_and(|token| token.is_sign(".."));
        let most = match number(index + 1) {
            Some(_) if ranged(index + 2) => number(index + 3),
            Some(exact) => Some(exact),
            None if ranged(index + 1) => number(index + 2),
            None => None,
        };
        match most {
            Some(most) if most <= MOST_STEPS => Ok(()),
            _ => source.refuse(Rule::UnboundedPath, index),
        }
    }

    /// Whether a token stands directly within the square brackets of a relationship.
    fn is_in_relationship(&self, index: usize) -> bool {
        let Self { source } = self;
        let depth = source.depths[index];
        let opening = (0..index).rev().find(|&at| source.depths[at] < depth);
        opening.is_some_and(|at| source.tokens[at].is_sign("[") && source.follows_sign(at, &["-"]))
    }

    /// Whether a closing bracket ends a group with a relationship in it, `((a)-->(b))`.
    fn closes_pattern(&self, index: usize) -> bool {
        let Self { source } = self;
        let depth = source.depths[index];
        let Some(opening) = (0..index).rev().find(|&at| source.depths[at] == depth) else {
            return false;
        };
        let pairs = [("-", "-"), ("-", "["), ("]", "-"), ("-", ">"), ("<", "-")];
        source.precedes_sign(opening, &["("])
            && (opening + 1..index).any(|at| {
                pairs.iter().any(|(one, two)| {
                    source.tokens[at].is_sign(one) && source.precedes_sign(at, &[two])
                })
            })
    }

    /// Whether what stands before is the end of an expression or a pattern.
    fn is_after_operand(&self, index: usize) -> bool {
        let Self { source } = self;
        let Some(at) = index.checked_sub(1) else { return false };
        let before = &source.tokens[at];
        match before.kind {
            Kind::Quoted | Kind::Param | Kind::Text | Kind::Number => true,
            Kind::Sign => matches!(before.text, ")" | "]" | "}"),
            Kind::Word if source.is_name(at) || source.follows_sign(at, &[":"]) => true,
            Kind::Word => {
                before.is_word("END")
                    || !(before.is_among(AFTER_OPERAND)
                        || before.is_among(AFTER_OPERAND_TOO)
                        || before.is_among(OTHER_KEYWORDS))
            }
        }
    }

    /// The text with a bound on its rows, where it has none. That of a union would bound its last
    /// part alone, and a bare procedure call takes none: there reading stops instead.
    fn limited(&self, rows: usize) -> String {
        let Self { source } = self;
        let outer = |word: &'static str| {
            (0..source.tokens.len()).rev().find(move |&at| {
                source.depths[at] == 0 && source.tokens[at].is_word(word) && !source.is_name(at)
            })
        };
        let text = source.trimmed();
        match (outer("RETURN"), outer("LIMIT"), outer("UNION")) {
            (Some(_), _, Some(_)) | (None, _, _) => text.to_owned(),
            (Some(end), Some(limit), None) if limit > end => text.to_owned(),
            (Some(_), _, None) => format!("{text}\nLIMIT {rows}"),
        }
    }
}
