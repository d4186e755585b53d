//! MOEA/D: Zhang & Li (2007), "MOEA/D: a multiobjective evolutionary algorithm based on
//! decomposition": one member for each direction, mated with those of near directions. With two
//! objectives by Tchebycheff's distance, with more by penalised boundary intersection, of costs
//! scaled to the members' range. All children of a generation come from the same parents, so that
//! they can be evaluated together; each replaces two members at most, as in Li & Zhang (2009).

use super::{Individual, Selection, directions::directions, index};
use crate::{
    Result,
    codec::{Reader, Writer},
    stream::Stream,
};

/// Share of children whose parents are neighbours.
const NEAR: f64 = 0.9;
/// Members that a child replaces, at most.
const REPLACED: usize = 2;
/// What a step aside from the direction costs.
const ASIDE: f64 = 5.0;

/// One member for each direction.
#[derive(Debug)]
pub(super) struct Moead {
    directions: Vec<Vec<f64>>,
    /// Directions near each, itself first.
    near: Vec<Vec<usize>>,
    ideal: Vec<f64>,
}

impl Moead {
    pub(super) fn new(size: usize, objectives: usize, neighbours: usize) -> Self {
        let directions = directions(size, objectives);
        let near = directions
            .iter()
            .map(|one| {
                let apart = |other: &Vec<f64>| {
                    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
                };
                let mut order: Vec<usize> = (0..directions.len()).collect();
                order.sort_by(|a, b| {
                    let distance = |one: &usize| apart(&directions[*one]);
                    distance(a).total_cmp(&distance(b)).then(a.cmp(b))
                });
                order.truncate(neighbours.max(2));
                order
            })
            .collect();
        Self { directions, near, ideal: vec![f64::INFINITY; objectives] }
    }

    /// How far a point is from the best in a direction: violation first, then distance.
    fn value(&self, one: &Individual, direction: usize, scales: &[f64]) -> (f64, f64) {
        if !one.is_feasible() {
            return (one.violation, 0.0);
        }
        let weights = &self.directions[direction];
        let costs = one.costs.iter().zip(&self.ideal).zip(scales);
        let at = costs.map(|((cost, ideal), scale)| (cost - ideal) / scale);
        let distance = if weights.len() < 3 {
            at.zip(weights).map(|(a, w)| a * w.max(1e-4)).fold(0.0, f64::max)
        } else {
            let at: Vec<f64> = at.collect();
            let length = libm::sqrt(weights.iter().map(|w| w * w).sum());
            let along = at.iter().zip(weights).map(|(a, w)| a * w).sum::<f64>() / length;
            let apart = at.iter().zip(weights).map(|(a, w)| a - along * w / length);
            along + ASIDE * libm::sqrt(apart.map(|d| d * d).sum())
        };
        (0.0, distance)
    }

    /// What each objective is to be divided by.
    fn scales(&self, members: &[Individual]) -> Vec<f64> {
        let feasible = || members.iter().filter(|one| one.is_feasible());
        let range = |(k, ideal): (usize, &f64)| {
            let most = feasible().map(|one| one.costs[k]).fold(f64::NEG_INFINITY, f64::max);
            if most - ideal > 1e-12 { most - ideal } else { 1.0 }
        };
        self.ideal.iter().enumerate().map(range).collect()
    }
}

impl Selection for Moead {
    fn size(&self) -> usize {
        self.directions.len()
    }

    fn in_pairs(&self) -> bool {
        false
    }

    /// Each member stands for a direction: one from elsewhere stands for none.
    fn takes_strangers(&self) -> bool {
        false
    }

    fn mates(&self, members: &[Individual], child: usize, stream: &mut Stream) -> [usize; 2] {
        let near = &self.near[child % self.near.len()];
        let local = stream.chance(NEAR);
        let mut draw = || {
            // A first generation that was cut short is followed by none.
            let drawn = if local { near[index(stream, near.len())] } else { usize::MAX };
            if drawn < members.len() { drawn } else { index(stream, members.len()) }
        };
        [draw(), draw()]
    }

    fn survive(
        &mut self,
        mut members: Vec<Individual>,
        parents: usize,
        stream: &mut Stream,
    ) -> Vec<Individual> {
        for (k, ideal) in self.ideal.iter_mut().enumerate() {
            let feasible = members.iter().filter(|one| one.is_feasible());
            *ideal = feasible.fold(*ideal, |least, one| least.min(one.costs[k]));
        }
        if parents == 0 {
            return members;
        }
        let scales = self.scales(&members[..parents]);
        let children = members.split_off(parents);
        for (number, child) in children.into_iter().enumerate() {
            let local = stream.chance(NEAR);
            let pool = if local { self.near[number].len() } else { parents };
            let mut order: Vec<usize> = (0..pool).collect();
            for left in (1..pool).rev() {
                order.swap(left, index(stream, left + 1));
            }
            let mut replaced = 0;
            for place in order {
                let member = if local { self.near[number][place] } else { place };
                let Some(old) = members.get_mut(member).filter(|_| replaced < REPLACED) else {
                    continue;
                };
                if self.value(&child, member, &scales) < self.value(old, member, &scales) {
                    *old = child.clone();
                    replaced += 1;
                }
            }
        }
        members
    }

    fn save(&self, writer: &mut Writer) {
        writer.reals(&self.ideal);
    }

    fn load(&mut self, _members: usize, reader: &mut Reader<'_>) -> Result<()> {
        self.ideal = reader.exactly(self.ideal.len())?;
        Ok(())
    }
}
