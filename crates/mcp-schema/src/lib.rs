//! JSON Schema 2020-12, compiled once, when first needed; violations as messages that repair.
//!
//! A crate of its own, built at `opt-level` 1: there it shares the validators that `jsonschema` has
//! compiled already; a crate at 3 compiles all of them again (20 CPU seconds and a megabyte in each
//! binary).

pub mod suggest;

use std::{fmt, sync::LazyLock};

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use crate::suggest::did_you_mean;

/// Bound of a string whose schema names none.
pub const DEFAULT_MAX_LENGTH: u64 = 65_536;
/// Bound of an array whose schema names none.
pub const DEFAULT_MAX_ITEMS: u64 = 10_000;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema(Validator);

/// What is wrong with a value, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the value; empty for the value itself.
    pub pointer: String,
    /// A lowercase fragment that names the bound.
    pub message: String,
}

impl Schema {
    /// Compile a schema. References outside it are refused, nothing is fetched.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        jsonschema::draft202012::options()
            .build(schema)
            .map(Self)
            .map_err(|error| format!("the schema is invalid: {}", error.masked()))
    }

    /// Compile the schema of a tool's arguments, with bounds for strings and arrays that have none.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn compile_bounded(schema: &Value) -> Result<Self, String> {
        let mut bounded = schema.clone();
        add_default_bounds(&mut bounded);
        Self::compile(&bounded)
    }

    /// Check a value.
    ///
    /// # Errors
    /// The first violation.
    pub fn check(&self, value: &Value) -> Result<(), Violation> {
        self.0.validate(value).map_err(|error| violation(&error))
    }
}

/// A schema of a tool's arguments that is compiled at its first check: an idle server holds neither the
/// compiled form of its schemas nor, mapped, the code that compiles them.
pub struct Deferred(LazyLock<Result<Schema, String>, Compile>);

type Compile = Box<dyn FnOnce() -> Result<Schema, String> + Send>;

impl Deferred {
    /// A schema that [`Schema::compile_bounded`] will compile.
    #[must_use]
    pub fn new(schema: Value) -> Self {
        Self(LazyLock::new(Box::new(move || Schema::compile_bounded(&schema))))
    }

    /// The compiled schema.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn compiled(&self) -> Result<&Schema, &str> {
        self.0.as_ref().map_err(String::as_str)
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deferred").finish_non_exhaustive()
    }
}

fn add_default_bounds(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for inner in object.values_mut() {
                add_default_bounds(inner);
            }
            let names = |wanted: &str| match object.get("type") {
                Some(Value::String(name)) => name == wanted,
                Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
                _ => false,
            };
            let (text, list) = (names("string"), names("array"));
            if text && !object.contains_key("enum") {
                object.entry("maxLength").or_insert_with(|| DEFAULT_MAX_LENGTH.into());
            }
            if list {
                object.entry("maxItems").or_insert_with(|| DEFAULT_MAX_ITEMS.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(add_default_bounds),
        _ => {}
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    if let Some(branch) = branch_meant(error) {
        return violation(branch);
    }
    let mut pointer = error.instance_path().to_string();
    if let Kind::AdditionalProperties { unexpected } = error.kind() {
        if let Some(name) = unexpected.first() {
            add_step(&mut pointer, name);
        }
    }
    if let Kind::Required { property } = error.kind() {
        add_step(&mut pointer, property.as_str().unwrap_or_default());
    }
    Violation { pointer, message: message(error) }
}

/// One more step of a JSON pointer (RFC 6901 section 3).
fn add_step(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

/// Of the branches of a union, the one that the caller most likely meant: the one that matched
/// deepest, where neither its tag nor its type as a whole is what differs; else the only one that
/// is not `null`.
fn branch_meant<'e>(error: &'e ValidationError<'_>) -> Option<&'e ValidationError<'static>> {
    let (Kind::AnyOf { context } | Kind::OneOfNotValid { context }) = error.kind() else {
        return None;
    };
    let here = error.instance_path().to_string();
    context
        .iter()
        .filter_map(|errors| {
            let mismatch = errors.iter().any(|error| is_tag_or_whole(error, &here));
            let first = errors.first()?;
            (!mismatch).then_some((first.instance_path().to_string().len(), first))
        })
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, error)| error)
        .or_else(|| {
            let first = context.iter().filter_map(|errors| errors.first());
            let mut branches = first.filter(|error| !asks_null(error));
            branches.next().filter(|_| branches.next().is_none())
        })
}

