//! Prints what is derived from the header: `hc-generate raw INCLUDE_DIRECTORY` or `hc-generate header RAW_RS`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let made = match arguments[..] {
        ["raw", include] => hc_generate::raw::raw_text(Path::new(include)).map_err(|why| why.to_string()),
        ["header", raw] => hc_generate::roundtrip::header_text(Path::new(raw)).map_err(|why| why.to_string()),
        _ => Err("say `raw INCLUDE_DIRECTORY` or `header RAW_RS`".to_owned()),
    };
    match made {
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
