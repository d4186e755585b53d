//! Templates to files. No value reaches a file but through a typed filter.

use std::{collections::BTreeMap, sync::LazyLock};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context,
    syntax::SyntaxConfig, value::Serde,
};

use crate::{
    literal,
    name::is_identifier,
    project::{Project, Tool},
    spec::{Language, Template},
    template::TemplateFile,
};

/// Render every file of the project's template, by path.
pub(crate) fn render(project: &Project) -> Result<BTreeMap<String, String>, Error> {
    let environment = ENVIRONMENT.as_ref().map_err(copy)?;
    let files = project.spec.language.files(project.spec.template);
    let pins = pins(project.spec.language);
    let shared = context! { project => Value::from(Serde(project)), pins };
    let mut rendered = BTreeMap::new();
    for file in files {
        let template = environment.get_template(file.name)?;
        for tool in tools_of(file, project) {
            let tool_value = Value::from(Serde(tool));
            let context = context! { tool => tool_value, ..shared.clone() };
            rendered.insert(path_of(file, project, tool), template.render(context)?);
        }
    }
    Ok(rendered)
}

/// Every template, parsed once.
static ENVIRONMENT: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut environment = environment()?;
    let pairs =
        Language::ALL.into_iter().flat_map(|it| Template::ALL.map(|template| (it, template)));
    for file in pairs.flat_map(|(language, template)| language.files(template)) {
        environment.add_template(file.name, file.source)?;
    }
    Ok(environment)
});

/// A template error cannot be cloned.
fn copy(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string())
}

fn tools_of<'a>(file: &TemplateFile, project: &'a Project) -> Vec<Option<&'a Tool>> {
    if file.per_tool { project.tools.iter().map(Some).collect() } else { vec![None] }
}

fn path_of(file: &TemplateFile, project: &Project, tool: Option<&Tool>) -> String {
    let path = file.path.replace("{package}", &project.package);
    match tool {
        Some(tool) => path.replace("{module}", &tool.module),
        None => path,
    }
}

fn pins(language: Language) -> BTreeMap<&'static str, &'static str> {
    language.pins().iter().map(|pin| (pin.package, pin.requirement)).collect()
}

/// An environment that knows these filters and nothing else: no `safe`, no way around.
fn environment() -> Result<Environment<'static>, Error> {
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("code".into()));
    environment.set_formatter(|out, _, value| match value.as_str() {
        Some(text) if value.is_safe() => out.write_str(text).map_err(Error::from),
        _ => Err(Error::new(ErrorKind::BadEscape, "a value without a filter in a code file")),
    });
    environment.add_filter("rs_str", |text: &str| code(literal::rs_str(text)));
    environment.add_filter("py_str", |text: &str| code(literal::py_str(text)));
    environment.add_filter("ts_str", |text: &str| code(literal::ts_str(text)));
    environment.add_filter("toml_str", |text: &str| code(literal::toml_str(text)));
    environment.add_filter("yaml_str", |text: &str| code(literal::yaml_str(text)));
    environment.add_filter("json", |value: Value| data(&value).map(|it| code(literal::json(&it))));
    environment
        .add_filter("rs_data", |value: Value| data(&value).map(|it| code(literal::rs_data(&it))));
    environment.add_filter("py_data", |value: Value, indent: usize| {
        data(&value).map(|it| code(literal::py_data(&it, indent)))
    });
    environment.add_filter("ts_data", |value: Value, indent: usize| {
        data(&value).map(|it| code(literal::ts_data(&it, indent)))
    });
    environment.add_filter("rs_doc", |text: &str, prefix: &str| {
        code(literal::line_comments(text, prefix))
    });
    environment
        .add_filter("py_doc", |text: &str, prefix: &str| code(literal::py_docstring(text, prefix)));
    environment.add_filter("ts_doc", |text: &str, prefix: &str| {
        code(literal::ts_block_comment(text, prefix))
    });
    environment.add_filter("md", |text: &str| code(literal::markdown(text)));
    environment.add_filter("ident", ident);
    environment.add_filter("slug", slug);
    environment.add_filter("count", |list: Vec<Value>| code(list.len().to_string()));
    environment.add_filter("number", |number: u16| code(number.to_string()));
    environment.add_filter("rs_type", |kind: &str| {
        type_name(kind, &RUST_TYPES, |item| format!("Vec<{item}>"))
    });
    environment.add_filter("py_type", |kind: &str| {
        type_name(kind, &PYTHON_TYPES, |item| format!("list[{item}]"))
    });
    environment.add_filter("ts_type", |kind: &str| {
        type_name(kind, &TYPESCRIPT_TYPES, |item| format!("Array<{item}>"))
    });
    Ok(environment)
}

