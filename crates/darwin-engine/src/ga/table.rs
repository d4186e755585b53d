//! The algorithm as data: what is listed is what is checked.

use super::{
    CrossoverKind, ExchangeKind, MutationKind, OrderCrossover, OrderMutation, ReplacementKind,
    SelectionKind, WholeMutation,
};
use crate::{
    algorithm::Algorithm,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
};

/// The algorithm, as it is listed.
pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "ga",
    title: "Genetic algorithm",
    summary: "selection, crossover and mutation by the kind of each variable, elitist by default",
    representation: "mixed",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "whole numbers, booleans, categories and orders, also mixed; rugged, multimodal \
                    or separable functions of 1 to 1000 bounded variables when evaluations are \
                    cheap (10,000 or more); weak on narrow curved valleys and for high precision",
    parameters: PARAMETERS,
    sources: &[
        "Deb & Agrawal 1995, Simulated binary crossover",
        "Deb & Goyal 1996, polynomial mutation",
        "Eshelman & Schaffer 1993, BLX-alpha",
        "Syswerda 1989, uniform crossover",
        "Doerr, Le, Makhmara & Nguyen 2017, power-law mutation",
        "Davis 1985, OX; Goldberg & Lingle 1985, PMX; Oliver, Smith & Holland 1987, CX",
        "Whitley, Starkweather & Fuquay 1989, ERX",
        "Baker 1985, 1987, rank selection, SUS",
    ],
    revision: 2,
};

pub(super) const POPULATION: Integer = Integer { min: 4, max: 10_000, default: 100 };
pub(super) const TOURNAMENT: Integer = Integer { min: 1, max: 100, default: 3 };
pub(super) const TRUNCATION: Real = Real { min: 0.01, max: 1.0, default: Fallback::Fixed(0.5) };
pub(super) const EXCHANGE_POINTS: Integer = Integer { min: 1, max: 100, default: 3 };
pub(super) const ELITES: Integer = Integer { min: 0, max: 9_999, default: 1 };
pub(super) const CROSSOVER_PROBABILITY: Real =
    Real { min: 0.0, max: 1.0, default: Fallback::Fixed(0.9) };
pub(super) const CROSSOVER_ETA: Real =
    Real { min: 0.0, max: 200.0, default: Fallback::Fixed(15.0) };
pub(super) const BLX_ALPHA: Real = Real { min: 0.0, max: 2.0, default: Fallback::Fixed(0.5) };
pub(super) const MUTATION_PROBABILITY: Real =
    Real { min: 0.0, max: 1.0, default: Fallback::PerDimension };
pub(super) const MUTATION_ETA: Real = Real { min: 0.0, max: 200.0, default: Fallback::Fixed(20.0) };
pub(super) const MUTATION_SIGMA: Real = Real { min: 1e-9, max: 1.0, default: Fallback::Fixed(0.1) };

const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "population",
        description: "individuals; population x dimension at most 2,000,000",
        kind: ParameterKind::Integer(POPULATION),
        only_with: None,
    },
    Parameter {
        name: "crossover",
        description: "how two parents become two children",
        kind: ParameterKind::Choice(CrossoverKind::NAMES),
        only_with: None,
    },
    Parameter {
        name: "crossover_probability",
        description: "share of pairs that are crossed",
        kind: ParameterKind::Real(CROSSOVER_PROBABILITY),
        only_with: None,
    },
    Parameter {
        name: "crossover_eta",
        description: "SBX distribution index; larger keeps children nearer to their parents",
        kind: ParameterKind::Real(CROSSOVER_ETA),
        only_with: Some(("crossover", "sbx")),
    },
    Parameter {
        name: "blx_alpha",
        description: "reach beyond the parents, as a share of their distance",
        kind: ParameterKind::Real(BLX_ALPHA),
        only_with: Some(("crossover", "blx_alpha")),
    },
    Parameter {
        name: "mutation",
        description: "how a gene changes",
        kind: ParameterKind::Choice(MutationKind::NAMES),
        only_with: None,
    },
    Parameter {
        name: "mutation_probability",
        description: "chance of each gene to change",
        kind: ParameterKind::Real(MUTATION_PROBABILITY),
        only_with: None,
    },
    Parameter {
        name: "mutation_eta",
        description: "distribution index; larger means smaller steps",
        kind: ParameterKind::Real(MUTATION_ETA),
        only_with: Some(("mutation", "polynomial")),
    },
    Parameter {
        name: "mutation_sigma",
        description: "standard deviation, as a share of the variable's range",
        kind: ParameterKind::Real(MUTATION_SIGMA),
        only_with: Some(("mutation", "gaussian")),
    },
    Parameter {
        name: "mutation_scale",
        description: "half of the steps are smaller than this share of the variable's range",
        kind: ParameterKind::Real(MUTATION_SIGMA),
        only_with: Some(("mutation", "cauchy")),
    },
    Parameter {
        name: "exchange",
        description: "how categories and booleans of two parents are exchanged",
        kind: ParameterKind::Choice(ExchangeKind::NAMES),
        only_with: None,
    },
    Parameter {
        name: "exchange_points",
        description: "random places between which every second piece is exchanged",
        kind: ParameterKind::Integer(EXCHANGE_POINTS),
        only_with: Some(("exchange", "k_point")),
    },
    Parameter {
        name: "whole_mutation",
        description: "how a whole number, or one on a grid, changes: power: by steps of all \
                      magnitudes alike; reset: to any other value",
        kind: ParameterKind::Choice(WholeMutation::NAMES),
        only_with: None,
    },
    Parameter {
        name: "order_crossover",
        description: "how the permutations of two parents become two",
        kind: ParameterKind::Choice(OrderCrossover::NAMES),
        only_with: None,
    },
    Parameter {
        name: "order_mutation",
        description: "how a permutation changes",
        kind: ParameterKind::Choice(OrderMutation::NAMES),
        only_with: None,
    },
    Parameter {
        name: "selection",
        description: "how parents are chosen",
        kind: ParameterKind::Choice(SelectionKind::NAMES),
        only_with: None,
    },
    Parameter {
        name: "tournament",
        description: "individuals that compete to be a parent",
        kind: ParameterKind::Integer(TOURNAMENT),
        only_with: Some(("selection", "tournament")),
    },
    Parameter {
        name: "truncation",
        description: "share of the best that may be parents",
        kind: ParameterKind::Real(TRUNCATION),
        only_with: Some(("selection", "truncation")),
    },
    Parameter {
        name: "replacement",
        description: "plus: the best of parents and children live on; generational: the children \
                      and the elites",
        kind: ParameterKind::Choice(ReplacementKind::NAMES),
        only_with: None,
    },
    Parameter {
        name: "elites",
        description: "best parents that live on; less than the population",
        kind: ParameterKind::Integer(ELITES),
        only_with: Some(("replacement", "generational")),
    },
];
