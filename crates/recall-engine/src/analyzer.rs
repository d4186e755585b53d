//! From text to terms.

use std::borrow::Cow;

use frostem::{Algorithm, Stemmer};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_segmentation::UnicodeSegmentation;

/// Lucene's English stop words: left out of the index, so that "the" neither matches nor separates
/// neighbours.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

/// Terms are cut here, so that a pasted blob cannot make the dictionary grow without bound.
const MAX_TERM_BYTES: usize = 96;

/// An identifier with more parts than this (a hash, a path) is kept whole only.
const MAX_PARTS: usize = 16;

/// Turns text into terms with positions: NFKC, words by UAX #29, identifiers whole and in parts,
/// case folding, stop words, Snowball stems; scripts that write no spaces become character pairs.
#[derive(Clone, Copy)]
pub struct Analyzer {
    stemmer: Stemmer,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyzer").finish_non_exhaustive()
    }
}

impl Default for Analyzer {
    fn default() -> Self {
        Self { stemmer: Stemmer::new(Algorithm::English) }
    }
}

impl Analyzer {
    /// Call `emit(term, position)` for each term of `text`, positions ascending from 0.
    ///
    /// Parts of an identifier take a position each, the whole shares that of the last part:
    /// `fooBar` is `foo`@0, `bar`@1, `foobar`@1. Stop words take none. Returns the number of
    /// positions.
    pub fn analyze(self, text: &str, mut emit: impl FnMut(&str, u32)) -> u32 {
        let text = normal_form(text);
        let mut walk = Walk { stemmer: self.stemmer, position: 0, buffer: String::new() };
        let mut run = Run::default();
        for (start, word) in text.unicode_word_indices() {
            if word.starts_with(is_unspaced) {
                if run.end != start {
                    walk.pairs(&run.chars, &mut emit);
                    run.chars.clear();
                }
                run.chars.extend(word.chars());
                run.end = start + word.len();
                continue;
            }
            walk.pairs(&run.chars, &mut emit);
            run.chars.clear();
            walk.word(word, &mut emit);
        }
        walk.pairs(&run.chars, &mut emit);
        walk.position
    }

    /// The terms of `text` in order, with their positions.
    pub fn terms(self, text: &str) -> Vec<(String, u32)> {
        let mut terms = Vec::new();
        self.analyze(text, |term, position| terms.push((term.to_owned(), position)));
        terms
    }
}

/// A run of characters of a script without spaces, up to byte `end`.
#[derive(Default)]
struct Run {
    chars: Vec<char>,
    end: usize,
}

struct Walk {
    stemmer: Stemmer,
    position: u32,
    buffer: String,
}

impl Walk {
    fn word(&mut self, word: &str, emit: &mut impl FnMut(&str, u32)) {
        let parts = identifier_parts(word);
        if parts.len() < 2 {
            let folded = fold(word);
            if self.one(&folded, emit) {
                self.position += 1;
            }
            return;
        }
        if parts.iter().all(|part| part.chars().count() == 1) {
            // An abbreviation with dots: `U.S.A.` is `USA`.
            let joined = fold(&parts.concat()).into_owned();
            if self.one(&joined, emit) {
                self.position += 1;
            }
            return;
        }
        let before = self.position;
        for part in parts {
            let folded = fold(part);
            if self.one(&folded, emit) {
                self.position += 1;
            }
        }
        let whole = fold(word).into_owned();
        if self.position == before {
            self.position += 1;
        }
        emit(cut(&self.stemmer.stem(&whole)), self.position - 1);
    }

    /// Emit a folded word unless it is a stop word; whether it was.
    fn one(&self, folded: &str, emit: &mut impl FnMut(&str, u32)) -> bool {
        if folded.is_empty() || STOP_WORDS.binary_search(&folded).is_ok() {
            return false;
        }
        emit(cut(&self.stemmer.stem(folded)), self.position);
        true
    }

    fn pairs(&mut self, chars: &[char], emit: &mut impl FnMut(&str, u32)) {
        for pair in chars.windows(2.min(chars.len().max(1))) {
            self.buffer.clear();
            self.buffer.extend(pair);
            emit(&self.buffer, self.position);
            self.position += 1;
        }
    }
}

/// Parts of an identifier: cut at `_` and `.`, and where the case rises (`fooBar`, `HTTPServer`).
/// A word without such a place, a number, and a word of too many parts have one part.
fn identifier_parts(word: &str) -> Vec<&str> {
    if !word.chars().any(char::is_alphabetic) {
        return vec![word];
    }
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    let mut push = |from: usize, to: usize| {
        if let Some(part) = word.get(from..to).filter(|part| !part.is_empty()) {
            parts.push(part);
        }
    };
    for (index, &(at, c)) in chars.iter().enumerate() {
        if matches!(c, '_' | '.') {
            push(start, at);
            start = at + c.len_utf8();
        } else if index > 0 && rises(&chars, index) {
            push(start, at);
            start = at;
        }
    }
    push(start, word.len());
    if parts.len() > MAX_PARTS { vec![word] } else { parts }
}

/// Whether a part starts at `index`: `oB` of `fooBar`, `PS` of `HTTPServer`; not the plural `s` of
/// an acronym (`mRNAs`).
fn rises(chars: &[(usize, char)], index: usize) -> bool {
    let at = |index: usize| chars.get(index).map(|&(_, c)| c);
    let (Some(before), Some(here)) = (at(index - 1), at(index)) else { return false };
    if !here.is_uppercase() {
        return false;
    }
    if before.is_lowercase() {
        return true;
    }
    let plural = at(index + 1) == Some('s') && at(index + 2).is_none_or(|c| !c.is_lowercase());
    before.is_uppercase() && at(index + 1).is_some_and(char::is_lowercase) && !plural
}

