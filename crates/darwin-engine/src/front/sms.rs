//! SMS-EMOA: Beume, Naujoks & Emmerich (2007), "SMS-EMOA: multiobjective selection based on
//! dominated hypervolume". A whole generation of children competes at once, so that they can be
//! evaluated together; of the front that does not fit, the points that add least volume leave one
//! after another.

use super::{Individual, Selection, sort::fronts, take, tournaments};
use crate::{
    Result,
    codec::{Reader, Writer},
    hypervolume::exclusive,
    stream::Stream,
};

/// The reference point, where the front that is cut reaches from 0 to 1.
const REFERENCE: f64 = 1.1;

/// Whole fronts live on; of the one that does not fit, those that add most volume.
#[derive(Debug)]
pub(super) struct Sms {
    size: usize,
    /// Front of each member.
    ranks: Vec<usize>,
}

impl Sms {
    pub(super) fn new(size: usize) -> Self {
        Self { size, ranks: Vec::new() }
    }
}

impl Selection for Sms {
    fn size(&self) -> usize {
        self.size
    }

    fn mates(&self, members: &[Individual], _child: usize, stream: &mut Stream) -> [usize; 2] {
        tournaments(members.len(), stream, |b, a| self.ranks[b] < self.ranks[a])
    }

    fn survive(
        &mut self,
        members: Vec<Individual>,
        _parents: usize,
        _stream: &mut Stream,
    ) -> Vec<Individual> {
        let mut chosen = Vec::with_capacity(self.size);
        self.ranks.clear();
        for (number, front) in fronts(&members).into_iter().enumerate() {
            let left = self.size - chosen.len();
            if left == 0 {
                break;
            }
            let kept = match front.first() {
                Some(one) if front.len() > left && members[*one].is_feasible() => {
                    let costs: Vec<&[f64]> =
                        front.iter().map(|one| members[*one].costs.as_slice()).collect();
                    greatest(&costs, left).into_iter().map(|place| front[place]).collect()
                }
                _ => front.into_iter().take(left).collect::<Vec<usize>>(),
            };
            self.ranks.extend(std::iter::repeat_n(number, kept.len()));
            chosen.extend(kept);
        }
        take(members, &chosen)
    }

    fn save(&self, writer: &mut Writer) {
        for rank in &self.ranks {
            writer.size(*rank);
        }
    }

    fn load(&mut self, members: usize, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..members {
            self.ranks.push(reader.size()?);
        }
        Ok(())
    }
}

/// Numbers of the points that are left when all but `keep` have gone, least volume first.
///
/// What a point adds never falls when another goes, so an old figure is a lower bound: only the
/// smallest has to be computed again.
fn greatest(costs: &[&[f64]], keep: usize) -> Vec<usize> {
    let mut points = scaled(costs);
    let objectives = points.first().map_or(0, |(_, point)| point.len());
    // In the order that the volume of three objectives is swept in.
    points.sort_by(|(a, one), (b, two)| {
        let last = |point: &Vec<f64>| point.last().copied().unwrap_or_default();
        last(one).total_cmp(&last(two)).then(a.cmp(b))
    });
    let reference = vec![REFERENCE; objectives];
    let (mut numbers, mut points): (Vec<usize>, Vec<Vec<f64>>) = points.into_iter().unzip();
    let mut adds: Vec<(f64, bool)> = vec![(0.0, false); points.len()];
    while points.len() > keep {
        let least = adds.iter().enumerate().min_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
        let Some((place, (_, known))) = least else { break };
        if *known {
            points.remove(place);
            numbers.remove(place);
            adds.remove(place);
            for (_, known) in &mut adds {
                *known = false;
            }
        } else {
            adds[place] = (exclusive(&points, place, &reference), true);
        }
    }
    numbers.sort_unstable();
    numbers
}

/// The points, numbered, in the unit cube.
fn scaled(costs: &[&[f64]]) -> Vec<(usize, Vec<f64>)> {
    let objectives = costs.first().map_or(0, |one| one.len());
    let range = |k: usize| {
        let all = || costs.iter().map(|one| one[k]);
        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max))
    };
    let ranges: Vec<(f64, f64)> = (0..objectives).map(range).collect();
    let scale = |(cost, (low, high)): (&f64, &(f64, f64))| {
        let span = high - low;
        if span > 0.0 { (cost - low) / span } else { 0.0 }
    };
    let point = |one: &&[f64]| one.iter().zip(&ranges).map(scale).collect();
    costs.iter().map(point).enumerate().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_useful_points_go_first() {
        let all = [[0.0, 1.0], [0.1, 0.9], [0.12, 0.89], [0.5, 0.5], [0.9, 0.1], [1.0, 0.0]];
        let costs: Vec<&[f64]> = all.iter().map(<[f64; 2]>::as_slice).collect();
        assert_eq!(greatest(&costs, 6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(greatest(&costs, 5), [0, 2, 3, 4, 5]);
        assert_eq!(greatest(&costs, 1), [3]);
        let same: Vec<&[f64]> = vec![&[1.0, 1.0]; 4];
        assert_eq!(greatest(&same, 2).len(), 2);
    }
}
