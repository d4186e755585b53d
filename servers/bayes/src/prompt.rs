//! Prompts: ways of working that use several tools.

use mcp_core::prelude::*;

/// All prompts.
pub(crate) const ALL: &[Prompt] = &[AB_DECISION, WORKFLOW];

const AB_DECISION: Prompt = Prompt {
    name: "ab_decision",
    title: "Decide an A/B test",
    description: "From counts to a decision that names its risk: analyse, check, recommend.",
    arguments: &[
        PromptArgument {
            name: "results",
            description: "Successes and trials of each arm, control first: A 120/2400, B 156/2380.",
            required: true,
            values: &[],
        },
        PromptArgument {
            name: "goal",
            description: "What a success is, and what the change costs.",
            required: false,
            values: &[],
        },
        PromptArgument {
            name: "tolerable_loss",
            description: "Rate one can afford to lose by a wrong choice, as a fraction.",
            required: false,
            values: &["0.0001", "0.0005", "0.001", "0.005", "0.01"],
        },
    ],
    template: "Decide this A/B test.\n\nResults (successes/trials, control first): {results}\nGoal: \
        {goal}\nTolerable loss: {tolerable_loss} (0.001 if this is empty)\n\n1. Check the counts: \
        successes never exceed trials; ask if it is unclear which arm is the control or whether the \
        same person was counted twice.\n2. Call analyze_ab_test with metric binary, the arms in that \
        order, loss_threshold = the tolerable loss and, if a difference too small to matter is known, \
        rope = [-that, that].\n3. Report in this order: the decision and its expected loss; the \
        probability that each arm is best; the lift against the control with its interval, absolute \
        in percentage points and relative; every entry of reasons.\n4. Repeat the call with prior \
        alpha = beta = 0.5 and say whether the decision depends on the prior.\n5. If the action \
        is continue, say which arm leads, what is still at risk and that further data may change it; \
        do not call a difference real because its probability exceeds 95 %.",
};

const WORKFLOW: Prompt = Prompt {
    name: "bayesian_workflow",
    title: "A Bayesian analysis",
    description: "From a question and data to figures that were checked: prior, fit, diagnosis, criticism, \
        comparison, report.",
    arguments: &[
        PromptArgument {
            name: "question",
            description: "What is to be learnt, about which quantity.",
            required: true,
            values: &[],
        },
        PromptArgument {
            name: "data",
            description: "What was measured, how, in which units; or a data_id.",
            required: true,
            values: &[],
        },
    ],
    template: "Answer this by a Bayesian analysis.\n\nQuestion: {question}\nData: {data}\n\n1. Say which \
        quantity answers the question and what could mislead: selection, missing values, groups, repeated \
        measurements. If a closed form answers it (update_conjugate, analyze_ab_test, compare_groups), use \
        that and go to 7.\n2. Write the simplest model that could be right: fit_regression if it is a \
        regression, else Stan text (resource bayes://language; models to begin with under \
        bayes://examples/). check_model until it is clean.\n3. check_prior: are foretold data possible, is \
        what was observed within them? Change the prior for reasons of the subject only, before \
        fitting.\n4. fit_model. If reliable is false, do what its reasons say and fit again; use no \
        figure of it. For a model written by hand, calibrate_model once.\n5. check_fit. For every misfit \
        ask whether it matters to the question; if so, extend the model by that one thing and return to \
        2.\n6. compare_models of those that remain, by loo to foretell, by bridge for evidence. A difference \
        below 4, or below twice its error, decides nothing.\n7. Report: the answer as an interval in the \
        unit of the question with its probability; the model in one sentence; what the data could not say \
        (sensitivity of check_prior); what was tried and dropped; run_id and seed.",
};
