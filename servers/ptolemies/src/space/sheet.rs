//! What is written down of a namespace beside its store: its name, and how much it may hold.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use mcp_core::{
    durable,
    prelude::{Deserialize, JsonSchema, Serialize},
};

use super::name::Name;
use crate::{Error, moment::Moment};

/// Directory of the namespaces in the state directory; the default one is the state directory.
const DIR: &str = "namespaces";
const FILE: &str = "namespace.json";
/// Bytes of a sheet.
const MAX_SHEET: u64 = 16 * 1024;

/// How much a namespace may hold, all versions counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(crate = "mcp_core::prelude::schemars")]
pub struct Allowance {
    /// Most memories, entities, observations, facts, merges, documents and chunks together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub items: Option<u64>,
    /// Most bytes of their texts and properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub bytes: Option<u64>,
}

impl Allowance {
    /// The narrower of two, bound by bound.
    pub(crate) fn within(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { items: least(self.items, other.items), bytes: least(self.bytes, other.bytes) }
    }
}

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) created_at: String,
    /// What its maker set.
    #[serde(default)]
    pub(super) quota: Allowance,
}

impl Sheet {
    pub(super) fn new(name: &Name, now: Moment, quota: Allowance) -> Self {
        Self { name: name.to_string(), created_at: now.to_string(), quota }
    }
}

/// The directory of a namespace.
pub(super) fn home_of(state: &Path, name: &Name) -> PathBuf {
    if name.is_default() { state.to_path_buf() } else { state.join(DIR).join(name.directory()) }
}

/// Write a sheet down; lasts when this returns.
pub(super) fn write(state: &Path, name: &Name, sheet: &Sheet) -> Result<(), Error> {
    let home = home_of(state, name);
    let text =
        serde_json::to_string_pretty(sheet).map_err(|error| Error::Internal(error.to_string()))?;
    let written = durable::make_dir(&state.join(DIR))
        .and_then(|()| durable::make_dir(&home))
        .and_then(|()| durable::replace(&home.join(FILE), text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull => Error::StorageFull,
        kind => Error::StoreCorrupt(format!("the directory of namespaces: {kind}")),
    })
}

/// All there are. One whose sheet cannot be read is not there: its name is not known.
pub(super) fn read_all(state: &Path) -> io::Result<BTreeMap<Name, Sheet>> {
    let mut homes = vec![state.to_path_buf()];
    match fs::read_dir(state.join(DIR)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        entries => {
            for entry in entries? {
                homes.push(entry?.path());
            }
        }
    }
    let mut sheets = BTreeMap::new();
    for home in homes {
        match read(&home) {
            Ok(Some((name, sheet))) if home == home_of(state, &name) => {
                sheets.insert(name, sheet);
            }
            Ok(None) => {}
            Ok(Some((name, _))) => {
                tracing::warn!(%name, dir = %home.display(), "a namespace lies where it should not");
            }
            Err(error) => {
                tracing::warn!(%error, dir = %home.display(), "a namespace cannot be read");
            }
        }
    }
    Ok(sheets)
}

fn read(home: &Path) -> io::Result<Option<(Name, Sheet)>> {
    let path = home.join(FILE);
    let bytes = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        data => data?.len(),
    };
    if bytes > MAX_SHEET {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its sheet is too long"));
    }
    let sheet: Sheet = serde_json::from_slice(&fs::read(&path)?)?;
    let name = Name::parse(&sheet.name)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its sheet has no name"))?;
    Ok(Some((name, sheet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_come_back_by_their_names() {
        let state = tempfile::tempdir().unwrap();
        let quota = Allowance { items: Some(7), bytes: None };
        let mut written = BTreeMap::new();
        for text in ["default", "team", "team/rules"] {
            let name = Name::parse(text).unwrap();
            let sheet = Sheet::new(&name, Moment::from_millis(5), quota);
            write(state.path(), &name, &sheet).unwrap();
            written.insert(name, sheet);
        }
        assert_eq!(read_all(state.path()).unwrap(), written);
        // One that was moved, one that is broken, one without a sheet.
        let dir = state.path().join(DIR);
        let team = dir.join(Name::parse("team").unwrap().directory());
        fs::rename(&team, dir.join("moved")).unwrap();
        fs::create_dir(dir.join("empty")).unwrap();
        fs::create_dir(dir.join("broken")).unwrap();
        fs::write(dir.join("broken").join(FILE), "{").unwrap();
        let names = read_all(state.path()).unwrap().into_keys().map(|name| name.to_string());
        assert_eq!(names.collect::<Vec<_>>(), ["default", "team/rules"]);
    }

    #[test]
    fn the_narrower_bound_counts() {
        let of = |items, bytes| Allowance { items, bytes };
        assert_eq!(of(Some(5), None).within(of(Some(3), Some(9))), of(Some(3), Some(9)));
        assert_eq!(of(None, None).within(of(None, None)), Allowance::default());
    }
}
