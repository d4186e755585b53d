//! What can go wrong on the way, on request.

/// A failure that one or more of the next GraphQL requests meet instead of their answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// HTTP 200 with a GraphQL error of code `THROTTLED`; the bucket is emptied.
    Throttled,
    /// An HTTP status with a JSON error body and, when given, `Retry-After` in seconds.
    Status(u16, Option<u32>),
    /// HTTP 200 with a GraphQL error of this code and no data.
    Graphql(&'static str),
    /// HTTP 200 with an HTML page.
    Html,
    /// HTTP 200 whose JSON ends in the middle.
    Truncated,
    /// The connection ends in the middle of the body.
    Reset,
    /// The answer names another API version.
    WrongVersion,
    /// Every token given out so far stops working.
    ExpiredToken,
    /// No answer for this many milliseconds, then the right one.
    Delay(u64),
}
