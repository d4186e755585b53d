//! What is kept on disk: the files of runs and of registered data.

pub(crate) mod chain;
pub(crate) mod file;
pub(crate) mod head;

pub(crate) use self::{
    file::FileError,
    head::{Fault, Head, Source, State, Status},
};

/// Milliseconds since 1970: files outlive the process and its clock.
pub(crate) fn now_ms() -> u64 {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
