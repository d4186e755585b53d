//! A plan becomes a directory: all of it, or nothing.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use mcp_core::path_root::{
    Descent, Dir, PathRoot, RelativePath, Staging, open_directory, open_file, sweep, write_tree,
};

use crate::{Error, plan::Plan};

/// Most paths named in an error.
const MAX_DIFFERING: usize = 20;

/// How a creation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The project was written.
    Created,
    /// The same project was there already.
    Unchanged,
}

/// Write a plan to a place under a root. What is there and differs is never touched.
///
/// The files go into a hidden sibling of the first directory that has to be made, so that one
/// rename brings all of them, with the directories above them.
pub(crate) fn create(
    root: &PathRoot,
    target: &RelativePath,
    plan: &Plan,
) -> Result<Outcome, Error> {
    match try_create(root, target, plan) {
        // Somebody else made the target meanwhile: what it is now decides.
        Err(Error::Write { source, .. }) if is_taken(&source) => try_create(root, target, plan),
        outcome => outcome,
    }
}

fn is_taken(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory)
}

fn try_create(root: &PathRoot, target: &RelativePath, plan: &Plan) -> Result<Outcome, Error> {
    let descent = root.descend(target)?;
    if !descent.missing.is_empty() {
        return write(&descent, plan, false);
    }
    let differing = differing(&descent.dir, plan).map_err(Error::write("read the target"))?;
    if differing.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let is_empty = is_empty(&descent.dir).map_err(Error::write("read the target"))?;
    if !is_empty {
        return Err(Error::TargetNotEmpty { target: target.to_string(), differing });
    }
    let parent = match target.parent() {
        Some(parent) => root.descend(&parent)?,
        None => Descent {
            dir: root.dir().try_clone().map_err(Error::write("open the root"))?,
            missing: Vec::new(),
        },
    };
    write(&Descent { dir: parent.dir, missing: vec![target.name().to_owned()] }, plan, true)
}

fn write(descent: &Descent, plan: &Plan, replace_empty: bool) -> Result<Outcome, Error> {
    let Some((first, below)) = descent.missing.split_first() else { return Ok(Outcome::Unchanged) };
    sweep(&descent.dir).map_err(Error::write("sweep the parent directory"))?;
    let staging = Staging::create(&descent.dir).map_err(Error::write("make a directory"))?;
    let below = below.join("/");
    let place = if below.is_empty() {
        staging.dir().try_clone()
    } else {
        staging.dir().create_dir_all(&below).and_then(|()| staging.dir().open_dir(&below))
    };
    let place = place.map_err(Error::write("make a directory"))?;
    let files = plan.files.iter().map(|file| (&file.path, file.text.as_bytes()));
    write_tree(&place, files).map_err(Error::write("write the files"))?;
    staging.publish(first, replace_empty).map_err(Error::write("publish the directory"))?;
    Ok(Outcome::Created)
}

fn is_empty(dir: &Dir) -> io::Result<bool> {
    Ok(dir.entries()?.next().is_none())
}

/// Paths that differ from the plan, are missing, or are too many; a bounded number of them.
fn differing(dir: &Dir, plan: &Plan) -> io::Result<Vec<String>> {
    let mut differing = Vec::new();
    let mut expected = BTreeSet::new();
    for file in &plan.files {
        let mut path = Some(file.path.clone());
        while let Some(part) = path {
            path = part.parent();
            expected.insert(part.as_str().to_owned());
        }
        if !holds(dir, &file.path, file.text.as_bytes())? {
            differing.push(file.path.as_str().to_owned());
        }
    }
    list_others(dir, "", &expected, &mut differing)?;
    differing.truncate(MAX_DIFFERING);
    Ok(differing)
}

/// Whether a regular file below `dir`, reached without links, has these bytes.
fn holds(dir: &Dir, path: &RelativePath, bytes: &[u8]) -> io::Result<bool> {
    let Some((name, above)) = path.components().split_last() else { return Ok(false) };
    let mut dir = dir.try_clone()?;
    for component in above {
        match open_directory(&dir, component) {
            Ok(next) => dir = next,
            Err(_) => return Ok(false),
        }
    }
    let Ok(file) = open_file(&dir, name) else { return Ok(false) };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut found = Vec::with_capacity(bytes.len());
    file.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
    Ok(found == bytes)
}