fn asks_null(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Type { kind: TypeKind::Single(name) } if name.to_string() == "null")
}

fn is_tag_or_whole(error: &ValidationError<'_>, here: &str) -> bool {
    match error.kind() {
        Kind::Constant { .. } => true,
        Kind::Type { .. } | Kind::Enum { .. } => error.instance_path().to_string() == here,
        _ => false,
    }
}

fn message(error: &ValidationError<'_>) -> String {
    let was = || shown(error.instance());
    match error.kind() {
        Kind::Minimum { limit } => format!("must be >= {limit}, was {}", was()),
        Kind::Maximum { limit } => format!("must be <= {limit}, was {}", was()),
        Kind::ExclusiveMinimum { limit } => format!("must be > {limit}, was {}", was()),
        Kind::ExclusiveMaximum { limit } => format!("must be < {limit}, was {}", was()),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {}", many(*limit, "character")),
        Kind::MaxLength { limit } => format!("must have at most {}", many(*limit, "character")),
        Kind::MinItems { limit } => format!("must have at least {}", many(*limit, "item")),
        Kind::MaxItems { limit } => format!("must have at most {}", many(*limit, "item")),
        Kind::MinProperties { limit } => format!("must have at least {}", many(*limit, "field")),
        Kind::MaxProperties { limit } => format!("must have at most {}", many(*limit, "field")),
        Kind::UniqueItems => "must not repeat an item".to_owned(),
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        Kind::Enum { options } => {
            format!("must be one of {}{}", listed(options), near(error, options))
        }
        Kind::Constant { expected_value } => format!("must be {expected_value}"),
        Kind::Required { .. } => "is required".to_owned(),
        Kind::Type { kind } => {
            format!("must be {}, was {}", type_names(kind), type_of(error.instance()))
        }
        Kind::AdditionalProperties { unexpected } => unknown_fields(unexpected),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            "has none of the allowed forms".to_owned()
        }
        Kind::OneOfMultipleValid { .. } => "fits more than one of the allowed forms".to_owned(),
        _ => error.masked().to_string(),
    }
}

fn many(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// Write whole numbers as such: `1.0` is an integer to a schema, but not to serde.
pub fn normalise_numbers(value: &mut Value) {
    /// Beyond it a float no longer tells every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or(f64::NAN);
            if float.fract() == 0.0
                && float.abs() <= EXACT
                && !(float == 0.0 && float.is_sign_negative())
            {
                #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
                let whole = float as i64;
                *value = Value::from(whole);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise_numbers),
        Value::Object(object) => object.values_mut().for_each(normalise_numbers),
        _ => {}
    }
}

fn unknown_fields(unexpected: &[String]) -> String {
    match unexpected.len() {
        0 | 1 => "is not a known field".to_owned(),
        more => format!("is not a known field (nor are {} more)", more - 1),
    }
}

/// A value small and plain enough to repeat in a message.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        other => type_of(other).to_owned(),
    }
}

fn listed(options: &Value) -> String {
    let Value::Array(options) = options else { return options.to_string() };
    let words: Vec<String> = options
        .iter()
        .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
        .collect();
    words.join(", ")
}

fn near(error: &ValidationError<'_>, options: &Value) -> String {
    let (Some(word), Some(options)) = (error.instance().as_str(), options.as_array()) else {
        return String::new();
    };
    did_you_mean(word, options.iter().filter_map(Value::as_str))
}

