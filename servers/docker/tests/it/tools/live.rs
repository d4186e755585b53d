//! A real engine for tests: an image made here, containers that are removed at the end.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
};

use machina_docker::{Config, Server};
use mcp_testkit::{InProcess, TestResult};

/// Where Debian's busybox-static lies.
const BUSYBOX: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];

/// Engines of this process so far.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// An image of our own, and everything run from it.
pub(crate) struct Live {
    pub(crate) server: InProcess<Server>,
    image: String,
    /// Part of every name, so that tests do not meet.
    pub(crate) mark: String,
}

impl Live {
    /// `None` where no engine can be had and none is demanded.
    ///
    /// # Errors
    /// No engine although `CI` is set, and `MACHINA_NO_DOCKER` is not.
    pub(crate) async fn start() -> TestResult<Option<Self>> {
        if variable("MACHINA_NO_DOCKER").is_some_and(|value| value == "1") {
            return Ok(skip("MACHINA_NO_DOCKER is set"));
        }
        if let Err(error) = docker(&["version", "--format", "{{.Server.Version}}"]) {
            if variable("CI").is_some_and(|value| value == "true") {
                return Err(format!("CI needs an engine: {error}").into());
            }
            return Ok(skip("no engine"));
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("mdt{}x{number}", std::process::id());
        let image = format!("{mark}:base");
        let dir = tempfile::tempdir()?;
        let tar = rootfs(dir.path())?;
        docker(&["import", &tar.display().to_string(), &image])?;
        let mut config = Config::default();
        config.host = variable("DOCKER_HOST");
        let server = InProcess::start(config).await?;
        Ok(Some(Self { server, image, mark }))
    }

    /// A name that no other test uses.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.mark)
    }

    /// Run a shell script in a container; its id.
    pub(crate) fn run(&self, name: &str, options: &[&str], script: &str) -> TestResult<String> {
        let name = self.name(name);
        let label = format!("machina.test={}", self.mark);
        let first = ["run", "-d", "--name", &name, "--label", &label, "--stop-signal", "KILL"];
        let last = [self.image.as_str(), "/bin/busybox", "sh", "-c", script];
        docker(&[&first[..], options, &last[..]].concat())
    }

    /// Let a script go on that waits for the file `/go`.
    pub(crate) fn go(&self, name: &str) -> TestResult<String> {
        docker(&["exec", &self.name(name), "/bin/busybox", "touch", "/go"])
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let label = format!("label=machina.test={}", self.mark);
        let ids = docker(&["ps", "-aq", "--filter", &label]).unwrap_or_default();
        for id in ids.lines() {
            report(docker(&["rm", "-f", "-v", id]));
        }
        report(docker(&["image", "rm", "-f", &self.image]));
    }
}

fn report(outcome: TestResult<String>) {
    if let Err(error) = outcome {
        say(&format!("not cleaned up: {error}"));
    }
}

/// Run the engine's own client.
pub(crate) fn docker(args: &[&str]) -> TestResult<String> {
    let Output { status, stdout, stderr } = Command::new("docker").args(args).output()?;
    if status.success() {
        Ok(String::from_utf8(stdout)?.trim().to_owned())
    } else {
        Err(format!("docker {args:?}: {}", String::from_utf8_lossy(&stderr)).into())
    }
}

/// The tar given by `MACHINA_TEST_ROOTFS` (with `/bin/busybox` and `/bin/sh`), or one made here.
fn rootfs(dir: &Path) -> TestResult<PathBuf> {
    if let Some(tar) = variable("MACHINA_TEST_ROOTFS") {
        return Ok(tar.into());
    }
    let busybox = BUSYBOX
        .iter()
        .find(|path| Path::new(path).exists())
        .ok_or("install Debian's busybox-static, or set MACHINA_TEST_ROOTFS")?;
    let root = dir.join("root");
    for part in ["bin", "tmp"] {
        std::fs::create_dir_all(root.join(part))?;
    }
    std::fs::copy(busybox, root.join("bin/busybox"))?;
    // Health checks go through a shell.
    std::os::unix::fs::symlink("busybox", root.join("bin/sh"))?;
    let tar = dir.join("rootfs.tar");
    let status = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg(".").status()?;
    if status.success() { Ok(tar) } else { Err("tar failed".into()) }
}

#[expect(clippy::disallowed_methods, reason = "what a test may use is told by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn skip<T>(why: &str) -> Option<T> {
    say(&format!("skipped: {why}"));
    None
}

#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
fn say(text: &str) {
    eprintln!("{text}");
}
