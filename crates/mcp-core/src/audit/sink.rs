//! Where audit lines go: stderr, or a file that only its owner reads, rotated by size.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

pub(super) enum Sink {
    Stderr,
    File(Rotated),
}

/// A file and one predecessor beside it, `<name>.1`.
pub(super) struct Rotated {
    path: PathBuf,
    file: File,
    most: u64,
}

impl Sink {
    /// Open a file for appending, mode 0600.
    pub(super) fn file(path: PathBuf, most: u64) -> io::Result<Self> {
        let file = open(&path)?;
        Ok(Self::File(Rotated { path, file, most }))
    }

    /// Write all of it; after a failure `text` holds the rest.
    pub(super) fn write(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        match self {
            Self::Stderr => {
                // A closed stderr has no reader to miss the lines.
                drop(io::stderr().lock().write_all(text));
                text.clear();
                Ok(())
            }
            Self::File(file) => file.write(text),
        }
    }
}

impl Rotated {
    fn write(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        self.make_room(text.len())?;
        while !text.is_empty() {
            match self.file.write(text) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(text.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Rotate when the file would grow too large. When another process, or the system's own
    /// rotation, has moved it, go on with the new one.
    fn make_room(&mut self, more: usize) -> io::Result<()> {
        let held = self.file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(named) if same(&named, &held) => {}
            _ => {
                self.file = open(&self.path)?;
                return Ok(());
            }
        }
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        if held.len() == 0 || held.len().saturating_add(more) <= self.most {
            return Ok(());
        }
        let mut before = self.path.clone().into_os_string();
        before.push(".1");
        fs::rename(&self.path, before)?;
        self.file = open(&self.path)?;
        Ok(())
    }
}

#[cfg(unix)]
fn open(path: &PathBuf) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let found = file.metadata()?;
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(unix)]
fn same(left: &fs::Metadata, right: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(not(unix))]
fn same(_left: &fs::Metadata, _right: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(sink: &mut Sink, line: &str) {
        let mut text = line.as_bytes().to_vec();
        sink.write(&mut text).expect("the file can be written");
        assert!(text.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn one_predecessor_is_kept_and_both_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut sink = Sink::file(path.clone(), 10).unwrap();
        for line in ["first\n", "second\n", "third\n"] {
            write(&mut sink, line);
        }
        let before = directory.path().join("audit.jsonl.1");
        assert_eq!(fs::read_to_string(&path).unwrap(), "third\n");
        assert_eq!(fs::read_to_string(&before).unwrap(), "second\n");
        for path in [&path, &before] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::rename(&path, directory.path().join("moved")).unwrap();
        write(&mut sink, "4\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "4\n");
    }
}
