//! `machina`: start, look at and call the seven servers.
use std::process::ExitCode;

fn main() -> ExitCode {
    machina::main()
}
