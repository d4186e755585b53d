//! What can be generated: templates, their files, and the versions they are pinned to.

use crate::spec::{Language, Template, Transport};

/// Rises with every change of what a template yields. Part of `plan_id`.
pub(crate) const TEMPLATE_VERSION: u32 = 1;

/// When the pins below were last built and run.
pub(crate) const PINS_CHECKED: &str = "2026-11-21";

/// A dependency of generated projects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pin {
    /// Name in its registry.
    pub(crate) package: &'static str,
    /// Requirement in the manifest, bounded above.
    pub(crate) requirement: &'static str,
    /// Version the tests ran with.
    pub(crate) tested: &'static str,
}

const fn pin(package: &'static str, requirement: &'static str, tested: &'static str) -> Pin {
    Pin { package, requirement, tested }
}

/// A file of a template.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TemplateFile {
    /// Name of the template: its path below `templates/`.
    pub(crate) name: &'static str,
    /// Path in the project; `{package}` and `{module}` are replaced.
    pub(crate) path: &'static str,
    /// Template text.
    pub(crate) source: &'static str,
    /// Whether there is one for each tool.
    pub(crate) per_tool: bool,
}

/// Commands for people: what to type in the project's directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commands {
    pub(crate) install: &'static str,
    pub(crate) test: &'static str,
    pub(crate) run: &'static str,
}

impl Template {
    /// Every template.
    pub(crate) const ALL: [Self; 1] = [Self::Minimal];

    /// Name in specs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
        }
    }

    /// One line on whom it suits.
    pub(crate) fn purpose(self) -> &'static str {
        match self {
            Self::Minimal => {
                "tools with checked arguments, stdio and loopback HTTP, a test; nothing else"
            }
        }
    }
}

impl Transport {
    /// Every transport.
    pub(crate) const ALL: [Self; 2] = [Self::Stdio, Self::Http];
}

impl Language {
    /// The SDK, first, and what else the projects depend on.
    pub(crate) fn pins(self) -> &'static [Pin] {
        match self {
            Self::Rust => RUST_PINS,
            Self::Python => PYTHON_PINS,
            Self::Typescript => TYPESCRIPT_PINS,
        }
    }

    /// The language's own version, as its manifest says it.
    pub(crate) fn requires(self) -> &'static str {
        match self {
            Self::Rust => "rustc >= 1.89",
            Self::Python => "python >= 3.11",
            Self::Typescript => "node >= 20",
        }
    }

    /// What to type.
    pub(crate) fn commands(self) -> Commands {
        match self {
            Self::Rust => Commands { install: "cargo build", test: "cargo test", run: "cargo run" },
            Self::Python => Commands {
                install: "python -m venv .venv && .venv/bin/pip install -e .",
                test: ".venv/bin/python -m unittest discover -s tests",
                run: ".venv/bin/",
            },
            Self::Typescript => Commands {
                install: "npm install && npm run build",
                test: "npm test",
                run: "node dist/src/index.js",
            },
        }
    }

    /// The files of a template.
    pub(crate) fn files(self, template: Template) -> &'static [TemplateFile] {
        match (self, template) {
            (Self::Rust, Template::Minimal) => RUST_MINIMAL,
            (Self::Python, Template::Minimal) => PYTHON_MINIMAL,
            (Self::Typescript, Template::Minimal) => TYPESCRIPT_MINIMAL,
        }
    }
}

const RUST_PINS: &[Pin] = &[
    pin("rmcp", ">=3.9, <4", "3.9.0"),
    pin("axum", ">=0.8.9, <0.9", "0.8.9"),
    pin("jsonschema", ">=0.60.2, <0.61", "0.60.2"),
    pin("serde", ">=1.0.228, <2", "1.0.228"),
    pin("serde_json", ">=1.0.145, <2", "1.0.145"),
    pin("tokio", ">=1.48, <2", "1.48.0"),
];
const PYTHON_PINS: &[Pin] = &[
    pin("fastmcp", ">=4.1,<5", "4.1.2"),
    pin("jsonschema", ">=4.26,<5", "4.26.0"),
    pin("hatchling", ">=1.27,<2", "1.27.0"),
];
const TYPESCRIPT_PINS: &[Pin] = &[
    pin("@modelcontextprotocol/server", "^2.4.0", "2.4.0"),
    pin("@modelcontextprotocol/node", "^2.1.2", "2.1.2"),
    pin("@types/node", "^22.0.0", "22.0.0"),
    pin("typescript", "^7.0.2", "7.0.2"),
];

macro_rules! file {
    ($folder:literal, $source:literal => $path:literal) => {
        file!($folder, $source => $path, false)
    };
    ($folder:literal, $source:literal => $path:literal, $per_tool:literal) => {
        TemplateFile {
            name: concat!("minimal/", $folder, "/", $source),
            path: $path,
            source: include_str!(concat!("../templates/minimal/", $folder, "/", $source)),
            per_tool: $per_tool,
        }
    };
}

const RUST_MINIMAL: &[TemplateFile] = &[
    file!("rust", "gitignore" => ".gitignore"),
    file!("rust", "Cargo.toml.j2" => "Cargo.toml"),
    file!("rust", "README.md.j2" => "README.md"),
    file!("rust", "src/contract.rs.j2" => "src/contract.rs"),
    file!("rust", "src/main.rs.j2" => "src/main.rs"),
    file!("rust", "src/server.rs.j2" => "src/server.rs"),
    file!("rust", "src/tools.rs.j2" => "src/tools.rs"),
    file!("rust", "src/tools/tool.rs.j2" => "src/tools/{module}.rs", true),
    file!("rust", "tests/server.rs.j2" => "tests/server.rs"),
];
const PYTHON_MINIMAL: &[TemplateFile] = &[
    file!("python", "gitignore" => ".gitignore"),
    file!("python", "README.md.j2" => "README.md"),
    file!("python", "pyproject.toml.j2" => "pyproject.toml"),
    file!("python", "src/init.py.j2" => "src/{package}/__init__.py"),
    file!("python", "src/main.py.j2" => "src/{package}/__main__.py"),
    file!("python", "src/contract.py.j2" => "src/{package}/contract.py"),
    file!("python", "src/server.py.j2" => "src/{package}/server.py"),
    file!("python", "src/tools/init.py.j2" => "src/{package}/tools/__init__.py"),
    file!("python", "src/tools/tool.py.j2" => "src/{package}/tools/{module}.py", true),
    file!("python", "tests/test_server.py.j2" => "tests/test_server.py"),
];
const TYPESCRIPT_MINIMAL: &[TemplateFile] = &[
    file!("typescript", "gitignore" => ".gitignore"),
    file!("typescript", "README.md.j2" => "README.md"),
    file!("typescript", "package.json.j2" => "package.json"),
    file!("typescript", "tsconfig.json.j2" => "tsconfig.json"),
    file!("typescript", "src/contract.ts.j2" => "src/contract.ts"),
    file!("typescript", "src/index.ts.j2" => "src/index.ts"),
    file!("typescript", "src/server.ts.j2" => "src/server.ts"),
    file!("typescript", "src/tools/index.ts.j2" => "src/tools/index.ts"),
    file!("typescript", "src/tools/tool.ts.j2" => "src/tools/{module}.ts", true),
    file!("typescript", "test/server.test.ts.j2" => "test/server.test.ts"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_is_bounded_above() {
        for pin in Language::ALL.into_iter().flat_map(Language::pins) {
            assert!(pin.requirement.contains('<') || pin.requirement.starts_with('^'), "{pin:?}");
        }
    }
}
