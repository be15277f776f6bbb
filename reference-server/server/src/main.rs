//! The program `hc-server`: hands the command line to the library. Must not decide anything.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    hc_server::cli::main(std::env::args_os(), |config, logs| hc_server::run::serve(config, &logs))
}
