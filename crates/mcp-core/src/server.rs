//! What a server author writes: one trait, a few plain facts.

use std::{fmt, future::Future, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use rmcp::{handler::server::router::tool::ToolRouter, model::JsonObject};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Preview, Principal, Result, ServerConfig,
    extended::Extended,
    fleet::Member,
    limits::Rate,
    state_dir::{StateDir, StateLock, Taken},
    state_key::StateKey,
    task::Tasks,
    upstream::Upstreams,
};

/// A server: facts, settings, tools. Everything else is this crate's.
pub trait McpServer: Send + Sync + Sized + 'static {
    /// Name, version, documentation.
    const FACTS: Facts;
    /// Advertise tool schemas as they were written instead of trimming what a model does not need.
    const VERBATIM_SCHEMAS: bool = false;
    /// Keep sessions for clients of the older revisions. Costs memory per client; off in the fleet.
    const LEGACY_SESSIONS: bool = false;

    /// The server's own settings.
    type Config: ServerConfig;

    /// Open what the server needs. Nothing is bound before this returns.
    fn start(
        config: Self::Config,
        context: StartContext,
    ) -> impl Future<Output = Result<Self, StartError>> + Send;

    /// All tools: the sum of the families.
    fn tools() -> ToolRouter<Self>;

    /// Named subsets of the tools. The first is the default and is called `core`; `all` is implied.
    fn toolsets() -> &'static [Toolset];

    /// Limits of one tool.
    fn policy(_tool: &str) -> CallPolicy {
        CallPolicy::default()
    }

    /// What a call of a tool with [`CallPolicy::confirm`] would do: told before it is asked for, and
    /// looked at again when the answer comes. Changes nothing.
    fn preview(
        &self,
        _tool: &str,
        _arguments: &JsonObject,
        _principal: &Principal,
    ) -> impl Future<Output = Result<Preview>> + Send {
        std::future::ready(Ok(Preview::default()))
    }

    /// What the server is for, in one to three sentences.
    fn instructions() -> &'static str;

    /// Prompts, as templates.
    fn prompts() -> &'static [Prompt] {
        &[]
    }

    /// The server's own documents. Every server also has `machina://readme` and
    /// `machina://config-schema`.
    fn resources() -> &'static [Resource] {
        &[]
    }

    /// Read one of [`McpServer::resources`] for a caller; `None` when there is no such document.
    fn read_resource(
        &self,
        _uri: &str,
        _principal: &Principal,
    ) -> impl Future<Output = Result<Option<String>>> + Send {
        std::future::ready(Ok(None))
    }

    /// Named readiness checks.
    fn probes(&self) -> impl Future<Output = Vec<ProbeReport>> + Send {
        std::future::ready(Vec::new())
    }

    /// Flush and close. Called once, after the last call has ended.
    fn stop(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Protocol features beyond the above.
    fn extended(&self) -> Option<Arc<dyn Extended>> {
        None
    }
}

/// Who a server is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Facts {
    /// Name, title, port, purpose.
    pub member: &'static Member,
    /// Version of the server's package.
    pub version: &'static str,
    /// The server's README.
    pub readme: &'static str,
}

impl Facts {
    /// Facts of a server; `version` is `env!("CARGO_PKG_VERSION")` of its own package.
    pub const fn new(member: &'static Member, version: &'static str, readme: &'static str) -> Self {
        Self { member, version, readme }
    }
}

/// A named subset of the tools.
#[derive(Debug, Clone, Copy)]
pub struct Toolset {
    /// `core`, or the server's own word.
    pub name: &'static str,
    /// One line on whom it suits.
    pub purpose: &'static str,
    /// Names of the tools in it.
    pub tools: &'static [&'static str],
}

/// Limits of one tool.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallPolicy {
    /// Longest run of one call; `None` takes the configured default (30 s).
    pub deadline: Option<Duration>,
    /// How many calls one call counts for in its caller's quota; `None` is one.
    pub weight: Option<NonZeroU32>,
    /// Rate of this tool for each caller, besides the caller's quota.
    pub rate: Option<Rate>,
    /// Ask before it is done.
    pub confirm: bool,
    /// Whether a call may go on after its answer.
    pub task: TaskSupport,
    /// How long an equal call of the same caller may get the same answer.
    pub cache: Option<Duration>,
}

/// How a tool's calls become tasks, for clients that declare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskSupport {
    /// Never.
    #[default]
    Never,
    /// Where the client declares tasks; else it is answered at the end.
    Optional,
    /// Always; a client that does not declare tasks cannot call it.
    Required,
    /// As `Required`, but a first call that brings no inputs is answered at once, so that the tool
    /// can ask for them.
    AfterInput,
}

impl CallPolicy {
    /// The longest deadline a policy may set.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(600);

    /// Everything at its default.
    pub const fn new() -> Self {
        Self {
            deadline: None,
            weight: None,
            rate: None,
            confirm: false,
            task: TaskSupport::Never,
            cache: None,
        }
    }

    /// Let one call count for `weight` calls in its caller's quota.
    #[must_use]
    pub const fn weight(mut self, weight: u32) -> Self {
        self.weight = NonZeroU32::new(weight);
        self
    }

