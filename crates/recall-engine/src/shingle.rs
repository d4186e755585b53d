//! Near-duplicates.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::Analyzer;

/// Terms in one shingle.
const WIDTH: usize = 5;

/// The runs of five terms of a text (Broder, "On the resemblance and containment of documents",
/// 1997); a shorter text is one run.
#[derive(Debug, Clone)]
pub struct Shingles(HashSet<u64>);

impl Shingles {
    /// Shingles of a text.
    pub fn of(text: &str) -> Self {
        let terms = Analyzer::default().terms(text);
        let width = WIDTH.min(terms.len()).max(1);
        Self(terms.windows(width).map(hash).collect())
    }

    /// Jaccard likeness, 0-1; two texts without any term are unlike.
    pub fn likeness(&self, other: &Self) -> f64 {
        let (small, large) =
            if self.0.len() <= other.0.len() { (self, other) } else { (other, self) };
        let common = small.0.iter().filter(|hash| large.0.contains(hash)).count();
        let union = small.0.len() + large.0.len() - common;
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        if union == 0 { 0.0 } else { count(common) / count(union) }
    }

    pub(crate) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }
}

fn hash(terms: &[(String, u32)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (term, _) in terms {
        term.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_grows_with_what_is_shared() {
        let base = "one two three four five six seven eight nine ten eleven twelve";
        // Of the third, 8 shingles each, 7 are shared: 7 of 9.
        for (one, other, wanted) in [
            (base, "ONE two, three four five six seven eight nine ten eleven twelve!", 1.0),
            (base, "something else entirely", 0.0),
            (
                base,
                "two three four five six seven eight nine ten eleven twelve thirteen",
                7.0 / 9.0,
            ),
            ("", "!", 0.0),
            ("short text", "Short texts", 1.0),
        ] {
            let likeness = Shingles::of(one).likeness(&Shingles::of(other));
            assert!((likeness - wanted).abs() < 1e-12, "{other}: {likeness}");
        }
    }
}
