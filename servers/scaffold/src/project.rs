//! A checked project: what templates see.

use serde::Serialize;
use serde_json::Value;

use crate::{
    Error,
    literal::collapse,
    name::{Identifiers, cut_tool_name, project_name_refusal},
    sample::{Samples, resolve, samples},
    schema::{has_unportable_pattern, input_schema},
    spec::{ProjectSpec, ToolSpec, Transport},
};

/// A project that can be rendered.
#[derive(Debug, Serialize)]
pub(crate) struct Project {
    /// The spec with every default filled in and every text cleaned: what the marker keeps.
    pub(crate) spec: ProjectSpec,
    /// Module name where the language has one.
    pub(crate) package: String,
    /// Title.
    pub(crate) title: String,
    /// Whether the program speaks on standard input and output.
    pub(crate) stdio: bool,
    /// Whether the program serves HTTP.
    pub(crate) http: bool,
    /// Whether HTTP is what the program does without an argument.
    pub(crate) http_first: bool,
    /// Module names of the tools, sorted.
    pub(crate) modules: Vec<String>,
    /// Tools in the order of the spec.
    pub(crate) tools: Vec<Tool>,
    /// What the caller should know.
    #[serde(skip)]
    pub(crate) warnings: Vec<Warning>,
}

/// A tool that can be rendered.
#[derive(Debug, Serialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    /// Name of its file and function.
    pub(crate) module: String,
    pub(crate) input_schema: Value,
    pub(crate) output_schema: Value,
    /// `[readOnlyHint, destructiveHint, idempotentHint, openWorldHint]`.
    pub(crate) annotations: [bool; 4],
    pub(crate) fields: Vec<Field>,
    /// Whether some field may be left out.
    pub(crate) has_optional: bool,
    /// Name of the field for arguments that the schema allows without naming them.
    pub(crate) rest: Option<String>,
    /// Arguments for the generated test.
    pub(crate) valid: Option<Value>,
    pub(crate) invalid: Option<Value>,
}

/// A named argument.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ident: String,
    pub(crate) description: String,
    pub(crate) required: bool,
    /// `string`, `integer`, `number`, `boolean`, `object`, `any`, or `array_of_` one of these.
    pub(crate) kind: &'static str,
}

/// Something that was changed or that the caller should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// Stable code.
    pub(crate) code: &'static str,
    /// JSON pointer into the arguments.
    pub(crate) field: String,
    /// What it is.
    pub(crate) message: String,
}

impl Project {
    /// Check a spec and work out everything that templates need.
    pub(crate) fn from_spec(mut spec: ProjectSpec) -> Result<Self, Error> {
        let mut warnings = Vec::new();
        check_project(&spec)?;
        let title = clean_title(&mut spec.title, &spec.name, "/spec/title", &mut warnings);
        clean(&mut spec.description, "/spec/description", &mut warnings)?;
        let mut modules = Identifiers::new(spec.language, "_tool");
        let mut tools: Vec<Tool> = Vec::with_capacity(spec.tools.len());
        for (index, tool) in spec.tools.iter_mut().enumerate() {
            let pointer = format!("/spec/tools/{index}");
            clean_tool(tool, &pointer, &mut warnings)?;
            if tools.iter().any(|earlier| earlier.name == tool.name) {
                let name = tool.name.clone();
                return Err(Error::NameCollision { pointer: format!("{pointer}/name"), name });
            }
            let module = modules.assign(&tool.name, "tool");
            tools.push(Tool::new(tool, module, spec.language, &pointer, &mut warnings)?);
        }
        Ok(Self {
            package: spec.name.replace('-', "_"),
            title,
            stdio: spec.transports.contains(&Transport::Stdio),
            http: spec.transports.contains(&Transport::Http),
            http_first: spec.transports.first() == Some(&Transport::Http),
            modules: sorted_modules(&tools),
            tools,
            warnings,
            spec,
        })
    }
}

fn sorted_modules(tools: &[Tool]) -> Vec<String> {
    let mut modules: Vec<_> = tools.iter().map(|tool| tool.module.clone()).collect();
    modules.sort();
    modules
}

