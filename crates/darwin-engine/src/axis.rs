//! One pass along the axes: a grid over each range, then Brent's search in the best basins, all
//! else held. Finds the minimum of a separable function, however many minima each axis has; after
//! Pošík & Baudiš (2015), "Dimension selection in axis-parallel Brent-STEP".

use crate::{
    Result,
    codec::{Reader, Writer},
};

/// Points of the grid on an axis: fewer miss minima of Rastrigin's function.
const GRID: usize = 161;
/// Basins that are searched on.
const BASINS: usize = 4;
/// Most points of a basin.
const MAX_POINTS: u64 = 40;
/// Width, in the unit cube, below which a basin is done.
const TOLERANCE: f64 = 1e-11;
/// 1 - 1 / golden ratio.
const GOLDEN: f64 = 0.381_966_011_250_105_1;

/// The pass.
#[derive(Debug)]
pub(crate) struct AxisSearch {
    base: Vec<f64>,
    base_cost: f64,
    axis: usize,
    /// Empty while the grid of the axis is asked.
    basins: Vec<Basin>,
    rounds: u64,
}

/// Brent's state (1973, "Algorithms for Minimization without Derivatives", chapter 5).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Basin {
    a: f64,
    b: f64,
    x: f64,
    w: f64,
    v: f64,
    fx: f64,
    fw: f64,
    fv: f64,
    /// The last step, and the one before.
    d: f64,
    e: f64,
    /// Where the next value is wanted.
    u: f64,
    done: bool,
}

impl AxisSearch {
    /// A pass through a point of known cost.
    pub(crate) fn new(base: Vec<f64>, base_cost: f64) -> Self {
        Self { base, base_cost, axis: 0, basins: Vec::new(), rounds: 0 }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.axis >= self.base.len()
    }

    /// Points of the next batch.
    pub(crate) fn ask(&self, rows: &mut Vec<f64>) {
        rows.clear();
        let mut place = |value: f64| {
            let from = rows.len();
            rows.extend_from_slice(&self.base);
            rows[from + self.axis] = value;
        };
        if self.basins.is_empty() {
            (0..GRID).for_each(|k| place(grid(k)));
        } else {
            self.basins.iter().filter(|basin| !basin.done).for_each(|basin| place(basin.u));
        }
    }

    pub(crate) fn tell(&mut self, costs: &[f64]) {
        if self.basins.is_empty() {
            self.open(costs);
        } else {
            let waiting = self.basins.iter_mut().filter(|basin| !basin.done);
            for (basin, cost) in waiting.zip(costs) {
                basin.learn(*cost);
            }
            self.rounds += 1;
        }
        if self.rounds >= MAX_POINTS || self.basins.iter().all(|basin| basin.done) {
            self.close();
        }
    }

    /// Basins around the best grid points that are lower than both neighbours.
    fn open(&mut self, costs: &[f64]) {
        let at = |k: Option<usize>| k.and_then(|k| costs.get(k)).copied().unwrap_or(f64::INFINITY);
        let mut minima: Vec<usize> = (0..costs.len())
            .filter(|k| at(Some(*k)) <= at(k.checked_sub(1)) && at(Some(*k)) <= at(Some(k + 1)))
            .filter(|k| costs[*k].is_finite())
            .collect();
        minima.sort_by(|a, b| costs[*a].total_cmp(&costs[*b]).then(a.cmp(b)));
        minima.truncate(BASINS);
        self.basins = minima.iter().map(|k| Basin::new(*k, costs[*k])).collect();
        self.rounds = 0;
    }

    /// Keep the best of the axis, and go to the next.
    fn close(&mut self) {
        for basin in &self.basins {
            if basin.fx < self.base_cost {
                self.base_cost = basin.fx;
                self.base[self.axis] = basin.x;
            }
        }
        self.basins.clear();
        self.rounds = 0;
        self.axis += 1;
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        writer.reals(&self.base);
        writer.real(self.base_cost);
        writer.size(self.axis);
        writer.int(self.rounds);
        writer.size(self.basins.len());
        for basin in &self.basins {
            let Basin { a, b, x, w, v, fx, fw, fv, d, e, u, done } = *basin;
            for number in [a, b, x, w, v, fx, fw, fv, d, e, u, f64::from(u8::from(done))] {
                writer.real(number);
            }
        }
    }

    pub(crate) fn load(dimension: usize, reader: &mut Reader<'_>) -> Result<Self> {
        let mut search = Self::new(reader.exactly(dimension)?, reader.real()?);
        search.axis = reader.size()?;
        search.rounds = reader.int()?;
        let count = reader.size()?;
        reader.check(count <= BASINS && search.axis <= dimension)?;
        for _ in 0..count {
            let mut next = || reader.real();
            search.basins.push(Basin {
                a: next()?,
                b: next()?,
                x: next()?,
                w: next()?,
                v: next()?,
                fx: next()?,
                fw: next()?,
                fv: next()?,
                d: next()?,
                e: next()?,
                u: next()?,
                done: next()? > 0.5,
            });
        }
        Ok(search)
    }
}

