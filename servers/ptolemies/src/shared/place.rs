//! Where the process that has the store listens.

use std::{
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use mcp_core::durable;
use sha2::{Digest, Sha256};
use tokio::net::{UnixListener, UnixStream};

/// Bytes of a path that every system takes as the address of a socket.
const LONGEST: usize = 100;

/// A socket in the state directory; where its path would be too long, in a directory of this user's.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    user: u32,
}

impl Place {
    pub(super) fn of(state: &Path) -> io::Result<Self> {
        let state = fs::canonicalize(state)?;
        let user = user()?;
        let path = state.join("owner.sock");
        if path.as_os_str().as_bytes().len() <= LONGEST {
            return Ok(Self { path, user });
        }
        // Not by the environment: all processes have to find it.
        let dir = PathBuf::from(format!("/tmp/machina-{user}"));
        durable::make_dir(&dir)?;
        check(&fs::symlink_metadata(&dir)?, user).map_err(|why| {
            io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", dir.display()))
        })?;
        let digest = hex::encode(Sha256::digest(state.as_os_str().as_bytes()));
        let name = digest.get(..32).unwrap_or_default();
        Ok(Self { path: dir.join(format!("{name}.sock")), user })
    }

    /// Listen, in the place of one that has ended. Only for who has the lock.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        self.clear();
        let listener = UnixListener::bind(&self.path)?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// Remove what nobody listens at. Only for who has the lock.
    pub(super) fn clear(&self) {
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "a socket was not removed"),
        }
    }

    pub(super) async fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(&self.path).await?;
        self.admit(&stream)?;
        Ok(stream)
    }

    /// Whether the other end is this user's too.
    pub(super) fn admit(&self, stream: &UnixStream) -> io::Result<()> {
        if stream.peer_cred()?.uid() == self.user {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "the other end is another user's"))
    }
}

fn check(dir: &fs::Metadata, user: u32) -> Result<(), &'static str> {
    if !dir.is_dir() {
        Err("is no directory")
    } else if dir.uid() != user {
        Err("is another user's")
    } else if dir.mode() & 0o077 != 0 {
        Err("is open to others")
    } else {
        Ok(())
    }
}

/// Who this process is, as the other end of its sockets sees it.
fn user() -> io::Result<u32> {
    let (here, _there) = UnixStream::pair()?;
    Ok(here.peer_cred()?.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_private_and_can_be_taken_over() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::of(root.path()).unwrap();
        assert!(place.connect().await.is_err());
        let first = place.listen().unwrap();
        assert_eq!(fs::metadata(&place.path).unwrap().mode() & 0o777, 0o600);
        drop(first);
        assert!(place.connect().await.is_err(), "nobody listens at what is left");
        let second = place.listen().unwrap();
        let (here, there) = tokio::join!(place.connect(), second.accept());
        place.admit(&there.unwrap().0).unwrap();
        here.unwrap();
        place.clear();
        assert!(!place.path.exists());
    }

    #[tokio::test]
    async fn a_long_path_gets_a_short_name() {
        let root = tempfile::tempdir().unwrap();
        let long = root.path().join("d".repeat(120));
        let other = root.path().join("e".repeat(120));
        for dir in [&long, &other] {
            durable::make_dir(dir).unwrap();
        }
        let place = Place::of(&long).unwrap();
        assert!(place.path.as_os_str().len() <= LONGEST, "{}", place.path.display());
        assert_eq!(place.path, Place::of(&long).unwrap().path);
        assert_ne!(place.path, Place::of(&other).unwrap().path);
        let listener = place.listen().unwrap();
        let (here, _there) = tokio::join!(place.connect(), listener.accept());
        here.unwrap();
        place.clear();
    }

    #[test]
    fn a_directory_that_others_made_or_may_read_is_not_taken() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let dir = fs::symlink_metadata(root.path()).unwrap();
        assert_eq!(check(&dir, dir.uid()), Ok(()));
        assert!(check(&dir, dir.uid() + 1).is_err());
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(check(&fs::symlink_metadata(root.path()).unwrap(), dir.uid()).is_err());
        let link = root.path().join("link");
        std::os::unix::fs::symlink(root.path(), &link).unwrap();
        assert!(check(&fs::symlink_metadata(link).unwrap(), dir.uid()).is_err());
    }
}
