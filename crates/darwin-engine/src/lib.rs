//! Evolutionary optimisation, pure and deterministic.
//!
//! [`optimize`] minimises or maximises an [`Objective`], or a user's expressions by
//! [`Problem::compile`], inside a box. Time, seed, cancellation,
//! threads and progress come as arguments; there is no clock, no I/O and no global state.
//!
//! # Determinism
//! Same seed, same version, same number of evaluations: the same bytes, whatever the number of
//! threads and the target. Random numbers come from one `ChaCha8` stream per (seed, generation,
//! individual); evaluation works on fixed chunks of [`LANES`] points and every reduction runs in
//! index order; transcendental functions are `libm`'s or built here from `+` and `*`, never the
//! platform's; no fused multiply-add; a value that is not finite counts as the worst.
//!
//! ```
//! use darwin_engine::{Bounds, Budget, Controls, Function, GaOptions, Problem, Seed, Sense};
//!
//! let bounds = Bounds::cube(5, -5.12, 5.12)?;
//! let problem = Problem::new(Box::new(Function::Rastrigin.on(5)?), bounds, Sense::Min)?;
//! let settings = GaOptions::default().resolve(5)?;
//! let budget = Budget::evals(20_000)?;
//! let outcome =
//!     darwin_engine::optimize(&problem, &settings, &budget, Seed::new(7)?, &mut Controls::default());
//! assert!(outcome.best.is_some_and(|best| best.f < 1e-3));
//! # Ok::<(), darwin_engine::Error>(())
//! ```

pub mod algorithm;
mod analysis;
mod axis;
mod batch;
mod bounds;
mod budget;
mod builtin;
mod cma;
mod codec;
mod constraint;
mod dataset;
mod design;
mod elites;
mod error;
mod evolution;
mod executor;
mod explain;
pub mod expression;
mod front;
pub mod ga;
mod hypervolume;
mod incumbent;
mod indicator;
mod inspection;
mod islands;
pub mod journal;
mod lshade;
pub mod math;
mod memetic;
mod method;
mod normal;
mod objective;
pub mod parameter;
mod plan;
mod portfolio;
mod priced;
mod problem;
mod pso;
mod run;
mod search;
mod seed;
mod settings;
mod simplex;
mod space;
pub mod statistics;
mod stream;
mod suite;
mod symbolic;
mod tally;
mod tpe;
mod trace;
mod umda;

pub use algorithm::{ALGORITHMS, Algorithm};
pub use analysis::{Analysis, analyze};
pub use bounds::Bounds;
pub use budget::{Budget, MAX_EVALS};
pub use builtin::{Builtin, Function, MAX_DIMENSION};
pub use cma::{CmaOptions, CmaSettings, Restarts};
pub use constraint::{ConstraintMethod, Handling, HandlingOptions};
pub use dataset::{
    Dataset, DatasetModel, Frame, Loss, MAX_DATA_CELLS, MAX_DATA_COLUMNS, MAX_DATA_ROWS, Split,
};
pub use design::{DesignOptions, DesignSettings, Sampling};
pub use elites::{Archive, ArchiveKind, Elite, ElitesOptions, ElitesSettings};
pub use error::{Error, Result};
pub use evolution::{EsOptions, EsSettings, Scheme};
pub use executor::Executor;
#[cfg(feature = "rayon")]
pub use executor::MIN_PARALLEL_GENES;
pub use explain::{
    Axis, Better, Neighbourhood, Progress, Step, Wall, look_around, progress, walls,
};
pub use front::{FrontKind, FrontOptions, FrontSettings};
pub use ga::{
    CrossoverKind, ExchangeKind, Ga, GaOptions, GaSettings, MutationKind, OrderCrossover,
    OrderMutation, ReplacementKind, SelectionKind, WholeMutation,
};
pub use hypervolume::hypervolume;
pub use indicator::{Indicators, indicators};
pub use inspection::{Inspection, inspect};
pub use islands::{IslandOptions, IslandSettings, Topology};
pub use lshade::{LshadeKind, LshadeOptions, LshadeSettings};
pub use memetic::{MemeticOptions, MemeticSettings};
pub use objective::{Cancelled, LANES, Objective, Sense};
pub use plan::Plan;
pub use problem::{
    Descriptor, Limit, MAX_OBJECTIVES, Model, Problem, ProblemRef, Relation, Report,
};
pub use pso::{PsoOptions, PsoSettings};
pub use run::{Best, Controls, Outcome, Run, Status, StopReason, optimize};
pub use search::Member;
pub use seed::{MAX_SEED, Seed};
pub use settings::Settings;
pub use simplex::{SimplexOptions, SimplexSettings};
pub use space::{Kind, Space, Variable};
pub use suite::{Measure, Suite, Task};
pub use symbolic::{
    Candidate, Choice, DEFAULT_FUNCTIONS, Fit, FitOptions, FitSettings, MAX_COLUMNS, MAX_ROWS,
    Sample, fit_expression, symbolic_functions,
};
pub use tpe::{TpeOptions, TpeSettings};
pub use trace::Point;
pub use umda::{UmdaOptions, UmdaSettings};

/// Version of this crate: part of what a result is reproducible by.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
