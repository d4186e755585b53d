//! Yes-or-no facts about the tree. Budgets of style are not checked here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

const SERVERS: [&str; 7] =
    ["ptolemies", "stripe", "shopify", "bayes", "darwin", "docker", "scaffold"];
const ENGINES: [&str; 3] = ["bayes-engine", "darwin-engine", "recall-engine"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository").to_path_buf()
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// All files under a directory with one of these endings.
fn files(directory: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "node_modules") {
                found.extend(files(&path, endings)?);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    Ok(found)
}

fn manifest(path: &str) -> Result<toml::Table> {
    Ok(read(path)?.parse()?)
}

fn dependencies(path: &str, section: &str) -> Result<BTreeSet<String>> {
    let manifest = manifest(path)?;
    let table = manifest.get(section).and_then(toml::Value::as_table);
    Ok(table.into_iter().flatten().map(|(name, _)| name.clone()).collect())
}

#[test]
fn every_server_has_the_same_files() -> Result<()> {
    for server in SERVERS {
        for file in [
            "Cargo.toml",
            "README.md",
            "server.json",
            "src/main.rs",
            "src/lib.rs",
            "src/config.rs",
            "src/error.rs",
            "src/server.rs",
            "src/tools.rs",
            "tests/it/main.rs",
            "tests/it/tools.rs",
        ] {
            let path = format!("servers/{server}/{file}");
            ensure!(root().join(&path).is_file(), "{path} is missing");
        }
        let suite = read(&format!("servers/{server}/tests/it/main.rs"))?;
        let call = format!("mcp_testkit::suite!(machina_{server}::Server);");
        ensure!(suite.contains(&call), "servers/{server}/tests/it/main.rs lacks `{call}`");
        let snapshots = root().join(format!("servers/{server}/tests/it/snapshots"));
        let definitions = files(&snapshots, &["definitions.snap"])?;
        ensure!(definitions.len() == 1, "servers/{server} has no snapshot of its definitions");
    }
    Ok(())
}

#[test]
fn main_is_the_same_short_file_everywhere() -> Result<()> {
    for server in SERVERS {
        let text = read(&format!("servers/{server}/src/main.rs"))?;
        ensure!(text.lines().count() <= 12, "servers/{server}/src/main.rs is longer than 12 lines");
        let code: Vec<&str> = text.lines().filter(|line| !line.starts_with("//!")).collect();
        let code = code.join("\n").replace(&format!("machina_{server}"), "machina_x");
        let expected = "use std::process::ExitCode;\n\nfn main() -> ExitCode {\n    mcp_core::main::<machina_x::Server>()\n}";
        ensure!(code.trim() == expected, "servers/{server}/src/main.rs differs:\n{code}");
    }
    Ok(())
}

#[test]
fn no_server_depends_on_a_server_and_none_lists_the_sdk() -> Result<()> {
    for server in SERVERS {
        let path = format!("servers/{server}/Cargo.toml");
        for section in ["dependencies", "dev-dependencies"] {
            for name in dependencies(&path, section)? {
                let sibling =
                    name.strip_prefix("machina-").is_some_and(|name| SERVERS.contains(&name));
                ensure!(!sibling, "{path} depends on {name}");
            }
        }
        let own = dependencies(&path, "dependencies")?;
        for name in ["rmcp", "rmcp-macros", "axum"] {
            ensure!(!own.contains(name), "{path}: {name} is mcp-core's alone");
        }
    }
    Ok(())
}

#[test]
fn engines_are_pure() -> Result<()> {
    let lock: toml::Table = read("Cargo.lock")?.parse()?;
    let packages = lock["package"].as_array().context("no packages")?;
    for engine in ENGINES {
        let path = format!("crates/{engine}/Cargo.toml");
        let mut open: Vec<String> = dependencies(&path, "dependencies")?.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            for banned in ["tokio", "rmcp", "axum", "hyper", "reqwest", "mcp-core"] {
                ensure!(name != banned, "{engine} reaches {banned}");
            }
            if !seen.insert(name.clone()) {
                continue;
            }
            for package in packages.iter().filter(|package| package["name"].as_str() == Some(&name))
            {
                let needs = package.get("dependencies").and_then(toml::Value::as_array);
                let needs = needs.into_iter().flatten().filter_map(toml::Value::as_str);
                open.extend(needs.filter_map(|need| need.split(' ').next()).map(str::to_owned));
            }
        }
        for file in files(&root().join(format!("crates/{engine}/src")), &[".rs"])? {
            let text = fs::read_to_string(&file)?;
            for banned in ["std::fs", "std::net", "std::env", "SystemTime", "Instant::now"] {
                ensure!(!text.contains(banned), "{} uses {banned}", file.display());
            }
        }
    }
    Ok(())
}

#[test]
fn names_and_ports_are_the_same_everywhere() -> Result<()> {
    let (fleet, compose, readme) =
        (read("crates/mcp-core/src/fleet.rs")?, read("compose.yaml")?, read("README.md")?);
    let docker = read("docker/Dockerfile")?;
    for (server, port) in SERVERS.iter().zip(5001_u16..) {
        ensure!(
            fleet.contains(&format!("\"{server}\"")) && fleet.contains(&port.to_string()),
            "fleet.rs: {server}"
        );
        let published =
            format!("127.0.0.1:${{MACHINA_{}_PORT:-{port}}}:{port}", server.to_uppercase());
        ensure!(
            compose.contains(&published),
            "compose.yaml does not publish {server} as {published}"
        );
        ensure!(readme.contains(&format!("| {port} |")), "README.md has no row for port {port}");
        ensure!(
            docker.contains(&format!("machina-{server}")) || docker.contains("machina-${SERVER}"),
            "Dockerfile: {server}"
        );
    }
    Ok(())
}

