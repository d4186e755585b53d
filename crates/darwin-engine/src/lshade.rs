//! L-SHADE: Tanabe & Fukunaga (2014), "Improving the search performance of SHADE using linear
//! population size reduction", and jSO: Brest, Maucec & Boskovic (2017), "Single objective
//! real-parameter optimization: algorithm jSO", each with its published constants.

mod options;

pub(crate) use options::{JSO, LSHADE};
pub use options::{LshadeKind, LshadeOptions, LshadeSettings};

use crate::{
    Result, Seed,
    codec::{Reader, Writer},
    method::{Method, ranking},
    normal::standard_normal,
    search::worse_than,
    stream::Stream,
};

/// Number of the stream that draws what belongs to a generation rather than to an individual.
const SHARED: u64 = u64::MAX;
const MIN_POPULATION: usize = 4;
/// Memory of good settings.
const MEMORY: usize = 6;
/// Archive, as a multiple of the population: of L-SHADE, of jSO.
const ARCHIVE: [f64; 2] = [2.6, 1.0];
/// Cells of the memory that jSO learns; one more stands still.
const JSO_MEMORY: usize = 4;
/// L-SHADE in the unit cube.
#[derive(Debug)]
pub(crate) struct Lshade {
    dimension: usize,
    settings: LshadeSettings,
    seed: Seed,
    /// Evaluations over which the population shrinks.
    max_evals: u64,
    generation: u64,
    evals: u64,
    rows: Vec<f64>,
    costs: Vec<f64>,
    archive: Vec<f64>,
    /// Centres of F; of CR, below zero once it has settled at 0.
    memory_f: [f64; MEMORY],
    memory_cr: [f64; MEMORY],
    next_memory: usize,
    /// F and CR of each child that is asked, remade at will.
    rates: Vec<(f64, f64)>,
}

impl Lshade {
    pub(crate) fn new(
        dimension: usize,
        settings: LshadeSettings,
        max_evals: u64,
        seed: Seed,
    ) -> Self {
        let (mut memory_f, mut memory_cr) = ([0.5; MEMORY], [0.5; MEMORY]);
        if settings.kind == LshadeKind::Jso {
            (memory_f, memory_cr) = ([0.3; MEMORY], [0.8; MEMORY]);
            (memory_f[JSO_MEMORY], memory_cr[JSO_MEMORY]) = (0.9, 0.9);
        }
        Self {
            dimension,
            settings,
            seed,
            max_evals,
            generation: 0,
            evals: 0,
            rows: Vec::new(),
            costs: Vec::new(),
            archive: Vec::new(),
            memory_f,
            memory_cr,
            next_memory: 0,
            rates: Vec::new(),
        }
    }

    fn row(&self, individual: usize) -> &[f64] {
        &self.rows[individual * self.dimension..][..self.dimension]
    }

    fn is_jso(&self) -> bool {
        self.settings.kind == LshadeKind::Jso
    }

    /// Share of the evaluations that are used.
    #[expect(clippy::cast_precision_loss, reason = "evaluations are at most 1e9")]
    fn used(&self) -> f64 {
        (self.evals as f64 / self.max_evals as f64).min(1.0)
    }

    /// F and CR of a child, as far as the run allows them.
    fn draw_rates(&self, stream: &mut Stream) -> (f64, f64) {
        let (f, cr) = self.drawn_rates(stream);
        if !self.is_jso() {
            return (f, cr);
        }
        let used = self.used();
        let least = match used {
            used if used < 0.25 => 0.7,
            used if used < 0.5 => 0.6,
            _ => 0.0,
        };
        (if used < 0.6 { f.min(0.7) } else { f }, cr.max(least))
    }

    /// What the step towards a leader is multiplied by.
    fn lead(&self) -> f64 {
        match self.used() {
            _ if !self.is_jso() => 1.0,
            used if used < 0.2 => 0.7,
            used if used < 0.4 => 0.8,
            _ => 1.2,
        }
    }

    /// Share of the population whose members lead: in jSO it falls to a half.
    fn best_share(&self) -> f64 {
        let fall = if self.is_jso() { 0.5 * self.used() } else { 0.0 };
        self.settings.best_share * (1.0 - fall)
    }

