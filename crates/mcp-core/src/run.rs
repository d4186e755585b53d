//! `main` of every server, as a story.

use std::{io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use futures_util::future::BoxFuture;
use rmcp::ServiceExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    McpServer, StartContext, StartError,
    audit::Audit,
    auth::Authenticator,
    cli::{self, Cli, Command},
    config::{self, ConfigError, CoreConfig, Environment, Flags, Loaded},
    declared::{self, Declared, Written},
    fleet::Member,
    pipeline::Guarded,
    server::Exit,
    shutdown::{GRACE, Signals},
    state_dir::StateDir,
    state_key::StateKey,
    task::Tasks,
    telemetry,
    transport::{http, stdio::Stdio},
    upstream::Upstreams,
};

/// A server that will start with the settings that were read for it.
type Start = Box<
    dyn for<'a> FnOnce(StartContext, &'a CoreConfig) -> BoxFuture<'a, Result<Guarded, StartError>>
        + Send,
>;

/// Reads a server's settings; gives the shared ones, and the server to be started with its own.
type Load = fn(&Flags, &Environment) -> Result<(Loaded<()>, Start), ConfigError>;

/// Run a server's command line to its end.
pub fn main<S: McpServer>() -> ExitCode {
    main_of(&Declared::of::<S>(), load::<S>, || declared::written(S::tools(), None))
}

fn load<S: McpServer>(
    flags: &Flags,
    environment: &Environment,
) -> Result<(Loaded<()>, Start), ConfigError> {
    let (own, loaded) = config::load::<S::Config>(S::FACTS.member, flags, environment)?.split();
    let start: Start = Box::new(|context, core| {
        Box::pin(async move { Ok(Guarded::new(S::start(own, context).await?, core)?) })
    });
    Ok((loaded, start))
}

fn main_of(declared: &Declared, load: Load, tools: fn() -> Vec<Written>) -> ExitCode {
    let cli = match cli::parse(declared) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let code = match run(declared, load, tools, cli) {
        Ok(exit) => exit,
        Err(error) => {
            complain(&error);
            error.exit()
        }
    };
    ExitCode::from(code.code())
}

/// The one place where a binary speaks to its starter outside the log.
fn complain(error: &StartError) {
    let mut stderr = std::io::stderr().lock();
    // Nobody is left to tell if stderr is closed.
    drop(writeln!(stderr, "error: {error}"));
    if let Some(hint) = error.hint() {
        drop(writeln!(stderr, "hint: {hint}"));
    }
}

fn run(
    declared: &Declared,
    load: Load,
    tools: fn() -> Vec<Written>,
    cli: Cli,
) -> Result<Exit, StartError> {
    let environment = Environment::of_process();
    if let Some(exit) = cli::without_config(declared, &cli)? {
        return Ok(exit);
    }
    let (mut loaded, start) = load(&cli.flags(), &environment)?;
    if !matches!(cli.command, None | Some(Command::Serve { .. })) {
        // Who runs one command sees its answer; what a server would log of it is noise.
        loaded.quieten();
    }
    telemetry::init(&loaded.core);
    for note in &loaded.notes {
        tracing::warn!("{note}");
    }
    let state = state_dir(declared.facts.member, &loaded.core, &environment);
    if let Some(exit) = cli::with_config(declared, tools, &cli, &loaded, &state)? {
        return Ok(exit);
    }
    if matches!(cli.command, Some(Command::Serve { .. })) {
        loaded.core.check_bind()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::internal(format!("no async runtime: {error}")))?;
    let exit = runtime.block_on(started(cli, loaded.core, state, start));
    // Blocking work that ignores its cancel flag must not keep the process.
    runtime.shutdown_background();
    exit
}

