//! Single files below a root.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use cap_std::fs::{Dir, OpenOptions};
use rustix::{fs::renameat, io::Errno};

use super::{
    PathError, PathRefused, PathRoot, RelativePath, open_directory, open_file,
    staging::{is_there, lock, staging_name},
};

impl PathRoot {
    /// Read a file of at most `max` bytes, reached without links.
    ///
    /// # Errors
    /// A part of the path is a link, or its end no ordinary file; the file is larger; the file
    /// system says no.
    pub fn read(&self, path: &RelativePath, max: u64) -> Result<Vec<u8>, PathError> {
        let refuse = |reason: String| PathRefused::new(path.as_str(), reason);
        let dir = match path.parent() {
            None => self.dir().try_clone()?,
            Some(parent) => {
                let descent = self.descend(&parent)?;
                if !descent.missing.is_empty() {
                    return Err(io::Error::from(Errno::NOENT).into());
                }
                descent.dir
            }
        };
        let file = match open_file(&dir, path.name()) {
            Err(Errno::LOOP) => return Err(refuse("it is a symbolic link".into()).into()),
            opened => opened.map_err(io::Error::from)?,
        };
        if !file.metadata()?.is_file() {
            return Err(refuse("it is not an ordinary file".into()).into());
        }
        let mut bytes = Vec::new();
        file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max {
            return Err(refuse(format!("the file is larger than {max} bytes")).into());
        }
        Ok(bytes)
    }

    /// Write a file, durably and at once: who reads it meanwhile sees the old bytes or the new ones.
    /// Missing directories are made. A link in the file's place is replaced, never followed.
    ///
    /// # Errors
    /// A part of the path is a link or no directory; the file system says no.
    pub fn write(&self, path: &RelativePath, bytes: &[u8]) -> Result<(), PathError> {
        let dir = match path.parent() {
            None => self.dir().try_clone()?,
            Some(parent) => self.make(&parent)?,
        };
        let (temporary, mut file) = temporary(&dir)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(renameat(&dir, &temporary, &dir, path.name())?));
        if let Err(error) = written {
            // What cannot be removed now is removed by the next sweep.
            drop(dir.remove_file(&temporary));
            return Err(error.into());
        }
        open_directory(&dir, ".").map_err(io::Error::from)?.into_std_file().sync_all()?;
        Ok(())
    }

    /// Open a directory, after making what is missing of it.
    fn make(&self, path: &RelativePath) -> Result<Dir, PathError> {
        let descent = self.descend(path)?;
        let mut dir = descent.dir;
        for component in &descent.missing {
            match dir.create_dir(component) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error.into());
                }
                _ => {}
            }
            // Opened without following: it may have become a link by now.
            dir = open_directory(&dir, component).map_err(io::Error::from)?;
        }
        Ok(dir)
    }
}

/// A new file under a name of ours, locked while it is written.
fn temporary(dir: &Dir) -> io::Result<(String, File)> {
    // A sweeper may take a file in the instant between its making and its locking.
    for _ in 0..3 {
        let name = staging_name()?;
        let file = dir.open_with(&name, OpenOptions::new().write(true).create_new(true))?;
        let file = file.into_std();
        if lock(&file) && is_there(dir, &name) {
            return Ok((name, file));
        }
    }
    Err(io::Error::other("the temporary file was removed three times"))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::symlink,
        sync::atomic::{AtomicBool, Ordering},
    };

    use rustix::fs::{CWD, RenameFlags, renameat_with};

    use super::{super::sweep, *};

    fn path(text: &str) -> RelativePath {
        text.parse().expect("path")
    }

    #[test]
    fn a_file_is_written_whole_and_read_within_its_bound() {
        let temp = tempfile::tempdir().expect("directory");
        let root = PathRoot::open(temp.path()).expect("root");
        for bytes in [b"first".as_slice(), b"second"] {
            root.write(&path("a/b/c.txt"), bytes).expect("written");
            assert_eq!(root.read(&path("a/b/c.txt"), 6).expect("read"), bytes);
        }
        assert_eq!(fs::read_dir(temp.path().join("a/b")).expect("listing").count(), 1);
        assert!(matches!(root.read(&path("a/b/c.txt"), 5), Err(PathError::Refused(_))));
        assert!(matches!(root.read(&path("a/b"), 5), Err(PathError::Refused(_))));
        for missing in ["a/x", "x/y/z"] {
            assert!(matches!(root.read(&path(missing), 5), Err(PathError::Io(_))), "{missing}");
        }
    }

    #[test]
    fn links_are_neither_read_nor_written_through() {
        let (temp, outside) =
            (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
        let secret = outside.path().join("secret");
        fs::write(&secret, "kept").expect("file");
        symlink(&secret, temp.path().join("link")).expect("link");
        symlink(outside.path(), temp.path().join("dir")).expect("link");
        let root = PathRoot::open(temp.path()).expect("root");
        for name in ["link", "dir/secret"] {
            assert!(matches!(root.read(&path(name), 99), Err(PathError::Refused(_))), "{name}");
        }
        assert!(matches!(root.write(&path("dir/new"), b"x"), Err(PathError::Refused(_))));
        root.write(&path("link"), b"mine").expect("the link is replaced");
        assert_eq!(fs::read_to_string(&secret).expect("file"), "kept");
        assert_eq!(root.read(&path("link"), 99).expect("read"), b"mine");
        assert_eq!(fs::read_dir(outside.path()).expect("listing").count(), 1);
    }

    /// IN-05: a directory that turns into a link and back while files are written below it.
    #[test]
    fn a_swapped_directory_leads_no_file_outside() {
        let (temp, outside) =
            (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
        let root = PathRoot::open(temp.path()).expect("root");
        let (real, evil) = (temp.path().join("real"), temp.path().join("evil"));
        fs::create_dir(&real).expect("directory");
        symlink(outside.path(), &evil).expect("link");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    renameat_with(CWD, &real, CWD, &evil, RenameFlags::EXCHANGE).expect("swapped");
                }
            });
            for number in 0..1000 {
                // Refused, failed or written inside: only outside is wrong.
                drop(root.write(&path(&format!("real/f{}", number % 7)), b"x"));
                drop(root.write(&path(&format!("real/d{}/f", number % 7)), b"x"));
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(fs::read_dir(outside.path()).expect("listing").count(), 0);
    }

    #[test]
    fn what_a_dead_writer_left_is_swept() {
        let temp = tempfile::tempdir().expect("directory");
        let root = PathRoot::open(temp.path()).expect("root");
        let (living, _file) = temporary(root.dir()).expect("temporary");
        let (_, dead) = temporary(root.dir()).expect("temporary");
        drop(dead);
        assert_eq!(sweep(root.dir()).expect("sweep"), 1);
        assert!(temp.path().join(living).exists());
    }
}
