//! Header to Rust: what `abi/src/raw.rs` has to contain. Knows bindgen, and nothing of what the Rust side does with it.

use std::path::Path;

/// The opening of the generated file.
const BANNER: &str = "\
// Generated from spec/include by bindings/generate. Do not edit: change the header, then run
//     HC_BLESS=1 cargo test -p hc-generate
// SPDX-License-Identifier: MIT OR Apache-2.0
";

/// The headers that are translated, relative to `spec/include`: the umbrella and one per extension.
pub const HEADERS: &[&str] = &[
    "http_container.h",
    "http_container/ext/fd.h",
    "http_container/ext/dispatch.h",
    "http_container/ext/offload.h",
    "http_container/ext/sql.h",
    "http_container/ext/kv.h",
    "http_container/ext/pool.h",
    "http_container/ext/limit.h",
    "http_container/ext/provider.h",
];

/// Macros whose C value has no faithful translation: bindgen reads 64-bit unsigned macros as signed numbers. They are
/// written by hand in `abi/src/constants.rs`, and the C probe of `abi` compares them with the header.
const WRITTEN_BY_HAND: &str = "HC_LENGTH_UNKNOWN|HC_NO_DEADLINE";

/// Why the Rust text could not be generated.
#[derive(Debug)]
pub enum RawError {
    /// libclang could not be loaded; the text says where it was looked for.
    NoLibclang(String),
    /// The header does not translate.
    Refused(String),
}

impl std::fmt::Display for RawError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RawError::NoLibclang(why) => write!(
                out,
                "libclang could not be loaded ({why}). Install it (Debian: `apt install libclang-dev`; Fedora: `dnf install \
                 clang-libs`), or point LIBCLANG_PATH at the directory that holds libclang.so"
            ),
            RawError::Refused(why) => write!(out, "the header does not translate: {why}"),
        }
    }
}

impl std::error::Error for RawError {}

/// The text of `abi/src/raw.rs` for the headers under `include` (the directory that holds `http_container.h`).
pub fn raw_text(include: &Path) -> Result<String, RawError> {
    clang_sys::load().map_err(RawError::NoLibclang)?;
    let mut builder = bindgen::Builder::default()
        .clang_args(["-std=c99", "-I"])
        .clang_arg(include.display().to_string())
        .allowlist_item("(hc|HC)_.*")
        .blocklist_item(WRITTEN_BY_HAND)
        .blocklist_var("hc_module_entry")
        .prepend_enum_name(false)
        .generate_cstr(true)
        .layout_tests(false)
        .derive_copy(true)
        .derive_debug(true)
        .use_core()
        .formatter(bindgen::Formatter::Prettyplease)
        .disable_header_comment();
    for header in HEADERS {
        builder = builder.header(include.join(header).display().to_string());
    }
    let bindings = builder.generate().map_err(|why| RawError::Refused(why.to_string()))?;
    Ok(format!("{BANNER}\n{bindings}"))
}
