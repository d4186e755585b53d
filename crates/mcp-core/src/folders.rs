//! What callers leave on disk: a directory for each caller, in it one for each thing of its own.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    durable,
    state_key::{random_id, sha256},
};

/// What begins with this is being made, or being deleted.
const HIDDEN: char = '.';
/// Holds the caller's name. Written before the first thing is acknowledged: a start finds callers by it.
const OWNER: &str = "owner";

/// Things of one kind, by caller. Their names are a prefix, `_` and 32 hexadecimal digits; nothing else
/// reaches a path.
#[derive(Debug, Clone)]
pub struct Folders {
    root: PathBuf,
    prefix: &'static str,
}

impl Folders {
    /// Below `root`; nothing is made before the first thing.
    pub fn new(root: PathBuf, prefix: &'static str) -> Self {
        Self { root, prefix }
    }

    /// Directory of a thing, whether it exists or not; `None` for a word that names none.
    pub fn folder(&self, owner: &str, id: &str) -> Option<PathBuf> {
        self.is_id(id).then(|| self.of(owner).join(id))
    }

    /// Make a thing from what `fill` writes, and syncs, in an empty directory: it is on disk, whole,
    /// when this returns, or not there at all.
    ///
    /// # Errors
    /// What the system says; `AlreadyExists` when there is one of that name.
    pub fn create<T>(
        &self,
        owner: &str,
        id: &str,
        fill: impl FnOnce(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let folder = self.folder(owner, id).ok_or(io::ErrorKind::InvalidInput)?;
        let dir = self.of(owner);
        if !dir.join(OWNER).is_file() {
            durable::make_dir(&dir)?;
            durable::replace(&dir.join(OWNER), owner.as_bytes())?;
            durable::sync_dir(&self.root)?;
            self.root.parent().map_or(Ok(()), durable::sync_dir)?;
        }
        // Two may make it at once, in two processes.
        let random = random_id().map_err(io::Error::other)?;
        let part = dir.join(format!("{HIDDEN}new-{id}-{random}"));
        durable::make_dir(&part)?;
        let made = fill(&part).and_then(|made| durable::sync_dir(&part).map(|()| made));
        let renamed = made.and_then(|made| rename_new(&part, &folder).map(|()| made));
        if renamed.is_err() {
            drop(fs::remove_dir_all(&part));
        }
        let made = renamed?;
        durable::sync_dir(&dir)?;
        Ok(made)
    }

    /// Names of a caller's things.
    ///
    /// # Errors
    /// What the system says.
    pub fn ids(&self, owner: &str) -> io::Result<Vec<String>> {
        let mut names = names(&self.of(owner))?;
        names.retain(|name| self.is_id(name));
        Ok(names)
    }

    /// All callers that have, or had, things.
    ///
    /// # Errors
    /// What the system says.
    pub fn owners(&self) -> io::Result<Vec<String>> {
        let dirs = names(&self.root)?;
        let owner = |dir: &String| fs::read_to_string(self.root.join(dir).join(OWNER)).ok();
        Ok(dirs.iter().filter_map(owner).collect())
    }

    /// Bytes of a caller's things.
    ///
    /// # Errors
    /// What the system says.
    pub fn bytes(&self, owner: &str) -> io::Result<u64> {
        let mut bytes = 0;
        for id in self.ids(owner)? {
            bytes += bytes_in(&self.of(owner).join(id))?;
        }
        Ok(bytes)
    }

    /// Bytes of a thing of a caller's; none when there is no such thing.
    ///
    /// # Errors
    /// What the system says.
    pub fn bytes_of(&self, owner: &str, id: &str) -> io::Result<u64> {
        self.folder(owner, id).map_or(Ok(0), |folder| bytes_in(&folder))
    }

    /// Remove a thing: it is gone, for good, when this returns.
    ///
    /// # Errors
    /// What the system says; `NotFound` when there is none.
    pub fn remove(&self, owner: &str, id: &str) -> io::Result<()> {
        let folder = self.folder(owner, id).ok_or(io::ErrorKind::NotFound)?;
        let dir = self.of(owner);
        let random = random_id().map_err(io::Error::other)?;
        let gone = dir.join(format!("{HIDDEN}gone-{id}-{random}"));
        fs::rename(folder, &gone)?;
        durable::sync_dir(&dir)?;
        if let Err(error) = fs::remove_dir_all(&gone) {
            tracing::warn!(%error, "a deleted thing's files stay until the next start");
        }
        Ok(())
    }

    /// Remove what crashes left of things that were being made or deleted. What is younger than `older`
    /// may be another process's, just being made.
    ///
    /// # Errors
    /// What the system says.
    pub fn purge(&self, owner: &str, older: Duration) -> io::Result<()> {
        let dir = self.of(owner);
        for name in names(&dir)?.iter().filter(|name| name.starts_with(HIDDEN)) {
            let path = dir.join(name);
            let Ok(made) = path.metadata().and_then(|of| of.modified()) else { continue };
            if made.elapsed().unwrap_or_default() >= older {
                match fs::remove_dir_all(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Directory of a caller: its name may be anything, so its digest stands for it.
    fn of(&self, owner: &str) -> PathBuf {
        let digest = sha256(owner.as_bytes());
        self.root.join(hex::encode(digest.first_chunk::<16>().unwrap_or(&[0; 16])))
    }

    fn is_id(&self, word: &str) -> bool {
        let digits = word.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('_'));
        digits.is_some_and(|digits| {
            digits.len() == 32
                && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
        })
    }
}

/// Rename onto nothing: an empty directory would give way silently, but a thing is never empty.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty => io::ErrorKind::AlreadyExists.into(),
        _ => error,
    })
}

fn bytes_in(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for name in names(folder)? {
        // One that goes meanwhile weighs nothing.
        bytes += folder.join(name).metadata().map_or(0, |of| of.len());
    }
    Ok(bytes)
}

/// Names in a directory; none when there is no such directory.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(dir) {
        Ok(entries) => {
            let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name());
            let names: io::Result<Vec<_>> = entries.map(name).collect();
            Ok(names?.into_iter().filter_map(|name| name.into_string().ok()).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> String {
        format!("run_{}", digit.to_string().repeat(32))
    }

    #[test]
    fn only_ids_reach_a_path() {
        let folders = Folders::new("state".into(), "run");
        let named = folders.folder("me", &id('a'));
        assert!(named.is_some_and(|path| path.ends_with(id('a'))));
        for word in ["", "run_", "../x", "run_../../../../../etc/passwd", &id('a').to_uppercase()] {
            assert_eq!(folders.folder("me", word), None, "{word}");
        }
        assert_ne!(folders.of("me"), folders.of("you"));
    }

    #[test]
    fn what_was_half_made_or_half_deleted_is_not_there() {
        let state = tempfile::tempdir().unwrap();
        let folders = Folders::new(state.path().join("runs"), "run");
        assert!(folders.ids("me").unwrap().is_empty());
        let fill = |dir: &Path| fs::write(dir.join("file"), "seven b");
        folders.create("me", &id('0'), fill).unwrap();
        let again = folders.create("me", &id('0'), fill).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        let failed = folders.create("me", &id('1'), |_| Err::<(), _>(io::ErrorKind::Other.into()));
        assert!(failed.is_err());
        assert_eq!(folders.ids("me").unwrap(), [id('0')]);
        assert_eq!(
            (folders.owners().unwrap(), folders.bytes("me").unwrap()),
            (vec!["me".to_owned()], 7)
        );
        for left in [".new-run_1", ".gone-run_2"] {
            fs::create_dir(folders.of("me").join(left)).unwrap();
        }
        assert_eq!(folders.ids("me").unwrap().len(), 1);
        folders.purge("me", Duration::from_secs(3600)).unwrap();
        assert_eq!(names(&folders.of("me")).unwrap().len(), 4);
        folders.purge("me", Duration::ZERO).unwrap();
        assert_eq!(names(&folders.of("me")).unwrap().len(), 2);
        assert_eq!(folders.remove("you", &id('0')).unwrap_err().kind(), io::ErrorKind::NotFound);
        folders.remove("me", &id('0')).unwrap();
        assert!(folders.ids("me").unwrap().is_empty());
    }
}
