//! Backups: a file of rows each, compressed, and beside it what it holds.
//!
//! The second file is written last, after the first was read back: without it there is no backup.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use mcp_core::{
    durable,
    prelude::{Deserialize, JsonSchema, Serialize, task},
};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::{
    Error,
    graph::LATEST,
    moment::Moment,
    record::{self, Table},
    store::Source,
};

/// Layout of the files. A newer one is refused.
const FORMAT: u32 = 1;
/// Rows read from the store at a time.
const READ: usize = 500;
/// Bytes of a manifest.
const MAX_MANIFEST: u64 = 64 * 1024;
/// Bytes of a line: the longest row there can be, and more.
const MAX_LINE: u64 = 4 << 20;

/// The directory of backups.
#[derive(Debug, Clone)]
pub(crate) struct Backups {
    dir: PathBuf,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "mcp_core::prelude::schemars")]
pub(crate) struct Manifest {
    /// Layout of the files.
    pub(crate) format: u32,
    /// Id of the backup.
    pub(crate) id: String,
    /// Random name of the store it was made of.
    pub(crate) store: String,
    /// Journal position it shows.
    pub(crate) seq: u64,
    /// When it was made.
    pub(crate) created_at: String,
    /// Rows by table.
    pub(crate) rows: BTreeMap<String, usize>,
    /// Bytes of the file of rows.
    pub(crate) bytes: u64,
    /// SHA-256 of the file of rows.
    pub(crate) sha256: String,
}

/// What is written down of a store.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) store: String,
    pub(crate) seq: u64,
    pub(crate) now: Moment,
}

impl Backups {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// All that are whole, newest first.
    pub(crate) fn list(&self) -> Result<Vec<Manifest>, Error> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| unusable(&error))?,
        };
        let mut ids: Vec<String> = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| unusable(&error))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            ids.extend(id.filter(|id| Ulid::from_string(id).is_ok()).map(str::to_owned));
        }
        ids.sort_unstable_by(|one, other| other.cmp(one));
        // One of a newer layout, or broken, is told when it is asked for.
        Ok(ids.iter().filter_map(|id| self.manifest(id).ok()).collect())
    }

    /// What a backup holds.
    ///
    /// # Errors
    /// `not_found`; `backup_invalid` for a newer layout or what cannot be read.
    pub(crate) fn manifest(&self, id: &str) -> Result<Manifest, Error> {
        let missing = || Error::NotFound {
            field: "/id".to_owned(),
            message: "no backup has this id".to_owned(),
            hint: "list_jobs with backups true shows those there are",
        };
        let id = Ulid::from_string(id).map_err(|_| missing())?.to_string();
        let file = match File::open(self.path(&id, "json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
            file => file.map_err(|error| unusable(&error))?,
        };
        let mut text = String::new();
        file.take(MAX_MANIFEST).read_to_string(&mut text).map_err(|error| unusable(&error))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|_| invalid("its manifest is no JSON"))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format <= u64::from(FORMAT) => {}
            Some(format) => {
                return Err(invalid(format!(
                    "it has format {format}, this binary knows {FORMAT}: restore it with a newer one"
                )));
            }
            None => return Err(invalid("its manifest names no format")),
        }
        let manifest: Manifest =
            serde_json::from_value(value).map_err(|_| invalid("its manifest is not readable"))?;
        if manifest.id != id {
            return Err(invalid("its manifest is that of another one"));
        }
        Ok(manifest)
    }

    /// Write down all rows of a source, read them back, and list them.
    ///
    /// # Errors
    /// `cancelled` leaves nothing behind, as does every other failure.
    pub(crate) async fn write<S: Source>(
        &self,
        source: &S,
        origin: Origin,
        tell: &mut (dyn FnMut(usize) -> bool + Send),
    ) -> Result<Option<Manifest>, Error> {
        let id = Ulid::from_parts(origin.now.millis().unsigned_abs(), random()?).to_string();
        let part = self.path(&id, "part");
        let written = self.fill(&part, source, origin.now, tell).await;
        let done = match written {
            Ok(Some(rows)) => {
                let (backups, part) = (self.clone(), part.clone());
                let finish = move || backups.finish(&part, id, &origin, rows);
                told(task::blocking(finish).await).and_then(|done| done).map(Some)
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        if !matches!(done, Ok(Some(_))) {
            drop(fs::remove_file(&part));
        }
        done
    }

    /// Write rows into a file; how many by table, `None` when it was stopped.
    async fn fill<S: Source>(
        &self,
        part: &Path,
        source: &S,
        now: Moment,
        tell: &mut (dyn FnMut(usize) -> bool + Send),
    ) -> Result<Option<BTreeMap<String, usize>>, Error> {
        durable::make_dir(&self.dir).map_err(|error| unusable(&error))?;
        let mut options = durable::private();
        let file = options.write(true).create_new(true).open(part);
        let file = file.map_err(|error| unusable(&error))?;
        let mut out = GzEncoder::new(file, Compression::fast());
        let (mut rows, mut total) = (BTreeMap::new(), 0);
        for table in Table::ALL {
            let mut after: Option<String> = None;
            loop {
                let page = source.records(table, after.as_deref(), READ).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.key());
                let encode = move || {
                    let mut count = 0;
                    // What has expired is as good as purged.
                    let rows = page.into_iter().filter_map(|row| row.known_at(LATEST, now));
                    for row in rows {
                        writeln!(out, "{}", record::write(&row))?;
                        count += 1;
                    }
                    Ok::<_, io::Error>((out, count))
                };
                let encoded = told(task::blocking(encode).await)?;
                let count;
                (out, count) = encoded.map_err(|error| unusable(&error))?;
                if count > 0 {
                    *rows.entry(table.label().to_owned()).or_default() += count;
                }
                total += count;
                if !tell(total) {
                    return Ok(None);
                }
            }
        }
        let sync = move || out.finish().and_then(|file| file.sync_all());
        told(task::blocking(sync).await)?.map_err(|error| unusable(&error))?;
        Ok(Some(rows))
    }

    /// Read a file back, give it its name, and write its manifest.
    fn finish(
        &self,
        part: &Path,
        id: String,
        origin: &Origin,
        rows: BTreeMap<String, usize>,
    ) -> Result<Manifest, Error> {
        let failed = |error: io::Error| unusable(&error);
        let (sha256, bytes) = digest(part).map_err(failed)?;
        let mut reader = Reader::open(part).map_err(failed)?;
        let mut lines = 0;
        while !reader.lines(READ).map_err(failed)?.is_empty() {
            lines = reader.read;
        }
        if lines != rows.values().sum::<usize>() {
            return Err(invalid("it does not read back as it was written"));
        }
        let manifest = Manifest {
            format: FORMAT,
            id,
            store: origin.store.clone(),
            seq: origin.seq,
            created_at: origin.now.to_string(),
            rows,
            bytes,
            sha256,
        };
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| Error::Internal(error.to_string()))?;
        fs::rename(part, self.path(&manifest.id, "jsonl.gz")).map_err(failed)?;
        durable::replace(&self.path(&manifest.id, "json"), text.as_bytes()).map_err(failed)?;
        Ok(manifest)
    }

    /// The rows of a backup, after its checksum was found right.
    pub(crate) fn open(&self, manifest: &Manifest) -> Result<Reader, Error> {
        let path = self.path(&manifest.id, "jsonl.gz");
        let read = digest(&path).and_then(|found| Ok((found, Reader::open(&path)?)));
        let ((sha256, bytes), reader) = read.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => invalid("its file of rows is not there"),
            _ => unusable(&error),
        })?;
        if (sha256.as_str(), bytes) != (manifest.sha256.as_str(), manifest.bytes) {
            return Err(invalid("its file of rows is not the one that was written"));
        }
        Ok(reader)
    }

    fn path(&self, id: &str, extension: &str) -> PathBuf {
        self.dir.join(format!("{id}.{extension}"))
    }
}

