//! Rust back to C: the header that `abi/src/raw.rs` makes by cbindgen. Must not look at the specification's own header, since
//! a test compares the two.

use crate::inventory::name_in_c;
use std::path::Path;

use cbindgen::{Builder, Config, Language, Style};

/// The opening of the generated header.
const BANNER: &str = "\
/* Generated from abi/src/raw.rs by bindings/generate. Do not edit, and do not write modules with it: it is what the Rust side
 * believes the ABI to be, and a test proves it to be that of spec/include. To refresh it:
 *     HC_BLESS=1 cargo test -p hc-generate
 * SPDX-License-Identifier: MIT OR Apache-2.0 */";

/// The text of the header for the Rust source at `raw`.
///
/// # Errors
/// What cbindgen says of the source.
pub fn header_text(raw: &Path) -> Result<String, cbindgen::Error> {
    let mut config = Config {
        language: Language::C,
        style: Style::Both,
        header: Some(BANNER.to_owned()),
        include_guard: Some("HTTP_CONTAINER_ROUNDTRIP_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        cpp_compat: true,
        line_length: 160,
        usize_is_size_t: true,
        documentation: false,
        ..Config::default()
    };
    // No function of the source uses the types: all are wanted for themselves.
    config.export.include = type_names(&std::fs::read_to_string(raw).map_err(|why| cannot_read(raw, &why))?);
    let mut text = Vec::new();
    Builder::new().with_config(config).with_src(raw).generate()?.write(&mut text);
    Ok(as_in_c(&String::from_utf8_lossy(&text)))
}

/// The text with the names that the header itself has.
fn as_in_c(text: &str) -> String {
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_word) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|letter| !is_of_word(letter)).unwrap_or(from.len()));
        made.push_str(before);
        made.push_str(name_in_c(word));
        rest = after;
    }
    made + rest
}

fn cannot_read(raw: &Path, why: &std::io::Error) -> cbindgen::Error {
    cbindgen::Error::ParseCannotOpenFile { crate_name: why.to_string(), src_path: raw.display().to_string() }
}

/// The structures and aliases that the source declares.
fn type_names(raw: &str) -> Vec<String> {
    let declared = |line: &str| {
        let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub type "))?;
        rest.split([' ', ';', '=']).next().map(str::to_owned)
    };
    raw.lines().filter_map(declared).collect()
}