    fn drawn_rates(&self, stream: &mut Stream) -> (f64, f64) {
        let memory = index(stream, if self.is_jso() { JSO_MEMORY + 1 } else { MEMORY });
        let centre = self.memory_cr[memory];
        let cr = if centre < 0.0 {
            0.0
        } else {
            (centre + 0.1 * standard_normal(stream)).clamp(0.0, 1.0)
        };
        loop {
            let angle = std::f64::consts::PI * (stream.unit() - 0.5);
            let f = self.memory_f[memory] + 0.1 * libm::tan(angle);
            if f > 0.0 {
                return (f.min(1.0), cr);
            }
        }
    }

    /// current-to-pbest/1 with the archive, binomial crossover, halfway back at the bounds.
    fn child(
        &self,
        individual: usize,
        order: &[usize],
        stream: &mut Stream,
    ) -> (Vec<f64>, (f64, f64)) {
        let size = self.costs.len();
        let (f, cr) = self.draw_rates(stream);
        let leaders = share(size, self.best_share()).clamp(2, size);
        let leader = order[index(stream, leaders)];
        let first = another(stream, size, &[individual]);
        let second =
            another(stream, size + self.archive.len() / self.dimension, &[individual, first]);
        let forced = index(stream, self.dimension);
        let own = self.row(individual);
        let (leader, first) = (self.row(leader), self.row(first));
        let second = match second.checked_sub(size) {
            None => self.row(second),
            Some(old) => &self.archive[old * self.dimension..][..self.dimension],
        };
        let lead = self.lead() * f;
        let mut child = own.to_vec();
        for (j, gene) in child.iter_mut().enumerate() {
            let taken = stream.unit() < cr;
            if taken || j == forced {
                let x = own[j];
                let moved = x + lead * (leader[j] - x) + f * (first[j] - second[j]);
                *gene = match moved {
                    y if y < 0.0 => x / 2.0,
                    y if y > 1.0 => f64::midpoint(x, 1.0),
                    y => y,
                };
            }
        }
        (child, (f, cr))
    }

    /// Weighted means of what made better children.
    fn remember(&mut self, good: &[(f64, f64, f64)]) {
        let total: f64 = good.iter().map(|(gain, ..)| gain).sum();
        if good.is_empty() {
            return;
        }
        let weight = |gain: f64| if total > 0.0 { gain / total } else { 1.0 };
        let lehmer = |rate: fn(&(f64, f64, f64)) -> f64| {
            let squares: f64 = good.iter().map(|one| weight(one.0) * rate(one) * rate(one)).sum();
            let sum: f64 = good.iter().map(|one| weight(one.0) * rate(one)).sum();
            if sum > 0.0 { squares / sum } else { 0.0 }
        };
        let cell = self.next_memory;
        let (old_f, old_cr) = (self.memory_f[cell], self.memory_cr[cell]);
        let (new_f, new_cr) = (lehmer(|one| one.1), lehmer(|one| one.2));
        let idle = good.iter().all(|(_, _, cr)| *cr <= 0.0);
        if self.is_jso() {
            // Half of what was known stays.
            self.memory_f[cell] = f64::midpoint(old_f, new_f);
            self.memory_cr[cell] =
                if old_cr < 0.0 || idle { -1.0 } else { f64::midpoint(old_cr, new_cr) };
            self.next_memory = (cell + 1) % JSO_MEMORY;
            return;
        }
        self.memory_cr[cell] = if old_cr < 0.0 || idle { -1.0 } else { new_cr };
        self.memory_f[cell] = new_f;
        self.next_memory = (cell + 1) % MEMORY;
    }

    /// Let the worst go as evaluations are used up.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a population is at most 10,000"
    )]
    fn shrink(&mut self, stream: &mut Stream) {
        let used = self.used();
        let first = f64::from(self.settings.population);
        let wanted = libm::round(first + (MIN_POPULATION as f64 - first) * used) as usize;
        let wanted = wanted.max(MIN_POPULATION);
        if wanted < self.costs.len() {
            let mut keep = ranking(&self.costs);
            keep.truncate(wanted);
            keep.sort_unstable();
            self.rows = keep.iter().flat_map(|one| self.row(*one).to_vec()).collect();
            self.costs = keep.iter().map(|one| self.costs[*one]).collect();
        }
        let room = (ARCHIVE[usize::from(self.is_jso())] * self.costs.len() as f64) as usize;
        while self.archive.len() / self.dimension > room {
            let last = self.archive.len() / self.dimension - 1;
            let out = index(stream, last + 1);
            let tail = self.archive.split_off(last * self.dimension);
            if out < last {
                self.archive[out * self.dimension..][..self.dimension].copy_from_slice(&tail);
            }
        }
    }
}

