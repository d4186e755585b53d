//! Checks list filters against the table of their resource, before anything is sent.

use mcp_core::suggest::did_you_mean;
use serde_json::{Map, Value};

use crate::{Error, resource::Resource};

/// One filter of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
}

/// What a filter's value must look like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// `true` or `false`.
    Flag,
    /// Text of at most so many characters.
    Text(usize),
    /// At most so many texts.
    Texts(usize),
    /// An object id with this prefix.
    Id(&'static str),
    /// Three letters.
    Currency,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Unix seconds, or bounds in unix seconds.
    Moment,
    /// Filters inside.
    Group(&'static [Filter]),
}

/// Bounds of a [`Shape::Moment`].
const BOUNDS: [&str; 4] = ["gt", "gte", "lt", "lte"];

/// Check the filters of a list and bring them into the form the API takes.
///
/// # Errors
/// `invalid_parameter` at the filter's JSON pointer, with the nearest known name.
pub(crate) fn check(
    resource: Resource,
    filters: &Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    check_group("/filters", resource.name(), resource.filters(), filters)
}

fn check_group(
    pointer: &str,
    owner: &str,
    known: &'static [Filter],
    filters: &Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    let mut out = Map::new();
    for (name, value) in filters {
        let Some(filter) = known.iter().find(|filter| filter.name == name) else {
            return Err(unknown(pointer, owner, known, name));
        };
        let pointer = format!("{pointer}/{name}");
        out.insert(name.clone(), filter.shape.check(&pointer, name, value)?);
    }
    Ok(out)
}

fn unknown(pointer: &str, owner: &str, known: &'static [Filter], name: &str) -> Error {
    let names: Vec<_> = known.iter().map(|filter| filter.name).collect();
    // The name is the caller's text: shown in part, and only what a name may contain.
    let shown: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
    let near = did_you_mean(&shown, names.iter().copied());
    Error::Parameter {
        field: format!("{pointer}/{}", escape(&shown)),
        message: format!("{owner} has no filter `{shown}`{near}"),
        hint: Some(format!("filters of {owner}: {}", names.join(", "))),
    }
}

/// A name as a reference token of a JSON pointer (RFC 6901, section 3).
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Shape {
    fn check(self, pointer: &str, name: &str, value: &Value) -> Result<Value, Error> {
        let wrong =
            |expected: &str| Err(Error::parameter(pointer, format!("{name} must be {expected}")));
        match (self, value) {
            (Self::Flag, Value::Bool(_)) => Ok(value.clone()),
            (Self::Flag, _) => wrong("true or false"),
            (Self::Text(max), Value::String(text)) if fits(text, max) => Ok(value.clone()),
            (Self::Text(max), _) => wrong(&format!("a text of 1 to {max} characters")),
            (Self::Texts(max), Value::Array(items)) if texts(items, max) => Ok(value.clone()),
            (Self::Texts(max), _) => wrong(&format!("a list of 1 to {max} texts")),
            (Self::Id(prefix), Value::String(text)) if is_id(text, prefix) => Ok(value.clone()),
            (Self::Id(prefix), _) => wrong(&format!("an id that begins with {prefix}")),
            (Self::Currency, Value::String(text)) if is_currency(text) => {
                Ok(text.to_ascii_lowercase().into())
            }
            (Self::Currency, _) => wrong("a currency of three letters"),
            (Self::Word(words), Value::String(text)) if words.contains(&text.as_str()) => {
                Ok(value.clone())
            }
            (Self::Word(words), _) => wrong(&format!("one of {}", words.join(", "))),
            (Self::Moment, _) => moment(pointer, name, value),
            (Self::Group(known), Value::Object(map)) if !map.is_empty() => {
                check_group(pointer, name, known, map).map(Value::Object)
            }
            (Self::Group(known), _) => {
                let names: Vec<_> = known.iter().map(|filter| filter.name).collect();
                wrong(&format!("an object of {}", names.join(", ")))
            }
        }
    }
}

fn moment(pointer: &str, name: &str, value: &Value) -> Result<Value, Error> {
    let wrong = |pointer: &str| Error::Parameter {
        field: pointer.to_owned(),
        message: format!(
            "{name} must be unix seconds, or an object of {} in unix seconds",
            BOUNDS.join(", ")
        ),
        hint: Some(
            r#"for example {"gte": 1767225600} for 2026-01-01T00:00:00Z or later"#.to_owned(),
        ),
    };
    match value {
        Value::Number(number) if number.as_u64().is_some() => Ok(value.clone()),
        Value::Object(bounds) if !bounds.is_empty() => {
            for (bound, second) in bounds {
                if !BOUNDS.contains(&bound.as_str()) || second.as_u64().is_none() {
                    return Err(wrong(&format!("{pointer}/{}", escape(bound))));
                }
            }
            Ok(value.clone())
        }
        _ => Err(wrong(pointer)),
    }
}

fn fits(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count())
}