/// NFKC without characters that do not show, the typographic apostrophe made plain.
fn normal_form(text: &str) -> Cow<'_, str> {
    let plain = |c: char| match c {
        '\u{2019}' => Some('\''),
        // A zero-width space is one.
        '\u{200b}' => Some(' '),
        c if is_ignorable(c) => None,
        c => Some(c),
    };
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let as_is = text.chars().all(|c| plain(c) == Some(c));
    match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes if as_is => Cow::Borrowed(text),
        _ => Cow::Owned(text.chars().filter_map(plain).nfkc().filter_map(plain).collect()),
    }
}

/// Soft hyphens, joiners, directional marks, variation selectors, tags.
fn is_ignorable(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x61C | 0x180E | 0x200C..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F
        | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE0FFF)
}

/// Case folding by way of upper case, which also joins `ß` with `ss` and `ς` with `σ`, followed by
/// NFKC where folding left something decomposed.
pub(crate) fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(word.to_ascii_lowercase())
        } else {
            Cow::Borrowed(word)
        };
    }
    let folded: String =
        word.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    match is_nfkc_quick(folded.chars()) {
        IsNormalized::Yes => Cow::Owned(folded),
        _ => Cow::Owned(folded.nfkc().collect()),
    }
}

/// The form under which two texts are the same: NFKC, folded, white space collapsed, ends trimmed.
pub fn same_text_form(text: &str) -> String {
    let text = normal_form(text);
    let folded = fold(&text);
    let mut form = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !form.is_empty() {
            form.push(' ');
        }
        form.push_str(word);
    }
    form
}

fn cut(term: &str) -> &str {
    if term.len() <= MAX_TERM_BYTES {
        return term;
    }
    let end = (0..=MAX_TERM_BYTES).rev().find(|&at| term.is_char_boundary(at)).unwrap_or(0);
    term.get(..end).unwrap_or(term)
}

/// Scripts written without spaces between words, where UAX #29 finds single characters, and Hangul
/// and Katakana, whose words carry endings: Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF
        | 0x3005..=0x3007 | 0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        Analyzer::default().terms(text).into_iter().map(|(term, _)| term).collect()
    }

    fn placed(text: &str) -> Vec<(String, u32)> {
        Analyzer::default().terms(text)
    }

    #[test]
    fn stop_words_are_sorted_for_the_search() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn words_are_folded_stemmed_and_freed_of_stop_words() {
        assert_eq!(terms("The Cats were RUNNING into the walls"), ["cat", "were", "run", "wall"]);
        assert_eq!(terms("author’s, author's"), ["author", "author"]);
        assert_eq!(terms("Straße STRASSE"), ["strass", "strass"]);
        assert_eq!(terms("ﬁnance ＡＢＣ"), ["financ", "abc"]);
        assert_eq!(
            terms("\u{202e}hid\u{ad}den\u{202c} zero\u{200b}width"),
            ["hidden", "zero", "width"]
        );
        assert_eq!(terms(""), Vec::<String>::new());
        assert_eq!(terms("… — !!! 🙂"), Vec::<String>::new());
    }

    #[test]
    fn identifiers_are_whole_and_in_parts() {
        let owned = |list: &[(&str, u32)]| -> Vec<(String, u32)> {
            list.iter().map(|&(term, at)| (term.to_owned(), at)).collect()
        };
        assert_eq!(
            placed("fooBar baz"),
            owned(&[("foo", 0), ("bar", 1), ("foobar", 1), ("baz", 2)])
        );
        assert_eq!(placed("HTTPServer"), owned(&[("http", 0), ("server", 1), ("httpserver", 1)]));
        assert_eq!(terms("max_retry_count"), ["max", "retri", "count", "max_retry_count"]);
        assert_eq!(terms("std.path"), ["std", "path", "std.path"]);
        assert_eq!(terms("is_a"), ["is_a"]);
        assert_eq!(terms("3.14 1,234"), ["3.14", "1,234"]);
        assert_eq!(terms("U.S.A. usa"), ["usa", "usa"]);
        assert_eq!(terms("RNAs p53"), ["rnas", "p53"]);
    }

    #[test]
    fn scripts_without_spaces_become_pairs() {
        assert_eq!(terms("東京都庁"), ["東京", "京都", "都庁"]);
        assert_eq!(terms("猫"), ["猫"]);
        assert_eq!(terms("猫 犬 rust言語"), ["猫", "犬", "rust", "言語"]);
        assert_eq!(terms("한국어를"), ["한국", "국어", "어를"]);
        assert!(!terms("ภาษาไทย").is_empty());
    }

    #[test]
    fn long_terms_are_cut_at_a_character() {
        let long = "é".repeat(500);
        let cut = &terms(&long)[0];
        assert!(cut.len() <= MAX_TERM_BYTES && cut.chars().all(|c| c == 'é'));
        assert_eq!(terms(&"a_b".repeat(40)).len(), 1);
    }

    #[test]
    fn same_text_ignores_case_width_and_space() {
        assert_eq!(same_text_form("  Hello \n WORLD "), same_text_form("hello world"));
        assert_eq!(same_text_form("ＡＢＣ"), "abc");
        assert_ne!(same_text_form("a b"), same_text_form("ab"));
    }
}
