//! A tree that appears at once or not at all.
//!
//! Files go into a locked, hidden directory beside their place; one rename publishes it. A process
//! that dies leaves the hidden directory without its lock, and [`sweep`] removes it later.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

use cap_std::fs::{Dir, OpenOptions};
use rustix::{
    fs::{FlockOperation, RenameFlags, flock, renameat, renameat_with},
    io::Errno,
};

use super::{RelativePath, open_directory, open_file};

/// Names with this prefix belong to this module.
pub const STAGING_PREFIX: &str = ".machina-staging-";

/// Most threads that wait for the disk.
const MAX_SYNCING: usize = 16;

/// A hidden directory under construction. Dropped without [`Staging::publish`], it is removed.
#[derive(Debug)]
pub struct Staging {
    parent: Dir,
    name: String,
    /// Carries the lock that tells a living builder from a dead one.
    dir: Dir,
    published: bool,
}

impl Staging {
    /// Make the directory beside its later place.
    pub fn create(parent: &Dir) -> io::Result<Self> {
        // A sweeper may take a directory in the instant between its making and its locking.
        for _ in 0..3 {
            let name = staging_name()?;
            parent.create_dir(&name)?;
            match open_directory(parent, &name) {
                Ok(dir) if lock(&dir) && open_directory(parent, &name).is_ok() => {
                    let parent = parent.try_clone()?;
                    return Ok(Self { parent, name, dir, published: false });
                }
                Ok(_) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other("the staging directory was removed three times"))
    }

    /// The directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Move the directory to its place, durably. A file, a link or a non-empty directory there is
    /// never replaced; an empty directory only when `replace_empty`.
    pub fn publish(mut self, name: &str, replace_empty: bool) -> io::Result<()> {
        readable(&self.dir)?.sync_all()?;
        let moved = if replace_empty {
            renameat(&self.parent, &self.name, &self.parent, name)
        } else {
            rename_no_replace(&self.parent, &self.name, name)
        };
        moved?;
        self.published = true;
        readable(&self.parent)?.sync_all()?;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is removed by the next sweep.
            drop(self.parent.remove_dir_all(&self.name));
        }
    }
}

/// Some file systems know no flags; there a plain rename of a directory still replaces nothing but
/// an empty directory (POSIX `rename`).
fn rename_no_replace(parent: &Dir, from: &str, to: &str) -> rustix::io::Result<()> {
    match renameat_with(parent, from, parent, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => renameat(parent, from, parent, to),
        moved => moved,
    }
}

/// A handle may be one that only names the directory (`O_PATH`); syncing needs one that reads.
fn readable(dir: &Dir) -> io::Result<File> {
    Ok(open_directory(dir, ".")?.into_std_file())
}

/// Take the lock that tells a living builder from a dead one; freed with the handle.
pub(super) fn lock(handle: impl AsFd) -> bool {
    flock(handle, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// A fresh name with the prefix.
pub(super) fn staging_name() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{STAGING_PREFIX}{:016x}", u64::from_le_bytes(bytes)))
}

/// Remove what dead builders left in a directory; how many were removed.
pub fn sweep(dir: &Dir) -> io::Result<usize> {
    let mut removed = 0;
    for entry in dir.entries()? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with(STAGING_PREFIX)) else {
            continue;
        };
        let gone = match open_directory(dir, name) {
            Ok(staging) => lock(&staging) && dir.remove_dir_all(name).is_ok(),
            Err(_) => {
                open_file(dir, name).is_ok_and(|file| lock(&file)) && dir.remove_file(name).is_ok()
            }
        };
        removed += usize::from(gone);
    }
    Ok(removed)
}

/// Whether a file has this name.
pub(super) fn is_there(dir: &Dir, name: &str) -> bool {
    open_file(dir, name).is_ok()
}

/// Write files below a fresh directory, durably. Nothing there is replaced.
pub fn write_tree<'a>(
    dir: &Dir,
    files: impl IntoIterator<Item = (&'a RelativePath, &'a [u8])>,
) -> io::Result<()> {
    let mut directories = BTreeSet::new();
    let mut handles = Vec::new();
    for (path, bytes) in files {
        let mut above = path.parent();
        while let Some(directory) = above {
            above = directory.parent();
            directories.insert(directory.as_str().to_owned());
        }
        if let Some(parent) = path.parent() {
            dir.create_dir_all(parent.as_str())?;
        }
        let mut file =
            dir.open_with(path.as_str(), OpenOptions::new().write(true).create_new(true))?;
        file.write_all(bytes)?;
        handles.push(file.into_std());
    }
    handles.push(readable(dir)?);
    for directory in directories {
        handles.push(readable(&dir.open_dir(directory)?)?);
    }
    sync_all(&handles)
}

/// Sync many handles at once: a journal commits what waits together, so that twenty files cost
/// little more than one (measured: 84 ms in a row, 9 ms together).
fn sync_all(handles: &[File]) -> io::Result<()> {
    let share = handles.len().div_ceil(MAX_SYNCING).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = handles
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().try_for_each(File::sync_all)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(io::Error::other("a sync panicked")))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::path_root::PathRoot;

    fn root() -> (tempfile::TempDir, PathRoot) {
        let temp = tempfile::tempdir().expect("temporary directory");
        let root = PathRoot::open(temp.path()).expect("root");
        (temp, root)
    }

    fn names(temp: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(temp.path()).expect("listing");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_seen_before_publishing_and_all_after() {
        let (temp, root) = root();
        let staging = Staging::create(root.dir()).expect("staging");
        let path: RelativePath = "a/b.txt".parse().expect("path");
        write_tree(staging.dir(), [(&path, b"text".as_slice())]).expect("files");
        assert!(!temp.path().join("project").exists());
        staging.publish("project", false).expect("published");
        assert_eq!(fs::read(temp.path().join("project/a/b.txt")).expect("file"), b"text");
        assert_eq!(names(&temp), ["project"]);
    }

    #[test]
    fn a_dropped_tree_leaves_nothing() {
        let (temp, root) = root();
        drop(Staging::create(root.dir()).expect("staging"));
        assert_eq!(names(&temp), Vec::<String>::new());
    }

    #[test]
    fn publishing_replaces_neither_file_nor_filled_directory() {
        let (temp, root) = root();
        fs::write(temp.path().join("file"), "kept").expect("file");
        fs::create_dir_all(temp.path().join("full/inner")).expect("directory");
        fs::create_dir(temp.path().join("empty")).expect("directory");
        for (name, replace_empty) in
            [("file", false), ("file", true), ("full", false), ("full", true), ("empty", false)]
        {
            let staging = Staging::create(root.dir()).expect("staging");
            staging.publish(name, replace_empty).expect_err(name);
        }
        assert_eq!(fs::read(temp.path().join("file")).expect("file"), b"kept");
        assert_eq!(names(&temp), ["empty", "file", "full"]);
        let staging = Staging::create(root.dir()).expect("staging");
        staging.publish("empty", true).expect("an empty directory gives way");
    }

    #[test]
    fn sweeping_takes_the_dead_and_spares_the_living() {
        let (temp, root) = root();
        let living = Staging::create(root.dir()).expect("staging");
        fs::create_dir_all(temp.path().join(format!("{STAGING_PREFIX}dead/inner"))).expect("dead");
        fs::create_dir(temp.path().join("other")).expect("directory");
        assert_eq!(sweep(root.dir()).expect("sweep"), 1);
        assert_eq!(names(&temp), [living.name.clone(), "other".to_owned()]);
    }
}
