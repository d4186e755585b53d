//! What an algorithm over real genes is: it proposes a batch of points and learns their costs.

use std::fmt;

use crate::{
    Result,
    codec::{Reader, Writer},
};

/// An algorithm that searches the unit cube.
///
/// `ask` depends on nothing but the state that the last `tell` left, so it may be called again;
/// random numbers come from streams keyed by (seed, generation, individual), so the state holds no
/// generator, and a saved state goes on with the same bits.
pub(crate) trait Method: Send + fmt::Debug {
    /// Write the next batch, row after row, each coordinate in 0..=1.
    fn ask(&mut self, rows: &mut Vec<f64>);

    /// Learn the costs of the whole last batch. Costs are never not-a-number.
    fn tell(&mut self, rows: &[f64], costs: &[f64]);

    /// Let the run end after this many evaluations.
    fn set_max_evals(&mut self, _max_evals: u64) {}

    /// Whether nothing is left to try.
    fn is_finished(&self) -> bool {
        false
    }

    /// Show every point that is kept, and its cost, to be priced anew.
    fn held(&mut self, _visit: &mut dyn FnMut(&[f64], &mut f64)) {}

    /// Take a point from elsewhere in place of the worst that is kept, if it is better.
    fn admit(&mut self, _row: &[f64], _cost: f64) -> bool {
        false
    }

    /// Write the state that `tell` leaves.
    fn save(&self, writer: &mut Writer);

    /// Take the state of a run with the same settings.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()>;
}

/// Numbers of the costs, best first; of equals, the older.
pub(crate) fn ranking(costs: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|a, b| costs[*a].total_cmp(&costs[*b]).then(a.cmp(b)));
    order
}
