//! File access that cannot leave a directory.
//!
//! A [`PathRoot`] is a handle on a directory, not a path: every access walks from the handle, one
//! component at a time, and never follows a symbolic link. There is no check before an open, so
//! there is nothing to swap in between. What a path may look like is [`RelativePath`]'s rule; how
//! a tree appears at once or not at all is [`Staging`]'s; [`PathRoot::write`] does the same for a
//! single file.

mod file;
mod relative;
mod staging;

use std::{
    io,
    path::{Path, PathBuf},
};

use cap_std::ambient_authority;
pub use cap_std::fs::Dir;
use rustix::{
    fs::{Mode, OFlags, openat},
    io::Errno,
};

pub use self::{
    relative::{PathRefused, RelativePath, case_collision, is_device},
    staging::{STAGING_PREFIX, Staging, sweep, write_tree},
};

/// A directory, held open, that no access through it can leave.
#[derive(Debug)]
pub struct PathRoot {
    path: PathBuf,
    dir: Dir,
}

/// Why an access through a root failed.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The path breaks a rule of [`RelativePath`], or a part of it is a link or no directory.
    #[error(transparent)]
    Refused(#[from] PathRefused),
    /// The file system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How far a path leads into what exists.
#[derive(Debug)]
pub struct Descent {
    /// Deepest directory of the path that exists.
    pub dir: Dir,
    /// Components below it that do not exist yet; empty when the whole path is a directory.
    pub missing: Vec<String>,
}

impl PathRoot {
    /// Open a root. The operator chose this path, so links in it are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { path: path.to_owned(), dir })
    }

    /// The path it was opened by: for messages, never for access.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The root itself.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Follow a path as far as directories exist.
    pub fn descend(&self, path: &RelativePath) -> Result<Descent, PathError> {
        let mut dir = self.dir.try_clone()?;
        let mut components = path.components().iter();
        while let Some(component) = components.next() {
            match open_directory(&dir, component) {
                Ok(next) => dir = next,
                Err(Errno::NOENT) => {
                    let missing = std::iter::once(component).chain(components).cloned().collect();
                    return Ok(Descent { dir, missing });
                }
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    return Err(PathRefused::new(
                        path.as_str(),
                        format!("`{component}` is a symbolic link or not a directory"),
                    )
                    .into());
                }
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        Ok(Descent { dir, missing: Vec::new() })
    }
}

/// Open a directory by one component, without following a link.
pub fn open_directory(dir: &Dir, component: &str) -> rustix::io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = openat(dir, component, flags, Mode::empty())?;
    Ok(Dir::from_std_file(handle.into()))
}

