//! The corpora, and what holds of any text.

use proptest::{prelude::*, sample::select};

use super::{Language, Rule, judge, lexer};

const CYPHER_GOOD: &str = include_str!("corpus/cypher-good.txt");
const CYPHER_BAD: &str = include_str!("corpus/cypher-bad.txt");
const SURREALQL_GOOD: &str = include_str!("corpus/surrealql-good.txt");
const SURREALQL_BAD: &str = include_str!("corpus/surrealql-bad.txt");

/// One query a line, `␤` for a line feed in it.
fn queries(corpus: &str) -> Vec<String> {
    corpus.lines().map(|line| line.replace('␤', "\n")).collect()
}

fn let_through(language: Language, corpus: &str) {
    let queries = queries(corpus);
    assert!(queries.len() >= 60, "only {} queries", queries.len());
    for query in queries {
        let judged =
            judge(language, &query, 101).unwrap_or_else(|refusal| panic!("{query}: {refusal}"));
        let given = query.trim_end().trim_end_matches(';');
        let kept = judged.text.split("\nLIMIT 101").next().unwrap_or_default();
        assert!(given.starts_with(kept), "{query}: {}", judged.text);
        assert_eq!(
            judge(language, &judged.text, 101).as_ref(),
            Ok(&judged),
            "{query}: judged twice"
        );
    }
}

