//! Data that callers leave here under a name, to fit models to them by handle.

mod error;
mod read;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mcp_core::{StateKey, folders::Folders, prelude::*};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use self::{
    error::DataError,
    read::{Column, Format},
};
use crate::{
    Config,
    store::{
        FileError,
        file::{self, Holds},
        head::json,
        now_ms,
    },
};

/// Most bytes of one caller's data.
const MAX_EACH: u64 = 64 << 20;
/// The file of a dataset.
const FILE: &str = "data";

/// What is told of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dataset {
    pub(crate) name: String,
    pub(crate) created_ms: u64,
    /// Of the text, as it was given.
    pub(crate) sha256: String,
    pub(crate) columns: Vec<Column>,
}

/// Values by name.
pub(crate) type Values = BTreeMap<String, Value>;

/// The datasets of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Datasets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Absent when nothing says where.
    folders: Option<Folders>,
    key: StateKey,
    lifetime: Duration,
    most: u32,
}

impl Datasets {
    /// The datasets below the state directory.
    pub(crate) fn open(context: &StartContext, config: &Config) -> Result<Self, StartError> {
        let folders = context.state_dir().ok().map(|dir| Folders::new(dir.join("data"), "data"));
        let lifetime = Duration::from_secs(config.lifetime_s);
        let key = context.state_key()?;
        Ok(Self(Arc::new(Shared { folders, key, lifetime, most: config.max_data })))
    }

    /// How long one is kept.
    pub(crate) fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    /// Keep what a text holds. Equal text under an equal name is the same dataset.
    pub(crate) async fn register(
        &self,
        owner: &Principal,
        (name, format, content): (String, Format, String),
    ) -> Result<(String, Dataset)> {
        let sha256 = hex::encode(Sha256::digest(content.as_bytes()));
        let id = self.0.key.name("data", owner, format!("{format:?}:{sha256}:{name}").as_bytes());
        let (shared, owner, own_id) = (Arc::clone(&self.0), owner.shared_id(), id.clone());
        let kept = task::blocking(move || -> Result<Dataset, DataError> {
            if let Ok(dataset) = shared.read(&owner, &own_id) {
                return Ok(dataset);
            }
            let (values, columns) = read::read(format, &content)?;
            let dataset = Dataset { name, created_ms: now_ms(), sha256, columns };
            shared.write(&owner, &own_id, &dataset, &values)?;
            Ok(dataset)
        });
        Ok((id, kept.await??))
    }

