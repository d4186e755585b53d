//! Network file systems are refused: processes on two machines would not see each other's lock.

use std::path::Path;

use mcp_core::prelude::StartError;

/// Types of file systems that other machines may write to.
const NETWORK: &[&str] = &[
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.ceph",
    "fuse.davfs",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// Refuse a directory on one. Only Linux tells; elsewhere every directory passes.
pub(super) fn refuse_network(dir: &Path) -> Result<(), StartError> {
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mountinfo") else { return Ok(()) };
    let Ok(path) = std::fs::canonicalize(dir) else { return Ok(()) };
    match kind_of(&mounts, &path).filter(|kind| NETWORK.contains(kind)) {
        None => Ok(()),
        Some(kind) => Err(StartError::config(format!(
            "state directory {} is on a network file system ({kind})",
            dir.display()
        ))
        .with_hint("name a directory on a local disk with --state-dir or MACHINA_STATE_DIR")),
    }
}

/// Type of the file system of a path: that of the deepest mount above it, the last one if several.
fn kind_of<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mut found = None;
    for line in mounts.lines() {
        let Some((place, kind)) = place_and_kind(line) else { continue };
        let depth = Path::new(&place).components().count();
        let deeper = found.is_none_or(|(most, _)| depth >= most);
        if path.starts_with(&place) && deeper {
            found = Some((depth, kind));
        }
    }
    found.map(|(_, kind)| kind)
}

/// `36 35 98:0 /root /mnt/point rw master:1 - ext4 /dev/sda rw`
fn place_and_kind(line: &str) -> Option<(String, &str)> {
    let (mount, system) = line.split_once(" - ")?;
    let place = mount.split(' ').nth(4)?;
    Some((unescaped(place), system.split(' ').next()?))
}

/// White space and backslashes are written as three octal digits.
fn unescaped(place: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(place.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:50 / /home rw,relatime - nfs4 nas:/home rw,vers=4.2
41 40 0:51 / /home/ada/local\\040disk rw - xfs /dev/sdb1 rw
42 22 0:52 / /srv rw master:2 propagate_from:1 - xfs /dev/sdc1 rw
43 22 0:53 / /srv rw - cifs //nas/srv rw
a line of another kind";

    #[test]
    fn the_deepest_and_last_mount_counts() {
        for (path, kind) in [
            ("/var/lib/machina", "ext4"),
            ("/home/ada/.local/state/machina", "nfs4"),
            ("/home/ada/local disk/machina", "xfs"),
            ("/homes/machina", "ext4"),
            ("/srv/machina", "cifs"),
        ] {
            assert_eq!(kind_of(MOUNTS, Path::new(path)), Some(kind), "{path}");
        }
        assert_eq!(kind_of("", Path::new("/")), None);
    }

    #[test]
    fn a_local_directory_passes() {
        let root = tempfile::tempdir().unwrap();
        refuse_network(root.path()).unwrap();
    }
}
