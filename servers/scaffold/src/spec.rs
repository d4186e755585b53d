//! `ProjectSpec`: what a caller says about the project it wants.

use mcp_core::prelude::*;
use serde_json::{Map, Value};

/// A project to generate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectSpec {
    /// Package name.
    #[schemars(length(max = 63), regex(pattern = r"^[a-z][a-z0-9-]{0,62}$"))]
    pub(crate) name: String,
    /// Title for people; made from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub(crate) title: Option<String>,
    /// What the server is for.
    #[schemars(length(min = 1, max = 2000))]
    pub(crate) description: String,
    /// Version of the project.
    #[serde(default = "first_version")]
    #[schemars(
        length(max = 32),
        regex(pattern = r"^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$")
    )]
    pub(crate) version: String,
    /// Language of the code.
    pub(crate) language: Language,
    /// Template.
    #[serde(default)]
    pub(crate) template: Template,
    /// Transports, the first being the default of the program.
    #[serde(default = "stdio_only")]
    #[schemars(length(min = 1, max = 2))]
    pub(crate) transports: Vec<Transport>,
    /// Loopback port of the HTTP transport.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1024, max = 65535))]
    pub(crate) port: u16,
    /// Tools.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) tools: Vec<ToolSpec>,
}

/// A tool of the project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolSpec {
    /// Name on the wire; over 64 characters it is cut.
    #[schemars(length(max = 256), regex(pattern = r"^[A-Za-z][A-Za-z0-9_-]*$"))]
    pub(crate) name: String,
    /// Title for people; made from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub(crate) title: Option<String>,
    /// What it does, for the model.
    #[schemars(length(min = 1, max = 2000))]
    pub(crate) description: String,
    /// Arguments; not beside `input_schema`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub(crate) parameters: Vec<ParameterSpec>,
    /// JSON Schema 2020-12 of the arguments, an object without remote references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input_schema: Option<Map<String, Value>>,
    /// Behaviour hints.
    #[serde(default)]
    pub(crate) annotations: Annotations,
    /// What the generated handler does.
    #[serde(default)]
    pub(crate) body: Body,
}

/// One argument of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParameterSpec {
    /// Name.
    #[schemars(length(max = 64), regex(pattern = r"^[A-Za-z0-9_.-]+$"))]
    pub(crate) name: String,
    /// JSON type.
    #[serde(rename = "type")]
    pub(crate) kind: ParameterType,
    /// JSON type of the items of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<ParameterType>,
    /// Meaning and unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1000))]
    pub(crate) description: String,
    /// Whether a call must give it.
    #[serde(default = "yes")]
    pub(crate) required: bool,
    /// Allowed strings.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 200)))]
    pub(crate) choices: Vec<String>,
    /// Lowest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) minimum: Option<f64>,
    /// Highest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) maximum: Option<f64>,
    /// Most characters of a string or items of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub(crate) max_length: Option<u32>,
}

/// Behaviour hints of a tool, all sent; the protocol's defaults where absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Annotations {
    /// Changes nothing (default false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read_only: Option<bool>,
    /// May destroy (default true unless read-only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destructive: Option<bool>,
    /// A repeat changes nothing more (default: as `read_only`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idempotent: Option<bool>,
    /// Reaches the outside world (default true).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open_world: Option<bool>,
}

/// Language of the generated code.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    /// rmcp.
    Rust,
    /// `FastMCP`.
    Python,
    /// The official SDK.
    Typescript,
}

/// Template.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Template {
    /// Tools, transports, a test; nothing else.
    #[default]
    Minimal,
}

/// Transport of the generated server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// Standard input and output.
    Stdio,
    /// Streamable HTTP on loopback.
    Http,
}

/// JSON type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ParameterType {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Any number.
    Number,
    /// Truth value.
    Boolean,
    /// List.
    Array,
    /// Free-form object.
    Object,
}

/// What a generated handler does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    /// Answers its arguments, until you write it.
    #[default]
    Echo,
}

impl Language {
    /// Every language, in the order of listings.
    pub(crate) const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::Typescript];
}

impl ParameterType {
    /// JSON Schema's word.
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl Annotations {
    /// All four, resolved: read-only, destructive, idempotent, open world.
    pub(crate) fn resolved(self) -> [bool; 4] {
        let read_only = self.read_only.unwrap_or(false);
        [
            read_only,
            self.destructive.unwrap_or(!read_only),
            self.idempotent.unwrap_or(read_only),
            self.open_world.unwrap_or(true),
        ]
    }
}

fn first_version() -> String {
    "0.1.0".to_owned()
}

fn stdio_only() -> Vec<Transport> {
    vec![Transport::Stdio]
}

fn default_port() -> u16 {
    8000
}

fn yes() -> bool {
    true
}