    /// Let each caller call it at this rate.
    #[must_use]
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Let one call run for this long, at most [`Self::MAX_DEADLINE`].
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Ask before it is done: the user where the client can, else the caller brings back a token
    /// from a first call. Such a tool asks for no other input.
    #[must_use]
    pub const fn confirm(mut self) -> Self {
        self.confirm = true;
        self
    }

    /// Let a call become a task; its deadline is then [`Self::MAX_DEADLINE`] unless set.
    #[must_use]
    pub const fn task(mut self, support: TaskSupport) -> Self {
        self.task = support;
        self
    }

    /// Keep answers for this long. Only for a tool whose annotations say that it reads, and whose
    /// answer hangs on its arguments, its caller and what this server's calls write, nothing else.
    #[must_use]
    pub const fn cache(mut self, ttl: Duration) -> Self {
        self.cache = Some(ttl);
        self
    }
}

impl Default for CallPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// A prompt: a template whose `{argument}` places are replaced literally, sent as one user message.
#[derive(Debug, Clone, Copy)]
pub struct Prompt {
    /// Programmatic name.
    pub name: &'static str,
    /// Human-readable title.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its arguments.
    pub arguments: &'static [PromptArgument],
    /// Text with `{argument}` places; an absent optional argument leaves nothing.
    pub template: &'static str,
}

/// An argument of a [`Prompt`].
#[derive(Debug, Clone, Copy)]
pub struct PromptArgument {
    /// Name, as in the template.
    pub name: &'static str,
    /// What to give.
    pub description: &'static str,
    /// Whether a client must give it.
    pub required: bool,
    /// Values offered as completions.
    pub values: &'static [&'static str],
}

/// A fixed document of a server.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Its URI.
    pub uri: &'static str,
    /// Programmatic name.
    pub name: &'static str,
    /// Human-readable title.
    pub title: &'static str,
    /// What it holds.
    pub description: &'static str,
    /// MIME type.
    pub mime_type: &'static str,
}

/// The outcome of one readiness check.
#[derive(Debug, Clone)]
pub struct ProbeReport {
    /// Name of the thing that was looked at.
    pub name: &'static str,
    /// Whether the server is of no use without it.
    pub required: bool,
    /// How it is.
    pub state: ProbeState,
    /// One line for an operator; no secret.
    pub detail: Option<String>,
}

/// How a probed thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeState {
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// It is not set up, and need not be.
    NotConfigured,
}

impl ProbeState {
    /// The word shown to operators.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::NotConfigured => "not_configured",
        }
    }
}

/// What a server gets at start.
#[derive(Debug, Clone)]
pub struct StartContext {
    state: StateDir,
    tasks: Tasks,
    upstreams: Upstreams,
    key: Option<StateKey>,
    /// Cancelled when the server is asked to stop.
    pub shutdown: CancellationToken,
}

impl StartContext {
    pub(crate) fn new(state: StateDir, tracker: TaskTracker, shutdown: CancellationToken) -> Self {
        let (tasks, upstreams) = (Tasks::new(tracker), Upstreams::default());
        Self { state, tasks, upstreams, key: None, shutdown }
    }

    pub(crate) fn with_key(self, key: StateKey) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The key for cursors and other values that callers give back.
    ///
    /// # Errors
    /// No source of randomness.
    pub fn state_key(&self) -> Result<StateKey, StartError> {
        match &self.key {
            Some(key) => Ok(key.clone()),
            None => Ok(StateKey::of(None)?),
        }
    }

    /// A context for tests and tools outside the runner: state under `dir`.
    pub fn detached(dir: PathBuf) -> Self {
        Self::new(StateDir::new(dir), TaskTracker::new(), CancellationToken::new())
    }

    /// The state directory: made (mode 0700) at the first call, its format checked.
    pub fn state_dir(&self) -> Result<PathBuf, StartError> {
        self.state.open()
    }

    /// Take the state directory for this process alone; held until the guard is dropped.
    pub fn lock_state_dir(&self) -> Result<StateLock, StartError> {
        self.state.lock()
    }

    /// The same, for a server whose processes share a directory: one of them has it.
    pub fn try_lock_state_dir(&self) -> Result<Taken, StartError> {
        self.state.try_lock()
    }

    /// The remote services of this server: [`Upstreams::add`] makes the client of one, whose
    /// breaker then shows in `/health/ready` and whose attempts show in `/metrics`.
    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// Run a named background task; it is waited for at shutdown.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(name, future);
    }
}

/// Why a server did not start.
#[derive(Debug, Clone)]
pub struct StartError {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

/// Exit codes of every binary (`sysexits.h` numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Ok,
    /// A call answered an error.
    CallFailed,
    /// Usage or configuration.
    Usage,
    /// Something needed is not available.
    Unavailable,
    /// A fault of ours.
    Internal,
    /// A second SIGINT.
    Interrupted,
    /// A second SIGTERM.
    Terminated,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::CallFailed => 1,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl StartError {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// A setting is wrong: exit 64.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something needed is not there: exit 69.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unavailable, message)
    }

    /// A fault of ours: exit 70.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, message)
    }

    /// Say how to repair it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Exit code of the process.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// How to repair it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {}
