//! Options of the engine from what a caller gives.

use darwin_engine::{
    CmaOptions, CrossoverKind, ExchangeKind, GaOptions, MutationKind, OrderCrossover,
    OrderMutation, ReplacementKind, Restarts, SelectionKind, WholeMutation,
};

use super::Params;

impl TryFrom<&Params> for CmaOptions {
    type Error = darwin_engine::Error;

    fn try_from(params: &Params) -> Result<Self, Self::Error> {
        let diagonal = |word: &str| match word {
            "auto" => Some(None),
            "full" => Some(Some(false)),
            "diagonal" => Some(Some(true)),
            _ => None,
        };
        Ok(Self {
            population: params.count("population")?,
            sigma: params.number("sigma")?,
            restarts: params.word("restarts", Restarts::from_name)?,
            diagonal: params.word("covariance", diagonal)?.flatten(),
        })
    }
}

impl TryFrom<&Params> for GaOptions {
    type Error = darwin_engine::Error;

    fn try_from(params: &Params) -> Result<Self, Self::Error> {
        Ok(Self {
            population: params.count("population")?,
            crossover: params.word("crossover", CrossoverKind::from_name)?,
            crossover_probability: params.number("crossover_probability")?,
            crossover_eta: params.number("crossover_eta")?,
            blx_alpha: params.number("blx_alpha")?,
            mutation: params.word("mutation", MutationKind::from_name)?,
            mutation_probability: params.number("mutation_probability")?,
            mutation_eta: params.number("mutation_eta")?,
            mutation_sigma: params.number("mutation_sigma")?,
            mutation_scale: params.number("mutation_scale")?,
            exchange: params.word("exchange", ExchangeKind::from_name)?,
            exchange_points: params.count("exchange_points")?,
            whole_mutation: params.word("whole_mutation", WholeMutation::from_name)?,
            order_crossover: params.word("order_crossover", OrderCrossover::from_name)?,
            order_mutation: params.word("order_mutation", OrderMutation::from_name)?,
            selection: params.word("selection", SelectionKind::from_name)?,
            tournament: params.count("tournament")?,
            truncation: params.number("truncation")?,
            replacement: params.word("replacement", ReplacementKind::from_name)?,
            elites: params.count("elites")?,
        })
    }
}
