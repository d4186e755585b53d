//! Why a front refuses.

/// Why the front refused a message: a label of [`super::REFUSED`] and of audit lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No answer that the caller accepts.
    Accept,
    /// A body that ended early or came too slowly.
    Body,
    /// Too many connections of one address.
    Connections,
    /// A body of another type, or compressed.
    ContentType,
    /// No credential, or a wrong one.
    Credential,
    /// No JSON-RPC message, or arguments that are no object.
    Envelope,
    /// Too many calls in flight.
    Full,
    /// Headers that occur twice.
    Headers,
    /// A foreign Host, or a malformed one.
    Host,
    /// A foreign Origin.
    Origin,
    /// The caller's quota is used up.
    Quota,
    /// The credential does not go that far.
    Scope,
    /// Too many sessions.
    Sessions,
    /// A body that is too large.
    Size,
    /// The name of a tool that cannot be one.
    ToolName,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Accept,
        Self::Body,
        Self::Connections,
        Self::ContentType,
        Self::Credential,
        Self::Envelope,
        Self::Full,
        Self::Headers,
        Self::Host,
        Self::Origin,
        Self::Quota,
        Self::Scope,
        Self::Sessions,
        Self::Size,
        Self::ToolName,
    ];

    /// The word in metrics and audit lines.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Body => "body",
            Self::Connections => "connections",
            Self::ContentType => "content_type",
            Self::Credential => "credential",
            Self::Envelope => "envelope",
            Self::Full => "full",
            Self::Headers => "headers",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Quota => "quota",
            Self::Scope => "scope",
            Self::Sessions => "sessions",
            Self::Size => "size",
            Self::ToolName => "tool_name",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_at_its_place() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place, "{}", reason.label());
        }
    }
}
