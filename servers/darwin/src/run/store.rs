//! Where runs lie: a directory for each caller, in it one for each run.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use mcp_core::durable;
use sha2::{Digest, Sha256};

use super::{checkpoint::Checkpoint, entry::Entry, journal::Journal};

/// What begins with this is being made, or being deleted.
const HIDDEN: char = '.';
/// Holds the caller's name. Written before the first run is acknowledged: a start finds callers by it.
const OWNER: &str = "owner";

/// The runs on disk.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// Below a state directory; nothing is made before the first run.
    pub(crate) fn new(state: &Path) -> Self {
        Self { root: state.join("runs") }
    }

    /// Directory of a caller: its name may be anything, so its digest stands for it.
    fn of(&self, owner: &str) -> PathBuf {
        let digest = Sha256::digest(owner.as_bytes());
        self.root.join(hex::encode(digest.first_chunk::<16>().unwrap_or(&[0; 16])))
    }

    /// Directory of a run, whether it exists or not; `None` for a word that names none.
    pub(crate) fn folder(&self, owner: &str, id: &str) -> Option<PathBuf> {
        is_id(id).then(|| self.of(owner).join(id))
    }

    /// Make a run; it is on disk, whole, when this returns, or not there at all.
    pub(crate) fn create(
        &self,
        owner: &str,
        id: &str,
        entries: &[Entry],
        origin: Option<&Checkpoint>,
    ) -> io::Result<Journal> {
        let dir = self.of(owner);
        if !dir.join(OWNER).is_file() {
            durable::make_dir(&dir)?;
            durable::replace(&dir.join(OWNER), owner.as_bytes())?;
            durable::sync_dir(&self.root)?;
            if let Some(state) = self.root.parent() {
                durable::sync_dir(state)?;
            }
        }
        let part = dir.join(format!("{HIDDEN}new-{id}"));
        durable::make_dir(&part)?;
        if let Some(origin) = origin {
            origin.write_origin(&part)?;
        }
        let journal = Journal::create(&part, entries)?;
        durable::sync_dir(&part)?;
        fs::rename(&part, dir.join(id))?;
        durable::sync_dir(&dir)?;
        Ok(journal)
    }

    /// Ids of a caller's runs.
    pub(crate) fn ids(&self, owner: &str) -> io::Result<Vec<String>> {
        names(&self.of(owner)).map(|names| names.into_iter().filter(|name| is_id(name)).collect())
    }

    /// All callers that have runs.
    pub(crate) fn owners(&self) -> io::Result<Vec<String>> {
        let dirs = names(&self.root)?;
        Ok(dirs
            .iter()
            .filter_map(|dir| fs::read_to_string(self.root.join(dir).join(OWNER)).ok())
            .collect())
    }

    /// Remove a run: it is gone, for good, when this returns.
    pub(crate) fn remove(&self, owner: &str, id: &str) -> io::Result<()> {
        let dir = self.of(owner);
        let gone = dir.join(format!("{HIDDEN}gone-{id}"));
        fs::rename(dir.join(id), &gone)?;
        durable::sync_dir(&dir)?;
        if let Err(error) = fs::remove_dir_all(&gone) {
            tracing::warn!(%error, "a deleted run's files stay until the next start");
        }
        Ok(())
    }

    /// Remove what crashes left of runs that were being made or deleted. What is younger may be
    /// another process's, just being made.
    pub(crate) fn purge(&self, owner: &str, older: Duration) -> io::Result<()> {
        let dir = self.of(owner);
        for name in names(&dir)?.iter().filter(|name| name.starts_with(HIDDEN)) {
            let path = dir.join(name);
            let age = path.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age >= older {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }
}

/// Whether a word may be the name of a run: nothing else reaches a path.
fn is_id(word: &str) -> bool {
    word.strip_prefix("run_").is_some_and(|rest| {
        rest.len() == 32
            && rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    })
}

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

    #[test]
    fn only_ids_name_runs() {
        let id = format!("run_{}", "0a".repeat(16));
        assert!(is_id(&id));
        let store = Store::new(Path::new("state"));
        assert!(store.folder("me", &id).is_some_and(|path| path.ends_with(&id)));
        for word in ["", "run_", "../x", "run_../../../../../etc/passwd", &id.to_uppercase()] {
            assert_eq!(store.folder("me", word), None, "{word}");
        }
        assert_ne!(store.of("me"), store.of("you"));
    }

    #[test]
    fn a_run_that_was_half_made_or_half_deleted_is_not_there() {
        let state = tempfile::tempdir().unwrap();
        let store = Store::new(state.path());
        let id = format!("run_{}", "0".repeat(32));
        assert!(store.ids("me").unwrap().is_empty());
        drop(store.create("me", &id, &[], None).unwrap());
        assert_eq!(
            (store.ids("me").unwrap(), store.owners().unwrap()),
            (vec![id.clone()], vec!["me".to_owned()])
        );
        for left in [".new-run_1", ".gone-run_2"] {
            fs::create_dir(store.of("me").join(left)).unwrap();
        }
        assert_eq!(store.ids("me").unwrap().len(), 1);
        store.purge("me", Duration::from_secs(3600)).unwrap();
        assert_eq!(names(&store.of("me")).unwrap().len(), 4);
        store.purge("me", Duration::ZERO).unwrap();
        assert_eq!(names(&store.of("me")).unwrap().len(), 2);
        store.remove("me", &id).unwrap();
        assert!(store.ids("me").unwrap().is_empty());
    }
}