fn code(text: String) -> Value {
    Value::from_safe_string(text)
}

fn data(value: &Value) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|error| refused(format!("not JSON: {error}")))
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Validates, never repairs.
fn ident(word: &str) -> Result<Value, Error> {
    if is_identifier(word) {
        Ok(code(word.to_owned()))
    } else {
        Err(refused(format!("{word:?} is no identifier")))
    }
}

/// A package name, as a word of a shell command.
fn slug(word: &str) -> Result<Value, Error> {
    let is_plain = word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if is_plain { Ok(code(word.to_owned())) } else { Err(refused(format!("{word:?} is no slug"))) }
}

/// Names of `string`, `integer`, `number`, `boolean`, `object`, `any` in a language.
type Types = [&'static str; 6];

const RUST_TYPES: Types = [
    "String",
    "i64",
    "f64",
    "bool",
    "serde_json::Map<String, serde_json::Value>",
    "serde_json::Value",
];
const PYTHON_TYPES: Types = ["str", "int", "float", "bool", "dict[str, Any]", "Any"];
const TYPESCRIPT_TYPES: Types =
    ["string", "number", "number", "boolean", "Record<string, unknown>", "unknown"];

fn type_name(kind: &str, types: &Types, list: fn(&str) -> String) -> Result<Value, Error> {
    let [string, integer, number, boolean, object, any] = types;
    let scalar = |kind: &str| match kind {
        "string" => Some(*string),
        "integer" => Some(*integer),
        "number" => Some(*number),
        "boolean" => Some(*boolean),
        "object" => Some(*object),
        "any" => Some(*any),
        _ => None,
    };
    let name = match kind.strip_prefix("array_of_") {
        Some(item) => scalar(item).map(list),
        None => scalar(kind).map(str::to_owned),
    };
    name.map(code).ok_or_else(|| refused(format!("{kind:?} is no type")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render_one(source: &str, text: &str) -> Result<String, Error> {
        let mut environment = environment()?;
        environment.add_template("t", source)?;
        environment.get_template("t")?.render(context! { text => text, number => 7 })
    }

    #[test]
    fn a_value_without_a_filter_is_an_error() {
        for source in ["{{ text }}", "{{ number }}", "{{ \"constant\" }}", "{{ text ~ text }}"] {
            assert_eq!(render_one(source, "x").expect_err(source).kind(), ErrorKind::BadEscape);
        }
        for source in ["{{ text | safe }}", "{{ text | upper }}", "{{ missing | md }}"] {
            render_one(source, "x").expect_err(source);
        }
    }

    #[test]
    fn filters_are_typed() {
        assert_eq!(render_one("{{ text | rs_str }}", "a\"b").expect("text"), r#""a\"b""#);
        assert_eq!(render_one("{{ text | ident }}", "a_1").expect("text"), "a_1");
        assert_eq!(
            render_one("{{ text | rs_type }}", "array_of_string").expect("text"),
            "Vec<String>"
        );
        for (source, text) in [
            ("{{ text | ident }}", "a b"),
            ("{{ text | ident }}", "Type"),
            ("{{ text | rs_type }}", "String"),
            ("{{ number | rs_str }}", ""),
            ("{{ text | number }}", "7"),
        ] {
            render_one(source, text).expect_err(source);
        }
    }
}
