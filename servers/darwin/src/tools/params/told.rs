//! Settings as a caller would give them.

use darwin_engine::{
    ArchiveKind, ConstraintMethod, CrossoverKind, ElitesOptions, EsOptions, ExchangeKind,
    FrontOptions, GaOptions, HandlingOptions, IslandOptions, MutationKind, OrderCrossover,
    OrderMutation, Plan, ReplacementKind, Scheme, SelectionKind, Settings, Topology, WholeMutation,
};

use super::Params;

impl From<Plan> for Params {
    fn from(plan: Plan) -> Self {
        let mut params = Self::from(plan.settings);
        if !plan.handling.is_rules() {
            let options = HandlingOptions::from(plan.handling);
            params = params
                .with("constraints", options.method.map(ConstraintMethod::name))
                .with("penalty_factor", options.penalty_factor)
                .with("relaxed_share", options.relaxed_share);
        }
        let Some(islands) = plan.islands.map(IslandOptions::from) else { return params };
        params
            .with("islands", islands.islands)
            .with("topology", islands.topology.map(Topology::name))
            .with("migration_interval", islands.migration_interval)
            .with("migrants", islands.migrants)
    }
}

impl From<Settings> for Params {
    fn from(settings: Settings) -> Self {
        let none = Self::default();
        match settings {
            Settings::Ga(settings) => GaOptions::from(settings).into(),
            Settings::Cma(settings) => none
                .with("population", settings.population)
                .with("sigma", Some(settings.sigma))
                .with("restarts", Some(settings.restarts.name()))
                .with("covariance", Some(if settings.diagonal { "diagonal" } else { "full" })),
            Settings::Lshade(settings) => none
                .with("population", Some(settings.population))
                .with("best_share", Some(settings.best_share)),
            Settings::Pso(settings) => none
                .with("population", Some(settings.population))
                .with("informants", Some(settings.informants))
                .with("inertia", Some(settings.inertia))
                .with("pull", Some(settings.pull)),
            Settings::Es(settings) => {
                let options = EsOptions::from(settings);
                none.with("scheme", options.scheme.map(Scheme::name))
                    .with("population", options.population)
                    .with("parents", options.parents)
                    .with("sigma", options.sigma)
            }
            Settings::Simplex(settings) => none.with("sigma", Some(settings.sigma)),
            Settings::Tpe(settings) => none
                .with("startup", Some(settings.startup))
                .with("candidates", Some(settings.candidates)),
            Settings::Umda(settings) => none
                .with("population", Some(settings.population))
                .with("selected", Some(settings.selected)),
            Settings::Design(settings) => none
                .with("sampling", Some(settings.sampling.name()))
                .with("block", Some(settings.block)),
            Settings::Memetic(settings) => none.with("population", Some(settings.population)),
            Settings::Elites(settings) => {
                let options = ElitesOptions::from(settings);
                none.with("batch", options.batch)
                    .with("first", options.first)
                    .with("crossover_probability", options.crossover_probability)
                    .with("archive", options.archive.map(ArchiveKind::name))
                    .with("niches", options.niches)
            }
            Settings::Front(settings) => {
                let options = FrontOptions::from(settings);
                none.with("population", options.population)
                    .with("crossover_eta", options.crossover_eta)
                    .with("mutation_eta", options.mutation_eta)
                    .with("neighbours", options.neighbours)
            }
            _ => none,
        }
    }
}

impl From<GaOptions> for Params {
    fn from(options: GaOptions) -> Self {
        Self::default()
            .with("population", options.population)
            .with("crossover", options.crossover.map(CrossoverKind::name))
            .with("crossover_probability", options.crossover_probability)
            .with("crossover_eta", options.crossover_eta)
            .with("blx_alpha", options.blx_alpha)
            .with("mutation", options.mutation.map(MutationKind::name))
            .with("mutation_probability", options.mutation_probability)
            .with("mutation_eta", options.mutation_eta)
            .with("mutation_sigma", options.mutation_sigma)
            .with("mutation_scale", options.mutation_scale)
            .with("exchange", options.exchange.map(ExchangeKind::name))
            .with("exchange_points", options.exchange_points)
            .with("whole_mutation", options.whole_mutation.map(WholeMutation::name))
            .with("order_crossover", options.order_crossover.map(OrderCrossover::name))
            .with("order_mutation", options.order_mutation.map(OrderMutation::name))
            .with("selection", options.selection.map(SelectionKind::name))
            .with("tournament", options.tournament)
            .with("truncation", options.truncation)
            .with("replacement", options.replacement.map(ReplacementKind::name))
            .with("elites", options.elites)
    }
}
