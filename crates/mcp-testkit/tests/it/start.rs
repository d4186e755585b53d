//! A wrong configuration stops the start: exit code 64, the setting's name, the repair, no secret.

use std::path::Path;

use mcp_testkit::{
    TestResult,
    binary::{self, Ran},
    suite::drive,
};

use crate::peer::NAME;

/// Good in form; it must be in no message.
const SECRET: &str = "planted-0123456789abcdefghijklmnopqrstuvwxyz";
const OTHER: &str = "planted-zyxwvutsrqponmlkjihgfedcba9876543210";

async fn start(environment: &[(&str, &str)]) -> TestResult<Ran> {
    binary::run(NAME, &["serve", "--port", "0"], environment).await
}

/// The start is refused in words that hold all of these, and a hint.
async fn refused(environment: &[(&str, &str)], words: &[&str]) -> TestResult {
    let ran = start(environment).await?;
    assert_eq!(ran.code, Some(64), "{environment:?}: {ran:?}");
    assert!(ran.stdout.is_empty() && !ran.stderr.contains("listening"), "{ran:?}");
    assert!(!ran.stderr.contains("planted") && !ran.stderr.contains("changeme"), "{ran:?}");
    let hint = ran.stderr.lines().find_map(|line| line.strip_prefix("hint: "));
    assert!(hint.is_some_and(|hint| hint.len() > 10), "{environment:?}: {ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{word}: {ran:?}");
    }
    Ok(())
}

fn written(directory: &Path, name: &str, text: &str) -> TestResult<String> {
    let path = directory.join(name);
    std::fs::write(&path, text)?;
    Ok(path.to_str().ok_or("not UTF-8")?.to_owned())
}

#[test]
fn a_secret_given_twice_stops_the_start() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let file = written(directory.path(), "secret", SECRET)?;
        for name in [
            "MACHINA_API_KEY",
            "MACHINA_JWT_SECRET",
            "MACHINA_STATE_KEY",
            "MACHINA_EVERYTHING_API_KEY",
            "MACHINA_EVERYTHING_STATE_KEY",
        ] {
            let twin = format!("{name}_FILE");
            let both = [(name, SECRET), (twin.as_str(), file.as_str())];
            refused(&both, &[name, &twin, "unset one"]).await?;
        }
        Ok(())
    });
}

#[test]
fn a_secret_file_that_cannot_be_read_stops_the_start() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let no_file = directory.path().to_str().ok_or("not UTF-8")?;
        for path in [no_file, "/no/such/secret"] {
            for name in
                ["MACHINA_API_KEY_FILE", "MACHINA_JWT_SECRET_FILE", "MACHINA_STATE_KEY_FILE"]
            {
                refused(&[(name, path)], &[name, path, "readable file"]).await?;
            }
        }
        Ok(())
    });
}

#[test]
fn a_weak_secret_stops_the_start_wherever_it_comes_from() {
    drive(async {
        let directory = tempfile::tempdir()?;
        for weak in ["planted-short", "changemechangemechangemechangemechangeme"] {
            let file = written(directory.path(), "weak", weak)?;
            for (name, repair) in [
                ("MACHINA_API_KEY", "key create"),
                ("MACHINA_JWT_SECRET", "openssl rand"),
                ("MACHINA_STATE_KEY", "openssl rand"),
            ] {
                refused(&[(name, weak)], &[name, "needs at least", repair]).await?;
                let twin = format!("{name}_FILE");
                refused(&[(&twin, &file)], &[&twin, repair]).await?;
            }
        }
        // One good key does not excuse a weak one beside it.
        let two = format!("{SECRET},planted-short");
        refused(&[("MACHINA_API_KEY", &two)], &["MACHINA_API_KEY", "key 2"]).await
    });
}

