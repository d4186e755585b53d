//! Stripe's form encoding: `a[b]=1`, `a[0][b]=2` (docs.stripe.com/api, "Form-encoded parameters").

use serde_json::{Map, Value};

use crate::Error;

/// Parameters of one request, in sending order: bracketed name and plain value.
pub(crate) type Pairs = Vec<(String, String)>;

/// No parameter of the API is nested deeper; a deeper argument is a mistake or an attack.
const MAX_DEPTH: usize = 6;

/// Flatten parameters into bracketed names.
///
/// Lists are indexed (`a[0]`), so that lists of objects keep their shape. `null` and empty
/// containers become an empty value, which is how the API is told to unset something.
///
/// # Errors
/// A name with a bracket (it would be read as nesting), an empty name, or nesting beyond 6.
pub(crate) fn pairs(parameters: &Map<String, Value>) -> Result<Pairs, Error> {
    let mut out = Vec::new();
    for (name, value) in parameters {
        check_name(name)?;
        flatten(name.clone(), value, 1, &mut out)?;
    }
    Ok(out)
}

/// `application/x-www-form-urlencoded` text of the pairs: the query of a GET, the body of a POST.
pub(crate) fn encode(pairs: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn flatten(name: String, value: &Value, depth: usize, out: &mut Pairs) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::parameter(format!("/{name}"), "nests deeper than 6 levels"));
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                check_name(key)?;
                flatten(format!("{name}[{key}]"), value, depth + 1, out)?;
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                flatten(format!("{name}[{index}]"), value, depth + 1, out)?;
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null => out.push((name, String::new())),
        Value::Bool(flag) => out.push((name, flag.to_string())),
        Value::Number(number) => out.push((name, number.to_string())),
        Value::String(text) => out.push((name, text.clone())),
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains(['[', ']']) {
        return Err(Error::parameter("", "a parameter name is empty or contains a square bracket"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn encoded(value: &Value) -> String {
        encode(&pairs(value.as_object().unwrap()).unwrap())
    }

    #[test]
    fn nests_with_brackets() {
        assert_eq!(encoded(&json!({"limit": 3})), "limit=3");
        assert_eq!(encoded(&json!({"created": {"gte": 1}})), "created%5Bgte%5D=1");
        assert_eq!(encoded(&json!({"expand": ["a", "b"]})), "expand%5B0%5D=a&expand%5B1%5D=b");
        assert_eq!(encoded(&json!({"items": [{"price": "p"}]})), "items%5B0%5D%5Bprice%5D=p");
        assert_eq!(encoded(&json!({"active": true, "name": null})), "active=true&name=");
        assert_eq!(
            encoded(&json!({"metadata": {"a b": "x&y=z é"}})),
            "metadata%5Ba+b%5D=x%26y%3Dz+%C3%A9"
        );
    }

    #[test]
    fn refuses_names_that_would_nest() {
        for bad in [json!({"a[b]": 1}), json!({"metadata": {"x]": 1}}), json!({"": 1})] {
            assert!(pairs(bad.as_object().unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_bottomless_nesting() {
        let mut value = json!(1);
        for _ in 0..7 {
            value = json!({ "a": value });
        }
        assert!(pairs(value.as_object().unwrap()).is_err());
    }

    /// The reading side, as the API documents it: brackets nest, digits index a list.
    fn decode(text: &str) -> Value {
        let mut root = json!({});
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let path: Vec<String> =
                name.split('[').map(|part| part.trim_end_matches(']').to_owned()).collect();
            *slot(&mut root, &path) = Value::String(value.into_owned());
        }
        root
    }

    fn slot<'a>(mut at: &'a mut Value, path: &[String]) -> &'a mut Value {
        for part in path {
            at = match part.parse::<usize>() {
                Ok(index) => {
                    if !at.is_array() {
                        *at = json!([]);
                    }
                    let items = at.as_array_mut().unwrap();
                    if items.len() == index {
                        items.push(json!({}));
                    }
                    &mut items[index]
                }
                Err(_) => at.as_object_mut().unwrap().entry(part).or_insert_with(|| json!({})),
            };
        }
        at
    }

    fn parameters(depth: u32) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(depth, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
                object(inner).prop_map(Value::from),
            ]
        })
    }

    /// Names begin with a letter, so that the reader can tell them from an index.
    fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::btree_map("[a-z][^\\[\\]]{0,8}", inner, 1..4)
            .prop_map(|map| map.into_iter().collect())
    }

    fn as_text(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                map.iter().map(|(k, v)| (k.clone(), as_text(v))).collect::<Map<_, _>>().into()
            }
            Value::Array(items) => items.iter().map(as_text).collect(),
            Value::String(text) => Value::String(text.clone()),
            other => Value::String(other.to_string()),
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(map in object(parameters(4))) {
            let text = encode(&pairs(&map).unwrap());
            prop_assert!(text.is_ascii() && !text.contains(['[', ']', ' ', '\n']));
            prop_assert_eq!(decode(&text), as_text(&Value::Object(map)));
        }
    }
}