/// The form is the schema's rule, repeated: what follows is only safe with it.
fn check_project(spec: &ProjectSpec) -> Result<(), Error> {
    let name_is_plain = spec.name.len() <= 63
        && spec.name.starts_with(|first: char| first.is_ascii_lowercase())
        && spec.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !name_is_plain {
        return Err(Error::invalid_spec("/spec/name", "must match ^[a-z][a-z0-9-]{0,62}$"));
    }
    let version_is_plain = spec.version.split('.').count() == 3
        && spec.version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !version_is_plain {
        return Err(Error::invalid_spec("/spec/version", "must be three numbers, such as 0.1.0"));
    }
    if let [first, second] = spec.transports.as_slice() {
        if first == second {
            return Err(Error::invalid_spec("/spec/transports/1", "repeats a transport"));
        }
    }
    match project_name_refusal(&spec.name, spec.language) {
        None => Ok(()),
        Some(reason) => Err(Error::NameReserved {
            pointer: "/spec/name".to_owned(),
            name: spec.name.clone(),
            reason,
        }),
    }
}

fn clean_tool(
    tool: &mut ToolSpec,
    pointer: &str,
    warnings: &mut Vec<Warning>,
) -> Result<(), Error> {
    let name_is_plain = tool.name.starts_with(|first: char| first.is_ascii_alphabetic())
        && tool
            .name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !name_is_plain {
        let pointer = format!("{pointer}/name");
        return Err(Error::invalid_spec(pointer, "must match ^[A-Za-z][A-Za-z0-9_-]*$"));
    }
    if tool.annotations.read_only == Some(true) && tool.annotations.destructive == Some(true) {
        let pointer = format!("{pointer}/annotations/destructive");
        return Err(Error::invalid_spec(pointer, "contradicts `read_only`"));
    }
    let cut = cut_tool_name(&tool.name);
    if cut != tool.name {
        let message = format!("longer than 64 characters, cut to `{cut}`");
        warnings.push(Warning { code: "name_cut", field: format!("{pointer}/name"), message });
        tool.name = cut;
    }
    tool.title =
        Some(clean_title(&mut tool.title, &tool.name, &format!("{pointer}/title"), warnings));
    clean(&mut tool.description, &format!("{pointer}/description"), warnings)
}

/// One line without invisible characters; an empty one is refused.
fn clean(text: &mut String, field: &str, warnings: &mut Vec<Warning>) -> Result<(), Error> {
    let cleaned = collapse(text);
    if cleaned.is_empty() {
        return Err(Error::invalid_spec(field, "holds nothing that shows"));
    }
    if *text != cleaned {
        let message =
            "line breaks, repeated spaces or invisible characters were removed".to_owned();
        warnings.push(Warning { code: "text_cleaned", field: field.to_owned(), message });
        *text = cleaned;
    }
    Ok(())
}

/// The given title cleaned, or the name in words.
fn clean_title(
    title: &mut Option<String>,
    name: &str,
    field: &str,
    warnings: &mut Vec<Warning>,
) -> String {
    let mut text = title.take().unwrap_or_default();
    if !text.is_empty() && clean(&mut text, field, warnings).is_err() {
        text.clear();
    }
    if text.is_empty() {
        name.replace(['-', '_'], " ").trim().clone_into(&mut text);
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
    }
    *title = Some(text.clone());
    text
}

impl Tool {
    fn new(
        tool: &ToolSpec,
        module: String,
        language: crate::spec::Language,
        pointer: &str,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, Error> {
        let schema = input_schema(tool, pointer)?;
        let mut warn = |code, message: &str| {
            let field = format!("{pointer}/input_schema");
            warnings.push(Warning { code, field, message: message.to_owned() });
        };
        if has_unportable_pattern(&schema) {
            warn(
                "pattern_dialect",
                "a pattern means different things in Rust, Python and JavaScript",
            );
        }
        let Samples { valid, invalid } = samples(&schema);
        if valid.is_none() {
            warn(
                "no_example",
                "no example arguments were found: the generated test does not call it",
            );
        }
        let mut identifiers = Identifiers::new(language, "_");
        let fields = fields(&schema, tool, &mut identifiers);
        let is_open = schema.get("additionalProperties") != Some(&Value::Bool(false));
        Ok(Self {
            name: tool.name.clone(),
            title: tool.title.clone().unwrap_or_default(),
            description: tool.description.clone(),
            module,
            output_schema: echo_schema(),
            annotations: tool.annotations.resolved(),
            has_optional: fields.iter().any(|field| !field.required),
            fields,
            rest: is_open.then(|| identifiers.assign("other", "other")),
            valid,
            invalid,
            input_schema: schema,
        })
    }
}

/// What an echo answers.
fn echo_schema() -> Value {
    serde_json::json!({
        "type": "object",
        "properties": {
            "arguments": { "type": "object", "description": "The arguments as they came." },
        },
        "required": ["arguments"],
        "additionalProperties": false,
    })
}

/// The named properties: in the order of the parameters, else sorted.
fn fields(schema: &Value, tool: &ToolSpec, identifiers: &mut Identifiers) -> Vec<Field> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let mut names: Vec<&String> = properties.keys().collect();
    names.sort();
    names.sort_by_key(|name| tool.parameters.iter().position(|given| &given.name == *name));
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
    };
    names
        .into_iter()
        .map(|name| Field {
            ident: identifiers.assign(name, "field"),
            description: collapse(properties[name]["description"].as_str().unwrap_or_default()),
            required: required(name),
            kind: kind(&properties[name], schema),
            name: name.clone(),
        })
        .collect()
}

