//! Files that callers may name: those below directories that the operator allowed.

use std::{io, path::Path, sync::Arc};

use mcp_core::{
    path_root::{PathError, PathRoot, RelativePath},
    prelude::*,
};

/// Directories that files may be read from. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Files(Arc<[PathRoot]>);

impl Files {
    /// The directories of a configuration.
    pub(crate) fn open(roots: &[String]) -> Result<Self, StartError> {
        let open = |root: &String| {
            PathRoot::open(Path::new(root)).map_err(|error| {
                StartError::unavailable(format!("failed to open the root {root:?}: {error}"))
                    .with_hint("create the directory, or change MACHINA_DARWIN_ROOTS")
            })
        };
        Ok(Self(roots.iter().map(open).collect::<Result<_, _>>()?))
    }

    /// A file of at most `max` bytes, from the first directory that has it; links are not followed.
    pub(crate) fn read(&self, path: &str, max: u64, field: &str) -> Result<Vec<u8>> {
        let refused = |message: String, hint: &str| {
            ToolError::new(Kind::Refused, "access_refused", message)
                .with_field(field)
                .with_hint(hint)
        };
        let below = "give a path below a root of this server, without links";
        let path: RelativePath =
            path.parse().map_err(|error| refused(format!("{error}"), below))?;
        if self.0.is_empty() {
            let hint = "give the content itself, or have the operator set MACHINA_DARWIN_ROOTS";
            return Err(refused("this server may read no files".to_owned(), hint));
        }
        for root in self.0.iter() {
            match root.read(&path, max) {
                Ok(bytes) => return Ok(bytes),
                Err(PathError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(PathError::Refused(error)) => return Err(refused(error.to_string(), below)),
                Err(PathError::Io(error)) => {
                    // The kind says enough; the text may hold a path.
                    let message = format!("the file cannot be read: {}", error.kind());
                    return Err(ToolError::new(Kind::Unavailable, "not_read", message)
                        .with_field(field)
                        .with_hint("look at its permissions"));
                }
            }
        }
        Err(ToolError::new(Kind::NotFound, "not_found", "no root of this server has such a file")
            .with_field(field)
            .with_hint(below))
    }
}
