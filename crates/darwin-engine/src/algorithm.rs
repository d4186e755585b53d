//! The algorithms there are.

use crate::{
    cma, design, elites, evolution, front, ga, lshade, memetic, parameter::Parameter, portfolio,
    pso, simplex, tpe, umda,
};

/// An algorithm, described for those who choose one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Algorithm {
    /// Name on the wire.
    pub name: &'static str,
    /// Human-readable name.
    pub title: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Kind of variables: `real`, `permutation`, or `mixed` for all kinds.
    pub representation: &'static str,
    /// Number of objectives: `single` or `multiple`.
    pub objectives: &'static str,
    /// Constraints it handles.
    pub constraints: &'static str,
    /// When it fits, and when not.
    pub applicability: &'static str,
    /// What can be set.
    pub parameters: &'static [Parameter],
    /// Where it is described.
    pub sources: &'static [&'static str],
    /// Raised whenever equal seeds no longer give equal bytes.
    pub revision: u32,
}

/// All algorithms.
pub const ALGORITHMS: &[Algorithm] = &[
    portfolio::ALGORITHM,
    cma::ALGORITHM,
    lshade::LSHADE,
    lshade::JSO,
    ga::ALGORITHM,
    pso::ALGORITHM,
    evolution::ALGORITHM,
    simplex::ALGORITHM,
    tpe::ALGORITHM,
    umda::ALGORITHM,
    design::ALGORITHM,
    memetic::ALGORITHM,
    elites::ALGORITHM,
    front::ALGORITHMS[0],
    front::ALGORITHMS[1],
    front::ALGORITHMS[2],
    front::ALGORITHMS[3],
];

impl Algorithm {
    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
    }

    /// The parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.all_parameters().find(|parameter| parameter.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: HashSet<_> = ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
        assert_eq!(names.len(), ALGORITHMS.len());
        for algorithm in ALGORITHMS {
            assert_eq!(Algorithm::from_name(algorithm.name), Some(algorithm));
            let names: HashSet<_> = algorithm.all_parameters().map(|p| p.name).collect();
            assert_eq!(names.len(), algorithm.all_parameters().count());
        }
        assert!(Algorithm::from_name("annealing").is_none());
    }
}
