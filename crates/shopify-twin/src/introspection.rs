//! Introspection JSON to SDL, so that the committed schema can be rebuilt from its published source.

use serde::Deserialize;
use std::fmt::Write as _;

/// Types that GraphQL itself defines: a schema document must not repeat them.
const BUILT_IN_SCALARS: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
/// Directives that GraphQL itself defines.
const BUILT_IN_DIRECTIVES: [&str; 5] = ["deprecated", "include", "oneOf", "skip", "specifiedBy"];
/// The reason that introspection reports when a schema gives none.
const DEFAULT_REASON: &str = "No longer supported";

/// Print the SDL of an introspection answer, without descriptions.
///
/// `json` is the whole answer (`{"data":{"__schema":…}}`) or its `data`. The text is deterministic
/// and equals graphql-js 16 `printSchema` of the same answer stripped of descriptions, after one
/// line more: `directive @oneOf on INPUT_OBJECT`, which graphql-js takes for granted and
/// apollo-compiler does not.
///
/// # Errors
/// The answer is not JSON, or not an introspection answer.
pub fn sdl_from_introspection(json: &str) -> Result<String, serde_json::Error> {
    let schema = match serde_json::from_str(json)? {
        Answer::Whole { data } => data.schema,
        Answer::Data(data) => data.schema,
    };
    let mut blocks = vec!["directive @oneOf on INPUT_OBJECT".to_owned(), roots(&schema)];
    let directives = schema.directives.iter();
    blocks.extend(
        directives.filter(|d| !BUILT_IN_DIRECTIVES.contains(&d.name.as_str())).map(directive),
    );
    let printed = schema
        .types
        .iter()
        .filter(|t| !t.name.starts_with("__") && !BUILT_IN_SCALARS.contains(&t.name.as_str()));
    blocks.extend(printed.map(definition));
    Ok(blocks.join("\n\n") + "\n")
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Whole { data: Data },
    Data(Data),
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "__schema")]
    schema: Schema,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    query_type: Named,
    mutation_type: Option<Named>,
    subscription_type: Option<Named>,
    types: Vec<Type>,
    directives: Vec<Directive>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    kind: Kind,
    name: String,
    #[serde(rename = "specifiedByURL")]
    specified_by_url: Option<String>,
    is_one_of: Option<bool>,
    fields: Option<Vec<Field>>,
    input_fields: Option<Vec<Input>>,
    interfaces: Option<Vec<Named>>,
    enum_values: Option<Vec<EnumValue>>,
    possible_types: Option<Vec<Named>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Kind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    InputObject,
    List,
    NonNull,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    of: TypeRef,
    args: Vec<Input>,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: String,
    #[serde(rename = "type")]
    of: TypeRef,
    default_value: Option<String>,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
