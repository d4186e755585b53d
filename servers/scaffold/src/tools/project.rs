//! Planning a project, and writing it.

use mcp_core::{path_root::RelativePath, prelude::*};
use tokio::time::Instant;

use crate::{
    Error, Server,
    create::{Outcome, create},
    literal,
    plan::{Plan, PlanFile},
    project::Warning,
    spec::{Language, ProjectSpec},
};

/// Most characters of file text in one answer; the pipeline cuts answers at 50,000.
const MAX_TEXT: usize = 30_000;

/// A project to plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanProjectArgs {
    /// The project.
    spec: ProjectSpec,
    /// How much of the files to show.
    #[serde(default)]
    content: Content,
}

/// How much of the files to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Content {
    /// Number and size.
    None,
    /// Paths, sizes, hashes.
    #[default]
    Paths,
    /// Paths and text.
    Full,
}

/// A plan. Nothing has been written.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlanProjectOutput {
    /// Hash over spec, template version and files; kept for 30 minutes.
    plan_id: String,
    /// Number of files.
    file_count: usize,
    /// Size of all files.
    bytes: usize,
    /// Files, sorted by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileEntry>,
    /// What was changed, or needs a look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<WarningEntry>,
    /// Whether some text was left out because the answer would be too long.
    #[serde(skip_serializing_if = "is_false")]
    truncated: bool,
}

/// A file of a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FileEntry {
    /// Path in the project.
    path: String,
    /// Size.
    bytes: usize,
    /// SHA-256 in hex.
    sha256: String,
    /// Text, with content `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Something to look at.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WarningEntry {
    /// Stable code.
    code: &'static str,
    /// JSON pointer into the arguments.
    field: String,
    /// What it is.
    message: String,
}

/// A plan to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProjectArgs {
    /// From `plan_project`.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"), length(max = 64))]
    plan_id: String,
    /// Path below the root; the project's name when absent.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    target: Option<String>,
    /// One of the roots of `list_templates`; the first when absent.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4096))]
    root: Option<String>,
}

/// A project on disk.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CreateProjectOutput {
    /// Directory that holds the target.
    root: String,
    /// Path below the root.
    target: String,
    /// Whether it was written or was there already.
    state: State,
    /// Number of files.
    file_count: usize,
    /// Commands for the project's directory.
    commands: CommandsEntry,
}

/// How a project came to be there.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Written now.
    Created,
    /// There already, byte for byte.
    Unchanged,
}

/// What to type in the project's directory.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CommandsEntry {
    /// Fetch dependencies and build.
    install: String,
    /// Run the tests.
    test: String,
    /// Start the server.
    run: String,
}

#[tool_router(router = project_tools, vis = "pub(crate)")]
impl Server {
    /// Works out every file of an MCP server project from one description of its tools, without writing. The same spec gives the same `plan_id`.
    #[tool(
        title = "Plan a project",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn plan_project(
        &self,
        Parameters(args): Parameters<PlanProjectArgs>,
        ct: CancellationToken,
    ) -> Result<Json<PlanProjectOutput>> {
        let PlanProjectArgs { spec, content } = args;
        let plan = task::compute(&ct, move |_| Plan::new(spec)).await??;
        let plan = self.plans().insert(plan, Instant::now());
        Ok(Json(PlanProjectOutput::new(&plan, content)))
    }

    /// Writes a plan below a configured directory: all files or none. An existing project is left alone: equal is `unchanged`, anything else is refused.
    #[tool(
        title = "Create a project",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn create_project(
        &self,
        Parameters(args): Parameters<CreateProjectArgs>,
        ct: CancellationToken,
    ) -> Result<Json<CreateProjectOutput>> {
        let root = self.root(args.root.as_deref())?;
        let plan = self.plans().get(&args.plan_id, Instant::now())?;
        let target: RelativePath =
            args.target.as_deref().unwrap_or(&plan.name).parse().map_err(Error::from)?;
        let output = CreateProjectOutput {
            root: root.path().display().to_string(),
            target: target.to_string(),
            state: State::Created,
            file_count: plan.files.len(),
            commands: CommandsEntry::new(&plan),
        };
        let outcome = task::compute(&ct, move |_| create(&root, &target, &plan)).await??;
        let state = match outcome {
            Outcome::Created => State::Created,
            Outcome::Unchanged => State::Unchanged,
        };
        Ok(Json(CreateProjectOutput { state, ..output }))
    }
}

impl PlanProjectOutput {
    fn new(plan: &Plan, content: Content) -> Self {
        let mut room = if content == Content::Full { MAX_TEXT } else { 0 };
        let shown = if content == Content::None { &[] } else { plan.files.as_slice() };
        let files: Vec<_> = shown.iter().map(|file| FileEntry::new(file, &mut room)).collect();
        Self {
            plan_id: plan.id.clone(),
            file_count: plan.files.len(),
            bytes: plan.bytes(),
            truncated: content == Content::Full && files.iter().any(|file| file.text.is_none()),
            files,
            warnings: plan.warnings.iter().map(WarningEntry::from).collect(),
        }
    }
}

impl FileEntry {
    /// With the text, as long as there is room for it.
    fn new(file: &PlanFile, room: &mut usize) -> Self {
        let left = room.checked_sub(file.text.len());
        *room = left.unwrap_or(*room);
        Self {
            path: file.path.to_string(),
            bytes: file.text.len(),
            sha256: file.sha256.clone(),
            text: left.map(|_| file.text.clone()),
        }
    }
}

impl From<&Warning> for WarningEntry {
    fn from(warning: &Warning) -> Self {
        let Warning { code, field, message } = warning.clone();
        Self { code, field, message }
    }
}

impl CommandsEntry {
    fn new(plan: &Plan) -> Self {
        let commands = plan.language.commands();
        let run = match plan.language {
            Language::Python => format!("{}{}", commands.run, plan.name),
            Language::Rust | Language::Typescript => commands.run.to_owned(),
        };
        Self { install: commands.install.to_owned(), test: commands.test.to_owned(), run }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The schema of a spec as a JSON document.
pub(super) fn spec_schema() -> String {
    literal::json(schemars::schema_for!(ProjectSpec).as_value())
}