#[test]
fn nothing_of_a_machine_or_a_secret_is_committed() -> Result<()> {
    let endings =
        [".rs", ".toml", ".md", ".yaml", ".yml", ".json", ".py", ".mjs", ".hcl", ".sh", ".j2"];
    // Put together here, so that this file does not find itself.
    let hidden = |c: char| matches!(u32::from(c), 0x200B..=0x200F | 0x202A..=0x202E | 0x2066..=0x2069 | 0xE0000..=0xE007F);
    let patterns: Vec<String> =
        ["/work/", "/root/", "/home/"].iter().map(|path| format!("{path}main")).collect();
    for file in files(&root(), &endings)? {
        let text = fs::read_to_string(&file)?;
        let shown = file.strip_prefix(root()).unwrap_or(&file).display();
        ensure!(
            !text.chars().any(hidden),
            "{shown} holds invisible characters: write them as escapes"
        );
        for pattern in &patterns {
            ensure!(!text.contains(pattern), "{shown} names a path of one machine");
        }
        for (prefix, length) in [("sk_live_", 20), ("rk_live_", 20), ("shpat_", 30), ("ghp_", 30)] {
            let long =
                |rest: &str| rest.chars().take_while(char::is_ascii_alphanumeric).count() >= length;
            let found = text.split(prefix).skip(1).any(long);
            ensure!(!found, "{shown} holds what looks like a key ({prefix}…)");
        }
    }
    Ok(())
}

/// Doors that a server has to itself, and why.
const DOORS: [(&str, &str); 11] = [
    // The operator's DOCKER_HOST, mostly a socket in the file system.
    ("servers/docker/src/engine/exchange.rs", "TcpStream::connect"),
    ("servers/docker/src/engine/exchange.rs", "UnixStream::connect"),
    // Chains in a run's directory, under names that it makes: no caller's path comes near them.
    ("servers/bayes/src/store/chain.rs", "fs::rename"),
    ("servers/bayes/src/run/active.rs", "fs::remove_"),
    // Backups and stores beside each other, in the server's own state directory or the operator's.
    ("servers/ptolemies/src/backup.rs", "fs::remove_"),
    ("servers/ptolemies/src/backup.rs", "fs::rename"),
    ("servers/ptolemies/src/store/surreal/generation.rs", "fs::remove_"),
    // Bolt, to the operator's own database: no address comes from a caller.
    ("servers/ptolemies/src/neo4j/bolt.rs", "TcpStream::connect"),
    // The processes on one state directory ask each other there: same user, by the kernel's word.
    ("servers/ptolemies/src/shared/place.rs", "UnixListener::bind"),
    ("servers/ptolemies/src/shared/place.rs", "UnixStream::connect"),
    ("servers/ptolemies/src/shared/place.rs", "fs::remove_"),
];

#[test]
fn servers_write_and_reach_out_through_the_core_only() -> Result<()> {
    let ways = [
        ("fs::write", "path_root"),
        ("fs::create_dir", "path_root"),
        ("fs::rename", "path_root"),
        ("fs::copy", "path_root"),
        ("fs::remove_", "path_root"),
        ("File::create", "path_root"),
        ("OpenOptions", "path_root"),
        ("TcpStream::connect", "upstream"),
        ("UnixListener::bind", "transport"),
        ("UnixStream::connect", "upstream"),
        ("lookup_host", "upstream"),
        ("reqwest", "upstream"),
    ];
    for server in SERVERS {
        for file in files(&root().join("servers").join(server).join("src"), &[".rs"])? {
            let name = file.strip_prefix(root())?.to_string_lossy().into_owned();
            if name.contains("test") {
                continue;
            }
            let text = fs::read_to_string(&file)?;
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (way, module) in ways {
                let allowed = DOORS.contains(&(name.as_str(), way));
                ensure!(allowed || !product.contains(way), "{name}: {way}; use mcp_core::{module}");
            }
        }
    }
    Ok(())
}

#[test]
fn no_test_is_switched_off_silently() -> Result<()> {
    for file in files(&root().join("crates"), &[".rs"])?
        .into_iter()
        .chain(files(&root().join("servers"), &[".rs"])?)
    {
        for (number, line) in fs::read_to_string(&file)?.lines().enumerate() {
            let off = line.trim_start().starts_with(concat!("#[", "ignore]"));
            ensure!(!off, "{}:{}: say why: #[ignore = \"…\"]", file.display(), number + 1);
        }
    }
    Ok(())
}

#[test]
fn the_sdk_is_pinned_exactly() -> Result<()> {
    let manifest = manifest("Cargo.toml")?;
    let dependencies =
        manifest["workspace"]["dependencies"].as_table().context("no dependencies")?;
    for name in ["rmcp", "rmcp-macros", "surrealdb"] {
        let version = match &dependencies[name] {
            toml::Value::String(version) => version.as_str(),
            other => other["version"].as_str().unwrap_or_default(),
        };
        ensure!(version.starts_with('='), "{name} is not pinned: {version}");
    }
    Ok(())
}
