//! Files below the ingest root, found and read without leaving it.

use std::{collections::HashSet, io, sync::Arc};

use mcp_core::{
    path_root::{Dir, PathError, PathRoot, RelativePath, open_directory},
    prelude::task,
};

use crate::{
    Error,
    document::{Format, MAX_BYTES, Origin},
};

/// Most files of a call.
const MAX_FILES: usize = 10_000;
/// Most entries of directories looked at in a call.
const MAX_ENTRIES: usize = 100_000;

/// Files to read, in the order of their arguments, those of a directory by name.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// With the number of the argument.
    pub(super) files: Vec<(usize, RelativePath)>,
    /// Files in directories whose names tell no known format.
    pub(super) skipped: usize,
    known: HashSet<String>,
    entries: usize,
}

/// Find the files that paths name.
pub(super) async fn find(
    root: Option<&Arc<PathRoot>>,
    paths: Vec<String>,
) -> Result<Listing, mcp_core::ToolError> {
    let root = Arc::clone(root.ok_or_else(|| Error::PathDenied {
        field: "/paths".to_owned(),
        message: "this server reads no files".to_owned(),
        hint: "the operator sets MACHINA_PTOLEMIES_INGEST_ROOT to the directory to read below; or give text with uri",
    })?);
    let found = task::blocking(move || {
        let mut listing = Listing::default();
        for (number, path) in paths.iter().enumerate() {
            listing.add(&root, number, path)?;
        }
        Ok::<_, Error>(listing)
    });
    Ok(found.await??)
}

/// Bytes of a file.
pub(super) async fn load(
    root: &Arc<PathRoot>,
    path: RelativePath,
    origin: Origin,
) -> Result<Vec<u8>, mcp_core::ToolError> {
    let root = Arc::clone(root);
    let read = task::blocking(move || {
        match root.read(&path, MAX_BYTES) {
            Err(PathError::Refused(refused)) => {
                // What is too large is refused too; its size tells it apart.
                let size = entry(&root, &path).map_or(0, |found| found.size);
                crate::document::within(&origin, size)?;
                Err(denied(&origin.field, refused.to_string()))
            }
            Err(PathError::Io(error)) => Err(unreadable(&origin.field, path.as_str(), &error)),
            Ok(bytes) => Ok(bytes),
        }
    });
    Ok(read.await??)
}

impl Listing {
    fn add(&mut self, root: &PathRoot, number: usize, path: &str) -> Result<(), Error> {
        let field = format!("/paths/{number}");
        if path == "." {
            let dir = root.dir().try_clone().map_err(|error| unreadable(&field, path, &error))?;
            return self.walk(number, &dir, "");
        }
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let relative: RelativePath =
            trimmed.parse().map_err(|error| denied(&field, format!("{error}")))?;
        let found = entry(root, &relative).map_err(|error| failed(&field, path, error))?;
        if found.is_dir {
            let descent = root.descend(&relative).map_err(|error| failed(&field, path, error))?;
            return self.walk(number, &descent.dir, relative.as_str());
        }
        if !found.is_file {
            return Err(denied(
                &field,
                format!("path {trimmed:?} is refused: it is a link or no ordinary file"),
            ));
        }
        self.push(number, relative)
    }

    /// Files below a directory, those hidden and links left out.
    fn walk(&mut self, number: usize, dir: &Dir, above: &str) -> Result<(), Error> {
        let field = format!("/paths/{number}");
        let fail = |error: io::Error| unreadable(&field, above, &error);
        let mut entries = Vec::new();
        for entry in dir.entries().map_err(fail)? {
            let entry = entry.map_err(fail)?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(too_many(field));
            }
            let kind = entry.file_type().map_err(fail)?;
            // A name that is no UTF-8 can be in no path.
            let Ok(name) = entry.file_name().into_string() else {
                self.skipped += 1;
                continue;
            };
            if !name.starts_with('.') && !kind.is_symlink() {
                entries.push((name, kind.is_dir()));
            }
        }
        entries.sort();
        for (name, is_dir) in entries {
            let path = if above.is_empty() { name.clone() } else { format!("{above}/{name}") };
            let Ok(relative) = path.parse::<RelativePath>() else {
                self.skipped += 1;
                continue;
            };
            if is_dir {
                // One that became a link or vanished meanwhile is left out.
                if let Ok(inner) = open_directory(dir, &name) {
                    self.walk(number, &inner, &path)?;
                }
            } else if Format::of_name(&name).is_some() {
                self.push(number, relative)?;
            } else {
                self.skipped += 1;
            }
        }
        Ok(())
    }

    fn push(&mut self, number: usize, path: RelativePath) -> Result<(), Error> {
        if self.files.len() == MAX_FILES {
            return Err(too_many(format!("/paths/{number}")));
        }
        if self.known.insert(path.as_str().to_owned()) {
            self.files.push((number, path));
        }
        Ok(())
    }
}

/// What a path leads to, its last component not followed.
struct Entry {
    is_dir: bool,
    is_file: bool,
    size: u64,
}

fn entry(root: &PathRoot, path: &RelativePath) -> Result<Entry, PathError> {
    let dir = match path.parent() {
        None => root.dir().try_clone()?,
        Some(parent) => {
            let descent = root.descend(&parent)?;
            if !descent.missing.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            descent.dir
        }
    };
    let found = dir.symlink_metadata(path.name())?;
    Ok(Entry { is_dir: found.is_dir(), is_file: found.is_file(), size: found.len() })
}

fn failed(field: &str, path: &str, error: PathError) -> Error {
    match error {
        PathError::Refused(refused) => denied(field, refused.to_string()),
        PathError::Io(error) => unreadable(field, path, &error),
    }
}

fn denied(field: &str, message: String) -> Error {
    Error::PathDenied {
        field: field.to_owned(),
        message,
        hint: "give a path relative to the ingest root, with / between plain names and no links on the way; `.` is the root itself",
    }
}

fn unreadable(field: &str, path: &str, error: &io::Error) -> Error {
    let path: String = path.chars().take(100).collect();
    if error.kind() == io::ErrorKind::NotFound {
        return Error::NotFound {
            field: field.to_owned(),
            message: format!("nothing is at {path:?} below the ingest root"),
            hint: "give a path relative to the ingest root; `.` takes in all of it",
        };
    }
    // The kind alone: the system's text may name other paths.
    denied(field, format!("{path:?} cannot be read: {}", error.kind()))
}

fn too_many(field: String) -> Error {
    Error::TooLarge {
        field,
        message: format!(
            "a call takes <= {MAX_FILES} files out of <= {MAX_ENTRIES} entries of directories"
        ),
        hint: "name subdirectories, in several calls",
    }
}
