//! The kinds of object this server reads: where they live, what to show of them, how to filter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::filter::{Filter, Shape};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Resource {
    /// A customer (`cus_`).
    Customer,
    /// A product (`prod_`).
    Product,
    /// A price of a product (`price_`).
    Price,
    /// A payment and its life cycle (`pi_`).
    PaymentIntent,
}

impl Resource {
    pub(crate) const ALL: [Self; 4] =
        [Self::Customer, Self::Product, Self::Price, Self::PaymentIntent];

    /// The API's name of it, as in an object's `object` field.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Product => "product",
            Self::Price => "price",
            Self::PaymentIntent => "payment_intent",
        }
    }

    /// What its ids begin with.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Customer => "cus_",
            Self::Product => "prod_",
            Self::Price => "price_",
            Self::PaymentIntent => "pi_",
        }
    }

    /// Its collection.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Customer => "/v1/customers",
            Self::Product => "/v1/products",
            Self::Price => "/v1/prices",
            Self::PaymentIntent => "/v1/payment_intents",
        }
    }

    /// The resource an id belongs to.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| id.starts_with(resource.prefix()))
    }

    /// The resource that the `object` field names.
    pub(crate) fn of_object(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name() == name)
    }

    /// What is shown when no `fields` are asked for.
    pub(crate) const fn compact(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &[
                "name",
                "email",
                "phone",
                "description",
                "currency",
                "balance",
                "delinquent",
                "metadata",
                "test_clock",
                "created",
            ],
            Self::Product => {
                &["name", "active", "default_price", "description", "metadata", "created"]
            }
            Self::Price => &[
                "product",
                "active",
                "currency",
                "unit_amount",
                "billing_scheme",
                "type",
                "recurring.interval",
                "recurring.interval_count",
                "lookup_key",
                "nickname",
                "metadata",
                "created",
            ],
            Self::PaymentIntent => &[
                "status",
                "amount",
                "amount_received",
                "currency",
                "customer",
                "description",
                "latest_charge",
                "last_payment_error.code",
                "last_payment_error.decline_code",
                "cancellation_reason",
                "metadata",
                "created",
            ],
        }
    }

    /// What its list can be filtered by (the API's query parameters, without paging).
    pub(crate) const fn filters(self) -> &'static [Filter] {
        match self {
            Self::Customer => &[
                CREATED,
                Filter { name: "email", shape: Shape::Text(512) },
                Filter { name: "test_clock", shape: Shape::Id("clock_") },
            ],
            Self::Product => &[
                Filter { name: "active", shape: Shape::Flag },
                CREATED,
                Filter { name: "ids", shape: Shape::Texts(100) },
                Filter { name: "shippable", shape: Shape::Flag },
                Filter { name: "url", shape: Shape::Text(5_000) },
            ],
            Self::Price => &[
                Filter { name: "active", shape: Shape::Flag },
                CREATED,
                Filter { name: "currency", shape: Shape::Currency },
                Filter { name: "lookup_keys", shape: Shape::Texts(10) },
                Filter { name: "product", shape: Shape::Text(255) },
                Filter { name: "recurring", shape: Shape::Group(RECURRING) },
                Filter { name: "type", shape: Shape::Word(&["one_time", "recurring"]) },
            ],
            Self::PaymentIntent => &[
                CREATED,
                Filter { name: "customer", shape: Shape::Id("cus_") },
                Filter { name: "customer_account", shape: Shape::Id("acct_") },
            ],
        }
    }
}

const CREATED: Filter = Filter { name: "created", shape: Shape::Moment };

const RECURRING: &[Filter] = &[
    Filter { name: "interval", shape: Shape::Word(&["day", "week", "month", "year"]) },
    Filter { name: "meter", shape: Shape::Text(255) },
    Filter { name: "usage_type", shape: Shape::Word(&["licensed", "metered"]) },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_resource() {
        assert_eq!(Resource::of_id("cus_1"), Some(Resource::Customer));
        assert_eq!(Resource::of_id("prod_1"), Some(Resource::Product));
        assert_eq!(Resource::of_id("price_1"), Some(Resource::Price));
        assert_eq!(Resource::of_id("pi_1"), Some(Resource::PaymentIntent));
        for other in ["ch_1", "cus", "", "x_cus_1", "pii_1"] {
            assert_eq!(Resource::of_id(other), None, "{other}");
        }
        for resource in Resource::ALL {
            assert_eq!(Resource::of_object(resource.name()), Some(resource));
        }
    }
}
