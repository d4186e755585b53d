//! The fleet's command line: `up`, `status`, `doctor`, `tools`, `call`, `install`.
//!
//! It knows the servers by their executables only, which lie beside its own: each keeps its own
//! configuration, and what `up` starts is what a user would start by hand.

mod call;
mod child;
mod client;
pub mod clients;
mod doctor;
mod install;
mod output;
mod sibling;
mod status;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mcp_core::{StartError, server::Exit};

/// Start, look at, call and install the seven Machina servers.
#[derive(Debug, Parser)]
#[command(name = "machina", version, disable_help_subcommand = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start servers and keep them running; Ctrl-C ends all of them
    Up {
        /// Names of servers; all seven without any
        servers: Vec<String>,
        /// Level of the servers' logs
        #[arg(long, value_name = "LEVEL")]
        log_level: Option<String>,
    },
    /// Show which servers answer, and how they are
    Status {
        /// Names of servers; all seven without any
        servers: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Show it again every two seconds
        #[arg(long)]
        watch: bool,
    },
    /// Look for what keeps servers from working, or makes them less safe than their defaults
    Doctor {
        /// Names of servers; all seven without any
        servers: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the tools of servers
    Tools {
        /// Names of servers; all seven without any
        servers: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Tools to list: core, all, or another named set
        #[arg(long, value_name = "NAME")]
        toolset: Option<String>,
    },
    /// Call a tool: on the running server, else on one started for this call
    Call {
        /// Name of the server
        server: String,
        /// Name of the tool
        tool: String,
        /// Arguments: one JSON object, `-` to read it from stdin, or KEY=VALUE pairs
        #[arg(value_name = "JSON|-|KEY=VALUE")]
        arguments: Vec<String>,
        /// Print the result on one line, for machines
        #[arg(long)]
        json: bool,
    },
    /// Tell an MCP client of servers
    Install(install::Install),
}

/// Run the command line to its end.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell if the terminal is closed.
            drop(error.print());
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return ExitCode::from(exit.code());
        }
    };
    let exit = run(cli.command).unwrap_or_else(|error| {
        output::complain(&error);
        error.exit()
    });
    ExitCode::from(exit.code())
}

fn run(command: Command) -> Result<Exit, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::internal(format!("no async runtime: {error}")))?;
    runtime.block_on(async {
        match command {
            Command::Up { servers, log_level } => {
                up::up(sibling::named(&servers)?, log_level.as_deref()).await
            }
            Command::Status { servers, json, watch } => {
                status::status(sibling::named(&servers)?, json, watch).await
            }
            Command::Doctor { servers, json } => {
                doctor::doctor(sibling::named(&servers)?, json).await
            }
            Command::Install(request) => install::install(&request).await,
            Command::Tools { servers, json, toolset } => {
                call::tools(sibling::named(&servers)?, json, toolset.as_deref()).await
            }
            Command::Call { server, tool, arguments, json } => {
                call::call(sibling::one(&server)?, &tool, &arguments, json).await
            }
        }
    })
}
