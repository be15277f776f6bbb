//! The program `hc-server`: hands the command line to the library. Must not decide anything.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    hc_server::cli::main(std::env::args_os(), |_config, _logs| {
        Err("this build has no event loop: it can `check` and `inspect`, but not serve".into())
    })
}
