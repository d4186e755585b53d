//! The command line that all servers share.

mod call;
mod key;
mod print;

use std::{ffi::OsString, net::IpAddr, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use serde_json::{Map, Value};

pub use call::{arguments_of, call, show};
pub use key::{KeyCommand, ScopeWord, TokenCommand};

use crate::{
    StartError,
    config::{Flags, Loaded},
    declared::{Declared, Written},
    healthcheck,
    pipeline::catalogue::Catalogue,
    server::Exit,
    state_dir::StateDir,
};

/// A server's command line.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// What to do; without it, speak MCP on stdio.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Tools to offer: core, all, or another named set
    #[arg(long, global = true, value_name = "NAME")]
    toolset: Option<String>,
    /// Offer only these tools
    #[arg(long, global = true, value_name = "A,B", value_delimiter = ',')]
    tools: Option<Vec<String>>,
    /// Offer only tools that change nothing
    #[arg(long, global = true)]
    read_only: bool,
    /// Directory for what must outlive the process
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// error, warn, info, debug, trace, or filter directives
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Form of the log lines
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    log_format: Option<LogForm>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogForm {
    Auto,
    Pretty,
    Json,
}

/// What a server can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve MCP over HTTP, with health and metrics
    Serve {
        /// Address to listen on
        #[arg(long, value_name = "ADDR")]
        bind: Option<IpAddr>,
        /// Port to listen on
        #[arg(long, value_name = "N")]
        port: Option<u16>,
        /// Stop when stdin ends: for a parent that holds the other end of a pipe
        #[arg(long)]
        until_eof: bool,
    },
    /// Ask a server on this machine whether it is well; exit 0 or 1
    Healthcheck {
        /// Ask whether it is ready, not only alive
        #[arg(long)]
        ready: bool,
        /// Port it listens on
        #[arg(long, value_name = "N")]
        port: Option<u16>,
    },
    /// List the tools as a client would see them
    Tools {
        /// Print the definitions as JSON
        #[arg(long)]
        json: bool,
        /// Estimate the tokens each definition costs a client (bytes / 4)
        #[arg(long)]
        tokens: bool,
    },
    /// Call a tool and print its result
    Call {
        /// Name of the tool
        tool: String,
        /// Arguments: one JSON object, `-` to read it from stdin, or KEY=VALUE pairs
        #[arg(value_name = "JSON|-|KEY=VALUE")]
        arguments: Vec<String>,
        /// Print the result on one line, for machines
        #[arg(long)]
        json: bool,
    },
    /// Show the first API key, or make, list, rotate and revoke keys
    Key {
        /// What to do; without it, show the first key
        #[command(subcommand)]
        command: Option<KeyCommand>,
    },
    /// Sign tokens with the shared secret
    Token {
        /// What to do
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Print the effective settings, each with its source
    Config {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Print the JSON Schema of all settings
        #[arg(long)]
        schema: bool,
    },
    /// Print version, protocol revisions, build
    Version {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl Cli {
    /// What the command line says of the configuration.
    pub fn flags(&self) -> Flags {
        let common = &self.common;
        let mut core = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                core.insert(key.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::from);
        set("toolset", text(&common.toolset));
        set("tools", common.tools.clone().map(Value::from));
        set("read_only", common.read_only.then_some(Value::Bool(true)));
        let state_dir = common.state_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
        set("state_dir", state_dir.map(Value::from));
        set("log_level", text(&common.log_level));
        let form = common.log_format.and_then(|form| form.to_possible_value());
        set("log_format", form.map(|form| Value::from(form.get_name())));
        match &self.command {
            Some(Command::Serve { bind, port, .. }) => {
                set("bind", bind.map(|bind| Value::from(bind.to_string())));
                set("port", port.map(Value::from));
            }
            Some(Command::Healthcheck { port, .. }) => set("port", port.map(Value::from)),
            _ => {}
        }
        Flags { config: common.config.clone(), core }
    }
}

fn command(declared: &Declared) -> clap::Command {
    let member = declared.facts.member;
    Cli::command().name(member.binary()).version(declared.facts.version).about(format!(
        "{}: {}. Without a command it speaks MCP on stdio.",
        member.title, member.purpose
    ))
}

/// Read the command line; help, version and mistakes end here.
///
/// # Errors
/// The exit code, after the message was printed.
pub(crate) fn parse(declared: &Declared) -> Result<Cli, ExitCode> {
    parse_from(declared, std::env::args_os())
}

fn parse_from(
    declared: &Declared,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Cli, ExitCode> {
    command(declared)
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| {
            // Nobody is left to tell if the terminal is closed.
            drop(error.print());
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            ExitCode::from(exit.code())
        })
}

/// The commands that need no configuration.
pub(crate) fn without_config(declared: &Declared, cli: &Cli) -> Result<Option<Exit>, StartError> {
    match &cli.command {
        Some(Command::Version { json }) => print::version(&declared.facts, *json)?,
        Some(Command::Completions { shell }) => {
            let mut command = command(declared);
            let name = command.get_name().to_owned();
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, name, &mut script);
            print::bytes(&script)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(Exit::Ok))
}

/// The commands that need the configuration but no running server.
pub(crate) fn with_config(
    declared: &Declared,
    tools: fn() -> Vec<Written>,
    cli: &Cli,
    loaded: &Loaded<()>,
    state: &StateDir,
) -> Result<Option<Exit>, StartError> {
    let member = declared.facts.member;
    match &cli.command {
        Some(Command::Key { command }) => {
            return key::key(command.as_ref(), &loaded.core, member, state).map(Some);
        }
        Some(Command::Token { command }) => {
            return key::token(command, &loaded.core, member).map(Some);
        }
        Some(Command::Config { json, schema }) => print::config(declared, loaded, *json, *schema)?,
        Some(Command::Tools { json, tokens }) => {
            let catalogue = Catalogue::listed(declared, tools(), &loaded.core)?;
            print::tools(&catalogue, *json, *tokens)?;
        }
        Some(Command::Healthcheck { ready, .. }) => {
            let port = loaded.core.port.unwrap_or(member.port);
            return match healthcheck::check(loaded.core.bind, port, *ready) {
                Ok(body) => print::line(&body).map(|()| Some(Exit::Ok)),
                Err(error) => {
                    print::error_line(&error);
                    Ok(Some(Exit::CallFailed))
                }
            };
        }
        _ => return Ok(None),
    }
    Ok(Some(Exit::Ok))
}