fn texts(items: &[Value], max: usize) -> bool {
    (1..=max).contains(&items.len())
        && items.iter().all(|item| item.as_str().is_some_and(|text| fits(text, 255)))
}

/// Whether a text is an object id: the prefix, then letters, digits and underscores.
pub(crate) fn is_id(text: &str, prefix: &str) -> bool {
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    (1..=255).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(resource: Resource, filters: &Value) -> Result<Map<String, Value>, Error> {
        check(resource, filters.as_object().unwrap())
    }

    #[test]
    fn takes_every_filter_of_the_api() {
        let good = [
            (
                Resource::Customer,
                json!({"created": {"gte": 1, "lt": 2}, "email": "a@b.c", "test_clock": "clock_1"}),
            ),
            (
                Resource::Product,
                json!({"active": true, "created": 5, "ids": ["a", "b"], "shippable": false, "url": "https://x"}),
            ),
            (
                Resource::Price,
                json!({"active": false, "currency": "EUR", "lookup_keys": ["k"], "product": "prod_1", "recurring": {"interval": "month", "usage_type": "metered", "meter": "m"}, "type": "recurring"}),
            ),
            (
                Resource::PaymentIntent,
                json!({"customer": "cus_1", "customer_account": "acct_1", "created": {"gt": 0}}),
            ),
        ];
        for (resource, filters) in good {
            let checked = checked(resource, &filters).unwrap();
            assert_eq!(checked.len(), filters.as_object().unwrap().len());
        }
        assert_eq!(
            checked(Resource::Price, &json!({"currency": "EUR"})).unwrap()["currency"],
            "eur"
        );
    }

    #[test]
    fn refuses_the_rest_at_its_pointer() {
        let bad = [
            (Resource::Customer, json!({"emial": "a"}), "/filters/emial", "did you mean `email`"),
            (Resource::Customer, json!({"limit": 5}), "/filters/limit", "no filter"),
            (Resource::Customer, json!({"email": 5}), "/filters/email", "512"),
            (
                Resource::Customer,
                json!({"created": "2026-01-01"}),
                "/filters/created",
                "unix seconds",
            ),
            (
                Resource::Customer,
                json!({"created": {"from": 1}}),
                "/filters/created/from",
                "unix seconds",
            ),
            (Resource::Customer, json!({"created": -1}), "/filters/created", "unix seconds"),
            (Resource::Product, json!({"active": "yes"}), "/filters/active", "true or false"),
            (Resource::Product, json!({"ids": []}), "/filters/ids", "1 to 100"),
            (Resource::Price, json!({"currency": "euro"}), "/filters/currency", "three letters"),
            (Resource::Price, json!({"type": "once"}), "/filters/type", "one_time, recurring"),
            (
                Resource::Price,
                json!({"recurring": {"intervall": "day"}}),
                "/filters/recurring/intervall",
                "did you mean `interval`",
            ),
            (
                Resource::Price,
                json!({"lookup_keys": vec!["k"; 11]}),
                "/filters/lookup_keys",
                "1 to 10",
            ),
            (Resource::PaymentIntent, json!({"customer": "prod_1"}), "/filters/customer", "cus_"),
            (
                Resource::PaymentIntent,
                json!({"customer": "cus_1/../x"}),
                "/filters/customer",
                "cus_",
            ),
        ];
        for (resource, filters, field, part) in bad {
            let Err(Error::Parameter { field: at, message, .. }) = checked(resource, &filters)
            else {
                panic!("{filters} passed");
            };
            assert_eq!(at, field);
            assert!(message.contains(part), "{message}");
        }
    }
}
