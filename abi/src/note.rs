//! Reads the ELF note of a module from its file, running none of its code. Must not know how a library is loaded.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, NoteIterator, ProgramHeader, SectionHeader};
use object::{Endian, Endianness, FileKind, ReadCache, ReadRef};

use crate::constants::{ABI_MAJOR, NOTE_OWNER, NOTE_TYPE};
use crate::module_table::{is_id, is_version};

/// What a module's note tells. Of a note of another major version only the numbers are told; its texts are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteInfo {
    /// The module's id.
    pub id: String,
    /// The module's own version.
    pub version: String,
    /// JSON Schema of its configuration, if there is one.
    pub config_schema: Option<String>,
    /// The ABI it was built for: major and minor.
    pub abi: (u16, u16),
    /// Bits of [`module_flag`](crate::constants::module_flag).
    pub flags: u32,
}

/// Why there is no note to be had.
#[derive(Debug)]
pub enum NoteError {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// It is not an ELF file.
    NotElf,
    /// It is one, and broken; what is broken.
    BrokenElf(String),
    /// It has no note of this kind.
    Missing,
    /// It has one that is broken; what is broken.
    BrokenNote(&'static str),
}

impl fmt::Display for NoteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoteError::Unreadable(why) => write!(out, "it cannot be read: {why}"),
            NoteError::NotElf => write!(out, "it is not an ELF file, so it has no note"),
            NoteError::BrokenElf(why) => write!(out, "it is a broken ELF file: {why}"),
            NoteError::Missing => write!(
                out,
                "it has no {NOTE_OWNER} note; add HC_MODULE_NOTE (Rust: hc_entry! does), or load it to ask its entry"
            ),
            NoteError::BrokenNote(why) => write!(out, "its {NOTE_OWNER} note is broken: {why}"),
        }
    }
}

impl std::error::Error for NoteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let NoteError::Unreadable(why) = self { Some(why) } else { None }
    }
}

/// Reads the note of the library at `path`. Only the headers and the notes of the file are read.
///
/// # Errors
/// Why there is none.
pub fn read_note(path: impl AsRef<Path>) -> Result<NoteInfo, NoteError> {
    let file = File::open(path).map_err(NoteError::Unreadable)?;
    if !file.metadata().map_err(NoteError::Unreadable)?.is_file() {
        return Err(NoteError::NotElf);
    }
    parse_note(&ReadCache::new(file))
}

/// Finds the note in the bytes of a file.
///
/// # Errors
/// Why there is none.
pub fn parse_note<'data>(file: impl ReadRef<'data>) -> Result<NoteInfo, NoteError> {
    match FileKind::parse(file) {
        Ok(FileKind::Elf32) => find_note::<FileHeader32<Endianness>, _>(file),
        Ok(FileKind::Elf64) => find_note::<FileHeader64<Endianness>, _>(file),
        _ => Err(NoteError::NotElf),
    }
}

/// Looks through the note segments, which a stripped library keeps; then through the note sections, which an object file has.
fn find_note<'data, E: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    file: R,
) -> Result<NoteInfo, NoteError> {
    let broken = |why: object::read::Error| NoteError::BrokenElf(why.to_string());
    let header = E::parse(file).map_err(broken)?;
    let order = header.endian().map_err(broken)?;
    for segment in header.program_headers(order, file).map_err(broken)? {
        if let Some(notes) = segment.notes(order, file).map_err(broken)?
            && let Some(found) = search::<E>(order, notes)?
        {
            return Ok(found);
        }
    }
    for section in header.section_headers(order, file).map_err(broken)? {
        if let Some(notes) = section.notes(order, file).map_err(broken)?
            && let Some(found) = search::<E>(order, notes)?
        {
            return Ok(found);
        }
    }
    Err(NoteError::Missing)
}

fn search<E: FileHeader<Endian = Endianness>>(
    order: Endianness,
    mut notes: NoteIterator<'_, E>,
) -> Result<Option<NoteInfo>, NoteError> {
    while let Some(note) = notes.next().map_err(|why| NoteError::BrokenElf(why.to_string()))? {
        if note.name() == NOTE_OWNER.as_bytes() && note.n_type(order) == NOTE_TYPE {
            return parse_body(order, note.desc()).map(Some);
        }
    }
    Ok(None)
}

/// Reads the body: two versions of 16 bits, flags and three sizes of 32 bits, then three texts, each with a zero byte behind.
fn parse_body(order: Endianness, body: &[u8]) -> Result<NoteInfo, NoteError> {
    let mut rest = body;
    let mut number = |bytes: usize| {
        let (head, tail) = rest.split_at_checked(bytes).ok_or(NoteError::BrokenNote("it is too short"))?;
        rest = tail;
        Ok(match *head {
            [a, b] => u32::from(order.read_u16_bytes([a, b])),
            [a, b, c, d] => order.read_u32_bytes([a, b, c, d]),
            _ => unreachable!("only numbers of 2 and 4 bytes are asked for"),
        })
    };
    let (major, minor, flags) = (number(2)?, number(2)?, number(4)?);
    if major != u32::from(ABI_MAJOR) {
        // Another major version may say the rest in another way [note.unknown-major].
        let (id, version) = (String::new(), String::new());
        return Ok(NoteInfo { id, version, config_schema: None, abi: (major as u16, minor as u16), flags });
    }
    let sizes = [number(4)?, number(4)?, number(4)?];
    let mut text = |size: u32| {
        let whole = rest
            .split_at_checked(size as usize)
            .ok_or(NoteError::BrokenNote("a text is longer than the note"))?;
        let (text, tail) = whole;
        rest = match tail.split_first() {
            Some((0, tail)) => tail,
            _ => return Err(NoteError::BrokenNote("a text does not end where its size says")),
        };
        String::from_utf8(text.to_vec()).map_err(|_| NoteError::BrokenNote("a text is not UTF-8"))
    };
    let (id, version, schema) = (text(sizes[0])?, text(sizes[1])?, text(sizes[2])?);
    if !is_id(&id) || !is_version(&version) {
        return Err(NoteError::BrokenNote("its id or its version has a form that no module may have"));
    }
    let config_schema = (!schema.is_empty()).then_some(schema);
    Ok(NoteInfo { id, version, config_schema, abi: (major as u16, minor as u16), flags })
}
