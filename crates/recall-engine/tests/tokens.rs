//! The estimate of tokens against a real tokeniser.

use proptest::prelude::*;
use recall_engine::tokens::{estimate, prefix};

const SAMPLES: [(&str, &str); 9] = [
    ("prose", include_str!("../../../README.md")),
    ("code", include_str!("../src/ranking.rs")),
    ("manifest", include_str!("../../../Cargo.toml")),
    (
        "json",
        r#"{"items":[{"id":"01J9Z8Q4T7W3","price_cents":129900,"tags":["new","in-stock"],"updated_at":"2026-03-01T12:30:05Z"},{"id":"01J9Z8Q4T7W4","price_cents":5,"tags":[],"updated_at":null}]}"#,
    ),
    (
        "hashes",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG 550e8400-e29b-41d4-a716-446655440000",
    ),
    (
        "german",
        "Die Donaudampfschifffahrtsgesellschaft prüfte gestern überraschend die größeren Fähren, weil mehrere Fahrgäste über Verspätungen klagten.",
    ),
    (
        "russian",
        "Вчера вечером мы долго обсуждали, почему поезд опоздал и кто должен предупредить пассажиров о задержке.",
    ),
    (
        "japanese",
        "昨日の会議では、新しい検索機能の順位付けについて長い議論がありました。次回は来週の火曜日です。",
    ),
    ("signs", "=> != <= >= ;; // ---- **** (((a + b) * c) / d) ?? 🙂🚀 … « » → ∑"),
];

fn count(text: &str) -> usize {
    bpe_openai::o200k_base().count(text)
}

#[test]
fn the_estimate_is_never_low_and_seldom_far() {
    for (name, text) in SAMPLES {
        let (real, told) = (count(text), estimate(text));
        println!("{name}: {told} for {real}");
        assert!(told >= real, "{name}: {told} for {real}");
        assert!(told * 10 <= real * 17, "{name}: {told} for {real}");
    }
}

proptest! {
    /// What is cut to a budget fits into it, and is the beginning.
    #[test]
    fn a_prefix_fits(text in "(\\PC|[a-z ]{0,9}|\\n){0,80}", budget in 0usize..60) {
        let cut = prefix(&text, budget);
        prop_assert!(text.starts_with(cut) && estimate(cut) <= budget);
        prop_assert_eq!(cut == text, estimate(&text) <= budget);
    }

    /// Of any words, numbers and signs; a rare word at the beginning may cost a token more.
    #[test]
    fn words_are_not_underestimated(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..200),
    ) {
        let text = words.join(" ");
        prop_assert!(estimate(&text) + 3 >= count(&text), "{} for {}", estimate(&text), count(&text));
    }
}

const WORDS: [&str; 24] = [
    "a",
    "the",
    "memory",
    "remembered",
    "durable",
    "searches",
    "infrastructure",
    "Reconciliation",
    "don't",
    "2026",
    "1,234.56",
    "12:30:05",
    "snake_case_name",
    "camelCaseName",
    "HTTPServer",
    "fn",
    "->",
    "();",
    "{",
    "}",
    "\n",
    "\n    ",
    "https://example.org/a?b=c",
    "user@example.org",
];
