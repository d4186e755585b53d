//! Prompts.

use mcp_core::prelude::*;

pub(crate) const ALL: &[Prompt] = &[Prompt {
    name: "tune_parameters",
    title: "Tune the genetic algorithm",
    description: "Find settings of the genetic algorithm that suit a function, on equal budgets",
    arguments: &[
        PromptArgument {
            name: "function",
            description: "Function to tune on",
            required: true,
            values: &["sphere", "rastrigin", "rosenbrock", "ackley"],
        },
        PromptArgument {
            name: "dimension",
            description: "Number of variables",
            required: true,
            values: &["2", "5", "10", "20", "50"],
        },
        PromptArgument {
            name: "max_evals",
            description: "Evaluations of each run",
            required: true,
            values: &["5000", "20000", "50000", "200000"],
        },
    ],
    template: "Find settings of the genetic algorithm for {function} with {dimension} variables.\n\
               1. See the parameters and their ranges with list_algorithms.\n\
               2. Run optimize_problem with algorithm ga, default params, budget.max_evals \
               {max_evals} and seeds 1, 2, 3, 4, 5: this is the baseline.\n\
               3. Change one thing at a time (population, crossover, mutation_probability, \
               tournament, replacement), each with the same budget and the same five seeds.\n\
               4. Compare medians of best.f. Combine the changes that helped, run once more, and \
               check the winner with seeds 101 to 105, which played no part in the choice.\n\
               Show a table of settings, median, least and most best.f, and the repro line of the \
               best run.",
}];
