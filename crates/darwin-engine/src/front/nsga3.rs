//! NSGA-III: Deb & Jain (2014), "An evolutionary many-objective optimization algorithm using
//! reference-point-based nondominated sorting approach", part I; constraints as in part II.

use super::{
    Individual, Selection, directions::directions, index, sort::fronts, take, tournaments,
};
use crate::{
    Result,
    codec::{Reader, Writer},
    stream::Stream,
};

/// What the other objectives weigh when the end of an axis is looked for.
const AXIS: f64 = 1e-6;

/// Whole fronts live on; of the one that does not fit, those whose directions have fewest.
#[derive(Debug)]
pub(super) struct Nsga3 {
    size: usize,
    directions: Vec<Vec<f64>>,
    /// Least cost of each objective so far.
    ideal: Vec<f64>,
    /// Costs of the point nearest to each axis so far.
    extremes: Vec<Vec<f64>>,
}

impl Nsga3 {
    pub(super) fn new(size: usize, objectives: usize) -> Self {
        Self {
            size,
            directions: directions(size, objectives),
            ideal: vec![f64::INFINITY; objectives],
            extremes: Vec::new(),
        }
    }

    /// Learn the ends of the axes, and give what each objective is to be divided by.
    fn scales(&mut self, members: &[Individual], first: &[usize]) -> Vec<f64> {
        let objectives = self.ideal.len();
        let costs: Vec<&Vec<f64>> = first.iter().map(|one| &members[*one].costs).collect();
        for (k, ideal) in self.ideal.iter_mut().enumerate() {
            *ideal = costs.iter().fold(*ideal, |least, costs| least.min(costs[k]));
        }
        let known: Vec<Vec<f64>> =
            self.extremes.iter().cloned().chain(costs.iter().map(|one| (*one).clone())).collect();
        self.extremes.clear();
        for axis in 0..objectives {
            let reach = |costs: &Vec<f64>| {
                let parts = costs.iter().zip(&self.ideal).enumerate();
                let part = |(k, (cost, ideal)): (usize, (&f64, &f64))| {
                    (cost - ideal) / if k == axis { 1.0 } else { AXIS }
                };
                parts.map(part).fold(f64::NEG_INFINITY, f64::max)
            };
            let nearest = known.iter().min_by(|a, b| reach(a).total_cmp(&reach(b)));
            self.extremes.extend(nearest.cloned());
        }
        let rows: Vec<Vec<f64>> = self
            .extremes
            .iter()
            .map(|row| row.iter().zip(&self.ideal).map(|(cost, ideal)| cost - ideal).collect())
            .collect();
        let worst = |k: usize| {
            let most = costs.iter().map(|costs| costs[k]).fold(f64::NEG_INFINITY, f64::max);
            (most - self.ideal[k]).max(1e-12)
        };
        let ends = plane(rows).unwrap_or_default();
        let usable = |k: &usize| ends.get(*k).is_some_and(|end| *end > 1e-6);
        if (0..objectives).all(|k| usable(&k)) {
            ends
        } else {
            (0..objectives).map(worst).collect()
        }
    }

    /// The nearest direction of a point, and its distance.
    fn nearest(&self, costs: &[f64], scales: &[f64]) -> (usize, f64) {
        let at: Vec<f64> = costs
            .iter()
            .zip(&self.ideal)
            .zip(scales)
            .map(|((cost, ideal), scale)| (cost - ideal) / scale)
            .collect();
        let mut best = (0, f64::INFINITY);
        for (number, direction) in self.directions.iter().enumerate() {
            let square: f64 = direction.iter().map(|part| part * part).sum();
            let along = at.iter().zip(direction).map(|(a, d)| a * d).sum::<f64>() / square;
            let apart = at.iter().zip(direction).map(|(a, d)| (a - along * d) * (a - along * d));
            let distance = libm::sqrt(apart.sum());
            if distance < best.1 {
                best = (number, distance);
            }
        }
        best
    }