/// Add entries that the plan does not have. Only directories of the plan are looked into.
fn list_others(
    dir: &Dir,
    prefix: &str,
    expected: &BTreeSet<String>,
    others: &mut Vec<String>,
) -> io::Result<()> {
    for entry in dir.entries()? {
        if others.len() >= MAX_DIFFERING {
            return Ok(());
        }
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{prefix}{}", name.to_string_lossy());
        if !expected.contains(&path) {
            others.push(path);
        } else if let Some(Ok(below)) = name.to_str().map(|name| open_directory(dir, name)) {
            list_others(&below, &format!("{path}/"), expected, others)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use serde_json::json;

    use super::*;

    fn plan(name: &str) -> Plan {
        let spec = json!({
            "name": name, "description": "d", "language": "python",
            "tools": [{"name": "t", "description": "d"}],
        });
        Plan::new(serde_json::from_value(spec).expect("spec")).expect("plan")
    }

    fn root() -> (tempfile::TempDir, PathRoot) {
        let temp = tempfile::tempdir().expect("temporary directory");
        let root = PathRoot::open(temp.path()).expect("root");
        (temp, root)
    }

    fn path(text: &str) -> RelativePath {
        text.parse().expect("path")
    }

    fn count(dir: &Path) -> usize {
        fs::read_dir(dir).expect("listing").count()
    }

    #[test]
    fn a_plan_is_written_once_and_found_unchanged() {
        let (temp, root) = root();
        let plan = plan("weather");
        let target = path("a/b/weather");
        assert_eq!(create(&root, &target, &plan).expect("created"), Outcome::Created);
        for file in &plan.files {
            let written = temp.path().join("a/b/weather").join(file.path.as_str());
            assert_eq!(fs::read_to_string(written).expect("file"), file.text);
        }
        assert_eq!(create(&root, &target, &plan).expect("same"), Outcome::Unchanged);
        assert_eq!(count(temp.path()), 1, "no staging directory is left");
    }

    #[test]
    fn an_empty_directory_is_filled() {
        let (temp, root) = root();
        fs::create_dir_all(temp.path().join("a/empty")).expect("directory");
        assert_eq!(create(&root, &path("a/empty"), &plan("w")).expect("created"), Outcome::Created);
        fs::create_dir(temp.path().join("top")).expect("directory");
        assert_eq!(create(&root, &path("top"), &plan("w")).expect("created"), Outcome::Created);
    }

    #[test]
    fn what_differs_is_named_and_kept() {
        let (temp, root) = root();
        let target = path("w");
        create(&root, &target, &plan("w")).expect("created");
        let changed = temp.path().join("w/README.md");
        fs::write(&changed, "mine").expect("file");
        fs::write(temp.path().join("w/extra"), "mine").expect("file");
        match create(&root, &target, &plan("w")) {
            Err(Error::TargetNotEmpty { differing, .. }) => {
                assert_eq!(differing, ["README.md", "extra"]);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read_to_string(changed).expect("file"), "mine");
        assert!(matches!(
            create(&root, &target, &plan("other")),
            Err(Error::TargetNotEmpty { .. })
        ));
    }

    #[test]
    fn links_in_the_target_are_no_files_of_the_plan() {
        let (temp, root) = root();
        create(&root, &path("w"), &plan("w")).expect("created");
        let readme = temp.path().join("w/README.md");
        fs::rename(&readme, temp.path().join("kept")).expect("moved");
        symlink("../kept", &readme).expect("link");
        assert!(matches!(create(&root, &path("w"), &plan("w")), Err(Error::TargetNotEmpty { .. })));
    }

    #[test]
    fn a_file_in_the_way_is_refused() {
        let (temp, root) = root();
        fs::write(temp.path().join("file"), "x").expect("file");
        for target in ["file", "file/below"] {
            let error = create(&root, &path(target), &plan("w")).expect_err("refused");
            assert!(matches!(error, Error::PathOutsideRoot { .. }), "{error:?}");
        }
    }

    #[test]
    fn what_a_dead_process_left_is_swept() {
        let (temp, root) = root();
        fs::create_dir_all(temp.path().join(".machina-staging-dead/x")).expect("leftover");
        create(&root, &path("w"), &plan("w")).expect("created");
        assert_eq!(count(temp.path()), 1);
    }
}
