//! The prompts.

use mcp_core::{Prompt, PromptArgument};

pub(crate) const ALL: &[Prompt] = &[Prompt {
    name: "review_customer",
    title: "Review a customer",
    description: "Summarise a customer's record and recent payments",
    arguments: &[PromptArgument {
        name: "customer",
        description: "Customer id, cus_…",
        required: true,
        values: &[],
    }],
    template: "Review the Stripe customer {customer}. Use get_object for the record, then list_objects \
with resource payment_intent and filters {\"customer\": \"{customer}\"} for recent payments. Report: who the \
customer is (masked data stays masked), whether the account is in good standing, the last payments with \
status and amount, failures with their decline codes, and what deserves a human's attention. Change nothing.",
}];