/// Lines of a backup, some at a time.
pub(crate) struct Reader {
    lines: BufReader<MultiGzDecoder<File>>,
    /// Lines read.
    pub(crate) read: usize,
}

impl Reader {
    fn open(path: &Path) -> io::Result<Self> {
        let lines = BufReader::new(MultiGzDecoder::new(File::open(path)?));
        Ok(Self { lines, read: 0 })
    }

    /// The next lines, without their ends; none at the end.
    pub(crate) fn lines(&mut self, most: usize) -> io::Result<Vec<String>> {
        let mut lines = Vec::with_capacity(most);
        while lines.len() < most {
            let mut line = String::new();
            let mut bounded = self.lines.by_ref().take(MAX_LINE);
            if bounded.read_line(&mut line)? == 0 {
                break;
            }
            if !line.ends_with('\n') {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without its end"));
            }
            line.pop();
            self.read += 1;
            lines.push(line);
        }
        Ok(lines)
    }
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let bytes = io::copy(&mut file, &mut digest)?;
    Ok((hex::encode(digest.finalize()), bytes))
}

fn random() -> Result<u128, Error> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(u128::from_be_bytes(random))
}

fn told<T>(ended: Result<T, mcp_core::ToolError>) -> Result<T, Error> {
    ended.map_err(|_| Error::Stopping)
}

pub(crate) fn invalid(why: impl Into<String>) -> Error {
    Error::BackupInvalid(why.into())
}

fn unusable(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull => Error::StorageFull,
        // The kind alone: the system's text may name paths.
        kind => invalid(format!("the directory of backups, or a file in it: {kind}")),
    }
}
