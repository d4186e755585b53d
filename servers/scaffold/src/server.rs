//! The server: its roots and its plans.

use std::{path::Path, sync::Arc};

use mcp_core::{
    path_root::{PathRoot, sweep},
    prelude::*,
};

use crate::{Config, Error, plan::PlanStore, tools};

/// Plans and writes MCP server projects.
#[derive(Debug)]
pub struct Server {
    roots: Vec<Arc<PathRoot>>,
    plans: PlanStore,
}

impl McpServer for Server {
    const FACTS: Facts =
        Facts::new(&fleet::SCAFFOLD, env!("CARGO_PKG_VERSION"), include_str!("../README.md"));

    type Config = Config;

    async fn start(config: Config, _context: StartContext) -> Result<Self, StartError> {
        let roots = config.roots.iter().map(|root| open_root(root)).collect::<Result<_, _>>()?;
        Ok(Self { roots, plans: PlanStore::default() })
    }

    fn tools() -> ToolRouter<Self> {
        tools::router()
    }

    fn toolsets() -> &'static [Toolset] {
        &[Toolset {
            name: "core",
            purpose: "plan projects and write them",
            tools: &["create_project", "list_templates", "plan_project"],
        }]
    }

    fn instructions() -> &'static str {
        "Generates MCP server projects in Rust, Python and TypeScript from one description of their \
         tools. plan_project shows the files without writing; create_project writes a plan below a \
         configured directory, all of it or nothing."
    }

    fn prompts() -> &'static [Prompt] {
        PROMPTS
    }

    fn resources() -> &'static [Resource] {
        RESOURCES
    }

    async fn read_resource(&self, uri: &str, _: &Principal) -> Result<Option<String>> {
        Ok(tools::resource(uri))
    }

    async fn probes(&self) -> Vec<ProbeReport> {
        let (state, detail) = if self.roots.is_empty() {
            (ProbeState::NotConfigured, "no root directory: projects can be planned, not written")
        } else if self.roots.iter().all(|root| root.dir().dir_metadata().is_ok()) {
            (ProbeState::Up, "every root directory answers")
        } else {
            (ProbeState::Down, "a root directory does not answer")
        };
        vec![ProbeReport { name: "roots", required: false, state, detail: Some(detail.to_owned()) }]
    }
}

impl Server {
    /// Plans made by this process.
    pub(crate) fn plans(&self) -> &PlanStore {
        &self.plans
    }

    /// The root of this name; the first one without a name.
    pub(crate) fn root(&self, name: Option<&str>) -> Result<Arc<PathRoot>, Error> {
        let Some(first) = self.roots.first() else { return Err(Error::NotConfigured) };
        let Some(name) = name else { return Ok(Arc::clone(first)) };
        match self.roots.iter().find(|root| root.path() == Path::new(name)) {
            Some(root) => Ok(Arc::clone(root)),
            None => Err(Error::UnknownRoot { root: name.to_owned(), roots: self.root_paths() }),
        }
    }

    /// The configured directories.
    pub(crate) fn root_paths(&self) -> Vec<String> {
        self.roots.iter().map(|root| root.path().display().to_string()).collect()
    }
}

/// Open a root and remove what a killed process left in it.
fn open_root(path: &str) -> Result<Arc<PathRoot>, StartError> {
    let refuse = |error| {
        StartError::unavailable(format!("failed to open the root {path:?}: {error}"))
            .with_hint("create the directory, or change MACHINA_SCAFFOLD_ROOTS")
    };
    let root = PathRoot::open(Path::new(path)).map_err(refuse)?;
    sweep(root.dir()).map_err(refuse)?;
    Ok(Arc::new(root))
}

const PROMPTS: &[Prompt] = &[Prompt {
    name: "design_server",
    title: "Design an MCP server",
    description: "From a purpose to a project: which tools, which arguments, then plan and create.",
    arguments: &[
        PromptArgument {
            name: "purpose",
            description: "What the server is for, in one or two sentences.",
            required: true,
            values: &[],
        },
        PromptArgument {
            name: "language",
            description: "Language of the project.",
            required: false,
            values: &["rust", "python", "typescript"],
        },
    ],
    template: "Design an MCP server for this purpose:\n\n{purpose}\n\nPreferred language: {language} \
        (choose one if this is empty, and say why).\n\n1. List the user's jobs, then 3 to 8 tools \
        that do them: verb_noun names, one job each, read and write kept apart.\n2. For each tool \
        give the arguments with types, bounds and units, and the four behaviour hints.\n3. Show the \
        design as a ProjectSpec and plan it with plan_project; resolve its warnings.\n4. After the \
        design is agreed on, write it with create_project and name the commands that build and test \
        it. The generated handlers are stubs: say what each must do.",
}];

const RESOURCES: &[Resource] = &[
    Resource {
        uri: "scaffold://schema/project-spec",
        name: "project-spec",
        title: "Schema of ProjectSpec",
        description: "JSON Schema of the `spec` argument of plan_project.",
        mime_type: "application/schema+json",
    },
    Resource {
        uri: "scaffold://versions",
        name: "versions",
        title: "Pinned versions",
        description: "Dependencies of generated projects, and when they were last built and run.",
        mime_type: "application/json",
    },
];
