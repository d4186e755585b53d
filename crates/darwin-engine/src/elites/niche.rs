//! Where a behaviour belongs.

use super::{ArchiveKind, ElitesSettings};
use crate::{Descriptor, Seed, stream::Stream};

/// Samples for each place, and passes over them, that spread the places.
const SAMPLES: usize = 20;
const PASSES: u64 = 10;
/// Number of the stream that draws samples.
const SAMPLING: u64 = u64::MAX - 2;

/// Niches of behaviours within their ranges; what lies outside belongs to the border.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Niches {
    descriptors: Vec<Descriptor>,
    /// Places in the unit cube, one after the other; none for a grid.
    places: Vec<f64>,
}

impl Niches {
    pub(super) fn new(descriptors: &[Descriptor], settings: ElitesSettings, seed: Seed) -> Self {
        let places = match settings.archive {
            ArchiveKind::Grid => Vec::new(),
            ArchiveKind::Cvt => spread(descriptors.len(), settings.niches as usize, seed),
        };
        Self { descriptors: descriptors.to_vec(), places }
    }

    /// The niche of a behaviour; none when it is not a number.
    pub(super) fn of(&self, behaviour: &[f64]) -> Option<u64> {
        if behaviour.iter().any(|value| value.is_nan()) {
            return None;
        }
        let shares: Vec<f64> =
            self.descriptors.iter().zip(behaviour).map(|(one, value)| one.share(*value)).collect();
        if self.places.is_empty() {
            let cells = self.descriptors.iter().zip(shares);
            return Some(
                cells.fold(0, |niche, (one, share)| niche * u64::from(one.cells) + one.cell(share)),
            );
        }
        Some(nearest(&self.places, &shares) as u64)
    }
}

/// The nearest of some places; of equals, the first.
fn nearest(places: &[f64], point: &[f64]) -> usize {
    let (mut best, mut least) = (0, f64::INFINITY);
    for (number, place) in places.chunks_exact(point.len()).enumerate() {
        let apart = place.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum();
        if apart < least {
            (best, least) = (number, apart);
        }
    }
    best
}

/// Places that are the means of what is nearest to them: Lloyd's passes over fixed samples.
#[expect(clippy::cast_precision_loss, reason = "samples are few")]
fn spread(dimension: usize, niches: usize, seed: Seed) -> Vec<f64> {
    // Large archives have enough places to be even with fewer samples each.
    let samples = (SAMPLES * niches).min(20_000.max(2 * niches));
    let draw = |number: usize| {
        let mut stream = Stream::new(seed, number as u64, SAMPLING);
        (0..dimension).map(move |_| stream.unit())
    };
    let points: Vec<f64> = (0..samples).flat_map(draw).collect();
    let mut places = points[..niches * dimension].to_vec();
    let passes = if niches > 1000 { 3 } else { PASSES };
    for _ in 0..passes {
        let (mut sums, mut counts) = (vec![0.0; places.len()], vec![0_usize; niches]);
        for point in points.chunks_exact(dimension) {
            let own = nearest(&places, point);
            counts[own] += 1;
            for (sum, x) in sums[own * dimension..].iter_mut().zip(point) {
                *sum += x;
            }
        }
        for (number, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            for k in number * dimension..(number + 1) * dimension {
                places[k] = sums[k] / count as f64;
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(lo: f64, hi: f64, cells: u32) -> Descriptor {
        Descriptor { name: "d".to_owned(), lo, hi, cells }
    }

    #[test]
    fn every_behaviour_has_its_niche() {
        let both = [descriptor(0.0, 1.0, 4), descriptor(-1.0, 1.0, 5)];
        let niches = Niches { descriptors: both.to_vec(), places: Vec::new() };
        for (behaviour, niche) in [
            ([0.0, -1.0], 0),
            ([0.24, -0.61], 0),
            ([0.26, -0.59], 6),
            ([1.0, 1.0], 19),
            ([-9.0, 9.0], 4),
        ] {
            assert_eq!(niches.of(&behaviour), Some(niche), "{behaviour:?}");
        }
        assert_eq!(niches.of(&[f64::NAN, 0.0]), None);
    }

    #[test]
    fn places_are_spread_evenly() {
        let places = spread(2, 16, Seed::new(1).unwrap());
        let mut counts = [0_u32; 16];
        for k in 0_u32..10_000 {
            let point = [f64::from(k % 100) / 99.0, f64::from(k / 100) / 99.0];
            counts[nearest(&places, &point)] += 1;
        }
        assert!(counts.iter().all(|count| (300..1100).contains(count)), "{counts:?}");
    }
}
