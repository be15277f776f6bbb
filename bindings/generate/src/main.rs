//! Prints the Rust that the header makes: `hc-generate INCLUDE_DIRECTORY`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let include = std::env::args().nth(1).unwrap_or_else(|| "spec/include".to_owned());
    match hc_generate::raw::raw_text(Path::new(&include)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("hc-generate: {why}");
            ExitCode::FAILURE
        }
    }
}