fn type_names(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(name) => name.to_string(),
        TypeKind::Multiple(names) => {
            let names: Vec<String> =
                names.iter().map(|name| name.to_string()).filter(|name| name != "null").collect();
            names.join(" or ")
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refused(schema: &Value, value: &Value) -> (String, String) {
        let violation =
            Schema::compile_bounded(schema).unwrap().check(value).expect_err("a violation");
        (violation.pointer, violation.message)
    }

    #[test]
    fn a_violation_names_the_place_and_the_bound() {
        let schema = json!({"type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {"n": {"type": "integer", "minimum": 1},
                           "mode": {"type": "string", "enum": ["fast", "exact"]},
                           "rows": {"type": "array", "items": {"type": "number"}}}});
        let cases = [
            (json!({"n": 0}), "/n", "must be >= 1, was 0"),
            (json!({"n": 1.5}), "/n", "must be integer, was a fraction"),
            (json!({"n": "1"}), "/n", "must be integer, was a string"),
            (json!({}), "/n", "is required"),
            (json!({"n": 1, "a/b": 2}), "/a~1b", "is not a known field"),
            (
                json!({"n": 1, "mode": "exakt"}),
                "/mode",
                "must be one of fast, exact (did you mean `exact`?)",
            ),
            (json!({"n": 1, "rows": [1, "x"]}), "/rows/1", "must be number, was a string"),
            (json!([]), "", "must be object, was an array"),
        ];
        for (value, pointer, message) in cases {
            assert_eq!(refused(&schema, &value), (pointer.to_owned(), message.to_owned()));
        }
    }

    #[test]
    fn a_deferred_schema_is_compiled_once_with_bounds() {
        let schema = Deferred::new(json!({"type": "string"}));
        let long = json!("x".repeat(65_537));
        assert!(schema.compiled().unwrap().check(&long).is_err());
        assert!(std::ptr::eq(schema.compiled().unwrap(), schema.compiled().unwrap()));
        let wrong = Deferred::new(json!({"type": "number", "minimum": "one"}));
        assert!(wrong.compiled().unwrap_err().contains("schema is invalid"));
        assert!(wrong.compiled().is_err());
    }

    #[test]
    fn of_a_union_the_branch_that_was_meant_speaks() {
        let schema = json!({"oneOf": [
            {"type": "object", "required": ["kind", "a"], "properties":
                {"kind": {"const": "a"}, "a": {"type": "integer", "minimum": 0}}},
            {"type": "object", "required": ["kind", "b"], "properties":
                {"kind": {"const": "b"}, "b": {"type": "integer"}}}]});
        assert_eq!(refused(&schema, &json!({"kind": "a", "a": -1})).0, "/a");
        let optional = json!({"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]});
        assert_eq!(refused(&optional, &json!(1)).1, "must be >= 3, was 1");
        assert_eq!(refused(&optional, &json!("x")).1, "must be integer, was a string");
    }

    #[test]
    fn strings_and_arrays_are_bounded_even_where_the_schema_is_silent() {
        let schema = json!({"type": "object", "properties":
            {"text": {"type": ["string", "null"]}, "list": {"type": "array"}}});
        let long = "x".repeat(65_537);
        assert!(refused(&schema, &json!({"text": long})).1.contains("65536"));
        assert!(refused(&schema, &json!({"list": vec![0; 10_001]})).1.contains("10000"));
    }

    #[test]
    fn whole_numbers_are_written_as_such() {
        let mut value = json!({"a": 1.0, "b": [2.5, -3.0, -0.0], "c": 1e300});
        normalise_numbers(&mut value);
        assert_eq!(value.to_string(), r#"{"a":1,"b":[2.5,-3,-0.0],"c":1e+300}"#);
    }

    #[test]
    fn nothing_is_fetched() {
        let remote = json!({"$ref": "https://example.com/schema.json"});
        assert!(Schema::compile(&remote).is_err());
    }

    proptest! {
        #[test]
        fn no_value_breaks_the_checker(text in ".*", number in any::<f64>()) {
            let schema = Schema::compile(&json!({"type": "object", "properties":
                {"x": {"type": "integer", "maximum": 5}}})).unwrap();
            drop(schema.check(&json!({"x": number, &text: text})));
        }
    }
}
