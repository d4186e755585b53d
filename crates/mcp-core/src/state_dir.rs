//! The directory where a server keeps what must outlive it.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::{Result, StartError, durable};

/// Layout of the directory. A newer one is refused: this binary could destroy what it holds.
const FORMAT: u32 = 1;

/// A state directory, made when it is first asked for; `None` when nothing says where.
#[derive(Debug, Clone)]
pub struct StateDir(Option<PathBuf>);

impl StateDir {
    /// A directory that need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self(Some(path))
    }

    /// No directory: only a server that keeps state will mind.
    pub(crate) fn nowhere() -> Self {
        Self(None)
    }

    /// Make it (mode 0700) and check its `format` file.
    pub(crate) fn open(&self) -> Result<PathBuf, StartError> {
        let path = self.0.as_ref().ok_or_else(|| {
            StartError::config(
                "no place for the state directory: neither XDG_STATE_HOME nor HOME is set",
            )
            .with_hint("name one with --state-dir or MACHINA_STATE_DIR")
        })?;
        durable::make_dir(path).map_err(|error| unusable(path, &error))?;
        let format = path.join("format");
        match std::fs::read_to_string(&format) {
            Ok(text) => check_format(path, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                std::fs::write(&format, format!("{FORMAT}\n"))
                    .map_err(|error| unusable(path, &error))?;
            }
            Err(error) => return Err(unusable(path, &error)),
        }
        Ok(path.clone())
    }

    /// Take it for this process alone.
    pub(crate) fn lock(&self) -> Result<StateLock, StartError> {
        match self.try_lock()? {
            Taken::Ours(lock) => Ok(lock),
            Taken::Held(by) => Err(held(&self.open()?, by)),
        }
    }

    /// The same, where another process may have it.
    pub(crate) fn try_lock(&self) -> Result<Taken, StartError> {
        let dir = self.open()?;
        let path = dir.join("lock");
        let mut options = durable::private();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|error| unusable(&dir, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Taken::Held(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(unusable(&dir, &error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .and_then(|()| file.flush());
        written.map_err(|error| unusable(&dir, &error))?;
        Ok(Taken::Ours(StateLock { _file: file }))
    }
}

/// Whose a state directory is.
#[derive(Debug)]
pub enum Taken {
    /// This process's.
    Ours(StateLock),
    /// Another's: its number, where it can be told.
    Held(Option<u32>),
}

impl StateDir {
    /// The secret of this name: the one that is kept, else `new`, which is kept from now on. All
    /// processes on the directory get the same; a file of another length was cut short and is replaced.
    pub(crate) fn secret(&self, name: &str, new: &str) -> Result<String, StartError> {
        let dir = self.open()?;
        keep_secret(&dir.join(name), new).map_err(|error| unusable(&dir, &error))
    }
}

fn keep_secret(path: &Path, new: &str) -> std::io::Result<String> {
    let mut options = durable::private();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    let mut kept = String::new();
    file.read_to_string(&mut kept)?;
    if kept.len() == new.len() {
        return Ok(kept);
    }
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(new.as_bytes())?;
    file.sync_all()?;
    Ok(new.to_owned())
}

/// Holds a state directory for one process; the kernel frees it even after a crash.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

fn check_format(dir: &Path, text: &str) -> Result<(), StartError> {
    let dir = dir.display();
    match text.trim().parse::<u32>() {
        Ok(format) if format <= FORMAT => Ok(()),
        Ok(format) => Err(StartError::config(format!(
            "state directory {dir} has format {format}, this binary knows {FORMAT}"
        ))
        .with_hint("run the newer binary, or name another directory with --state-dir")),
        Err(_) => Err(StartError::config(format!("state directory {dir} has an unreadable `format` file"))
            .with_hint(format!("if the directory is a server's, write {FORMAT} into that file; else name another with --state-dir"))),
    }
}

fn unusable(dir: &Path, error: &std::io::Error) -> StartError {
    StartError::config(format!("state directory {} cannot be used: {error}", dir.display()))
        .with_hint("make it writable, or name another with --state-dir or MACHINA_STATE_DIR")
}

fn holder(file: &mut File) -> Option<u32> {
    let mut holder = String::new();
    file.read_to_string(&mut holder).ok()?;
    holder.trim().parse().ok()
}

fn held(dir: &Path, by: Option<u32>) -> StartError {
    let holder = by.map(|id| format!(" (process {id})")).unwrap_or_default();
    StartError::unavailable(format!(
        "state directory {} is in use by another process{holder}",
        dir.display()
    ))
    .with_hint("stop that process, or name another directory with --state-dir")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Exit;

    #[test]
    fn is_made_private_and_remembers_its_format() {
        let root = tempfile::tempdir().unwrap();
        let dir = StateDir::new(root.path().join("a/b"));
        let path = dir.open().unwrap();
        assert_eq!(std::fs::read_to_string(path.join("format")).unwrap(), "1\n");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &std::fs::metadata(&path).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o700);
        }
        dir.open().unwrap();
    }

    #[test]
    fn a_newer_format_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("format"), "99\n").unwrap();
        let error = StateDir::new(root.path().to_path_buf()).open().unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains("format 99"), "{error}");
    }

    #[test]
    fn a_file_in_its_place_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = StateDir::new(file).open().unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.hint().is_some_and(|hint| hint.contains("--state-dir")));
    }

    #[test]
    fn a_second_lock_names_the_holder() {
        let root = tempfile::tempdir().unwrap();
        let dir = StateDir::new(root.path().to_path_buf());
        let guard = dir.lock().unwrap();
        let error = dir.lock().unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable);
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(guard);
        dir.lock().unwrap();
    }
}
