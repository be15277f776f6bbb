//! The program `hc-conformance`: see the library of the same name. Must not decide anything.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    hc_conformance::command_line::main()
}
