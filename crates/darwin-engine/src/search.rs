//! What a run asks of its algorithm, whichever it is and whatever is wrapped around it.

use std::fmt;

use crate::{
    Cancelled, Executor, Report, Result,
    codec::{Reader, Writer},
    elites::Archive,
    tally::Tally,
};

/// An algorithm at work on a problem.
///
/// `ask` depends on nothing but what the last `step` or `tell` left, so it may be called again; one
/// that is told costs has been asked for them before, in this process.
pub(crate) trait Search: Send + fmt::Debug {
    /// One generation, of at most `room` > 0 points; false, and nothing changed, when cancelled.
    fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool;

    /// Genes of the next generation, row after row, at most `room` > 0 points.
    fn ask(&mut self, room: u64) -> Vec<f64>;

    /// Learn the costs of what was asked; with several objectives, of each, and the violation.
    fn tell(&mut self, costs: &[f64]);

    fn save(&self, writer: &mut Writer);

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()>;

    fn tally(&self) -> Tally;

    /// Genes and cost of the best point; infinite while there is none. A front has none.
    fn best(&self) -> (&[f64], f64);

    /// Whether there is a best point at all.
    fn has_best(&self) -> bool {
        true
    }

    /// With several objectives, what none dominates.
    fn front(&self) -> Vec<Report> {
        Vec::new()
    }

    /// What fills an archive of behaviours, for those that have one.
    fn archive(&self) -> Option<Archive> {
        None
    }

    /// Whether nothing is left to try.
    fn is_finished(&self) -> bool {
        false
    }

    /// Let the run end after this many evaluations.
    fn set_max_evals(&mut self, _max_evals: u64) {}

    /// Show the genes and the cost of every point that is kept, to be priced anew. An algorithm that
    /// learns from a generation and forgets it keeps none.
    fn held(&mut self, _visit: &mut dyn FnMut(&[f64], &mut f64)) {}

    /// Take a point from elsewhere in place of the worst that is kept, if it is better than that.
    fn admit(&mut self, _genes: &[f64], _cost: f64) -> bool {
        false
    }

    /// The points that are kept, with the values of several objectives where there are such.
    fn members(&mut self) -> Vec<Member> {
        let mut members = Vec::new();
        self.held(&mut |genes, cost| {
            members.push(Member { genes: genes.to_vec(), cost: *cost, report: None });
        });
        members
    }
}

/// A point that an algorithm keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Where it is searched.
    pub genes: Vec<f64>,
    /// What the algorithm ranks it by, smaller first; 0 with several objectives.
    pub cost: f64,
    /// What is known of it, where it need not be evaluated for that.
    pub report: Option<Report>,
}

/// The place of the worst cost, the last of equals, if `cost` is better than that.
pub(crate) fn worse_than(costs: &[f64], cost: f64) -> Option<usize> {
    let worst = (0..costs.len()).max_by(|a, b| costs[*a].total_cmp(&costs[*b]).then(a.cmp(b)))?;
    (cost < costs[worst]).then_some(worst)
}