impl Method for Lshade {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        self.rates.clear();
        if self.costs.is_empty() {
            for individual in 0..u64::from(self.settings.population) {
                let mut stream = Stream::new(self.seed, 0, individual);
                rows.extend((0..self.dimension).map(|_| stream.unit()));
            }
            return;
        }
        let order = ranking(&self.costs);
        for individual in 0..self.costs.len() {
            let mut stream = Stream::new(self.seed, self.generation, individual as u64);
            let (child, rates) = self.child(individual, &order, &mut stream);
            rows.extend(child);
            self.rates.push(rates);
        }
    }

    fn tell(&mut self, rows: &[f64], costs: &[f64]) {
        let mut stream = Stream::new(self.seed, self.generation, SHARED);
        self.generation += 1;
        self.evals += costs.len() as u64;
        if self.costs.is_empty() {
            self.rows = rows.to_vec();
            self.costs = costs.to_vec();
            return;
        }
        let mut good = Vec::new();
        for (individual, child) in rows.chunks_exact(self.dimension).enumerate() {
            let (old, new) = (self.costs[individual], costs[individual]);
            if new > old {
                continue;
            }
            let start = individual * self.dimension;
            if new < old {
                let parent = self.rows[start..start + self.dimension].to_vec();
                self.archive.extend(parent);
                let (f, cr) = self.rates[individual];
                // From infinity every gain is the same.
                good.push(((old - new).min(1e300), f, cr));
            }
            self.rows[start..start + self.dimension].copy_from_slice(child);
            self.costs[individual] = new;
        }
        self.remember(&good);
        self.shrink(&mut stream);
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        for (row, cost) in self.rows.chunks_exact(self.dimension).zip(&mut self.costs) {
            visit(row, cost);
        }
    }

    fn admit(&mut self, row: &[f64], cost: f64) -> bool {
        let Some(place) = worse_than(&self.costs, cost) else { return false };
        self.rows[place * self.dimension..][..self.dimension].copy_from_slice(row);
        self.costs[place] = cost;
        true
    }

    fn set_max_evals(&mut self, max_evals: u64) {
        self.max_evals = max_evals;
    }

    fn save(&self, writer: &mut Writer) {
        writer.int(self.generation);
        writer.int(self.evals);
        writer.size(self.next_memory);
        for list in [
            &self.rows,
            &self.costs,
            &self.archive,
            &self.memory_f.to_vec(),
            &self.memory_cr.to_vec(),
        ] {
            writer.reals(list);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        (self.generation, self.evals) = (reader.int()?, reader.int()?);
        self.next_memory = reader.size()?;
        (self.rows, self.costs, self.archive) = (reader.reals()?, reader.reals()?, reader.reals()?);
        for memory in [&mut self.memory_f, &mut self.memory_cr] {
            memory.copy_from_slice(&reader.exactly(MEMORY)?);
        }
        reader.check(
            self.next_memory < MEMORY
                && self.rows.len() == self.costs.len() * self.dimension
                && (self.costs.is_empty() || self.costs.len() >= MIN_POPULATION)
                && self.archive.len().is_multiple_of(self.dimension),
        )
    }
}

fn index(stream: &mut Stream, n: usize) -> usize {
    stream.index(u32::try_from(n).unwrap_or(u32::MAX))
}

/// A number in `0..n` that is none of `taken`; there are more numbers than that.
fn another(stream: &mut Stream, n: usize, taken: &[usize]) -> usize {
    loop {
        let drawn = index(stream, n);
        if !taken.contains(&drawn) {
            return drawn;
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a population is at most 10,000"
)]
fn share(size: usize, part: f64) -> usize {
    libm::round(size as f64 * part) as usize
}