#[expect(clippy::cast_precision_loss, reason = "161 points")]
fn grid(k: usize) -> f64 {
    k as f64 / (GRID - 1) as f64
}

impl Basin {
    fn new(k: usize, cost: f64) -> Self {
        let x = grid(k);
        let (a, b) = (grid(k.saturating_sub(1)), grid((k + 1).min(GRID - 1)));
        let mut basin = Self {
            a,
            b,
            x,
            w: x,
            v: x,
            fx: cost,
            fw: cost,
            fv: cost,
            d: 0.0,
            e: 0.0,
            u: x,
            done: false,
        };
        basin.propose();
        basin
    }

    /// A parabola through the three best points, or a golden section.
    fn propose(&mut self) {
        let middle = f64::midpoint(self.a, self.b);
        let least = TOLERANCE + f64::EPSILON * self.x.abs();
        if (self.x - middle).abs() <= 2.0 * least - (self.b - self.a) / 2.0 {
            self.done = true;
            return;
        }
        let r = (self.x - self.w) * (self.fx - self.fv);
        let q = (self.x - self.v) * (self.fx - self.fw);
        let p = (self.x - self.v) * q - (self.x - self.w) * r;
        let q = 2.0 * (q - r);
        let (p, q) = if q > 0.0 { (-p, q) } else { (p, -q) };
        let before = self.e;
        let fits = before.abs() > least
            && p.abs() < (q * before / 2.0).abs()
            && p > q * (self.a - self.x)
            && p < q * (self.b - self.x);
        self.e = self.d;
        if fits {
            self.d = p / q;
            let u = self.x + self.d;
            if u - self.a < 2.0 * least || self.b - u < 2.0 * least {
                self.d = if self.x < middle { least } else { -least };
            }
        } else {
            self.e = if self.x < middle { self.b - self.x } else { self.a - self.x };
            self.d = GOLDEN * self.e;
        }
        let step = if self.d.abs() >= least {
            self.d
        } else if self.d > 0.0 {
            least
        } else {
            -least
        };
        self.u = (self.x + step).clamp(self.a, self.b);
    }

    #[expect(clippy::float_cmp, reason = "the same points, not close ones")]
    fn learn(&mut self, fu: f64) {
        let u = self.u;
        if fu <= self.fx {
            if u < self.x {
                self.b = self.x;
            } else {
                self.a = self.x;
            }
            (self.v, self.fv) = (self.w, self.fw);
            (self.w, self.fw) = (self.x, self.fx);
            (self.x, self.fx) = (u, fu);
        } else {
            if u < self.x {
                self.a = u;
            } else {
                self.b = u;
            }
            if fu <= self.fw || self.w == self.x {
                (self.v, self.fv) = (self.w, self.fw);
                (self.w, self.fw) = (u, fu);
            } else if fu <= self.fv || self.v == self.x || self.v == self.w {
                (self.v, self.fv) = (u, fu);
            }
        }
        self.propose();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separable_function_is_solved_whatever_its_minima() {
        // Rastrigin with its minimum off the grid.
        let shift = [0.123_456, 0.7, 0.333_333_3];
        let f = |x: &[f64]| -> f64 {
            x.iter()
                .zip(shift)
                .map(|(x, s)| {
                    let y = (x - s) * 10.0;
                    y * y + 10.0 * (1.0 - libm::cos(std::f64::consts::TAU * y))
                })
                .sum()
        };
        let start = vec![0.9; 3];
        let mut search = AxisSearch::new(start.clone(), f(&start));
        let (mut rows, mut evals) = (Vec::new(), 0);
        while !search.is_finished() {
            search.ask(&mut rows);
            let costs: Vec<f64> = rows.chunks_exact(3).map(f).collect();
            evals += costs.len();
            search.tell(&costs);
        }
        assert!(search.base_cost < 1e-13, "{}", search.base_cost);
        assert!(evals < 3 * 280, "{evals}");
    }

    #[test]
    fn a_plateau_and_values_that_are_not_finite_end_too() {
        for cost in [1.0, f64::INFINITY] {
            let mut search = AxisSearch::new(vec![0.5; 2], cost);
            let (mut rows, mut rounds) = (Vec::new(), 0);
            while !search.is_finished() {
                search.ask(&mut rows);
                search.tell(&vec![cost; rows.len() / 2]);
                rounds += 1;
                assert!(rounds < 200);
            }
        }
    }
}