async fn started(
    cli: Cli,
    core: CoreConfig,
    state: StateDir,
    start: Start,
) -> Result<Exit, StartError> {
    // Before the first message, so that no signal finds the default handler.
    let signals = Signals::take()?;
    let stopping = CancellationToken::new();
    let tracker = TaskTracker::new();
    let context = StartContext::new(state.clone(), tracker.clone(), stopping.clone())
        .with_key(StateKey::kept(core.state_key.as_ref(), state.clone())?);
    let upstreams = context.upstreams().clone();
    let guarded = start(context.clone(), &core).await?;
    let member = guarded.facts().member;
    guarded.watch(upstreams.clone());
    let guarded = match cli.command {
        Some(Command::Serve { .. }) => guarded.keep_tasks(&context, "http"),
        None => guarded.keep_tasks(&context, "stdio"),
        // One call and gone: it declares no tasks.
        Some(_) => guarded,
    };
    let tasks = Tasks::new(tracker);
    // Who calls from the shell sees the answer; lines go to a file then, if to anywhere.
    let shell = matches!(cli.command, Some(Command::Call { .. }));
    if !shell || core.audit_file.is_some() {
        let metrics = guarded.metrics();
        if let Some(audit) = Audit::start(&core, &tasks, metrics, member.name)? {
            guarded.keep_audit(audit);
        }
    }
    #[cfg(feature = "otlp")]
    guarded.record(&core, &tasks, &upstreams)?;

    let watching = stopping.clone();
    let work = async {
        let outcome = match cli.command {
            Some(Command::Serve { until_eof, .. }) => {
                if until_eof {
                    stop_at_eof(stopping.clone())?;
                }
                let auth = Authenticator::open(&core, member, &state, &upstreams)?;
                serve(&guarded, &core, auth, upstreams, stopping.clone()).await
            }
            Some(Command::Call { tool, arguments, json }) => {
                cli::call(&guarded, &tool, &arguments, json).await
            }
            _ => speak(&guarded, &core, stopping.clone()).await,
        };
        stopping.cancel();
        guarded.tasks_ended(GRACE).await;
        guarded.stop().await;
        if let Some(audit) = guarded.audit() {
            audit.close().await;
        }
        #[cfg(feature = "otlp")]
        guarded.recorded().await;
        if !tasks.join(GRACE).await {
            tracing::warn!("background tasks did not end in time");
        }
        outcome
    };
    tokio::select! {
        outcome = work => outcome,
        exit = signals.watch(watching) => Ok(exit),
    }
}

/// HTTP until a signal.
async fn serve(
    server: &Guarded,
    core: &CoreConfig,
    auth: Authenticator,
    upstreams: Upstreams,
    stopping: CancellationToken,
) -> Result<Exit, StartError> {
    let listener = http::bind(core, server.facts().member.port).await?;
    let address = listener
        .local_addr()
        .map_err(|error| StartError::internal(format!("no local address: {error}")))?;
    if !core.asks_for_credentials() && !core.bind.is_loopback() {
        tracing::warn!(%address, "anyone who reaches this address may call every tool");
    }
    let health = Arc::new(server.health(stopping.clone()).watching(upstreams));
    let aborting = CancellationToken::new();
    let app = http::app(server, health, core, auth, aborting.clone());
    let member = server.facts().member;
    let tools = server.catalogue().tools().count();
    tracing::info!(server = member.name, %address, tools, "listening: http://{address}/mcp");
    let metrics = Arc::clone(server.metrics());
    let drained = http::serve(listener, app, core, metrics, stopping).await;
    if !drained {
        tracing::warn!("requests were cut off: they did not end in time");
        aborting.cancel();
    }
    Ok(Exit::Ok)
}

/// Cancel when stdin ends. The thread is the process's own and ends with it.
fn stop_at_eof(stopping: CancellationToken) -> Result<(), StartError> {
    let wait = move || {
        let ended = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        tracing::info!(?ended, "stdin ended");
        stopping.cancel();
    };
    let spawned = std::thread::Builder::new().name("stdin".to_owned()).spawn(wait);
    spawned.map(drop).map_err(|error| StartError::internal(format!("no thread: {error}")))
}

/// stdio until its end or a signal.
async fn speak(
    server: &Guarded,
    core: &CoreConfig,
    stopping: CancellationToken,
) -> Result<Exit, StartError> {
    let (input, output) = rmcp::transport::stdio_pipes();
    let transport = Stdio::new(input, output, core.max_body, stopping);
    match server.clone().serve(transport).await {
        Ok(running) => {
            if let Err(error) = running.waiting().await {
                return Err(StartError::internal(format!("the connection broke: {error}")));
            }
        }
        // The client left, or a signal came, before the first request.
        Err(error) => tracing::debug!(%error, "no client spoke"),
    }
    Ok(Exit::Ok)
}

fn state_dir(member: &Member, core: &CoreConfig, environment: &Environment) -> StateDir {
    if let Some(path) = &core.state_dir {
        return StateDir::new(path.clone());
    }
    let base = environment.get("XDG_STATE_HOME").map(PathBuf::from);
    let home = || environment.get("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    base.or_else(home).map_or_else(StateDir::nowhere, |base| {
        StateDir::new(base.join("machina").join(member.name))
    })
}
