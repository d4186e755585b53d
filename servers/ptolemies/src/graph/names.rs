//! When two names are one.

use recall_engine::analyzer::same_text_form;

/// The key under which names are equal: NFKC, case-folded, without punctuation. Signs that tell
/// names apart (`C++`, `C#`) stay, and so does a point or comma between digits.
pub(crate) fn key(name: &str) -> String {
    let form: Vec<char> = same_text_form(name).chars().collect();
    let mut key = String::with_capacity(form.len());
    for (at, &c) in form.iter().enumerate() {
        let digit = |place: Option<usize>| {
            place.and_then(|place| form.get(place)).is_some_and(char::is_ascii_digit)
        };
        let between_digits = digit(at.checked_sub(1)) && digit(Some(at + 1));
        match c {
            '.' | ',' | ':' if between_digits => key.push(c),
            '.' | ',' | ':' | ';' | '\'' | '’' | '‘' | '"' | '“' | '”' | '«' | '»' | '!' | '?'
            | '`' | '´' | '¡' | '¿' => {}
            ' ' | '-' | '_' | '/' | '\\' | '(' | ')' | '[' | ']' | '{' | '}' | '‐' | '‑' | '–'
            | '—' | '|' => {
                if !key.is_empty() && !key.ends_with(' ') {
                    key.push(' ');
                }
            }
            _ => key.push(c),
        }
    }
    key.truncate(key.trim_end().len());
    // A name of punctuation alone is its own key.
    if key.is_empty() { form.into_iter().collect() } else { key }
}

/// The key under which types of facts and entities are equal: `WORKS_AT`, `works at`.
pub(crate) fn kind(name: &str) -> String {
    key(name).replace(' ', "_")
}

/// Words of a name's key.
pub(crate) fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split(' ').filter(|word| !word.is_empty())
}

/// How like two keys are: letters (Jaro-Winkler), words, each with the likest of the other, and
/// shared neighbours where both have some (weights .5, .3, .2). 0-1.
pub(crate) fn likeness(one: &str, other: &str, neighbours: Option<f64>) -> f64 {
    let words = f64::midpoint(found_in(one, other), found_in(other, one));
    let letters = strsim::jaro_winkler(one, other);
    match neighbours {
        Some(near) => 0.5 * letters + 0.3 * words + 0.2 * near,
        None => (0.5 * letters + 0.3 * words) / 0.8,
    }
}

/// Share of the words of `one` that `other` has; one letter off counts in part.
fn found_in(one: &str, other: &str) -> f64 {
    let best = |word| {
        let like = words(other).map(|other| strsim::jaro_winkler(word, other)).fold(0.0, f64::max);
        if like < 0.85 { 0.0 } else { like }
    };
    let (count, sum) = words(one).fold((0.0, 0.0), |(n, sum), word| (n + 1.0, sum + best(word)));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Jaccard likeness of sets by their sizes.
pub(crate) fn jaccard(shared: usize, one: usize, other: usize) -> f64 {
    let union = one + other - shared;
    if union == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "sizes are small")]
    let share = shared as f64 / union as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_but_for_case_width_and_punctuation() {
        for (one, other, equal) in [
            ("Ada Lovelace", "ada  LOVELACE", true),
            ("Node.js", "nodejs", true),
            ("U.S.A.", "USA", true),
            ("rust-analyzer", "Rust Analyzer", true),
            ("ＡＢＣ", "abc", true),
            ("O'Brien", "O’Brien", true),
            ("Acme (EU)", "Acme EU", true),
            ("C", "C++", false),
            ("C", "C#", false),
            ("v1.2", "v12", false),
            ("resign", "re-sign", false),
            ("?", "!", false),
            ("東京", "京都", false),
        ] {
            assert_eq!(key(one) == key(other), equal, "{one} {other}: {} {}", key(one), key(other));
        }
        assert_eq!(kind("Works At"), kind("WORKS_AT"));
        assert!(!key("...").is_empty());
    }

    #[test]
    fn keys_of_keys_are_the_same() {
        for name in ["Ada Lovelace", "U.S.A.", "v1.2", "C++", "(x)", "...", "a - b"] {
            assert_eq!(key(&key(name)), key(name), "{name}");
        }
    }

    #[test]
    fn likeness_is_symmetric_and_bounded() {
        let near = likeness("ada lovelace", "ada lovelce", None);
        assert!(near > 0.85 && near < 1.0, "{near}");
        assert!((near - likeness("ada lovelce", "ada lovelace", None)).abs() < 1e-12);
        assert!((likeness("acme", "acme", None) - 1.0).abs() < 1e-12);
        assert!(likeness("acme", "zzz", Some(0.0)) < 0.1);
    }
}
