//! What `abi/src/raw.rs` declares, by name: read line by line from the text that bindgen writes. Must not know what the names
//! mean.

/// Names of the generated Rust source.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Structure and member, for each member.
    pub members: Vec<(String, String)>,
    /// Structures.
    pub structures: Vec<String>,
    /// Constants that are numbers.
    pub constants: Vec<String>,
}

/// bindgen marks names of the header that are words of Rust by a `_` behind them.
const WORDS_OF_RUST: [&str; 1] = ["type"];

/// The header's own name for a name of the Rust source.
#[must_use]
pub fn name_in_c(name: &str) -> &str {
    name.strip_suffix('_').filter(|word| WORDS_OF_RUST.contains(word)).unwrap_or(name)
}

/// Takes stock of the source.
#[must_use]
pub fn inventory(raw: &str) -> Inventory {
    let mut found = Inventory::default();
    let name = |rest: &str| rest.split([':', ' ', '{']).next().unwrap_or_default().to_owned();
    for line in raw.lines() {
        if let Some(rest) = line.strip_prefix("pub struct ") {
            found.structures.push(name(rest));
        } else if let Some(rest) = line.strip_prefix("    pub ")
            && let Some(structure) = found.structures.last()
        {
            found.members.push((structure.clone(), name_in_c(&name(rest)).to_owned()));
        } else if let Some(rest) = line.strip_prefix("pub const ").filter(|rest| !rest.contains("CStr")) {
            found.constants.push(name(rest));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_bindgen_puts_them() {
        let raw = "pub const HC_A: u32 = 1;\npub const HC_T: &::core::ffi::CStr = c\"t\";\n#[repr(C)]\n\
                   pub struct hc_a {\n    pub one: u8,\n    pub two: ::core::option::Option<\n        fn(),\n    >,\n}\n\
                   pub type hc_t = u64;\n";
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let found = inventory(raw);
        assert_eq!((found.structures, found.constants), (names(&["hc_a"]), names(&["HC_A"])));
        assert_eq!(found.members, [("hc_a".into(), "one".into()), ("hc_a".into(), "two".into())]);
    }
}