    /// What is told of a dataset of this caller's.
    pub(crate) async fn get(&self, owner: &Principal, id: &str) -> Result<Dataset> {
        let (shared, owner, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        Ok(task::blocking(move || shared.read(&owner, &id)).await??)
    }

    /// The values of a dataset of this caller's.
    pub(crate) async fn values(&self, owner: &Principal, id: &str) -> Result<Values> {
        let (shared, owner, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        let values = task::blocking(move || -> Result<Values, DataError> {
            shared.read(&owner, &id)?;
            let bytes = file::read(&shared.folder(&owner, &id)?.join(FILE))?;
            let sections = file::decode(Holds::Data, &bytes)?;
            let values = sections.get(1).ok_or(FileError::Damaged(bytes.len() as u64))?;
            Ok(json(values)?)
        });
        Ok(values.await??)
    }

    /// All datasets of this caller's, the newest first; what cannot be read comes with the reason.
    pub(crate) async fn list(
        &self,
        owner: &Principal,
    ) -> Result<Vec<(String, Result<Dataset, DataError>)>> {
        let (shared, owner) = (Arc::clone(&self.0), owner.shared_id());
        let listed = task::blocking(move || -> io::Result<Vec<_>> {
            let Some(folders) = &shared.folders else { return Ok(Vec::new()) };
            let all = folders.ids(&owner)?.into_iter().map(|id| (shared.read(&owner, &id), id));
            let there =
                |one: &Result<Dataset, DataError>| !matches!(one, Err(DataError::Unknown(_)));
            Ok(all.filter(|(one, _)| there(one)).map(|(one, id)| (id, one)).collect())
        });
        let mut all = listed.await?.map_err(DataError::from)?;
        let age = |one: &Result<Dataset, DataError>| one.as_ref().map_or(0, |one| one.created_ms);
        all.sort_by(|a, b| (age(&b.1), &b.0).cmp(&(age(&a.1), &a.0)));
        Ok(all)
    }

    /// Bytes of a dataset of this caller's.
    pub(crate) async fn bytes(&self, owner: &Principal, id: &str) -> Result<u64> {
        let (shared, owner, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        Ok(task::blocking(move || shared.bytes(&owner, &id)).await??)
    }

    /// Remove a dataset of this caller's; its bytes. Runs that were fitted to it keep their own copy.
    pub(crate) async fn delete(&self, owner: &Principal, id: &str) -> Result<u64> {
        let (shared, owner, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        let deleted = task::blocking(move || -> Result<u64, DataError> {
            let bytes = shared.bytes(&owner, &id)?;
            shared.folders()?.remove(&owner, &id)?;
            Ok(bytes)
        });
        Ok(deleted.await??)
    }
}

impl Shared {
    fn folders(&self) -> Result<&Folders, DataError> {
        self.folders.as_ref().ok_or(DataError::NoStore)
    }

    fn folder(&self, owner: &str, id: &str) -> Result<PathBuf, DataError> {
        self.folders()?.folder(owner, id).ok_or(DataError::Unknown(self.lifetime))
    }

    fn read(&self, owner: &str, id: &str) -> Result<Dataset, DataError> {
        let path = self.folder(owner, id)?.join(FILE);
        let bytes = match file::read_first(Holds::Data, &path) {
            Err(FileError::Io(io::ErrorKind::NotFound)) => {
                return Err(DataError::Unknown(self.lifetime));
            }
            read => read?,
        };
        let dataset: Dataset = json(&bytes)?;
        let age = now_ms().saturating_sub(dataset.created_ms);
        if Duration::from_millis(age) >= self.lifetime {
            return Err(DataError::Unknown(self.lifetime));
        }
        Ok(dataset)
    }

    /// Bytes of a dataset, whatever became of it.
    fn bytes(&self, owner: &str, id: &str) -> Result<u64, DataError> {
        match self.read(owner, id) {
            Err(error @ (DataError::Unknown(_) | DataError::NoStore)) => Err(error),
            _ => Ok(self.folders()?.bytes_of(owner, id)?),
        }
    }

    fn write(
        &self,
        owner: &str,
        id: &str,
        dataset: &Dataset,
        values: &Values,
    ) -> Result<(), DataError> {
        let folders = self.folders()?;
        self.sweep(folders, owner, id);
        let sections = [json_of(dataset)?, json_of(values)?];
        let size: u64 = sections.iter().map(|section| section.len() as u64).sum();
        if folders.ids(owner)?.len() >= self.most as usize {
            return Err(DataError::Quota { what: "datasets", most: u64::from(self.most) });
        }
        if folders.bytes(owner)? + size > MAX_EACH {
            return Err(DataError::Quota { what: "megabytes of data", most: MAX_EACH >> 20 });
        }
        let fill = |dir: &Path| {
            file::write_new(&dir.join(FILE), Holds::Data, &[&sections[0], &sections[1]])
        };
        match folders.create(owner, id, fill) {
            // An equal call was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => Ok(made?),
        }
    }

    /// Remove a caller's expired datasets, and one of this name that cannot be read.
    fn sweep(&self, folders: &Folders, owner: &str, new: &str) {
        for id in folders.ids(owner).unwrap_or_default() {
            let goes = match self.read(owner, &id) {
                Err(DataError::Unknown(_)) => true,
                Err(_) => id == new,
                Ok(_) => false,
            };
            if goes && let Err(error) = folders.remove(owner, &id) {
                tracing::debug!(%error, "an expired dataset stays until the next sweep");
            }
        }
    }

    /// Remove the expired datasets of all callers.
    fn sweep_all(&self) {
        let Some(folders) = &self.folders else { return };
        for owner in folders.owners().unwrap_or_default() {
            self.sweep(folders, &owner, "");
        }
    }
}

impl Datasets {
    /// Remove expired datasets; what the sweep of runs does for runs.
    pub(crate) fn sweep_all(&self) {
        self.0.sweep_all();
    }
}

fn json_of<T: Serialize>(value: &T) -> Result<Vec<u8>, DataError> {
    serde_json::to_vec(value).map_err(|_| DataError::Store(io::ErrorKind::InvalidData))
}