    /// As many of a front as are left, one after another for the direction that has fewest.
    fn fill(
        &self,
        chosen: &mut Vec<usize>,
        last: &[usize],
        near: impl Fn(usize) -> (usize, f64),
        stream: &mut Stream,
    ) {
        let mut counts = vec![0_usize; self.directions.len()];
        for one in chosen.iter() {
            counts[near(*one).0] += 1;
        }
        let mut waiting: Vec<Vec<(f64, usize)>> = vec![Vec::new(); self.directions.len()];
        for one in last {
            let (direction, distance) = near(*one);
            waiting[direction].push((distance, *one));
        }
        while chosen.len() < self.size {
            let open = || (0..waiting.len()).filter(|number| !waiting[*number].is_empty());
            let Some(fewest) = open().map(|number| counts[number]).min() else { return };
            let alike: Vec<usize> = open().filter(|number| counts[*number] == fewest).collect();
            let number = alike[index(stream, alike.len())];
            let place = if counts[number] == 0 {
                let nearest = waiting[number].iter().enumerate();
                nearest.min_by(|a, b| a.1.0.total_cmp(&b.1.0)).map_or(0, |(place, _)| place)
            } else {
                index(stream, waiting[number].len())
            };
            chosen.push(waiting[number].remove(place).1);
            counts[number] += 1;
        }
    }
}

impl Selection for Nsga3 {
    fn size(&self) -> usize {
        self.size
    }

    /// At random, but for the constraints.
    fn mates(&self, members: &[Individual], _child: usize, stream: &mut Stream) -> [usize; 2] {
        tournaments(members.len(), stream, |b, a| members[b].violation < members[a].violation)
    }

    fn survive(
        &mut self,
        members: Vec<Individual>,
        _parents: usize,
        stream: &mut Stream,
    ) -> Vec<Individual> {
        let all = fronts(&members);
        let first = all.first().cloned().unwrap_or_default();
        let feasible = first.first().is_some_and(|one| members[*one].is_feasible());
        let scales = if feasible { self.scales(&members, &first) } else { Vec::new() };
        let mut chosen = Vec::with_capacity(self.size);
        for front in all {
            if chosen.len() >= self.size {
                break;
            }
            if chosen.len() + front.len() <= self.size {
                chosen.extend(front);
            } else if front.first().is_some_and(|one| members[*one].is_feasible()) {
                let near = |one: usize| self.nearest(&members[one].costs, &scales);
                self.fill(&mut chosen, &front, near, stream);
            } else {
                let left = self.size - chosen.len();
                chosen.extend(front.into_iter().take(left));
            }
        }
        take(members, &chosen)
    }

    fn save(&self, writer: &mut Writer) {
        writer.reals(&self.ideal);
        writer.size(self.extremes.len());
        for costs in &self.extremes {
            writer.reals(costs);
        }
    }

    fn load(&mut self, _members: usize, reader: &mut Reader<'_>) -> Result<()> {
        let objectives = self.ideal.len();
        self.ideal = reader.exactly(objectives)?;
        let count = reader.size()?;
        reader.check(count == 0 || count == objectives)?;
        for _ in 0..count {
            self.extremes.push(reader.exactly(objectives)?);
        }
        Ok(())
    }
}

/// Where the plane through these points meets the axes: Gaussian elimination with row exchange.
/// `None` when there is no single one.
fn plane(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for row in &mut rows {
        row.push(1.0);
    }
    for column in 0..n {
        let largest = (column..n).max_by(|a, b| {
            rows[*a][column].abs().total_cmp(&rows[*b][column].abs()).then(b.cmp(a))
        })?;
        rows.swap(column, largest);
        let pivot = rows[column][column];
        if pivot.abs() <= 1e-12 || pivot.is_nan() {
            return None;
        }
        let (done, rest) = rows.split_at_mut(column + 1);
        let above = &done[column];
        for row in rest {
            let factor = row[column] / pivot;
            for (x, a) in row.iter_mut().zip(above).skip(column) {
                *x -= factor * a;
            }
        }
    }
    let mut slopes = vec![0.0; n];
    for column in (0..n).rev() {
        let known: f64 = (column + 1..n).map(|k| rows[column][k] * slopes[k]).sum();
        slopes[column] = (rows[column][n] - known) / rows[column][column];
    }
    let ends: Vec<f64> = slopes.into_iter().map(|slope| 1.0 / slope).collect();
    ends.iter().all(|end| end.is_finite()).then_some(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_meets_its_axes() {
        let ends = [2.0, 3.0, 5.0];
        let at =
            |shares: [f64; 3]| shares.iter().zip(ends).map(|(s, e)| s * e).collect::<Vec<f64>>();
        let rows = vec![at([0.6, 0.2, 0.2]), at([0.1, 0.8, 0.1]), at([0.3, 0.2, 0.5])];
        let seen = plane(rows).unwrap();
        assert!(seen.iter().zip(ends).all(|(a, b)| (a - b).abs() < 1e-9), "{seen:?}");
        assert_eq!(plane(vec![vec![1.0, 2.0], vec![2.0, 4.0]]), None);
    }
}
