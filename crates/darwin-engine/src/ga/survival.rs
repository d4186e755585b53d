//! Who lives on.

use super::{Chunk, Population, Replacement};

/// Cost in an order-preserving form, and number: parents first, then children. Ordering by both
/// leaves no ties, so the chosen set does not depend on the sorting method.
type Rank = (u64, u32);

/// Chooses the next population; its buffers are made once.
#[derive(Debug)]
pub(crate) struct Survival {
    ranks: Vec<Rank>,
    lives: Vec<bool>,
}

impl Survival {
    pub(crate) fn new(population: usize) -> Self {
        Self {
            ranks: Vec::with_capacity(2 * population),
            lives: Vec::with_capacity(2 * population),
        }
    }

    /// Let the surviving children take the places of the dying parents, both in order.
    pub(crate) fn replace(
        &mut self,
        parents: &mut Population,
        chunks: &[Chunk],
        replacement: Replacement,
    ) {
        let size = parents.len();
        let children: usize = chunks.iter().map(Chunk::len).sum();
        match replacement {
            Replacement::Plus => {
                let costs = chunks.iter().flat_map(Chunk::costs);
                self.rank(parents.costs().iter().chain(costs));
                self.keep_best(size, size + children);
            }
            Replacement::Generational { .. } => {
                self.rank(parents.costs().iter());
                self.keep_best(size - children.min(size), size);
                self.lives.resize(size + children, true);
            }
        }
        let (old, new) = self.lives.split_at(size);
        let mut places = (0..size).filter(|parent| !old[*parent]);
        let offspring = chunks.iter().flat_map(Chunk::individuals);
        for ((row, cost), _) in offspring.zip(new).filter(|(_, lives)| **lives) {
            let Some(place) = places.next() else { break };
            parents.replace(place, row, cost);
        }
    }

    fn rank<'a>(&mut self, costs: impl Iterator<Item = &'a f64>) {
        self.ranks.clear();
        self.ranks.extend((0..).zip(costs).map(|(number, cost)| (ordered(*cost), number)));
    }

    /// Mark the best `keep` of `total` ranked.
    fn keep_best(&mut self, keep: usize, total: usize) {
        self.lives.clear();
        self.lives.resize(total, false);
        if keep > 0 && keep < total {
            self.ranks.select_nth_unstable(keep - 1);
        }
        for (_, number) in &self.ranks[..keep] {
            self.lives[*number as usize] = true;
        }
    }
}

/// Bits that compare as unsigned integers like the numbers themselves.
fn ordered(cost: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = cost.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept() {
        let costs = [f64::MIN, -1.0, -1e-300, 0.0, 1e-300, 2.0, f64::MAX, f64::INFINITY];
        assert!(costs.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
    }

    #[test]
    fn of_equals_the_older_lives() {
        let mut survival = Survival::new(2);
        survival.rank([1.0, 5.0, 1.0, 0.5].iter());
        survival.keep_best(2, 4);
        assert_eq!(survival.lives, [true, false, false, true]);
        survival.keep_best(0, 4);
        assert_eq!(survival.lives, [false; 4]);
    }
}