fn refused(language: Language, corpus: &str) {
    let queries = queries(corpus);
    assert!(queries.len() >= 60, "only {} queries", queries.len());
    let mut wrong = Vec::new();
    for line in queries {
        let (rule, query) = line.split_once(" | ").expect("a rule and a query");
        match judge(language, query, 101) {
            Ok(judged) => wrong.push(format!("let through: {}", judged.text)),
            Err(refusal) => {
                if refusal.rule.code() != rule {
                    wrong.push(format!("{rule}, {query}: {refusal}"));
                }
                assert!(query.is_char_boundary(refusal.offset) && refusal.offset <= query.len());
                assert!(!refusal.rule.fix().is_empty() && refusal.line >= 1 && refusal.column >= 1);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reads_in_cypher_pass() {
    let_through(Language::Cypher, CYPHER_GOOD);
}

#[test]
fn anything_else_in_cypher_is_refused() {
    refused(Language::Cypher, CYPHER_BAD);
}

#[test]
fn reads_in_surrealql_pass() {
    let_through(Language::SurrealQl, SURREALQL_GOOD);
}

#[test]
fn anything_else_in_surrealql_is_refused() {
    refused(Language::SurrealQl, SURREALQL_BAD);
}

#[test]
fn refusals_say_where_and_how_to_repair() {
    let refusal = judge(Language::Cypher, "MATCH (n)\n  DETACH DELETE n", 10).unwrap_err();
    assert_eq!(
        (refusal.rule, refusal.line, refusal.column, refusal.offset),
        (Rule::Clause, 2, 3, 12)
    );
    let said = refusal.to_string();
    assert_eq!(said, "line 2, column 3 of the query: `DETACH` is not a clause that only reads");
    assert!(refusal.rule.fix().contains("upsert_facts"));
    let late = judge(Language::SurrealQl, "RETURN 'é' + http::get('x')", 10).unwrap_err();
    assert_eq!((late.rule, late.column, late.found.as_str()), (Rule::Function, 14, "http"));
}

#[test]
fn rows_are_bounded_where_they_are_not() {
    for (query, wanted) in [
        ("MATCH (n) RETURN n", "MATCH (n) RETURN n\nLIMIT 7"),
        ("MATCH (n) RETURN n; ", "MATCH (n) RETURN n\nLIMIT 7"),
        ("MATCH (n) RETURN n // all", "MATCH (n) RETURN n\nLIMIT 7"),
        ("MATCH (n) RETURN n LIMIT 900", "MATCH (n) RETURN n LIMIT 900"),
        ("MATCH (n) WITH n LIMIT 3 RETURN n", "MATCH (n) WITH n LIMIT 3 RETURN n\nLIMIT 7"),
        ("RETURN 1 AS x UNION RETURN 2 AS x", "RETURN 1 AS x UNION RETURN 2 AS x"),
        ("CALL db.labels()", "CALL db.labels()"),
        ("MATCH (n) RETURN n.limit", "MATCH (n) RETURN n.limit\nLIMIT 7"),
        (
            "CALL { RETURN 1 AS x LIMIT 1 } RETURN x",
            "CALL { RETURN 1 AS x LIMIT 1 } RETURN x\nLIMIT 7",
        ),
    ] {
        assert_eq!(judge(Language::Cypher, query, 7).unwrap().text, wanted);
    }
}

#[test]
fn parameters_are_named() {
    let names = |language, query: &str| -> Vec<String> {
        judge(language, query, 9).unwrap().parameters.into_iter().collect()
    };
    let cypher = "MATCH (n) WHERE n.x IN $list AND n.y = $y AND n.z = '$no' RETURN $y";
    assert_eq!(names(Language::Cypher, cypher), ["list", "y"]);
    let surreal =
        "SELECT array::map(tags, |$t, $u: int| $t + $w), [$a, $b, $c], $this.id FROM memory";
    assert_eq!(names(Language::SurrealQl, surreal), ["a", "b", "c", "w"]);
}

#[test]
fn depth_is_bounded() {
    for language in [Language::Cypher, Language::SurrealQl] {
        let nested = |depth| format!("RETURN {}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(judge(language, &nested(60), 1).is_ok());
        assert_eq!(judge(language, &nested(5_000), 1).unwrap_err().rule, Rule::TooDeep);
    }
}

/// Pieces that a query may be made of, those that write in words of their own.
const CYPHER_WRITES: &[&str] =
    &["CREATE", "MERGE", "SET", "DELETE", "DETACH", "REMOVE", "FOREACH", "LOAD", "INSERT", "DROP"];
const SURREAL_WRITES: &[&str] = &[
    "CREATE", "UPDATE", "UPSERT", "DELETE", "INSERT", "RELATE", "DEFINE", "REMOVE", "ALTER",
    "LIVE", "KILL", "USE", "LET", "REBUILD",
];
const HARMLESS: &[&str] = &[
    "MATCH",
    "(",
    ")",
    "n",
    "RETURN",
    "SELECT",
    "FROM",
    "memory",
    "*",
    ",",
    ".",
    ":",
    "WHERE",
    "=",
    "1",
    "'DELETE n'",
    "\"; SET x\"",
    "/* CREATE */",
    "$p",
    "{",
    "}",
    "[",
    "]",
    "AS",
    "WITH",
    "LIMIT",
    "->",
    "-",
    "`set x`",
    "x",
    "count",
    "UNION",
    "AND",
    "IN",
    "|",
    "type",
    "::",
];

/// Whether a write's word stands where no name can.
fn writes(pieces: &[(String, bool)]) -> bool {
    let code: Vec<&(String, bool)> =
        pieces.iter().filter(|(piece, _)| !piece.starts_with("/*")).collect();
    code.iter().enumerate().any(|(at, (_, write))| {
        let before = at.checked_sub(1).and_then(|at| code.get(at)).map(|piece| piece.0.as_str());
        let after = code.get(at + 1).map(|piece| piece.0.as_str());
        let named = matches!(before, Some("." | ":"))
            || before.is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let entry = matches!(before, Some("{" | ",")) && after == Some(":");
        *write && !named && !entry
    })
}

fn cased(word: &str, upper: u32) -> String {
    let case = |(at, c): (usize, char)| {
        if upper >> (at % 32) & 1 == 1 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    };
    word.chars().enumerate().map(case).collect()
}

fn soup(verbs: &'static [&'static str]) -> impl Strategy<Value = Vec<(String, bool)>> {
    let piece = prop_oneof![
        6 => select(HARMLESS).prop_map(|piece| (piece.to_owned(), false)),
        1 => (select(verbs), any::<u32>()).prop_map(|(verb, upper)| (cased(verb, upper), true)),
    ];
    prop::collection::vec(piece, 1..14)
}

fn joined(head: &str, pieces: &[(String, bool)], blanks: &[u8]) -> String {
    let mut query = head.to_owned();
    for (at, (piece, _)) in pieces.iter().enumerate() {
        query.push_str(
            [" ", "\n", "\t", "/**/", " /* x */ "][usize::from(blanks[at % blanks.len()]) % 5],
        );
        query.push_str(piece);
    }
    query
}

proptest! {
    #[test]
    fn no_write_in_cypher_passes(pieces in soup(CYPHER_WRITES), blanks in prop::collection::vec(any::<u8>(), 1..9)) {
        let query = joined("MATCH (n) RETURN n", &pieces, &blanks);
        if judge(Language::Cypher, &query, 5).is_ok() {
            prop_assert!(!writes(&pieces), "{query}");
        }
    }

    #[test]
    fn no_write_in_surrealql_passes(pieces in soup(SURREAL_WRITES), blanks in prop::collection::vec(any::<u8>(), 1..9)) {
        let query = joined("SELECT * FROM memory WHERE x", &pieces, &blanks);
        if judge(Language::SurrealQl, &query, 5).is_ok() {
            prop_assert!(!writes(&pieces), "{query}");
        }
    }

    /// A write put between any two tokens of a query that passes.
    #[test]
    fn no_write_hides_in_a_read(pick in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), verb in any::<prop::sample::Index>(), upper in any::<u32>()) {
        for (language, corpus, clauses) in [
            (Language::Cypher, CYPHER_GOOD, &["CREATE (zz)", "SET n.zz = 1", "DETACH DELETE n", "MERGE (zz)", "REMOVE n.zz", "CALL apoc.zz()"][..]),
            (Language::SurrealQl, SURREALQL_GOOD, &["(DELETE zz)", "(CREATE zz)", "; REMOVE TABLE zz", "{ UPDATE zz }", "http::get('zz')"][..]),
        ] {
            let queries = queries(corpus);
            let query = pick.get(&queries);
            let tokens = lexer::tokens(language, query).unwrap();
            let token = place.get(&tokens);
            // There it would be the rest of a path, as in `math::http::get`, which nothing is called.
            prop_assume!(token.text != "::");
            let clause: &&str = verb.get(clauses);
            let clause = cased(clause, upper);
            let (before, after) = query.split_at(token.end);
            let mixed = format!("{before} {clause} {after}");
            prop_assert!(judge(language, &mixed, 5).is_err(), "{mixed}");
        }
    }

    #[test]
    fn any_text_is_judged(text in "\\PC{0,80}", sql in any::<bool>()) {
        let language = if sql { Language::SurrealQl } else { Language::Cypher };
        for text in [text.clone(), format!("MATCH {text}"), format!("SELECT {text}")] {
            if let Err(refusal) = judge(language, &text, 1) {
                prop_assert!(text.is_char_boundary(refusal.offset) && refusal.offset <= text.len());
            }
        }
    }
}
