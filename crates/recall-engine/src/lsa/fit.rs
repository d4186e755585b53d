//! Making a model: a truncated singular value decomposition by a randomised range finder (Halko,
//! Martinsson, Tropp, "Finding structure with randomness", 2011, algorithms 4.4 and 5.1).

use std::collections::HashMap;

use crate::Bm25;

use super::{
    Lsa, Model, TermTexts,
    dense::{Dense, eigen, narrow},
    log_frequency,
    sparse::Sparse,
};

/// Directions drawn beyond the rank.
const SPARE: usize = 20;
/// Power steps, which part the large directions from the small ones.
const STEPS: usize = 2;
const SEED: u64 = 0x6D61_6368_696E_6131;
/// Directions weaker than this share of the strongest hold nothing but rounding.
const WEAKEST: f64 = 1e-6;

/// Power of the idf: above 1, since in a sum of places the many common terms outweigh the rare ones.
const RARITY: f64 = 1.25;
/// Fewest texts that must hold a term of a model: what stands in one text says nothing of others.
const SHARED: usize = 2;

impl Model {
    /// A model of texts numbered below `slots`, given as terms in a fixed order with the texts that
    /// hold them; without dimensions when there is too little to learn from. `None` when `stop` says
    /// so, which is asked between steps.
    pub(crate) fn of(
        lists: &[TermTexts],
        slots: u32,
        lsa: Lsa,
        stop: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let mut there = vec![false; slots as usize];
        for &(doc, _) in lists.iter().flat_map(|(_, list)| list) {
            there[doc as usize] = true;
        }
        let texts = there.iter().filter(|there| **there).count();
        if texts < lsa.least_texts.max(2) {
            return Some(Self::empty());
        }
        let rows = sample(&there, texts, lsa.most_texts);
        let kept = vocabulary(lists, lsa.most_terms);
        if kept.is_empty() {
            return Some(Self::empty());
        }
        let (weights, lengths) = weigh(&kept, &rows, texts);
        let basis = basis(&weights, lsa.rank, stop)?;
        let usual = usual_length(&weights.times(&basis), &lengths);
        let idf = kept.iter().map(|(_, list)| idf(texts, list.len())).collect();
        let rows = kept.iter().map(|(term, _)| term.clone()).zip(0..).collect();
        Some(Self { rows, idf, basis, usual })
    }

    fn empty() -> Self {
        Self { rows: HashMap::new(), idf: Vec::new(), basis: Dense::zero(0, 0), usual: 0.0 }
    }
}

/// The row of each text in the matrix, for those that are taken.
fn sample(there: &[bool], texts: usize, most: usize) -> Vec<Option<u32>> {
    let stride = texts.div_ceil(most.max(1)).max(1);
    let mut count = 0;
    there
        .iter()
        .map(|there| {
            count += usize::from(*there);
            let taken = *there && (count - 1) % stride == 0;
            taken.then(|| u32::try_from((count - 1) / stride).unwrap_or(u32::MAX))
        })
        .collect()
}

/// Terms that are worth a row, in their order.
fn vocabulary(lists: &[TermTexts], most: usize) -> Vec<&TermTexts> {
    let mut sizes: Vec<usize> =
        lists.iter().map(|(_, list)| list.len()).filter(|&size| size >= SHARED).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let least = sizes.get(most).map_or(SHARED, |size| size + 1);
    lists.iter().filter(|(_, list)| list.len() >= least).collect()
}

/// Log frequency times idf, rows of length 1; and the lengths they had.
fn weigh(kept: &[&TermTexts], rows: &[Option<u32>], texts: usize) -> (Sparse, Vec<f32>) {
    let mut cells: Vec<Vec<(u32, f32)>> = vec![Vec::new(); rows.iter().flatten().count()];
    for (term, (_, list)) in (0u32..).zip(kept) {
        let idf = idf(texts, list.len());
        for &(doc, count) in list {
            let row = rows.get(doc as usize).copied().flatten();
            if let Some(row) = row.and_then(|row| cells.get_mut(row as usize)) {
                row.push((term, log_frequency(count) * idf));
            }
        }
    }
    let mut weights = Sparse::new(kept.len());
    let mut lengths = Vec::with_capacity(cells.len());
    for row in cells {
        let length = row.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        weights.push(row.into_iter().map(|(term, weight)| (term, weight / length)));
        lengths.push(length);
    }
    (weights, lengths)
}

/// Mean length of places, given those of rows of length 1.
fn usual_length(places: &Dense, lengths: &[f32]) -> f64 {
    let sum: f64 = (0..)
        .zip(lengths)
        .map(|(index, &scale)| f64::from(scale) * super::length(places.row(index)))
        .sum();
    sum / f64::from(u32::try_from(lengths.len().max(1)).unwrap_or(u32::MAX))
}

/// The strongest right singular vectors, as columns.
fn basis(weights: &Sparse, rank: usize, stop: &dyn Fn() -> bool) -> Option<Dense> {
    let width = (rank + SPARE).min(weights.columns()).min(weights.row_count());
    let mut range = weights.transposed_times(&signs(weights.row_count(), width));
    range.orthonormalise();
    for _ in 0..STEPS {
        if stop() {
            return None;
        }
        let image = weights.times(&range);
        range = weights.transposed_times(&image);
        range.orthonormalise();
    }
    if stop() {
        return None;
    }
    let mut axes = eigen(weights.times(&range).gram(), width);
    let strongest = axes.first().map_or(0.0, |(value, _)| *value);
    axes.truncate(rank);
    axes.retain(|(value, _)| *value > strongest * WEAKEST * WEAKEST);
    if stop() {
        return None;
    }
    let axes: Vec<Vec<f64>> = axes.into_iter().map(|(_, axis)| axis).collect();
    Some(range.times_transposed(&axes))
}

fn idf(texts: usize, holding: usize) -> f32 {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    narrow(Bm25::idf(count(texts), count(holding)).powf(RARITY))
}

/// Signs drawn from a seed.
fn signs(rows: usize, columns: usize) -> Dense {
    let mut signs = Dense::zero(rows, columns);
    let mut state = SEED;
    for row in 0..rows {
        let mut bits = 0;
        for (column, value) in signs.row_mut(row).iter_mut().enumerate() {
            if column % 64 == 0 {
                bits = next(&mut state);
            }
            *value = if (bits >> (column % 64)) & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    signs
}

/// `SplitMix64` (Steele, Lea, Flood, 2014).
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The matrix of these lists and the squares of its singular values, falling.
    pub(in super::super) fn weights_and_spectrum(
        lists: &[TermTexts],
        texts: usize,
    ) -> (Sparse, Vec<f64>) {
        let kept: Vec<&TermTexts> = lists.iter().collect();
        let rows: Vec<Option<u32>> = (0u32..).take(texts).map(Some).collect();
        let (weights, _) = weigh(&kept, &rows, texts);
        let mut identity = Dense::zero(lists.len(), lists.len());
        for index in 0..lists.len() {
            identity.row_mut(index)[index] = 1.0;
        }
        let spectrum = eigen(weights.times(&identity).gram(), lists.len());
        (weights, spectrum.into_iter().map(|(value, _)| value).collect())
    }

    pub(in super::super) fn basis_of(weights: &Sparse, rank: usize) -> Dense {
        basis(weights, rank, &|| false).unwrap()
    }
}