#[test]
fn two_ways_to_sign_tokens_or_none_stop_the_start() {
    drive(async {
        let (jwks, issuer) = ("https://issuer.example/keys", "https://issuer.example");
        let both = [
            ("MACHINA_AUTH", "jwt"),
            ("MACHINA_JWT_SECRET", SECRET),
            ("MACHINA_JWKS_URL", jwks),
            ("MACHINA_JWT_ISSUER", issuer),
        ];
        refused(&both, &["MACHINA_JWT_SECRET", "jwks_url", "unset one"]).await?;
        refused(&[("MACHINA_AUTH", "jwt")], &["MACHINA_AUTH", "jwt_secret"]).await?;
        let nobody = [("MACHINA_AUTH", "jwt"), ("MACHINA_JWKS_URL", jwks)];
        refused(&nobody, &["MACHINA_JWT_ISSUER", "iss"]).await?;
        let open = [
            ("MACHINA_AUTH", "jwt"),
            ("MACHINA_JWKS_URL", "http://issuer.example/keys"),
            ("MACHINA_JWT_ISSUER", issuer),
        ];
        refused(&open, &["MACHINA_JWKS_URL", "https"]).await?;
        refused(&[("MACHINA_AUTH", "password")], &["MACHINA_AUTH", "api_key"]).await
    });
}

/// A file of one key.
fn key(scope: &str, created: &str) -> String {
    let digest = "0".repeat(64);
    format!(
        r#"{{"version":1,"keys":[{{"id":"1","name":"ci","sha256":"{digest}","scopes":["{scope}"],"created":"{created}"}}]}}"#
    )
}

#[test]
fn a_key_file_that_is_wrong_stops_the_start() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let good = key("everything:read", "2026-01-01T00:00:00Z");
        let no_file = directory.path().to_str().ok_or("not UTF-8")?;
        let setting = "MACHINA_API_KEYS_FILE";
        let with =
            |path: &str| vec![("MACHINA_AUTH", "api_key".to_owned()), (setting, path.to_owned())];
        let attempt = async |path: &str, words: &[&str]| {
            let environment = with(path);
            let environment: Vec<_> =
                environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
            refused(&environment, &[&[setting], words].concat()).await
        };
        attempt(no_file, &["cannot be read"]).await?;
        for (name, text, words) in [
            ("scope", key("everything:reed", "2026-01-01T00:00:00Z"), "everything:reed"),
            ("wildcard", key("*", "2026-01-01T00:00:00Z"), "<server>:read"),
            ("broken", good.replace("keys", "key"), "key create"),
            ("cut", good.chars().take(60).collect(), "key create"),
            ("version", good.replace(":1,", ":9,"), "version 9"),
            ("digest", good.replace("000", "xyz"), "64 hex digits"),
            ("clock", key("everything:read", "2099-01-01T00:00:00Z"), "clock"),
        ] {
            let path = written(directory.path(), name, &text)?;
            attempt(&path, &[words]).await?;
        }
        Ok(())
    });
}

#[test]
fn rates_hosts_origins_and_urls_are_checked_before_anything_is_bound() {
    drive(async {
        for (name, value) in [
            ("MACHINA_RATE_READ", "5:0"),
            ("MACHINA_RATE_WRITE", "often"),
            ("MACHINA_ALLOWED_ORIGINS", "*"),
            ("MACHINA_ALLOWED_HOSTS", "http://x"),
            ("MACHINA_PUBLIC_URL", "https://x/mcp/"),
            ("MACHINA_MAX_BODY", "1"),
            ("MACHINA_LOG_LEVEL", "loud"),
            ("MACHINA_AUDIT_FILE", "/no/such/directory/audit"),
        ] {
            refused(&[(name, value)], &[name]).await?;
        }
        let swapped = [("MACHINA_API_KEY", SECRET), ("MACHINA_JWT_SECRET", OTHER)];
        let ran = binary::run(NAME, &["config", "--json"], &swapped).await?;
        assert_eq!(ran.code, Some(0), "what is right is taken: {ran:?}");
        Ok(())
    });
}
