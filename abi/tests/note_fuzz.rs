//! Files that are broken in any way make the reader of notes answer, never panic, and never believe a size.
#![forbid(unsafe_code)]

mod support;

use std::sync::LazyLock;

use http_container_abi::note::{NoteError, NoteInfo, parse_note};
use proptest::prelude::*;

/// A small library with a note.
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let source = "#include \"http_container.h\"\nHC_MODULE_NOTE(\"org.example.note\", \"2.0\", 3, \"{}\");\n";
    let library = support::shared_library(&support::scratch("note-fuzz"), "note", source);
    std::fs::read(library).unwrap()
});

fn good() -> NoteInfo {
    NoteInfo {
        id: "org.example.note".into(),
        version: "2.0".into(),
        config_schema: Some("{}".into()),
        abi: (1, 0),
        flags: 3,
    }
}

/// Where the note's body begins: behind its owner.
fn body() -> usize {
    let owner = b"HTTP-Container\0\0";
    GOOD.windows(owner.len()).position(|window| window == owner).expect("the note is there") + owner.len()
}

/// The good file with the 32-bit number at that place of the note's body replaced.
fn with_number(at: usize, number: u32) -> Result<NoteInfo, NoteError> {
    let mut file = GOOD.clone();
    let place = body() + at;
    file[place..place + 4].copy_from_slice(&number.to_ne_bytes());
    parse_note(&file[..])
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(parse_note(&GOOD[..]).unwrap(), good());
}

#[test]
fn sizes_that_lie_are_found_out() {
    for at in [8, 12, 16] {
        for size in [1, 15, 17, 100, 0x7fff_ffff, u32::MAX] {
            let found = with_number(at, size);
            assert!(matches!(found, Err(NoteError::BrokenNote(_))), "size {size} at {at}: {found:?}");
        }
    }
}

#[test]
fn another_major_version_shows_its_numbers_only() {
    let numbers = u32::from_ne_bytes([2, 0, 5, 0]);
    let info = with_number(0, numbers).unwrap();
    assert_eq!((info.abi, info.flags, info.id.as_str(), info.config_schema), ((2, 5), 3, "", None));
}

#[test]
fn a_text_that_no_module_may_have_is_refused() {
    for (at, bytes) in [(20, b"caf\xe9"), (20, b"a b ")] {
        let mut file = GOOD.clone();
        file[body() + at..body() + at + 4].copy_from_slice(bytes);
        assert!(matches!(parse_note(&file[..]), Err(NoteError::BrokenNote(_))), "{bytes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_no_elf(bytes: Vec<u8>) {
        prop_assert!(parse_note(&bytes[..]).is_err());
    }

    #[test]
    fn random_bytes_behind_an_elf_header_never_panic(class in 1_u8..3, order in 1_u8..3, rest: Vec<u8>) {
        let mut bytes = b"\x7fELF".to_vec();
        bytes.extend([class, order, 1]);
        bytes.extend(rest);
        prop_assert!(parse_note(&bytes[..]).is_err());
    }

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut bytes = GOOD.clone();
        for (at, byte) in changes {
            // Half of the changes go where the headers are, which is where they matter.
            let at = at.index(if byte & 1 == 0 { 1024 } else { bytes.len() });
            bytes[at] = byte;
        }
        if let Ok(info) = parse_note(&bytes[..]) {
            prop_assert!(info.id.len() <= 127 && info.version.len() <= 63);
        }
    }

    #[test]
    fn a_file_cut_anywhere_never_panics(at: prop::sample::Index) {
        let cut = &GOOD[..at.index(GOOD.len())];
        if let Ok(info) = parse_note(cut) {
            prop_assert_eq!(info, good());
        }
    }
}
