//! Values of other implementations: `bm25s` 0.3.16 (method `lucene`, k1 1.2, b 0.75; words and
//! neighbouring pairs scored apart) and `snowballstemmer` 3.1.1, both Python packages.

use recall_engine::{Analyzer, Bm25, LexicalIndex};

const TEXTS: [&str; 5] = [
    "red fox jump river red",
    "blue river deep cold river",
    "fox den red hill wind wind wind",
    "cold wind hill",
    "river",
];

/// Query, scores of words, scores of pairs; the scores are of 32-bit arithmetic.
const SCORES: [(&str, [f64; 5], [f64; 5]); 5] = [
    ("red river", [0.746_633_589, 0.319_743_693, 0.312_667_400, 0.0, 0.355_941_087], [0.0; 5]),
    ("wind", [0.0, 0.0, 0.547_167_957, 0.450_608_909, 0.0], [0.0; 5]),
    (
        "cold river fox",
        [0.596_461_236, 0.688_917_279, 0.312_667_400, 0.450_608_909, 0.355_941_087],
        [0.0, 0.571_667_790, 0.0, 0.0, 0.0],
    ),
    (
        "red red hill",
        [1.038_691_759, 0.0, 0.938_002_229, 0.450_608_909, 0.0],
        [0.0, 0.0, 0.464_031_577, 0.0, 0.0],
    ),
    ("deep", [0.0, 0.584_581_971, 0.0, 0.0, 0.0], [0.0; 5]),
];

fn check(pairs: f64, wanted: impl Fn(&[f64; 5], &[f64; 5], usize) -> f64) {
    let mut index = LexicalIndex::new(Bm25 { pairs, ..Bm25::default() });
    for text in TEXTS {
        index.insert(text);
    }
    for (query, words, neighbours) in SCORES {
        let hits = index.search(query, 10, |_| true, &|| false);
        for doc in 0..5u32 {
            let score = hits.iter().find(|hit| hit.doc == doc).map_or(0.0, |hit| hit.score);
            let wanted = wanted(&words, &neighbours, doc as usize);
            assert!((score - wanted).abs() < 1e-6, "{query}, text {doc}: {score} for {wanted}");
            let explained = index.explain(query, doc).map_or(0.0, |explained| explained.score);
            assert!(
                (explained - score).abs() < 1e-12,
                "{query}, text {doc}: explained {explained}"
            );
        }
        assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}

#[test]
fn words_score_as_bm25s_does() {
    check(0.0, |words, _, doc| words[doc]);
}

#[test]
fn pairs_add_a_fifth_of_what_bm25s_gives_them() {
    check(0.2, |words, pairs, doc| words[doc] + 0.2 * pairs[doc]);
}

#[test]
fn stems_are_those_of_snowball() {
    let stems = [
        ("running", "run"),
        ("relational", "relat"),
        ("conditional", "condit"),
        ("generously", "generous"),
        ("happiness", "happi"),
        ("skies", "sky"),
        ("dying", "die"),
        ("news", "news"),
        ("inning", "inning"),
        ("proceed", "proceed"),
        ("exceedingly", "exceed"),
        ("connections", "connect"),
        ("consigned", "consign"),
        ("fluently", "fluentli"),
        ("universities", "universiti"),
        ("matrices", "matric"),
        ("hopefulness", "hope"),
        ("ponies", "poni"),
        ("caresses", "caress"),
        ("agreed", "agre"),
        ("plastered", "plaster"),
        ("motoring", "motor"),
        ("falling", "fall"),
        ("hissing", "hiss"),
        ("oscillate", "oscil"),
        ("adjustable", "adjust"),
        ("dependent", "depend"),
    ];
    for (word, stem) in stems {
        assert_eq!(Analyzer::default().terms(word), [(stem.to_owned(), 0)], "{word}");
    }
}
