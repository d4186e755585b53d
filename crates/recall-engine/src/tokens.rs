//! What a text costs a model.
//!
//! No tokeniser is built in: models have different ones, and their tables weigh megabytes. The
//! estimate follows how byte-pair tokenisers split text and errs to the high side, so that a budget
//! filled by it is kept: over prose, code, JSON, hashes and other scripts it stays between the count
//! of o200k and 1.7 times that (`tests/tokens.rs`).

/// What a run of text is split like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Latin letters: a token for a word, more for a long one.
    Letters,
    /// A token for each three.
    Digits,
    /// Spaces in front of a word cost nothing.
    Space,
    /// Line ends and indentation.
    Lines,
    /// Signs, a token for one or two.
    Signs,
    /// Letters with accents, Greek, Cyrillic: short pieces.
    Other,
    /// Chinese, Japanese, Korean: a token for each character.
    Wide,
    /// Symbols and all other scripts: up to two for each.
    Rare,
}

/// Tokens that `text` is likely to need at most.
pub fn estimate(text: &str) -> usize {
    let mut meter = Meter::default();
    text.chars().for_each(|c| meter.take(c));
    meter.tokens()
}

/// As much of the beginning as costs at most `budget` tokens, cut after a word where there is one.
pub fn prefix(text: &str, budget: usize) -> &str {
    let mut meter = Meter::default();
    let mut word = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !before.is_whitespace() {
            word = Some(at);
        }
        meter.take(c);
        if meter.tokens() > budget {
            // A cut in the middle of a word is better than to lose half of the text.
            let end = word.filter(|&end| end * 2 > at).unwrap_or(at);
            return text.get(..end).unwrap_or("");
        }
        before = c;
    }
    text
}

/// Counts runs as they come.
#[derive(Default)]
struct Meter {
    whole: usize,
    run: Option<(Kind, usize)>,
    capital: bool,
}

impl Meter {
    fn tokens(&self) -> usize {
        self.whole + self.run.map_or(0, |(kind, length)| cost(kind, length))
    }

    fn take(&mut self, c: char) {
        let kind = kind(c);
        // `fooBar` is split where the case rises.
        let rises = kind == Kind::Letters && c.is_ascii_uppercase() && !self.capital;
        self.capital = c.is_ascii_uppercase();
        match &mut self.run {
            Some((running, length)) if *running == kind && !rises => *length += 1,
            _ => {
                // Letters and digits in turn are a hash or an id, whose pieces are no words; and a
                // space before digits is no part of them.
                let mixed = matches!(
                    (self.run, kind),
                    (Some((Kind::Digits, _)), Kind::Letters)
                        | (Some((Kind::Letters, 3..) | (Kind::Space, 1)), Kind::Digits)
                );
                self.whole = self.tokens() + usize::from(mixed);
                self.run = Some((kind, 1));
            }
        }
    }
}

fn cost(kind: Kind, length: usize) -> usize {
    match kind {
        // Words of up to seven letters are mostly one token.
        Kind::Letters => 1 + length.saturating_sub(4) / 4,
        Kind::Digits => length.div_ceil(3),
        Kind::Space => usize::from(length > 1),
        Kind::Lines => 1 + length / 16,
        Kind::Signs => length.div_ceil(2),
        Kind::Other => 1 + length / 4,
        Kind::Wide => length,
        Kind::Rare => length * 2,
    }
}

fn kind(c: char) -> Kind {
    match c {
        ' ' => Kind::Space,
        '0'..='9' => Kind::Digits,
        'a'..='z' | 'A'..='Z' => Kind::Letters,
        c if c.is_whitespace() => Kind::Lines,
        c if c.is_ascii() => Kind::Signs,
        '\u{80}'..='\u{52f}' => Kind::Other,
        '\u{3000}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' => Kind::Wide,
        _ => Kind::Rare,
    }
}