/// Open a file for reading by one component, without following a link and without waiting for the
/// other end of a pipe.
pub fn open_file(dir: &Dir, component: &str) -> rustix::io::Result<std::fs::File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(openat(dir, component, flags, Mode::empty())?.into())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs,
        os::unix::fs::symlink,
        sync::atomic::{AtomicBool, Ordering},
    };

    use rustix::fs::CWD;

    use super::*;

    /// What the module is for: a file below a path, or a refusal.
    fn write(root: &PathRoot, path: &str) -> Result<(), PathError> {
        let path: RelativePath = path.parse()?;
        let descent = root.descend(&path)?;
        let file: RelativePath = "inner/file".parse()?;
        if let Some((first, below)) = descent.missing.split_first() {
            let staging = Staging::create(&descent.dir)?;
            let below = below.join("/");
            let place = match below.as_str() {
                "" => staging.dir().try_clone()?,
                below => {
                    staging.dir().create_dir_all(below)?;
                    staging.dir().open_dir(below)?
                }
            };
            write_tree(&place, [(&file, b"written".as_slice())])?;
            staging.publish(first, false)?;
        }
        Ok(())
    }

    /// Every path below a directory with its kind, links not followed.
    fn listing(dir: &Path) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(dir).expect("listing").map(|entry| entry.expect("entry")) {
            let kind = entry.file_type().expect("kind");
            let path = entry.path();
            all.insert(path.display().to_string(), format!("{kind:?}"));
            if kind.is_dir() {
                all.extend(listing(&path));
            }
        }
        all
    }

    /// A root with links, a pipe and a file in it, and a directory outside that links lead to.
    fn traps() -> (tempfile::TempDir, tempfile::TempDir, PathRoot) {
        let (inside, outside) = (tempfile::tempdir(), tempfile::tempdir());
        let (inside, outside) = (inside.expect("directory"), outside.expect("directory"));
        let at = |name: &str| inside.path().join(name);
        fs::create_dir_all(at("dir")).expect("directory");
        fs::create_dir_all(outside.path().join("target")).expect("directory");
        fs::write(at("file"), "kept").expect("file");
        symlink(outside.path(), at("link")).expect("link");
        symlink("dir", at("link-inside")).expect("link");
        symlink(outside.path().join("nowhere"), at("dangling")).expect("link");
        symlink("..", at("dir/link-up")).expect("link");
        symlink("/", at("dir/link-abs")).expect("link");
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::mkfifoat(CWD, at("fifo"), mode).expect("pipe");
        let root = PathRoot::open(inside.path()).expect("root");
        (inside, outside, root)
    }

    #[derive(serde::Deserialize)]
    struct Case {
        id: String,
        path: String,
        expect: String,
    }

    /// SCA-01: nothing of the corpus is written outside, and refusals write nothing at all.
    #[test]
    fn the_corpus_of_paths_stays_inside() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../data/paths.json")).expect("corpus");
        assert!(cases.iter().filter(|case| case.expect == "refused").count() >= 60);
        let (inside, outside, root) = traps();
        let before_outside = listing(outside.path());
        for case in cases {
            let before = listing(inside.path());
            match (write(&root, &case.path), case.expect.as_str()) {
                (Ok(()), "accepted") => {
                    let written = inside.path().join(&case.path).join("inner/file");
                    assert_eq!(fs::read(&written).expect("written"), b"written", "{}", case.id);
                }
                (Err(PathError::Refused(_)), "refused") => {
                    assert_eq!(listing(inside.path()), before, "{} wrote", case.id);
                }
                (outcome, _) => panic!("{} {:?}: {outcome:?}", case.id, case.path),
            }
            assert_eq!(listing(outside.path()), before_outside, "{} wrote outside", case.id);
        }
    }

    /// IN-05: a directory that turns into a link and back while paths are walked.
    #[test]
    fn a_swapped_directory_leads_nowhere() {
        let (inside, outside, root) = traps();
        let before = listing(outside.path());
        let at = |name: &str| inside.path().join(name);
        fs::create_dir(at("real")).expect("directory");
        symlink(outside.path(), at("evil")).expect("link");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (real, evil) = (at("real"), at("evil"));
                while !done.load(Ordering::Relaxed) {
                    let exchange = rustix::fs::RenameFlags::EXCHANGE;
                    rustix::fs::renameat_with(CWD, &real, CWD, &evil, exchange).expect("swapped");
                }
            });
            for number in 0..1000 {
                // Refused, failed or written inside: only outside is wrong.
                drop(write(&root, &format!("real/p{number}/x")));
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(listing(outside.path()), before);
    }

    fn parse(path: &str) -> RelativePath {
        path.parse().expect("a valid path")
    }

    #[test]
    fn descends_to_what_exists_and_names_the_rest() {
        let temp = tempfile::tempdir().expect("temporary directory");
        fs::create_dir_all(temp.path().join("a/b")).expect("directories");
        let root = PathRoot::open(temp.path()).expect("root");
        assert_eq!(root.descend(&parse("a/b")).expect("descent").missing, Vec::<String>::new());
        assert_eq!(root.descend(&parse("a/b/c/d")).expect("descent").missing, ["c", "d"]);
        assert_eq!(root.descend(&parse("x")).expect("descent").missing, ["x"]);
    }

    #[test]
    fn a_link_on_the_way_is_refused_even_when_it_stays_inside() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let outside = tempfile::tempdir().expect("temporary directory");
        fs::create_dir(temp.path().join("real")).expect("directory");
        symlink(outside.path(), temp.path().join("out")).expect("link");
        symlink("real", temp.path().join("in")).expect("link");
        symlink("nowhere", temp.path().join("dangling")).expect("link");
        fs::write(temp.path().join("file"), "x").expect("file");
        let root = PathRoot::open(temp.path()).expect("root");
        for path in ["out", "out/x", "in", "in/x", "dangling", "dangling/x", "file", "file/x"] {
            let error = root.descend(&parse(path)).expect_err("must be refused");
            assert!(matches!(error, PathError::Refused(_)), "{path}: {error}");
        }
    }
}
