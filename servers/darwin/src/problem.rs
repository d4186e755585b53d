//! Problems that are stored, each under a name that its content gives.
//!
//! A problem is a directory with one file, which is never changed. Its name is a digest of the file,
//! so defining the same twice gives the same, and a file that is not as it was written is found out.
//! Runs carry their own copy: deleting a problem takes nothing from them.

use std::{fs, path::Path, time::Duration, time::SystemTime};

use mcp_core::{durable, folders::Folders, prelude::*};
use sha2::{Digest, Sha256};

use crate::tools::problem::ProblemArgs;

const FILE: &str = "problem";
/// What is left of a problem that was being made or deleted, after this, is of a crash.
const LEFT_OVER: Duration = Duration::from_secs(3600);
/// Layout of the file.
const LAYOUT: u32 = 1;

/// The problems of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Problems {
    /// Absent when nothing says where.
    store: Option<Folders>,
    most: u32,
}

/// A problem that was defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    layout: u32,
    pub(crate) name: Option<String>,
    pub(crate) problem: ProblemArgs,
}

/// Why something could not be done with a stored problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProblemError {
    /// No such problem of this caller's.
    #[error("there is no problem `{0}`")]
    NotFound(String),
    /// Too many problems of this caller.
    #[error("more than {0} problems of one caller")]
    Quota(u32),
    /// Nothing says where to keep problems.
    #[error("stored problems need a state directory")]
    NoStore,
    /// The file is not what was written.
    #[error("the file of the problem is damaged")]
    Damaged,
    /// The disk refused something.
    #[error("the problem could not be written down or read: {0}")]
    Store(String),
}

impl Problems {
    /// The problems below the state directory.
    pub(crate) fn open(context: &StartContext, most: u32) -> Self {
        let dir = context.state_dir().ok();
        Self { store: dir.map(|dir| Folders::new(dir.join("problems"), "problem")), most }
    }

    /// Keep a problem; its name, and whether it is new. On disk when this returns.
    pub(crate) async fn keep(
        &self,
        owner: &Principal,
        name: Option<String>,
        problem: ProblemArgs,
    ) -> Result<(String, bool)> {
        let stored = Stored { layout: LAYOUT, name, problem };
        let (store, most, owner) = (self.store()?, self.most, owner.shared_id());
        let kept = task::blocking(move || -> Result<(String, bool), ProblemError> {
            let bytes = serde_json::to_vec(&stored)
                .map_err(|error| ProblemError::Store(error.to_string()))?;
            let id = id_of(&bytes);
            let ids = store.ids(&owner)?;
            if ids.contains(&id) {
                return Ok((id, false));
            }
            if ids.len() >= most as usize {
                return Err(ProblemError::Quota(most));
            }
            store.purge(&owner, LEFT_OVER)?;
            let fill = |dir: &Path| durable::replace(&dir.join(FILE), &bytes);
            match store.create(&owner, &id, fill) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok((id, false)),
                made => made.map(|()| (id, true)).map_err(ProblemError::from),
            }
        });
        Ok(kept.await??)
    }

    /// A problem of this caller's.
    pub(crate) async fn get(&self, owner: &Principal, id: &str) -> Result<Stored> {
        let (store, owner, id) = (self.store()?, owner.shared_id(), id.to_owned());
        Ok(task::blocking(move || read(&store, &owner, &id)).await??)
    }

    /// All problems of this caller's, the newest first; what cannot be read comes with the reason.
    pub(crate) async fn list(
        &self,
        owner: &Principal,
    ) -> Result<Vec<(String, Result<Stored, ProblemError>)>> {
        let (Some(store), owner) = (self.store.clone(), owner.shared_id()) else {
            return Ok(Vec::new());
        };
        let listed = task::blocking(move || -> Result<Vec<_>, ProblemError> {
            let mut all = Vec::new();
            for id in store.ids(&owner)? {
                let file = store.folder(&owner, &id).map(|folder| folder.join(FILE));
                let made = file.and_then(|file| file.metadata().ok()?.modified().ok());
                all.push((made.unwrap_or(SystemTime::UNIX_EPOCH), id));
            }
            all.sort_by(|a, b| b.cmp(a));
            let named = all.into_iter().map(|(_, id)| (read(&store, &owner, &id), id));
            // Deleted since.
            let there = named.filter(|(one, _)| !matches!(one, Err(ProblemError::NotFound(_))));
            Ok(there.map(|(one, id)| (id, one)).collect())
        });
        Ok(listed.await??)
    }

    /// Remove a problem of this caller's.
    pub(crate) async fn delete(&self, owner: &Principal, id: &str) -> Result<()> {
        let (store, owner, id) = (self.store()?, owner.shared_id(), id.to_owned());
        let removed = task::blocking(move || match store.remove(&owner, &id) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(ProblemError::NotFound(shown(&id)))
            }
            removed => removed.map_err(ProblemError::from),
        });
        Ok(removed.await??)
    }

    fn store(&self) -> Result<Folders, ProblemError> {
        self.store.clone().ok_or(ProblemError::NoStore)
    }
}

fn read(store: &Folders, owner: &str, id: &str) -> Result<Stored, ProblemError> {
    let unknown = || ProblemError::NotFound(shown(id));
    let folder = store.folder(owner, id).ok_or_else(unknown)?;
    let bytes = match fs::read(folder.join(FILE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(unknown()),
        read => read?,
    };
    if id_of(&bytes) != id {
        return Err(ProblemError::Damaged);
    }
    serde_json::from_slice(&bytes)
        .ok()
        .filter(|stored: &Stored| stored.layout <= LAYOUT)
        .ok_or(ProblemError::Damaged)
}

fn id_of(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    format!("problem_{}", hex::encode(digest.first_chunk::<16>().unwrap_or(&[0; 16])))
}

/// A caller's word, fit for a message.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(40).collect()
}

impl ProblemError {
    /// Stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Quota(_) => "quota_exceeded",
            Self::NoStore => "not_configured",
            Self::Damaged => "problem_damaged",
            Self::Store(_) => "not_kept",
        }
    }
}

impl From<std::io::Error> for ProblemError {
    fn from(error: std::io::Error) -> Self {
        // The kind says enough; the text may hold a path.
        Self::Store(error.kind().to_string())
    }
}

impl From<ProblemError> for ToolError {
    fn from(error: ProblemError) -> Self {
        let new = |kind| Self::new(kind, error.code(), error.to_string());
        match error {
            ProblemError::NotFound(_) => new(Kind::NotFound)
                .with_field("/problem_id")
                .with_hint("list_problems shows your problems; define_problem makes one"),
            ProblemError::Quota(_) => new(Kind::RateLimited)
                .with_retry_after(Duration::from_secs(60))
                .with_hint("delete_problem those that are of no use any more; see list_problems"),
            ProblemError::NoStore => new(Kind::Refused).with_hint(
                "name one with --state-dir or MACHINA_STATE_DIR; or give the problem itself",
            ),
            ProblemError::Damaged => new(Kind::Conflict)
                .with_field("/problem_id")
                .with_hint("delete_problem it, then define_problem it again"),
            ProblemError::Store(_) => new(Kind::Unavailable).with_hint(
                "look at the state directory: space, permissions; nothing was acknowledged",
            ),
        }
    }
}
