//! What is printed, and only from here: tables to stdout, logs and errors to stderr.

use std::io::{ErrorKind, Write};

use mcp_core::StartError;

/// Print one line. A reader that has seen enough (`| head`) is no fault.
pub(crate) fn line(text: &str) -> Result<(), StartError> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(StartError::internal(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Print a log or error line. Nobody is left to tell if stderr is closed.
pub(crate) fn log(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

pub(crate) fn complain(error: &StartError) {
    log(&format!("error: {error}"));
    if let Some(hint) = error.hint() {
        log(&format!("hint: {hint}"));
    }
}

/// Print rows in columns.
pub(crate) fn table<const N: usize>(
    head: [&str; N],
    rows: &[[String; N]],
) -> Result<(), StartError> {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or_default()
    });
    let print = |cells: &[String; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    print(&head.map(str::to_owned))?;
    rows.iter().try_for_each(print)
}
