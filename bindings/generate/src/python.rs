//! What the Python package has of the header: declarations for cffi, the tag of every call, constants. Must not know what Python
//! does with them, and takes names and layouts from the Rust side's text, numbers that bindgen cannot carry from the header.

use std::fmt::Write;

/// The opening of both generated files.
const BANNER: &str = "\
# Generated from spec/include by bindings/generate. Do not edit: change the header, then run
#     HC_BLESS=1 cargo test -p hc-generate
# SPDX-License-Identifier: MIT OR Apache-2.0
";

/// A constant of the header.
struct Constant {
    /// Its name.
    name: String,
    /// What Python is to be told: a number, or a text in quotes.
    value: String,
    /// The enumeration it belongs to, where it does.
    of: Option<String>,
}

/// Where a function pointer is called, as its tag says.
#[derive(Debug, PartialEq, Eq)]
struct Tag {
    structure: String,
    member: String,
    /// `thread`, `class`, `in`, `response`, in this order; callbacks have the first only.
    parts: Vec<Vec<String>>,
}

/// The text of `http_container/declarations.py`: what cffi reads, and the tags. `roundtrip` is the C header that was made from
/// the Rust source, `headers` the texts of the specification's own.
#[must_use]
pub fn declarations_text(roundtrip: &str, headers: &[String]) -> String {
    let mut text = format!(
        "{BANNER}\"\"\"The ABI for cffi, and where each call may be made.\"\"\"\n\nCDEF = \"\"\"\\\n"
    );
    for line in roundtrip.lines().skip_while(|line| !line.starts_with("typedef")) {
        let is_left_out = line.is_empty() || line.starts_with('#');
        if !is_left_out {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(
        "\"\"\"\n\n# Structure and member: (thread, class, callbacks, states of the response); of what a container calls, the thread only.\nTAGS = {\n",
    );
    for tag in headers.iter().flat_map(|header| tags(header)) {
        let _ =
            write!(text, "    (\"{}\", \"{}\"): (\"{}\"", tag.structure, tag.member, tag.parts[0].join(","));
        match &tag.parts[1..] {
            [class, within, response] => {
                let list = |names: &[String]| {
                    names.iter().map(|name| format!("\"{name}\",")).collect::<Vec<_>>().join(" ")
                };
                let _ =
                    writeln!(text, ", \"{}\", ({}), ({})),", class.join(","), list(within), list(response));
            }
            _ => text.push_str(",),\n"),
        }
    }
    text.push_str("}\n");
    text
}

/// The text of `http_container/constants.py`: every constant by the header's name, and each enumeration as a class.
#[must_use]
pub fn constants_text(raw: &str, headers: &[String]) -> String {
    let mut text = format!(
        "{BANNER}\"\"\"The constants of the header, and its enumerations as classes.\"\"\"\n\nfrom enum import IntEnum, IntFlag\n\n"
    );
    let mut constants = of_rust(raw);
    for (name, value) in headers.iter().flat_map(|header| macros(header)) {
        if constants.iter().all(|known| known.name != name) {
            constants.push(Constant { name, value, of: None });
        }
    }
    for constant in &constants {
        let _ = writeln!(text, "{} = {}", constant.name, constant.value);
    }
    let mut enumerations: Vec<&str> = Vec::new();
    for name in constants.iter().filter_map(|constant| constant.of.as_deref()) {
        if !enumerations.contains(&name) {
            enumerations.push(name);
        }
    }
    for name in enumerations {
        let members: Vec<&str> = constants
            .iter()
            .filter(|known| known.of.as_deref() == Some(name))
            .map(|known| &*known.name)
            .collect();
        enumeration(&mut text, name, &members);
    }
    text
}

/// One class. A set of bits is a flag, so that several of them are one too.
fn enumeration(text: &mut String, name: &str, members: &[&str]) {
    let is_bits = name.ends_with("_flag") || name == "hc_notice";
    let base = if is_bits { "IntFlag" } else { "IntEnum" };
    let _ = writeln!(text, "\n\nclass {}({base}):\n    \"\"\"enum {name}\"\"\"\n", class_name(name));
    let prefix = shared_prefix(members);
    for member in members {
        let _ = writeln!(text, "    {} = {member}", &member[prefix..]);
    }
}

/// `hc_sql_type` is `SqlType`.
fn class_name(name: &str) -> String {
    let words = name.trim_start_matches("hc_").split('_');
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

/// How many bytes all names begin with, up to and with a `_`.
fn shared_prefix(names: &[&str]) -> usize {
    let first = names.first().copied().unwrap_or_default();
    let ends = first.match_indices('_').map(|(at, _)| at + 1);
    let shared =
        ends.filter(|&end| names.iter().all(|name| name.len() > end && name.starts_with(&first[..end])));
    shared.max().unwrap_or(0)
}

/// The constants of the Rust source, in its order.
fn of_rust(raw: &str) -> Vec<Constant> {
    let mut found = Vec::new();
    for line in raw.lines() {
        let Some((name, rest)) = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": "))
        else {
            continue;
        };
        let Some((sort, value)) = rest.trim_end_matches(';').split_once(" = ") else { continue };
        let value = value.strip_prefix('c').unwrap_or(value).to_owned();
        let of = sort.starts_with("hc_").then(|| sort.to_owned());
        found.push(Constant { name: name.to_owned(), value, of });
    }
    found
}

/// Macros of the header that are a number or another name of a constant: what bindgen does not carry is among them.
fn macros(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in header.lines() {
        let mut words = line.strip_prefix("#define ").unwrap_or_default().split_whitespace();
        let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
        let number = value
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits.trim_end_matches('u'), 16).ok());
        let is_name = value.starts_with("HC_") && !value.contains('(');
        if name.starts_with("HC_") && !name.contains('(') && (number.is_some() || is_name) {
            found.push((name.to_owned(), number.map_or(value.to_owned(), |number| number.to_string())));
        }
    }
    found
}

