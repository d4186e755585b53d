//! Secrets kept out of replies: values of environment variables, and what looks like a credential.

use std::{borrow::Cow, sync::LazyLock};

use mcp_core::untrusted;
use regex::Regex;

/// What stands for a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// Shorter values are too common in ordinary text to be searched for.
const MIN_NEEDLE: usize = 6;
/// Bytes of one text that are looked at; far more than is ever shown.
const MAX_INPUT: usize = 64 << 10;

/// Hides the secrets of one container wherever they turn up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor {
    needles: Vec<String>,
}

impl Redactor {
    /// Learn the values of variables with a telling name, and passwords inside URLs.
    pub(crate) fn from_env(env: &[String]) -> Self {
        let mut needles: Vec<String> = Vec::new();
        for (name, value) in env.iter().filter_map(|pair| pair.split_once('=')) {
            if value.len() >= MIN_NEEDLE && is_secret_name(name) {
                needles.push(value.to_owned());
            }
            let passwords = URL_PASSWORD.captures_iter(value).filter_map(|found| found.get(2));
            needles.extend(
                passwords
                    .map(|found| found.as_str())
                    .filter(|p| p.len() >= MIN_NEEDLE)
                    .map(str::to_owned),
            );
        }
        // Longest first, so that a value that contains another is hidden as a whole.
        needles.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles }
    }

    /// Hide the learnt values only: for text that is the caller's to read, such as logs.
    pub(crate) fn hide<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        self.needles.iter().fold(text, |text, needle| {
            if text.contains(needle.as_str()) {
                Cow::Owned(text.replace(needle.as_str(), REDACTED))
            } else {
                text
            }
        })
    }

    /// Foreign text to show: cleaned, the learnt values and whatever looks like a credential
    /// hidden, then cut to `max` characters: in this order, so that no cut lays part of one bare.
    pub(crate) fn present(&self, text: &str, max: usize) -> String {
        let bounded = text.as_bytes().get(..MAX_INPUT).unwrap_or(text.as_bytes());
        let scrubbed = scrub(&self.hide(untrusted::clean_bytes(bounded)));
        untrusted::cut(&scrubbed, max).into_owned()
    }

    /// [`Self::present`] over an argument vector: `--password x` hides the following argument.
    pub(crate) fn present_args(&self, args: &[String], max: usize) -> Vec<String> {
        let mut hide_next = false;
        args.iter()
            .map(|arg| {
                let is_flag = arg.starts_with('-');
                let shown = if hide_next && !is_flag {
                    REDACTED.to_owned()
                } else {
                    self.present(arg, max)
                };
                hide_next = is_flag && !arg.contains('=') && is_secret_name(arg);
                shown
            })
            .collect()
    }
}

/// Hide what looks like a credential: passwords in URLs, bearer tokens, `secret=value`.
fn scrub(text: &str) -> String {
    let text = URL_PASSWORD.replace_all(text, "${1}[redacted]@");
    let text = BEARER.replace_all(&text, "${1} [redacted]");
    ASSIGNMENT.replace_all(&text, "${1}[redacted]").into_owned()
}

/// Whether a variable, flag or label of that name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    SECRET_NAME.is_match(name)
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this module are literals")
}

static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)pass(word|wd|phrase)?([^a-z]|$)|pwd|secret|token|credential|api[_.-]?key|access[_.-]?key|private[_.-]?key|signing[_.-]?key|encryption[_.-]?key|[_.-]key$|^key$|auth$|dsn$|cookie|salt$",
    )
});
static URL_PASSWORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)([a-z][a-z0-9+.-]*://[^\s:/@]*:)([^\s/@]+)@"));
static BEARER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"));
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)([a-z0-9_.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key)[a-z0-9_.-]*["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"',;&]+)"#,
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn values_of_telling_names_are_hidden_wherever_they_turn_up() {
        let redactor = Redactor::from_env(&strings(&[
            "DB_PASSWORD=canary-one",
            "PATH=/usr/bin:/bin",
            "DATABASE_URL=postgres://app:canary-two@db/x",
            "PIN_TOKEN=123",
        ]));
        let line = "login canary-one then canary-two from /usr/bin:/bin 123";
        assert_eq!(
            redactor.hide(line.into()),
            "login [redacted] then [redacted] from /usr/bin:/bin 123"
        );
    }

    #[test]
    fn a_value_inside_another_does_not_leak_its_rest() {
        let redactor = Redactor::from_env(&strings(&["A_TOKEN=secret1", "B_TOKEN=secret1-longer"]));
        assert_eq!(redactor.hide("secret1-longer".into()), REDACTED);
    }

    #[test]
    fn a_cut_or_an_escape_sequence_lays_nothing_bare() {
        let redactor = Redactor::from_env(&strings(&["A_TOKEN=canary-value"]));
        assert_eq!(redactor.present("x canary-\u{1b}[1mvalue", 6), "x [re…");
        assert_eq!(redactor.present("canary-value tail", 12), "[redacted] …");
    }

    #[test]
    fn command_lines_lose_their_credentials() {
        let redactor = Redactor::default();
        let args = strings(&[
            "run",
            "--password",
            "p4ss",
            "--api-key=abc",
            "-v",
            "PGPASSWORD=x",
            "--port",
            "80",
        ]);
        assert_eq!(
            redactor.present_args(&args, 100),
            [
                "run",
                "--password",
                REDACTED,
                "--api-key=[redacted]",
                "-v",
                "PGPASSWORD=[redacted]",
                "--port",
                "80"
            ]
        );
    }

    #[test]
    fn credentials_in_running_text_are_hidden() {
        for (text, expected) in [
            ("curl http://u:pw@host/x", "curl http://u:[redacted]@host/x"),
            ("-H 'Authorization: Bearer abcdefghij'", "-H 'Authorization: Bearer [redacted]'"),
            (r#"{"token": "abc"}"#, r#"{"token": [redacted]}"#),
            ("redis-cli ping", "redis-cli ping"),
            ("http://host:8080/path", "http://host:8080/path"),
        ] {
            assert_eq!(scrub(text), expected);
        }
    }

    #[test]
    fn names_are_judged_by_their_words() {
        for name in
            ["MYSQL_ROOT_PASSWORD", "POSTGRES_PASS", "apiKey", "SENTRY_DSN", "TLS_KEY", "--token"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PATH", "PASSENGERS", "MONKEY", "KEYBOARD", "LANG", "AUTHOR"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
