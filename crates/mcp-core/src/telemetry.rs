//! Logs: to stderr only, pretty on a terminal and JSON otherwise, with what looks like a key masked.

use std::{
    io::IsTerminal,
    sync::{Mutex, OnceLock, PoisonError},
};

use tracing_subscriber::{
    EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::{
    config::{ConfigError, CoreConfig, LogFormat},
    secret::MaskingWriter,
};

/// Install the log subscriber of this process and a panic hook that prints no payload.
///
/// A second installation in one process (tests) changes nothing.
pub fn init(config: &CoreConfig) {
    let filter = filter(&config.log_level).unwrap_or_else(|_| EnvFilter::new("warn"));
    let (filter, handle) = reload::Layer::new(filter);
    let json = match config.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Pretty => false,
        LogFormat::Json => true,
    };
    let layer = fmt::layer().with_writer(|| MaskingWriter(std::io::stderr()));
    let registry = tracing_subscriber::registry().with(filter);
    let installed = if json {
        registry.with(layer.json().flatten_event(true).with_current_span(false)).try_init()
    } else {
        let ansi = std::io::stderr().is_terminal();
        registry.with(layer.with_target(false).with_ansi(ansi)).try_init()
    };
    if installed.is_ok() {
        LEVEL.get_or_init(|| Level { handle, now: Mutex::new(config.log_level.clone()) });
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// The level of this process, which an operator may change.
static LEVEL: OnceLock<Level> = OnceLock::new();

struct Level {
    handle: reload::Handle<EnvFilter, Registry>,
    now: Mutex<String>,
}

/// A change of the level, in the words of the setting.
#[derive(Debug)]
pub(crate) struct LevelChange {
    pub(crate) old: String,
    pub(crate) new: String,
}

/// Why the level was not changed.
#[derive(Debug)]
pub(crate) enum LevelError {
    /// It is no level; the words are those of the setting.
    Invalid(ConfigError),
    /// [`init`] was not called, or found another subscriber.
    NoLog,
}

/// Log more or less from now on.
pub(crate) fn set_level(level: &str) -> Result<LevelChange, LevelError> {
    check_level(level).map_err(LevelError::Invalid)?;
    let filter = filter(level).map_err(|_| LevelError::NoLog)?;
    let current = LEVEL.get().ok_or(LevelError::NoLog)?;
    let mut now = current.now.lock().unwrap_or_else(PoisonError::into_inner);
    current.handle.reload(filter).map_err(|_| LevelError::NoLog)?;
    let old = std::mem::replace(&mut *now, level.to_owned());
    Ok(LevelChange { old, new: level.to_owned() })
}

/// A panic's place, never its payload: that may hold a caller's data.
fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panic");
}

/// Check a level or a list of filter directives.
pub(crate) fn check_level(level: &str) -> Result<(), ConfigError> {
    if !(1..=256).contains(&level.len()) {
        return Err(ConfigError::new("log_level", "must have 1 to 256 characters"));
    }
    filter(level).map(drop).map_err(|_| {
        ConfigError::new("log_level", format!("`{level}` is no level")).with_hint(
            "use error, warn, info, debug, trace, or directives such as `info,mcp_core=debug`",
        )
    })
}

/// A bare level is ours: the HTTP stack stays at `warn`, and the SDK is silent unless named. It logs
/// every client that leaves as an error, and from `debug` on whole messages, with what callers said.
fn filter(level: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let bare = ["off", "error", "warn", "info", "debug", "trace"].contains(&level);
    match level {
        "off" => EnvFilter::try_new(level),
        "error" | "warn" => EnvFilter::try_new(format!("{level},rmcp=off")),
        "trace" => EnvFilter::try_new("trace,h2=info,hyper=info,rmcp=off"),
        _ if bare => EnvFilter::try_new(format!(
            "warn,rmcp=off,mcp_core={level},machina={level},machina_ptolemies={level},machina_stripe={level},\
             machina_shopify={level},machina_bayes={level},machina_darwin={level},\
             machina_docker={level},machina_scaffold={level}"
        )),
        _ if level.chars().all(|c| c.is_ascii_alphabetic()) => {
            // A single word would be taken for a crate's name and silence everything.
            EnvFilter::try_new(format!("machina={level}"))
        }
        _ => EnvFilter::try_new(level),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an event becomes on its way out, in either form.
    #[test]
    fn a_key_in_a_log_line_is_masked() {
        use std::sync::{Arc, Mutex};

        #[derive(Clone, Default)]
        struct Lines(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().expect("lines").write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || MaskingWriter(writer.clone()));
        let pretty = tracing_subscriber::registry().with(layer.with_ansi(true));
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || MaskingWriter(writer.clone()));
        let json = tracing_subscriber::registry().with(layer.json());
        let speak = || {
            tracing::error!(key = "rk_live_51Habcdefgh", "sk_test_51Habcdefgh is refused");
            tracing::info!("header authorization: Bearer q83hf9x2k4j5h6g7");
        };
        tracing::subscriber::with_default(pretty, speak);
        tracing::subscriber::with_default(json, speak);
        let bytes = lines.0.lock().expect("lines").clone();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.lines().count(), 4);
        assert_eq!(text.matches("***").count(), 6, "{text}");
        assert!(!text.contains("51Habc") && !text.contains("q83hf"), "{text}");
    }

    #[test]
    fn levels_and_directives_pass_and_slips_do_not() {
        for level in ["off", "error", "warn", "info", "debug", "trace", "info,rmcp=debug"] {
            assert!(check_level(level).is_ok(), "{level}");
        }
        for level in ["verbose", "inof", "a=b=c"] {
            assert!(check_level(level).is_err(), "{level}");
        }
    }
}