/// The tags of a header, each with the structure in which its function pointer stands.
fn tags(header: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut structure = "";
    let mut parts: Option<Vec<Vec<String>>> = None;
    for line in header.lines() {
        let begins = line.strip_prefix("typedef ").unwrap_or(line).strip_prefix("struct ");
        if let Some(name) = begins.and_then(|rest| rest.strip_suffix(" {")) {
            structure = name;
        } else if let Some((_, tag)) = line.split_once("[thread=") {
            let words = tag.split(']').next().unwrap_or_default().split(' ');
            let value = |word: &str| {
                word.rsplit('=').next().unwrap_or_default().split(',').map(str::to_owned).collect()
            };
            parts = Some(words.map(value).collect());
        } else if let Some((_, rest)) = line.split_once("(HC_CALL *")
            && let Some(parts) = parts.take()
        {
            let member = rest.split(')').next().unwrap_or_default().to_owned();
            found.push(Tag { structure: structure.to_owned(), member, parts });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_belongs_to_the_pointer_behind_it() {
        let header = "struct hc_host {\n  /* Ends it.\n   * [thread=task class=now in=step,finish response=none,open] */\n  \
                      hc_status(HC_CALL *stop)(const hc_host *H);\n};\ntypedef struct hc_work {\n  /* [thread=foreign] */\n  \
                      void(HC_CALL *drop)(void *arg);\n} hc_work;\n";
        let text =
            declarations_text("#define HC_A 1\n\ntypedef uint64_t hc_task;\n#endif\n", &[header.to_owned()]);
        assert!(text.contains("CDEF = \"\"\"\\\ntypedef uint64_t hc_task;\n\"\"\""), "{text}");
        assert!(text.contains("(\"hc_host\", \"stop\"): (\"task\", \"now\", (\"step\", \"finish\",), (\"none\", \"open\",)),"), "{text}");
        assert!(text.contains("(\"hc_work\", \"drop\"): (\"foreign\",),"), "{text}");
    }

    #[test]
    fn constants_have_both_names() {
        let raw = "pub const HC_FD_ID: &::core::ffi::CStr = c\"hc.fd/1\";\npub const HC_OK: hc_status_code = 0;\n\
                   pub const HC_SQL_BEGIN: hc_sql_transaction = 1;\npub const HC_SQL_BEGIN_READ: hc_sql_transaction = 2;\n\
                   pub const HC_A_X: hc_a_flag = 1;\n";
        let header = "#define HC_NO_DEADLINE 0xffffffffffffffffu\n#define HC_DONE HC_OK\n#define HC_HAS(p, m) HC_END\n";
        let text = constants_text(raw, &[header.to_owned()]);
        for wanted in [
            "\nHC_FD_ID = \"hc.fd/1\"\n",
            "\nHC_NO_DEADLINE = 18446744073709551615\nHC_DONE = HC_OK\n",
            "class StatusCode(IntEnum):\n    \"\"\"enum hc_status_code\"\"\"\n\n    OK = HC_OK\n",
            "    BEGIN = HC_SQL_BEGIN\n    BEGIN_READ = HC_SQL_BEGIN_READ\n",
            "class AFlag(IntFlag):",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        assert!(!text.contains("HC_HAS"));
    }
}