struct EnumValue {
    name: String,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deprecation {
    #[serde(default)]
    is_deprecated: bool,
    deprecation_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRef {
    kind: Kind,
    name: Option<String>,
    of_type: Option<Box<Self>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Directive {
    name: String,
    #[serde(default)]
    is_repeatable: Option<bool>,
    locations: Vec<String>,
    args: Vec<Input>,
}

fn roots(schema: &Schema) -> String {
    let mut text = format!("schema {{\n  query: {}\n", schema.query_type.name);
    for (word, root) in
        [("mutation", &schema.mutation_type), ("subscription", &schema.subscription_type)]
    {
        if let Some(root) = root {
            push(&mut text, format_args!("  {word}: {}\n", root.name));
        }
    }
    text + "}"
}

fn directive(directive: &Directive) -> String {
    let repeatable = if directive.is_repeatable == Some(true) { " repeatable" } else { "" };
    let (name, args) = (&directive.name, arguments(&directive.args));
    format!("directive @{name}{args}{repeatable} on {}", directive.locations.join(" | "))
}

fn definition(of: &Type) -> String {
    let name = &of.name;
    match of.kind {
        Kind::Scalar => {
            let url = of.specified_by_url.as_deref();
            let url = url.map(|url| format!(" @specifiedBy(url: {})", quoted(url)));
            format!("scalar {name}{}", url.unwrap_or_default())
        }
        Kind::Union => format!("union {name} = {}", names(of.possible_types.as_deref(), " | ")),
        Kind::Enum => {
            let values = of.enum_values.iter().flatten();
            block(&format!("enum {name}"), values.map(|v| v.name.clone() + &v.deprecation.text()))
        }
        Kind::InputObject => {
            let one_of = if of.is_one_of == Some(true) { " @oneOf" } else { "" };
            block(&format!("input {name}{one_of}"), of.input_fields.iter().flatten().map(input))
        }
        Kind::Interface => block(&implementing("interface", of), fields(of)),
        Kind::Object | Kind::List | Kind::NonNull => block(&implementing("type", of), fields(of)),
    }
}

fn implementing(word: &str, of: &Type) -> String {
    let interfaces = names(of.interfaces.as_deref(), " & ");
    let implements = if interfaces.is_empty() { "" } else { " implements " };
    format!("{word} {}{implements}{interfaces}", of.name)
}

fn fields(of: &Type) -> impl Iterator<Item = String> + '_ {
    of.fields.iter().flatten().map(|field| {
        let (args, of) = (arguments(&field.args), reference(&field.of));
        format!("{}{args}: {of}{}", field.name, field.deprecation.text())
    })
}

fn arguments(args: &[Input]) -> String {
    if args.is_empty() {
        return String::new();
    }
    format!("({})", args.iter().map(input).collect::<Vec<_>>().join(", "))
}

fn input(input: &Input) -> String {
    let default = input.default_value.as_ref().map(|value| format!(" = {value}"));
    let (of, default) = (reference(&input.of), default.unwrap_or_default());
    format!("{}: {of}{default}{}", input.name, input.deprecation.text())
}

fn reference(of: &TypeRef) -> String {
    let inner = || of.of_type.as_deref().map(reference).unwrap_or_default();
    match of.kind {
        Kind::NonNull => inner() + "!",
        Kind::List => format!("[{}]", inner()),
        _ => of.name.clone().unwrap_or_default(),
    }
}

impl Deprecation {
    fn text(&self) -> String {
        match self.deprecation_reason.as_deref() {
            None if !self.is_deprecated => String::new(),
            None | Some(DEFAULT_REASON) => " @deprecated".to_owned(),
            Some(reason) => format!(" @deprecated(reason: {})", quoted(reason)),
        }
    }
}

fn names(named: Option<&[Named]>, separator: &str) -> String {
    let named = named.unwrap_or_default().iter().map(|named| named.name.as_str());
    named.collect::<Vec<_>>().join(separator)
}

fn block(head: &str, lines: impl Iterator<Item = String>) -> String {
    let mut text = format!("{head} {{\n");
    for line in lines {
        push(&mut text, format_args!("  {line}\n"));
    }
    text + "}"
}

/// A GraphQL string literal: JSON's escapes are a subset of GraphQL's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    text.write_fmt(arguments).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::sdl_from_introspection;

    #[test]
    fn prints_every_kind_of_type() {
        let text = |name: &str| serde_json::json!({"kind": "SCALAR", "name": name, "ofType": null});
        let json = serde_json::json!({"__schema": {
        "queryType": {"name": "Root"}, "mutationType": null, "subscriptionType": null,
        "directives": [
            {"name": "skip", "locations": ["FIELD"], "args": []},
            {"name": "once", "isRepeatable": true, "locations": ["FIELD", "QUERY"], "args": [
                {"name": "key", "type": {"kind": "NON_NULL", "ofType": text("String")},
                 "defaultValue": null}]},
        ],
        "types": [
            {"kind": "SCALAR", "name": "Date", "specifiedByURL": "https://x.test"},
            {"kind": "SCALAR", "name": "String"},
            {"kind": "OBJECT", "name": "Root", "interfaces": [{"name": "A"}, {"name": "B"}],
             "fields": [{"name": "old", "isDeprecated": true, "deprecationReason": "say \"x\"",
                "type": {"kind": "LIST", "ofType": text("Date")},
                "args": [{"name": "n", "type": text("Int"), "defaultValue": "3"}]}]},
            {"kind": "UNION", "name": "U", "possibleTypes": [{"name": "Root"}, {"name": "C"}]},
            {"kind": "ENUM", "name": "E", "enumValues": [{"name": "X", "isDeprecated": true,
                "deprecationReason": "No longer supported"}]},
            {"kind": "INPUT_OBJECT", "name": "I", "isOneOf": true,
             "inputFields": [{"name": "a", "type": text("Int"), "defaultValue": null}]},
            {"kind": "OBJECT", "name": "__Type", "fields": []},
        ]}});
        let expected = "directive @oneOf on INPUT_OBJECT

schema {
  query: Root
}

directive @once(key: String!) repeatable on FIELD | QUERY

scalar Date @specifiedBy(url: \"https://x.test\")

type Root implements A & B {
  old(n: Int = 3): [Date] @deprecated(reason: \"say \\\"x\\\"\")
}

union U = Root | C

enum E {
  X @deprecated
}

input I @oneOf {
  a: Int
}
";
        assert_eq!(sdl_from_introspection(&json.to_string()).unwrap(), expected);
    }

    #[test]
    fn refuses_what_is_no_introspection() {
        assert!(sdl_from_introspection("{}").is_err());
    }
}
