//! The caller of a message, as far as a handler may know it.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use rmcp::{
    ErrorData, RoleServer,
    handler::server::{
        common::{AsRequestContext, FromContextPart},
        tool::ToolCallContext,
    },
    model::ToolAnnotations,
    service::RequestContext,
};

use crate::limits::Rates;

/// How far a caller may go with one server; each includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Call tools that change nothing.
    Read,
    /// Call tools that change something.
    Write,
    /// Call tools that destroy something; change how the server runs.
    Admin,
}

impl Scope {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// The word after the colon in `<server>:<scope>`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The scope's name at one server, `<server>:read`.
    pub fn name(self, server: &str) -> String {
        format!("{server}:{}", self.label())
    }

    /// The scope of that name at that server; `None` for any other word.
    pub fn parse(name: &str, server: &str) -> Option<Self> {
        let word = name.strip_prefix(server)?.strip_prefix(':')?;
        Self::ALL.into_iter().find(|scope| scope.label() == word)
    }

    /// What a call of a tool with these annotations needs. A tool that does not say so is no read.
    pub fn needed(annotations: Option<&ToolAnnotations>) -> Self {
        let Some(annotations) = annotations else { return Self::Admin };
        if annotations.read_only_hint == Some(true) {
            Self::Read
        } else if annotations.destructive_hint == Some(false) {
            Self::Write
        } else {
            Self::Admin
        }
    }
}

/// An authenticated caller: a name that owns what it makes, and its scope. Cheap to clone; it holds
/// no credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Arc<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    id: Arc<str>,
    scope: Option<Scope>,
    tools: Option<BTreeSet<String>>,
    rates: Option<Rates>,
    local: bool,
}

impl Principal {
    /// A caller with a stable name. `scope` is `None` for one that may call nothing; `tools`, if
    /// given, are the only ones it sees.
    pub fn new(
        id: impl Into<Arc<str>>,
        scope: Option<Scope>,
        tools: Option<BTreeSet<String>>,
    ) -> Self {
        Self(Arc::new(Inner { id: id.into(), scope, tools, rates: None, local: false }))
    }

    /// With limits of its own.
    #[must_use]
    pub fn with_rates(self, rates: Rates) -> Self {
        let inner = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Inner { rates: Some(rates), ..inner }))
    }

    /// The user of this machine: whoever started the process and speaks to its stdin.
    pub fn local() -> Self {
        static LOCAL: LazyLock<Principal> = LazyLock::new(|| {
            let inner = Arc::unwrap_or_clone(Principal::new("local", Some(Scope::Admin), None).0);
            Principal(Arc::new(Inner { local: true, ..inner }))
        });
        LOCAL.clone()
    }

    /// Whoever reaches an HTTP port that asks for no credential.
    pub fn anonymous() -> Self {
        static ANONYMOUS: LazyLock<Principal> =
            LazyLock::new(|| Principal::new("anonymous", Some(Scope::Admin), None));
        ANONYMOUS.clone()
    }

    /// A caller that may do nothing: of a message that passed no front.
    pub(crate) fn nobody() -> Self {
        Self::new("nobody", None, None)
    }

    /// The caller of this message: the one that the HTTP front authenticated, else the local user.
    pub fn of(context: &RequestContext<RoleServer>) -> Self {
        match context.extensions.get::<http::request::Parts>() {
            Some(parts) => parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::nobody),
            None => Self::local(),
        }
    }

    /// Whether a credential named it.
    pub fn is_authenticated(&self) -> bool {
        !self.is_local() && self.id() != "anonymous"
    }

    /// Stable name of the caller: what it made is found under this name.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The same, shared: a key for maps.
    pub fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.0.id)
    }

    /// Whether it is [`Principal::local`].
    pub fn is_local(&self) -> bool {
        self.0.local
    }

    /// Its own limits, if it has some.
    pub fn rates(&self) -> Option<Rates> {
        self.0.rates
    }

    /// The furthest it may go.
    pub fn scope(&self) -> Option<Scope> {
        self.0.scope
    }

    /// Whether it holds this scope or a wider one.
    pub fn holds(&self, needed: Scope) -> bool {
        self.0.scope.is_some_and(|scope| scope >= needed)
    }

    /// Whether it may see and call a tool that needs this scope.
    pub fn may_call(&self, tool: &str, needed: Scope) -> bool {
        self.holds(needed) && self.0.tools.as_ref().is_none_or(|tools| tools.contains(tool))
    }

    /// Whether every tool is open to it.
    pub fn is_unlimited(&self) -> bool {
        self.holds(Scope::Admin) && self.0.tools.is_none()
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for Principal {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        Ok(Self::of(context.as_request_context()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_includes_the_narrower_ones() {
        for (held, needed, may) in [
            (Some(Scope::Admin), Scope::Read, true),
            (Some(Scope::Write), Scope::Write, true),
            (Some(Scope::Write), Scope::Admin, false),
            (Some(Scope::Read), Scope::Write, false),
            (None, Scope::Read, false),
        ] {
            assert_eq!(Principal::new("x", held, None).may_call("t", needed), may);
        }
        let only = Principal::new("x", Some(Scope::Admin), Some(["a".to_owned()].into()));
        assert!(only.may_call("a", Scope::Admin) && !only.may_call("b", Scope::Read));
    }

    #[test]
    fn scopes_are_read_from_their_names_and_no_others() {
        assert_eq!(Scope::parse("bayes:write", "bayes"), Some(Scope::Write));
        for name in ["bayes:*", "bayes", "bayes:", "darwin:read", "bayes:Read", "bayesx:read"] {
            assert_eq!(Scope::parse(name, "bayes"), None, "{name}");
        }
    }

    #[test]
    fn a_tool_that_does_not_say_what_it_does_needs_the_widest() {
        let read = ToolAnnotations::new().read_only(true);
        let write = ToolAnnotations::new().read_only(false).destructive(false);
        assert_eq!(Scope::needed(Some(&read)), Scope::Read);
        assert_eq!(Scope::needed(Some(&write)), Scope::Write);
        assert_eq!(Scope::needed(Some(&ToolAnnotations::new().destructive(true))), Scope::Admin);
        assert_eq!(Scope::needed(Some(&ToolAnnotations::new())), Scope::Admin);
        assert_eq!(Scope::needed(None), Scope::Admin);
    }
}
