//! Answers of bounded size: near-duplicates fold, tokens are counted.

use crate::{Shingles, tokens};

/// Likeness from which a lower text folds into a higher one.
const NEAR: f64 = 0.9;

/// Takes ranked texts one after the other until hits or tokens are used up.
///
/// Texts are offered in rank order and taken in rank order: when one does not fit, none after it is
/// taken, since a hole in the order would pass for a better answer. The first one is cut if need be.
#[derive(Debug, Clone)]
pub struct Answer {
    room: usize,
    hits: usize,
    spent: usize,
    left_out: usize,
    taken: Vec<Shingles>,
}

/// What became of an offered text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is part of the answer up to this byte, for so many tokens.
    Taken {
        /// Bytes of it that are in the answer.
        end: usize,
        /// What they cost.
        tokens: usize,
    },
    /// It says nearly the same as an earlier one, by the number of that among those taken.
    Folded(usize),
    /// It is left out: tokens are used up.
    OverBudget,
    /// It is left out: there are enough hits. Offer no more.
    Full,
}

impl Answer {
    /// An empty answer of at most so many hits and tokens.
    pub fn new(hits: usize, tokens: usize) -> Self {
        Self { room: tokens, hits, spent: 0, left_out: 0, taken: Vec::new() }
    }

    /// Offer the next text in rank order, which costs `extra` tokens beside itself (an id, a source).
    pub fn offer(&mut self, text: &str, extra: usize) -> Verdict {
        let shingles = Shingles::of(text);
        let twin = self.taken.iter().position(|other| shingles.likeness(other) >= NEAR);
        if let Some(twin) = twin {
            return Verdict::Folded(twin);
        }
        if self.taken.len() + self.left_out >= self.hits {
            return Verdict::Full;
        }
        let left = self.room.saturating_sub(self.spent).saturating_sub(extra);
        let whole = tokens::estimate(text);
        let fits = whole <= left;
        let first = self.taken.is_empty();
        if self.left_out > 0 || !(fits || first) {
            self.left_out += 1;
            return Verdict::OverBudget;
        }
        let end = if fits { text.len() } else { tokens::prefix(text, left).len() };
        let cost = text.get(..end).map_or(0, tokens::estimate);
        self.spent += cost + extra;
        self.taken.push(shingles);
        Verdict::Taken { end, tokens: cost + extra }
    }

    /// Tokens of what was taken.
    pub fn tokens(&self) -> usize {
        self.spent
    }

    /// Texts that would have been hits but for the tokens.
    pub fn over_budget(&self) -> usize {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_in_order_until_the_tokens_are_used_up() {
        let mut answer = Answer::new(4, 20);
        let long = "several different words that go on and on for quite some time in one text";
        assert_eq!(answer.offer("a short text", 2), Verdict::Taken { end: 12, tokens: 5 });
        assert_eq!(answer.offer("A short text!", 2), Verdict::Folded(0));
        assert_eq!(answer.offer(long, 2), Verdict::OverBudget);
        assert_eq!(answer.offer("tiny", 0), Verdict::OverBudget);
        assert_eq!(answer.offer("another", 0), Verdict::OverBudget);
        assert_eq!(answer.offer("one more", 0), Verdict::Full);
        assert_eq!((answer.tokens(), answer.over_budget()), (5, 3));
    }

    #[test]
    fn the_first_text_is_cut_to_fit() {
        let mut answer = Answer::new(3, 6);
        let text = "one two three four five six seven eight nine ten";
        let Verdict::Taken { end, tokens } = answer.offer(text, 1) else { panic!("not taken") };
        assert_eq!(text.get(..end), Some("one two three four five"));
        assert!(tokens <= 6 && answer.tokens() == tokens);
        assert_eq!(answer.offer("x", 1), Verdict::OverBudget);
    }

    #[test]
    fn no_tokens_means_no_text() {
        let mut answer = Answer::new(3, 0);
        assert_eq!(answer.offer("text", 0), Verdict::Taken { end: 0, tokens: 0 });
        assert_eq!(Answer::new(0, 9).offer("text", 0), Verdict::Full);
    }
}
