//! `install`: tell an MCP client of servers, by its own command line or in its own file.

mod edit;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mcp_core::{
    StartError, config::Environment, fleet::Member, server::Exit, suggest::did_you_mean,
};
use tokio::process::Command;

use self::edit::Change;
use crate::{
    clients::{CLIENTS, Client, Target},
    output, sibling,
};

/// What to tell whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Install {
    /// claude-code, claude-desktop, cursor, vscode, zed, codex or gemini-cli
    client: String,
    /// Names of servers; all seven without any
    servers: Vec<String>,
    /// Let the client reach a server that runs, instead of starting its own
    #[arg(long, conflicts_with = "remove")]
    http: bool,
    /// Another file than the user's own, e.g. `.cursor/mcp.json` of a project
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Take the servers out again
    #[arg(long)]
    remove: bool,
    /// Overwrite entries of these names that say something else
    #[arg(long, conflicts_with = "remove")]
    replace: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Tell the client.
pub(crate) async fn install(request: &Install) -> Result<Exit, StartError> {
    let client = client(&request.client)?;
    let members = sibling::named(&request.servers)?;
    let mut changes = Vec::new();
    for member in members {
        changes.push(Change { server: member.name, target: target(request, member).await? });
    }
    if request.file.is_none() && client.program.is_some() {
        return by_program(client, request, &changes).await;
    }
    let path = file(client, request)?;
    let rows = in_file(client, request, &path, &changes)?;
    output::table(["client", "server", "where", "what"], &rows)?;
    if !request.dry_run {
        output::log(&format!("{} reads it when it starts anew.", client.name));
    }
    Ok(Exit::Ok)
}

fn client(name: &str) -> Result<&'static Client, StartError> {
    CLIENTS.iter().find(|client| client.id == name).ok_or_else(|| {
        let names = || CLIENTS.iter().map(|client| client.id);
        let near = did_you_mean(name, names());
        StartError::config(format!("there is no recipe for a client `{name}`{near}"))
            .with_hint(format!("clients: {}", names().collect::<Vec<_>>().join(", ")))
    })
}

async fn target(request: &Install, member: &Member) -> Result<Option<Target>, StartError> {
    if request.remove {
        return Ok(None);
    }
    if request.http {
        let address = sibling::address(member).await?;
        return Ok(Some(Target::Http(format!("http://{address}/mcp"))));
    }
    let path = sibling::executable(member)?;
    let path = path.to_str().ok_or_else(|| {
        StartError::config(format!("{} is not Unicode, and clients' files are", path.display()))
            .with_hint("put the executables into a directory with a plain name")
    })?;
    Ok(Some(Target::Stdio(path.to_owned())))
}

/// The file to change.
fn file(client: &Client, request: &Install) -> Result<PathBuf, StartError> {
    if let Some(path) = &request.file {
        return Ok(path.clone());
    }
    let unknown = || {
        StartError::config(format!("where {} keeps its settings is not known here", client.name))
            .with_hint("name its file: --file PATH")
    };
    let path = client.file(&Environment::of_process()).ok_or_else(unknown)?;
    let directory = path.parent().unwrap_or(&path);
    if directory.is_dir() {
        return Ok(path);
    }
    Err(StartError::unavailable(format!("there is no directory {}", directory.display()))
        .with_hint(format!("start {} once, or name its file: --file PATH", client.name)))
}

type Row = [String; 4];

fn row(client: &Client, change: &Change, place: &str, outcome: &str) -> Row {
    [client.id.to_owned(), change.server.to_owned(), place.to_owned(), outcome.to_owned()]
}

/// Change the client's file: all servers, or on any trouble nothing.
fn in_file(
    client: &Client,
    request: &Install,
    path: &Path,
    changes: &[Change],
) -> Result<Vec<Row>, StartError> {
    let shown = path.display();
    let old = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(StartError::unavailable(format!("{shown}: {error}"))),
    };
    let edited = edit::edit(client, &old, changes, request.replace)
        .map_err(|error| error.of_file(&shown.to_string()))?;
    let changed = edited.outcomes.iter().any(|outcome| outcome.is_change());
    if changed && !request.dry_run {
        write(path, &edited.text)
            .map_err(|error| StartError::unavailable(format!("{shown}: {error}")))?;
    }
    let would = if request.dry_run { "would be " } else { "" };
    let place = shown.to_string();
    let rows = changes.iter().zip(&edited.outcomes).map(|(change, outcome)| {
        let would = if outcome.is_change() { would } else { "" };
        row(client, change, &place, &format!("{would}{}", outcome.as_str()))
    });
    Ok(rows.collect())
}

/// Put the text in place of the file at once, with its rights, through a link if it is one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    if let Ok(old) = fs::metadata(&path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

/// Let the client's own command line do it, one server after the other.
async fn by_program(
    client: &Client,
    request: &Install,
    changes: &[Change],
) -> Result<Exit, StartError> {
    let program = client.program.unwrap_or_default();
    for change in changes {
        let arguments = match &change.target {
            Some(target) => client.add(change.server, target),
            None => client.remove(change.server),
        };
        let arguments = arguments.unwrap_or_default();
        let line = format!("{program} {}", arguments.join(" "));
        if request.dry_run {
            output::line(&line)?;
            continue;
        }
        if request.replace {
            // What is not there cannot be removed: the next command says whether all is well.
            let words = client.remove(change.server).unwrap_or_default();
            drop(Command::new(program).args(words).output().await);
        }
        let output = Command::new(program).args(&arguments).output().await.map_err(|error| {
            StartError::unavailable(format!("{program} cannot be run: {error}"))
                .with_hint(format!("where {} is, run: {line}", client.name))
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(StartError::unavailable(format!("{program}: {}", said.trim()))
                .with_hint("--replace takes an entry of this name out first"));
        }
        output::line(&format!("{}: {line}", change.server))?;
    }
    Ok(Exit::Ok)
}
