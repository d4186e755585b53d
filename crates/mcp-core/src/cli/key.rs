//! `key` and `token`: credentials for callers over HTTP.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Subcommand, ValueEnum};

use super::print;
use crate::{
    ConfigError, Scope, StartError,
    auth::{self, Mint, key_file},
    config::CoreConfig,
    fleet::Member,
    limits::{Rate, Rates},
    server::Exit,
    state_dir::StateDir,
};

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, once
    Create {
        /// Owner: what is made with the key belongs to this name
        name: String,
        /// How far it goes
        #[arg(long, value_enum, default_value = "read")]
        scope: ScopeWord,
        /// The only tools it sees
        #[arg(long, value_name = "A,B", value_delimiter = ',')]
        tools: Option<Vec<String>>,
        /// When it ends: 90d, 12h, 30m
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
        /// Its own rate for all classes of calls: N or N:BURST a second, 0 for none
        #[arg(long, value_name = "RATE")]
        rate: Option<Rate>,
    },
    /// List the keys: names, scopes, dates, never the keys themselves
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a second key of a name and let the first end
    Rotate {
        /// Owner
        name: String,
        /// How long the first one stays good
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
        overlap: Duration,
    },
    /// Take keys away at once
    Revoke {
        /// Owner, or the id of one key
        name: String,
    },
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Sign a token with the shared secret and print it
    Mint {
        /// Subject: the caller's name
        subject: String,
        /// How far it goes
        #[arg(long, value_enum, default_value = "read")]
        scope: ScopeWord,
        /// How long it lives
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
        ttl: Duration,
    },
}

/// A scope on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ScopeWord {
    /// Tools that change nothing
    Read,
    /// Tools that change something
    Write,
    /// All tools
    Admin,
}

impl From<ScopeWord> for Scope {
    fn from(word: ScopeWord) -> Self {
        match word {
            ScopeWord::Read => Self::Read,
            ScopeWord::Write => Self::Write,
            ScopeWord::Admin => Self::Admin,
        }
    }
}

/// A number and a unit: `s`, `m`, `h` or `d`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: write 30s, 15m, 24h or 90d");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds: u64 = match text.strip_prefix(digits) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    let most = 100 * 365 * 86_400;
    match count.checked_mul(seconds).filter(|total| (1..=most).contains(total)) {
        Some(total) => Ok(Duration::from_secs(total)),
        None => Err(wrong()),
    }
}

/// Carry out `key`; without a command, show the first key.
pub(crate) fn key(
    command: Option<&KeyCommand>,
    core: &CoreConfig,
    member: &Member,
    state: &StateDir,
) -> Result<Exit, StartError> {
    let path = auth::keys_path(core, state)?;
    let failed = |error: key_file::KeyFileError| StartError::config(error.to_string());
    match command {
        None => match key_file::shown(&path) {
            Some(key) => print::line(&key)?,
            None => {
                return Err(StartError::config("no first key was made here").with_hint(
                    "`key create NAME` makes one; `serve` with MACHINA_AUTH=api_key makes a first",
                ));
            }
        },
        Some(KeyCommand::Create { name, scope, tools, expires, rate }) => {
            let grant = key_file::Grant {
                scopes: vec![Scope::from(*scope).name(member.name)],
                tools: tools.clone().map(BTreeSet::from_iter),
                rates: rate.map(|rate| Rates { read: rate, write: rate, admin: rate }),
                expires: expires.map(after).transpose()?,
            };
            let (key, record) =
                key_file::create(&path, member.name, name, grant).map_err(failed)?;
            tell(&key, &record)?;
        }
        Some(KeyCommand::List { json }) => {
            let records = key_file::read(&path).map_err(failed)?;
            if *json { print_json(&records)? } else { table(&records)? }
        }
        Some(KeyCommand::Rotate { name, overlap }) => {
            let overlap = TimeDelta::from_std(*overlap)
                .map_err(|_| StartError::config("the overlap is too long"))?;
            let (key, record) =
                key_file::rotate(&path, member.name, name, overlap).map_err(failed)?;
            tell(&key, &record)?;
        }
        Some(KeyCommand::Revoke { name }) => {
            let gone = key_file::revoke(&path, name).map_err(failed)?;
            print::line(&format!("{gone} revoked; running servers know within a second"))?;
        }
    }
    Ok(Exit::Ok)
}

/// Carry out `token`.
pub(crate) fn token(
    command: &TokenCommand,
    core: &CoreConfig,
    member: &Member,
) -> Result<Exit, StartError> {
    let TokenCommand::Mint { subject, scope, ttl } = command;
    let Some(secret) = &core.jwt_secret else {
        return Err(ConfigError::new("MACHINA_JWT_SECRET", "is not set: nothing to sign with")
            .with_hint("set it, for instance from `openssl rand -base64 32`; with a JWKS only the issuer signs")
            .into());
    };
    let audience = auth::canonical_uri(core, member);
    let scope = Scope::from(*scope).name(member.name);
    let mint = Mint::new(core.jwt_issuer.as_deref(), &audience, subject, &scope, *ttl);
    let token = mint.sign(secret).map_err(StartError::internal)?;
    print::line(token.expose())?;
    Ok(Exit::Ok)
}

fn after(time: Duration) -> Result<DateTime<Utc>, StartError> {
    TimeDelta::from_std(time)
        .ok()
        .and_then(|time| Utc::now().checked_add_signed(time))
        .ok_or_else(|| StartError::config("the key would end too late"))
}

/// The key on stdout, so that a script can take it; the rest on stderr.
fn tell(key: &str, record: &key_file::Record) -> Result<(), StartError> {
    print::line(key)?;
    let ends = record.expires.map_or_else(|| "never".to_owned(), date);
    print::error_line(&format!(
        "id {}, owner {}, {}, ends {ends}; it is not shown again",
        record.id,
        record.name,
        record.scopes.join(" "),
    ));
    Ok(())
}

fn print_json(records: &[key_file::Record]) -> Result<(), StartError> {
    let text = serde_json::to_string_pretty(records)
        .map_err(|error| StartError::internal(error.to_string()))?;
    print::line(&text)
}

fn table(records: &[key_file::Record]) -> Result<(), StartError> {
    print::line(&format!("{:<10}{:<24}{:<22}{:<22}scopes", "id", "owner", "created", "ends"))?;
    let now = Utc::now();
    for record in records {
        let ends = match record.expires {
            _ if !record.lives(now) => "ended".to_owned(),
            Some(at) => date(at),
            None => "never".to_owned(),
        };
        print::line(&format!(
            "{:<10}{:<24}{:<22}{:<22}{}",
            record.id,
            record.name,
            date(record.created),
            ends,
            record.scopes.join(" ")
        ))?;
    }
    Ok(())
}

fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_a_bound() {
        for (text, seconds) in [("1s", 1), ("15m", 900), ("24h", 86_400), ("90d", 7_776_000)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1.5h", "0s", "1w", "999999999d", "18446744073709551615d"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
