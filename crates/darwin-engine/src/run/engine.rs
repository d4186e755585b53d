//! The algorithm of a run, whichever it is, with what is put around it.

use crate::{
    Plan, ProblemRef, Seed, Settings, batch::Batch, cma::Cma, design::Design, elites::Elites,
    evolution::Es, front::Front, ga::Ga, islands::Islands, lshade::Lshade, memetic::Memetic,
    method::Method, portfolio::Portfolio, priced::Priced, pso::Pso, search::Search,
    simplex::Simplex, tpe::Tpe, umda::Umda,
};

/// The search that a plan stands for.
pub(super) fn engine<'p>(
    problem: &ProblemRef<'p>,
    plan: Plan,
    max_evals: u64,
    seed: Seed,
) -> Box<dyn Search + 'p> {
    let alone = |seed, max_evals| alone(problem.clone(), plan.settings, max_evals, seed);
    let search = match plan.islands {
        Some(settings) => {
            Box::new(Islands::new(problem.clone(), settings, (seed, max_evals), alone))
        }
        None => alone(seed, max_evals),
    };
    let prices = !plan.handling.is_rules() && problem.constraints() > 0;
    if prices && problem.senses().len() == 1 && !problem.is_external() {
        return Box::new(Priced::new(problem.clone(), search, plan.handling, max_evals));
    }
    search
}

/// One population.
fn alone<'p>(
    problem: ProblemRef<'p>,
    settings: Settings,
    max_evals: u64,
    seed: Seed,
) -> Box<dyn Search + 'p> {
    let dimension = problem.bounds().dimension();
    let method: Box<dyn Method> = match settings {
        Settings::Ga(settings) => return Box::new(Ga::new(problem, settings, seed)),
        Settings::Front(settings) => return Box::new(Front::new(problem, settings, seed)),
        Settings::Elites(settings) => return Box::new(Elites::new(problem, settings, seed)),
        Settings::Cma(settings) => Box::new(Cma::new(dimension, settings, seed)),
        Settings::Lshade(settings) => Box::new(Lshade::new(dimension, settings, max_evals, seed)),
        Settings::Pso(settings) => Box::new(Pso::new(dimension, settings, seed)),
        Settings::Es(settings) => Box::new(Es::new(dimension, settings, seed)),
        Settings::Simplex(settings) => Box::new(Simplex::new(dimension, settings, seed)),
        Settings::Tpe(settings) => Box::new(Tpe::new(dimension, settings, seed)),
        Settings::Umda(settings) => Box::new(Umda::new(&problem, settings, seed)),
        Settings::Design(settings) => Box::new(Design::new(dimension, settings, seed)),
        Settings::Memetic(settings) => {
            Box::new(Memetic::new(&problem.permutations(), settings, seed))
        }
        Settings::Portfolio(settings) => Box::new(Portfolio::new(dimension, settings, seed)),
    };
    Box::new(Batch::new(problem, method))
}