fn kind(schema: &Value, root: &Value) -> &'static str {
    let schema = resolve(schema, root);
    match schema["type"].as_str() {
        Some("string") => "string",
        Some("integer") => "integer",
        Some("number") => "number",
        Some("boolean") => "boolean",
        Some("object") => "object",
        Some("array") => match resolve(&schema["items"], root)["type"].as_str() {
            Some("string") => "array_of_string",
            Some("integer") => "array_of_integer",
            Some("number") => "array_of_number",
            Some("boolean") => "array_of_boolean",
            Some("object") => "array_of_object",
            _ => "array_of_any",
        },
        _ => "any",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn project(change: &Value) -> Result<Project, Error> {
        let mut spec = json!({
            "name": "weather", "description": "Weather.", "language": "rust",
            "tools": [{"name": "get_weather", "description": "Gets it."}],
        });
        for (key, value) in change.as_object().expect("object") {
            spec[key] = value.clone();
        }
        Project::from_spec(serde_json::from_value(spec).expect("spec"))
    }

    #[test]
    fn defaults_are_filled_in() {
        let project = project(&json!({})).expect("project");
        assert_eq!(project.title, "Weather");
        assert_eq!(project.tools[0].title, "Get weather");
        assert_eq!(project.tools[0].annotations, [false, true, false, true]);
        assert!(project.stdio && !project.http && project.warnings.is_empty());
    }

    #[test]
    fn text_is_cleaned_and_said_so() {
        let project =
            project(&json!({"description": "a\n\u{202e}b", "title": "\u{200b}"})).expect("project");
        assert_eq!(project.spec.description, "a b");
        assert_eq!(project.title, "Weather");
        assert_eq!(project.warnings[0].field, "/spec/description");
    }

    #[test]
    fn rules_between_fields_are_kept() {
        let tool = |name: &str| json!({"name": name, "description": "d"});
        for (change, code, pointer) in [
            (json!({"name": "fn"}), "name_reserved", "/spec/name"),
            (json!({"name": "A"}), "invalid_spec", "/spec/name"),
            (json!({"version": "1.0"}), "invalid_spec", "/spec/version"),
            (json!({"transports": ["http", "http"]}), "invalid_spec", "/spec/transports/1"),
            (json!({"description": "\u{200b}"}), "invalid_spec", "/spec/description"),
            (json!({"tools": [tool("a"), tool("a")]}), "name_collision", "/spec/tools/1/name"),
            (json!({"tools": [tool("a b")]}), "invalid_spec", "/spec/tools/0/name"),
            (
                json!({"tools": [{"name": "a", "description": "d", "annotations": {"read_only": true, "destructive": true}}]}),
                "invalid_spec",
                "/spec/tools/0/annotations/destructive",
            ),
        ] {
            let error = mcp_core::ToolError::from(project(&change).expect_err(code));
            assert_eq!((error.code(), error.field()), (code, Some(pointer)), "{change}");
        }
    }

    #[test]
    fn long_and_similar_names_stay_apart() {
        let long = "a".repeat(80);
        let tool = |name: &str| json!({"name": name, "description": "d"});
        let tools =
            json!({"tools": [tool(&long), tool("Add"), tool("add"), tool("add-"), tool("match")]});
        let project = project(&tools).expect("project");
        let modules: Vec<_> =
            project.tools.iter().skip(1).map(|tool| tool.module.as_str()).collect();
        assert_eq!(modules, ["add", "add_2", "add_", "match_tool"]);
        assert_eq!(project.tools[0].name.len(), 64);
        assert_eq!(project.warnings[0].code, "name_cut");
    }
}
