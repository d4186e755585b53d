//! Symbolic regression: formulas for data, found by genetic programming.
//!
//! Trees are typed and of bounded size; crossing and mutation keep sizes fair (Langdon 2000). Every tree
//! is brought to a normal form: the terms of the sum at its root get their best factors by least
//! squares (Keijzer 2003), the numbers inside some steps of Levenberg and Marquardt, and factors that are
//! nearly whole become whole. Parents are chosen by epsilon-lexicase (La Cava et al. 2016) and from the
//! front of error and size; a population that stands still makes room for another, the front stays.
//! Values are those of the expression compiler: nothing is protected, so a formula means what it says.

mod fold;
mod front;
mod grammar;
mod lexicase;
mod machine;
mod options;
mod sample;
mod search;
mod tree;
mod tune;
mod vary;
mod write;

use self::search::Search;
pub use self::{
    fold::Choice,
    grammar::{DEFAULT_FUNCTIONS, symbolic_functions},
    options::{FitOptions, FitSettings},
    sample::{MAX_COLUMNS, MAX_ROWS, Sample},
};
use crate::{Budget, Controls, Seed, StopReason};

/// Raised whenever equal seeds no longer give equal bytes.
pub(crate) const REVISION: u32 = 1;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Formulas that no other one found beats in both size and error, the smallest first.
    pub front: Vec<Candidate>,
    /// The one to take, and why; absent when there is none.
    pub choice: Option<(usize, Choice)>,
    /// Evaluations of a formula on the data while searching; `max_evals` of this many give the same.
    pub evals: u64,
    /// Generations, over all populations.
    pub generations: u64,
    /// Populations.
    pub populations: u64,
    /// Why it ended.
    pub stop: StopReason,
}

/// A formula.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The formula, as the expression compiler reads it.
    pub expression: String,
    /// Functions, columns and numbers in it.
    pub size: usize,
    /// Root of the mean squared residual.
    pub rmse: f64,
    /// Share of the target's variance that it explains.
    pub r2: f64,
    /// Largest residual.
    pub worst: f64,
    /// Whether its error is rounding.
    pub exact: bool,
    /// The same as `rmse` on rows that its numbers were not fitted to, and its standard error.
    pub validated: Option<(f64, f64)>,
}

impl FitSettings {
    /// Revision of the algorithm.
    pub const fn revision(&self) -> u32 {
        REVISION
    }
}

/// Find formulas for data. Equal seeds and evaluations give equal bytes, whatever the threads; the
/// limits of the budget are looked at after each generation. `budget.target()` is an `rmse`.
pub fn fit_expression(
    data: &Sample,
    settings: &FitSettings,
    budget: &Budget,
    seed: Seed,
    controls: &mut Controls<'_>,
) -> Fit {
    let mut search = Search::new(data, settings, seed);
    let stop = search.run(budget, controls);
    let mut fit = search.finish(data, stop, controls);
    if stop != StopReason::Cancelled {
        fit.choice = fold::choose(&fit.front, data.rows());
    }
    fit
}
