//! What holds for any texts.
#![expect(clippy::cast_precision_loss, reason = "the counts of a test are small")]

use std::collections::HashMap;

use proptest::prelude::*;
use recall_engine::{Analyzer, Bm25, Hit, LexicalIndex};

fn text() -> impl Strategy<Value = String> {
    let words = ["alpha", "beta", "gamma", "delta", "fooBar", "max_len", "the", "東京都", "é"];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..12)
        .prop_map(|words| words.join(" "))
}

fn search(index: &LexicalIndex, query: &str) -> Vec<Hit> {
    index.search(query, usize::MAX, |_| true, &|| false)
}

/// BM25 straight from its definition, over lists of units.
fn naive(units: &[Vec<String>], query: &[String]) -> Vec<f64> {
    let total = units.len() as f64;
    let mean = units.iter().map(Vec::len).sum::<usize>() as f64 / total;
    units
        .iter()
        .map(|unit| {
            query
                .iter()
                .map(|term| {
                    let holding = units.iter().filter(|unit| unit.contains(term)).count() as f64;
                    let idf = (1.0 + (total - holding + 0.5) / (holding + 0.5)).ln();
                    let frequency = unit.iter().filter(|other| *other == term).count() as f64;
                    if frequency == 0.0 {
                        return 0.0;
                    }
                    idf * frequency / (frequency + 1.2 * (0.25 + 0.75 * unit.len() as f64 / mean))
                })
                .sum()
        })
        .collect()
}

fn words_of(text: &str) -> Vec<String> {
    Analyzer::default().terms(text).into_iter().map(|(term, _)| term).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn words_score_by_the_definition(
        texts in prop::collection::vec(text(), 1..12), query in text(),
    ) {
        let mut index = LexicalIndex::new(Bm25 { pairs: 0.0, ..Bm25::default() });
        for text in &texts {
            index.insert(text);
        }
        let units: Vec<Vec<String>> = texts.iter().map(|text| words_of(text)).collect();
        let wanted = naive(&units, &words_of(&query));
        let found: HashMap<u32, f64> = search(&index, &query).into_iter().map(|hit| (hit.doc, hit.score)).collect();
        for (doc, wanted) in (0u32..).zip(wanted) {
            let score = found.get(&doc).copied().unwrap_or(0.0);
            prop_assert!((score - wanted).abs() < 1e-9, "{} for {}", score, wanted);
        }
    }

    /// What was removed leaves no trace in any score, compacted or not.
    #[test]
    fn removed_texts_do_not_matter(
        texts in prop::collection::vec((text(), any::<bool>()), 1..20), query in text(), compact: bool,
    ) {
        let mut index = LexicalIndex::default();
        let mut fresh = LexicalIndex::default();
        let mut alias = HashMap::new();
        for (text, keep) in &texts {
            let doc = index.insert(text);
            if *keep {
                alias.insert(doc, fresh.insert(text));
            }
        }
        for (doc, (_, keep)) in (0u32..).zip(&texts) {
            prop_assert_eq!(index.remove(doc), !keep || { alias.remove(&doc); true });
        }
        // All are removed now; bring the kept ones back under new numbers.
        let mut back = HashMap::new();
        let mut number = 0;
        for (text, keep) in &texts {
            if *keep {
                back.insert(index.insert(text), number);
                number += 1;
            }
        }
        if compact {
            index.compact();
        }
        let renamed: Vec<(u32, u64)> =
            search(&index, &query).iter().map(|hit| (back[&hit.doc], hit.score.to_bits())).collect();
        let wanted: Vec<(u32, u64)> =
            search(&fresh, &query).iter().map(|hit| (hit.doc, hit.score.to_bits())).collect();
        prop_assert_eq!(renamed, wanted);
        prop_assert_eq!(index.len(), fresh.len());
        if compact {
            prop_assert_eq!(index.stats().terms, fresh.stats().terms);
        }
    }

    #[test]
    fn no_text_breaks_the_analyzer(text in any::<String>()) {
        let mut last = 0;
        let count = Analyzer::default().analyze(&text, |term, position| {
            assert!(!term.is_empty() && position >= last);
            last = position;
        });
        prop_assert!(count == 0 || last == count - 1);
        let mut index = LexicalIndex::default();
        index.insert(&text);
        let hits = search(&index, &text);
        prop_assert_eq!(hits.len(), usize::from(count > 0));
        prop_assert!(hits.iter().all(|hit| hit.score.is_finite() && hit.score > 0.0));
    }
}

#[test]
fn a_limit_and_a_filter_keep_the_order() {
    let mut index = LexicalIndex::default();
    for count in 1..=50usize {
        index.insert(&format!("needle {}", "hay ".repeat(count)));
    }
    let all = search(&index, "needle");
    assert_eq!(all.len(), 50);
    assert_eq!(index.search("needle", 7, |_| true, &|| false), all[..7]);
    let even = index.search("needle", 3, |doc| doc % 2 == 0, &|| false);
    assert!(even.iter().all(|hit| hit.doc % 2 == 0 && all.contains(hit)));
    assert_eq!(index.search("needle", 0, |_| true, &|| false), []);
    assert_eq!(index.search("needle", 9, |_| true, &|| true), []);
    assert_eq!(index.explain("needle", 99), None);
}

#[test]
fn equal_scores_show_the_newer_first() {
    let mut index = LexicalIndex::default();
    for _ in 0..4 {
        index.insert("same words");
    }
    let order: Vec<u32> = search(&index, "words").iter().map(|hit| hit.doc).collect();
    assert_eq!(order, [3, 2, 1, 0]);
}
