//! Near-duplicates in a whole collection.

use std::collections::HashMap;

use crate::Shingles;

/// Two texts that say nearly the same, by their numbers in the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Twins {
    /// The earlier.
    pub first: usize,
    /// The later.
    pub second: usize,
    /// Jaccard likeness of their shingles.
    pub likeness: f64,
}

/// All pairs whose likeness is at least `least` (0-1, above 0), at most `limit`, in the order of the
/// second, then the first. `None` when `stop` says so.
///
/// Exact: two sets that are that like share a member among the rarest few of each (Bayardo, Ma,
/// Srikant, "Scaling up all pairs similarity search", 2007), so only those are compared.
pub fn near_duplicates(
    texts: &[Shingles],
    least: f64,
    limit: usize,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<Twins>> {
    let mut holding: HashMap<u64, u32> = HashMap::new();
    for hash in texts.iter().flat_map(Shingles::hashes) {
        *holding.entry(hash).or_default() += 1;
    }
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut twins = Vec::new();
    for (second, shingles) in texts.iter().enumerate() {
        if stop() {
            return None;
        }
        let mut hashes: Vec<u64> = shingles.hashes().collect();
        hashes.sort_unstable_by_key(|hash| (holding.get(hash).copied(), *hash));
        hashes.truncate(rare(hashes.len(), least));
        let mut others: Vec<usize> =
            hashes.iter().filter_map(|hash| seen.get(hash)).flatten().copied().collect();
        others.sort_unstable();
        others.dedup();
        for first in others {
            let likeness = texts.get(first).map_or(0.0, |other| shingles.likeness(other));
            if likeness >= least {
                twins.push(Twins { first, second, likeness });
                if twins.len() == limit {
                    return Some(twins);
                }
            }
        }
        for hash in hashes {
            seen.entry(hash).or_default().push(second);
        }
    }
    Some(twins)
}

/// How many of the rarest members of a set must hold one of every set that is `least` like it.
fn rare(size: usize, least: f64) -> usize {
    let size_f = f64::from(u32::try_from(size).unwrap_or(u32::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the size of the set"
    )]
    let common = (size_f * least - 1e-9).ceil().clamp(0.0, size_f) as usize;
    (size - common + 1).min(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_pairs_and_no_other_are_found(
            texts in prop::collection::vec(prop::collection::vec(0u8..6, 0..14), 0..25),
            least in 0.05f64..1.0,
        ) {
            let shingles: Vec<Shingles> = texts
                .iter()
                .map(|words| {
                    let words: Vec<String> = words.iter().map(|word| format!("w{word}x")).collect();
                    Shingles::of(&words.join(" "))
                })
                .collect();
            let mut wanted = Vec::new();
            for second in 0..shingles.len() {
                for first in 0..second {
                    let likeness = shingles[second].likeness(&shingles[first]);
                    if likeness >= least {
                        wanted.push(Twins { first, second, likeness });
                    }
                }
            }
            let found = near_duplicates(&shingles, least, usize::MAX, &|| false).unwrap();
            prop_assert_eq!(&found, &wanted);
            let few = near_duplicates(&shingles, least, 2, &|| false).unwrap();
            prop_assert_eq!(&few[..], &wanted[..wanted.len().min(2)]);
        }
    }

    #[test]
    fn it_stops_when_told() {
        assert_eq!(near_duplicates(&[Shingles::of("a text")], 0.9, 9, &|| true), None);
        assert_eq!(near_duplicates(&[], 0.9, 9, &|| true), Some(Vec::new()));
    }
}
