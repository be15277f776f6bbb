//! The chunked transfer coding, received (RFC 9112 section 7.1). Framing bytes are consumed as they come, one
//! state per byte, so that no cut of the input can change the reading; chunk data is handed on as a range.
//!
//! The trailer section is `head_parser`'s: here it only begins.

use crate::grammar::{QUOTED, TOKEN, is, is_white};
use crate::limits::Limits;
use crate::refusal::{Refusal, Rule};

/// Where the reading of a chunked body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Place {
    /// The first digit of a size must come.
    SizeStart,
    Size,
    /// White space before a `;`.
    BeforeSemicolon,
    NameStart,
    Name,
    AfterName,
    ValueStart,
    Value,
    Quoted,
    QuotedPair,
    AfterQuoted,
    /// The CR of a chunk-size line was read.
    LineFeed,
    Data,
    /// The CRLF behind the data.
    DataReturn,
    DataLineFeed,
    Trailers,
}

/// The reader of one chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkedReader {
    place: Place,
    line_bytes: u32,
    extension_bytes: u32,
    /// The size being read, then what is left of the chunk.
    remaining: u64,
    /// Content so far, the chunk under way included.
    total: u64,
}

/// What the bytes looked at amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// All bytes were framing; more are needed.
    NeedMore,
    /// Chunk data starts at this offset and has this many bytes in the input (at least one).
    Data { start: usize, bytes: usize },
    /// The last chunk was read; the trailer section starts at this offset.
    Trailers { start: usize },
}

impl ChunkedReader {
    pub(crate) const fn new() -> Self {
        Self { place: Place::SizeStart, line_bytes: 0, extension_bytes: 0, remaining: 0, total: 0 }
    }

    /// Reads framing from the start of `input` until data, the trailers, or the input's end.
    pub(crate) fn advance(&mut self, input: &[u8], limits: &Limits) -> Result<Chunk, Refusal> {
        let mut at = 0;
        loop {
            match self.place {
                Place::Trailers => return Ok(Chunk::Trailers { start: at }),
                Place::Data if at < input.len() => {
                    let here = input.len() - at;
                    let bytes = usize::try_from(self.remaining).map_or(here, |remaining| remaining.min(here));
                    self.remaining -= bytes as u64;
                    if self.remaining == 0 {
                        self.place = Place::DataReturn;
                    }
                    return Ok(Chunk::Data { start: at, bytes });
                }
                _ => {}
            }
            let Some(&byte) = input.get(at) else { return Ok(Chunk::NeedMore) };
            at += 1;
            match self.place {
                Place::DataReturn if byte == b'\r' => self.place = Place::DataLineFeed,
                Place::DataLineFeed if byte == b'\n' => self.begin_line(),
                Place::DataReturn | Place::DataLineFeed => return Err(Rule::ChunkEnd.into()),
                Place::LineFeed if byte == b'\n' => self.end_line(limits)?,
                Place::LineFeed => return Err(Rule::ChunkLine.into()),
                _ => self.read_line_byte(byte, limits)?,
            }
        }
    }

    fn begin_line(&mut self) {
        self.place = Place::SizeStart;
        self.line_bytes = 0;
        self.remaining = 0;
    }

    fn end_line(&mut self, limits: &Limits) -> Result<(), Refusal> {
        let total = self.total.checked_add(self.remaining).ok_or(Refusal::from(Rule::BodyLength))?;
        if total > limits.body_bytes {
            return Err(Rule::BodyLength.into());
        }
        self.total = total;
        self.place = if self.remaining == 0 { Place::Trailers } else { Place::Data };
        Ok(())
    }

    /// One byte of a chunk-size line up to its CR.
    fn read_line_byte(&mut self, byte: u8, limits: &Limits) -> Result<(), Refusal> {
        if byte == b'\r' && self.line_may_end() {
            self.place = Place::LineFeed;
            return Ok(());
        }
        self.line_bytes += 1;
        if self.line_bytes > limits.chunk_line_bytes {
            return Err(Rule::ChunkLineLength.into());
        }
        match self.place {
            Place::SizeStart | Place::Size => self.read_size_byte(byte),
            _ => self.read_extension_byte(byte),
        }?;
        if !matches!(self.place, Place::SizeStart | Place::Size) {
            self.extension_bytes += 1;
            if self.extension_bytes > limits.chunk_extension_bytes {
                return Err(Rule::ChunkExtensionLength.into());
            }
        }
        Ok(())
    }

    fn line_may_end(&self) -> bool {
        matches!(self.place, Place::Size | Place::Name | Place::Value | Place::AfterQuoted)
    }

    fn read_size_byte(&mut self, byte: u8) -> Result<(), Refusal> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            if self.remaining >> 60 != 0 {
                return Err(Rule::ChunkSizeOverflow.into());
            }
            self.remaining = self.remaining << 4 | u64::from(digit);
            self.place = Place::Size;
            return Ok(());
        }
        match byte {
            b'\n' => Err(Rule::ChunkLine.into()),
            b';' if self.place == Place::Size => {
                self.place = Place::NameStart;
                Ok(())
            }
            _ if is_white(byte) && self.place == Place::Size => {
                self.place = Place::BeforeSemicolon;
                Ok(())
            }
            _ => Err(Rule::ChunkSize.into()),
        }
    }

    /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`, read and ignored.
    fn read_extension_byte(&mut self, byte: u8) -> Result<(), Refusal> {
        let token = is(byte, TOKEN);
        let white = is_white(byte);
        let next = match (self.place, byte) {
            (Place::BeforeSemicolon, b';') => Place::NameStart,
            (Place::BeforeSemicolon, _) if white => Place::BeforeSemicolon,
            (Place::NameStart, _) if white => Place::NameStart,
            (Place::NameStart | Place::Name, _) if token => Place::Name,
            (Place::Name | Place::AfterName, b'=') => Place::ValueStart,
            (Place::Name | Place::AfterName, b';') => Place::NameStart,
            (Place::Name | Place::AfterName, _) if white => Place::AfterName,
            (Place::ValueStart, _) if white => Place::ValueStart,
            (Place::ValueStart, b'"') => Place::Quoted,
            (Place::ValueStart | Place::Value, _) if token => Place::Value,
            (Place::Value | Place::AfterQuoted, b';') => Place::NameStart,
            (Place::Value | Place::AfterQuoted, _) if white => Place::BeforeSemicolon,
            (Place::Quoted, b'"') => Place::AfterQuoted,
            (Place::Quoted, b'\\') => Place::QuotedPair,
            (Place::Quoted, _) if is(byte, QUOTED) => Place::Quoted,
            (Place::QuotedPair, b'"' | b'\\') => Place::Quoted,
            (Place::QuotedPair, _) if is(byte, QUOTED) => Place::Quoted,
            (_, b'\n') => return Err(Rule::ChunkLine.into()),
            _ => return Err(Rule::ChunkExtension.into()),
        };
        self.place = next;
        Ok(())
    }
}
