//! The ELF note of a Rust module, laid out as `HC_MODULE_NOTE` does in C. Made by `hc_entry!`; read by `note.rs`, of which it
//! must not know.

use std::ffi::CStr;

use crate::constants::{ABI_MAJOR, ABI_MINOR, NOTE_OWNER, NOTE_TYPE};

/// A text with the zero byte behind it that C wants. `N` is the text's length in bytes and one.
#[repr(transparent)]
pub struct Terminated<const N: usize>([u8; N]);

impl<const N: usize> Terminated<N> {
    /// Copies the text.
    ///
    /// # Panics
    /// At compile time, when `N` is not the length and one, or when the text has a zero byte in it.
    #[must_use]
    pub const fn new(text: &str) -> Terminated<N> {
        let bytes = text.as_bytes();
        assert!(N == bytes.len() + 1, "N must be the length of the text and one");
        let mut copy = [0; N];
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at] != 0, "a text of a module must not have a zero byte in it");
            copy[at] = bytes[at];
            at += 1;
        }
        Terminated(copy)
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &CStr {
        match CStr::from_bytes_with_nul(&self.0) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    }
}

/// The note: `struct hc_module_note` of `HC_MODULE_NOTE`. `I`, `V` and `S` are the lengths of id, version and schema in bytes,
/// each and one.
#[repr(C, align(4))]
pub struct Note<const I: usize, const V: usize, const S: usize> {
    owner_size: u32,
    body_size: u32,
    kind: u32,
    owner: [u8; 16],
    abi_major: u16,
    abi_minor: u16,
    flags: u32,
    id_size: u32,
    version_size: u32,
    schema_size: u32,
    id: Terminated<I>,
    version: Terminated<V>,
    schema: Terminated<S>,
}

/// Bytes before the body: three numbers and the owner with its padding.
const BEFORE_BODY: usize = 28;

impl<const I: usize, const V: usize, const S: usize> Note<I, V, S> {
    /// The note of a module.
    #[must_use]
    pub const fn new(id: &str, version: &str, schema: &str, flags: u32) -> Note<I, V, S> {
        let mut owner = [0; 16];
        let (copied, _) = owner.split_at_mut(NOTE_OWNER.len());
        copied.copy_from_slice(NOTE_OWNER.as_bytes());
        Note {
            owner_size: NOTE_OWNER.len() as u32 + 1,
            body_size: (size_of::<Self>() - BEFORE_BODY) as u32,
            kind: NOTE_TYPE,
            owner,
            abi_major: ABI_MAJOR,
            abi_minor: ABI_MINOR,
            flags,
            id_size: id.len() as u32,
            version_size: version.len() as u32,
            schema_size: schema.len() as u32,
            id: Terminated::new(id),
            version: Terminated::new(version),
            schema: Terminated::new(schema),
        }
    }
}
