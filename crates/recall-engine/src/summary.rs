//! The sentences that say what many of them say.

use std::collections::BTreeMap;

use crate::Analyzer;

/// Likeness from which a sentence says what one chosen before it says.
const SAME: f64 = 0.6;

/// A sentence as weights of its terms, of length 1.
type Vector = Vec<(usize, f64)>;

/// Numbers of at most `count` texts nearest the centroid of all, nearest first, of equals the
/// earlier; one that is much like a nearer one is passed over. Terms weigh ln(1 + count) times
/// ln(1 + n / texts with it).
pub fn central(texts: &[&str], count: usize) -> Vec<usize> {
    let vectors = vectors(texts);
    let terms = vectors.iter().flatten().map(|(term, _)| term + 1).max().unwrap_or(0);
    let mut centroid = vec![0.0; terms];
    for &(term, weight) in vectors.iter().flatten() {
        centroid[term] += weight;
    }
    let near = |vector: &Vector| -> f64 {
        vector.iter().map(|&(term, weight)| weight * centroid[term]).sum()
    };
    let mut ranked: Vec<(usize, f64)> = vectors.iter().map(near).enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut chosen: Vec<usize> = Vec::new();
    for (number, near) in ranked {
        if chosen.len() == count || near <= 0.0 {
            break;
        }
        if chosen.iter().all(|&other| likeness(&vectors[number], &vectors[other]) < SAME) {
            chosen.push(number);
        }
    }
    chosen
}

fn vectors(texts: &[&str]) -> Vec<Vector> {
    let analyzer = Analyzer::default();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut holding: Vec<f64> = Vec::new();
    let counts: Vec<BTreeMap<usize, f64>> = texts
        .iter()
        .map(|text| {
            let mut counts = BTreeMap::new();
            analyzer.analyze(text, |term, _| {
                let next = numbers.len();
                let number = *numbers.entry(term.to_owned()).or_insert(next);
                *counts.entry(number).or_default() += 1.0;
            });
            holding.resize(numbers.len(), 0.0);
            for term in counts.keys() {
                holding[*term] += 1.0;
            }
            counts
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a number of texts is small")]
    let all = texts.len() as f64;
    let weighted = |counts: BTreeMap<usize, f64>| {
        let weigh = |(term, count): (usize, f64)| {
            (term, f64::ln_1p(count) * f64::ln_1p(all / holding[term]))
        };
        let mut vector: Vector = counts.into_iter().map(weigh).collect();
        let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        for (_, weight) in &mut vector {
            *weight /= length;
        }
        vector
    };
    counts.into_iter().map(weighted).collect()
}

/// Cosine; terms of both are in the order of their numbers.
fn likeness(one: &Vector, other: &Vector) -> f64 {
    let weight_in_other = |term: usize| {
        other.binary_search_by_key(&term, |(term, _)| *term).map_or(0.0, |at| other[at].1)
    };
    one.iter().map(|&(term, weight)| weight * weight_in_other(term)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_texts_are_about_comes_first_and_once() {
        let texts = [
            "Weather in Graz is mild",
            "Ada wrote a program for the engine of Babbage",
            "The engine of Babbage was never finished",
            "Ada wrote programs for the engine of Babbage",
            "Babbage designed the engine and Ada wrote about it",
        ];
        let chosen = central(&texts, 2);
        assert_eq!(chosen.len(), 2);
        assert!(!chosen.contains(&0), "{chosen:?}");
        assert!(!(chosen.contains(&1) && chosen.contains(&3)), "the same twice: {chosen:?}");
        assert_eq!(central(&texts, 9).len(), 4);
        assert_eq!(chosen, central(&texts, 2));
    }

    #[test]
    fn texts_without_terms_say_nothing() {
        assert!(central(&["", "the", "..."], 3).is_empty());
        assert!(central(&[], 3).is_empty());
        assert_eq!(central(&["one"], 3), [0]);
    }
}
