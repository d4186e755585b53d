//! What can be generated.

use mcp_core::prelude::*;

use crate::{
    Server, literal,
    spec::{Language, Template, Transport},
    template::{PINS_CHECKED, Pin, TEMPLATE_VERSION},
};

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::empty_structs_with_brackets, reason = "a unit struct is no JSON object")]
pub(crate) struct ListTemplatesArgs {}

/// What there is to choose from.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListTemplatesOutput {
    /// Templates.
    templates: Vec<TemplateEntry>,
    /// Languages.
    languages: Vec<LanguageEntry>,
    /// Transports.
    transports: Vec<Transport>,
    /// Version of the templates; part of every `plan_id`.
    template_version: u32,
    /// Date when the pins were last built and run.
    pins_checked: &'static str,
    /// Directories that projects can be written below.
    roots: Vec<String>,
}

/// A template.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TemplateEntry {
    /// Name.
    name: &'static str,
    /// Whom it suits.
    purpose: &'static str,
}

/// A language.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LanguageEntry {
    /// Name.
    name: Language,
    /// Its own version.
    requires: &'static str,
    /// Dependencies, the SDK first.
    pins: Vec<PinEntry>,
}

/// A dependency of generated projects.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PinEntry {
    /// Name in its registry.
    package: &'static str,
    /// Requirement in the manifest.
    requirement: &'static str,
    /// Version the tests ran with.
    tested: &'static str,
}

impl From<&Pin> for PinEntry {
    fn from(pin: &Pin) -> Self {
        let Pin { package, requirement, tested } = *pin;
        Self { package, requirement, tested }
    }
}

#[tool_router(router = template_tools, vis = "pub(crate)")]
impl Server {
    /// Templates, languages with their pinned SDK versions, transports, and the directories that projects can be written to.
    #[tool(
        title = "List templates",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_templates(
        &self,
        Parameters(ListTemplatesArgs {}): Parameters<ListTemplatesArgs>,
    ) -> Result<Json<ListTemplatesOutput>> {
        Ok(Json(ListTemplatesOutput {
            templates: Template::ALL
                .iter()
                .map(|template| TemplateEntry {
                    name: template.name(),
                    purpose: template.purpose(),
                })
                .collect(),
            languages: languages(),
            transports: Transport::ALL.to_vec(),
            template_version: TEMPLATE_VERSION,
            pins_checked: PINS_CHECKED,
            roots: self.root_paths(),
        }))
    }
}

fn languages() -> Vec<LanguageEntry> {
    let entry = |language: Language| LanguageEntry {
        name: language,
        requires: language.requires(),
        pins: language.pins().iter().map(PinEntry::from).collect(),
    };
    Language::ALL.into_iter().map(entry).collect()
}

/// The pins as a JSON document.
pub(super) fn versions() -> String {
    literal::json(&serde_json::json!({ "checked": PINS_CHECKED, "languages": languages() }))
}
