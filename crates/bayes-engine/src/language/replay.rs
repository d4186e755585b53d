//! A model's own statements run again on a draw: log densities of the data, data like them, and the prior.

use std::collections::{BTreeMap, BTreeSet};

/// Which density a model is bound for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All of it on free parameters, with the log Jacobian.
    #[default]
    Posterior,
    /// All of it without the log Jacobian: its mode is that of the parameters as declared.
    Plain,
    /// Without the terms of data: the prior, with the log Jacobian.
    Prior,
    /// The posterior without some observations: of each outcome those whose number, from 0, leaves this rest.
    Without {
        /// The rest.
        fold: usize,
        /// What is divided by.
        folds: usize,
    },
}

/// What a replay is for; what is not wanted is not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// New data from the distribution of every outcome.
    pub draws: bool,
    /// The mean of every outcome's distribution.
    pub means: bool,
}

/// One replayed draw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replay {
    /// Sum of the terms that are no data's, Jacobians apart, and that depend on no other parameter: the
    /// distribution of groups given their scale is part of the model, not of what was believed before.
    pub log_prior: f64,
    /// One for each variable of data that the model gives a distribution.
    pub outcomes: Vec<Outcome>,
}

/// A variable of data and its distribution under one draw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Whether it counts or names categories.
    pub is_whole: bool,
    /// Log density of each observation; one for a whole vector under a multivariate distribution.
    pub log_lik: Vec<f64>,
    /// Its numbers.
    pub observed: Vec<f64>,
    /// New numbers; NaN where the distribution cannot be drawn from.
    pub drawn: Vec<f64>,
    /// Means of the distributions; NaN where there is none.
    pub means: Vec<f64>,
}

/// What the evaluator notes about terms of the target.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) part: Part,
    /// Statements whose outcome is data, by their first byte.
    pub(crate) data: BTreeSet<usize>,
    /// Statements on parameters whose distribution depends on others.
    pub(crate) conditional: BTreeSet<usize>,
    /// Terms that may mix data and parameters.
    pub(crate) mixed: BTreeSet<usize>,
    /// Observations met of each outcome.
    pub(crate) met: BTreeMap<String, usize>,
    /// How many variables were in scope when the parameters were done, and before them.
    pub(crate) parameters: std::ops::Range<usize>,
    /// The replay that runs, and what it is for.
    pub(crate) replay: Option<(Replay, Wanted)>,
}

impl Replay {
    /// The outcome of a name, new if need be.
    pub(crate) fn outcome(&mut self, name: &str) -> &mut Outcome {
        let at = self.outcomes.iter().position(|outcome| outcome.name == name);
        let at = at.unwrap_or_else(|| {
            self.outcomes.push(Outcome { name: name.to_owned(), ..Outcome::default() });
            self.outcomes.len() - 1
        });
        &mut self.outcomes[at]
    }
}
