//! The response side: which framing a response gets, and its bytes, appended to the caller's buffer.
//!
//! The clock is the caller's: a date is an argument. Limits and time-outs of writing are the caller's too.

use crate::connection::Connection;
use crate::encode::{write_chunk_line, write_content_length, write_date, write_fields};
use crate::event::CloseReason;
use crate::head::Version;
use crate::head_parser::is_forbidden_trailer;
use crate::misuse::Misuse;
use crate::state::{Act, RequestState};
use crate::status;

/// A date in the form of RFC 9110 section 5.6.7, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub type Date = [u8; 29];

/// What the caller says about the length of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Exactly this many bytes.
    Known(u64),
    /// It ends when `response_end` is called.
    Unknown,
}

/// What became of what the caller gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It was written.
    Written,
    /// It was dropped, rightly: HEAD, 204, 205 and 304 have no content, HTTP/1.0 no interim responses, and
    /// only chunked content has trailers.
    Discarded,
}

/// How content is framed; made by `response_head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseBody {
    Nothing,
    Known { remaining: u64 },
    Chunked,
    UntilClose,
    Discarded,
}

/// The bytes to put behind the data that the caller writes by itself; see [`Connection::frame_data`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Frame {
    /// `Discarded`: write nothing, neither the data nor the suffix.
    pub outcome: Outcome,
    /// Goes behind the data.
    pub suffix: &'static [u8],
}

impl Connection {
    /// Appends a final response head (status 200 to 599; not 2xx to CONNECT, which would promise a tunnel).
    /// Date and the fields of framing and persistence are added; the caller gives none of the latter.
    /// `Discarded` says that content given later will not be sent.
    ///
    /// # Errors
    /// [`Misuse`]; `out` and the state are as before.
    #[inline]
    pub fn response_head<'a, I>(
        &mut self,
        out: &mut Vec<u8>,
        status: u16,
        fields: I,
        length: Length,
        date: &Date,
    ) -> Result<Outcome, Misuse>
    where
        I: IntoIterator<Item = (&'a [u8], &'a [u8])>,
    {
        self.write_head(out, Act::RespondHead, status, fields, length, date)
    }

    /// Appends a whole response, head and content, in one go.
    ///
    /// # Errors
    /// [`Misuse`]; `out` and the state are as before.
    #[inline]
    pub fn respond_whole<'a, I>(
        &mut self,
        out: &mut Vec<u8>,
        status: u16,
        fields: I,
        body: &[u8],
        date: &Date,
    ) -> Result<Outcome, Misuse>
    where
        I: IntoIterator<Item = (&'a [u8], &'a [u8])>,
    {
        out.reserve(256 + body.len());
        let outcome =
            self.write_head(out, Act::RespondWhole, status, fields, Length::Known(body.len() as u64), date)?;
        if outcome == Outcome::Written {
            out.extend_from_slice(body);
        }
        self.response_body = ResponseBody::Nothing;
        Ok(outcome)
    }

    #[inline]
    fn write_head<'a, I>(
        &mut self,
        out: &mut Vec<u8>,
        act: Act,
        status: u16,
        fields: I,
        length: Length,
        date: &Date,
    ) -> Result<Outcome, Misuse>
    where
        I: IntoIterator<Item = (&'a [u8], &'a [u8])>,
    {
        if !(200..600).contains(&status) || (self.is_connect && status < 300) {
            return Err(Misuse::Status(status));
        }
        self.may(act)?;
        let start = out.len();
        status::write_line(out, status);
        let written = write_fields(out, fields).inspect_err(|_| out.truncate(start))?;
        if !written.has_date {
            write_date(out, date);
        }
        // Whether content of the request follows is unknown if the peer still waits for a 100.
        if self.continue_wanted {
            self.close_for(CloseReason::ContinueUnsent);
            self.continue_wanted = false;
        }
        if self.request == RequestState::Idle {
            self.close_for(CloseReason::Refused);
        }
        self.response_body = self.frame(out, status, length);
        if self.close.is_some() {
            out.extend_from_slice(b"Connection: close\r\n\r\n");
        } else if self.version == Version::Http10 {
            out.extend_from_slice(b"Connection: keep-alive\r\n\r\n");
        } else {
            out.extend_from_slice(b"\r\n");
        }
        self.take(act)?;
        Ok(if self.response_body == ResponseBody::Discarded { Outcome::Discarded } else { Outcome::Written })
    }

    /// Chooses the framing (RFC 9112 section 6.3) and writes its field.
    #[inline]
    fn frame(&mut self, out: &mut Vec<u8>, status: u16, length: Length) -> ResponseBody {
        match (status, length) {
            // Content-Length must not be in a 204 (RFC 9110 section 8.6); in a 304, zero would be a guess.
            (204, _) | (304, Length::Unknown | Length::Known(0)) => return ResponseBody::Discarded,
            (205, _) => {
                out.extend_from_slice(b"Content-Length: 0\r\n");
                return ResponseBody::Discarded;
            }
            _ => {}
        }
        let has_content = !self.is_head && status != 304;
        match length {
            Length::Known(remaining) => {
                write_content_length(out, remaining);
                if has_content { ResponseBody::Known { remaining } } else { ResponseBody::Discarded }
            }
            Length::Unknown if !has_content => ResponseBody::Discarded,
            Length::Unknown if self.version == Version::Http11 => {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
                ResponseBody::Chunked
            }
            Length::Unknown => {
                self.close_for(CloseReason::Delimits);
                ResponseBody::UntilClose
            }
        }
    }

    /// Appends content with its framing.
    ///
    /// # Errors
    /// [`Misuse`]; `out` and the state are as before.
    #[inline]
    pub fn response_data(&mut self, out: &mut Vec<u8>, data: &[u8]) -> Result<Outcome, Misuse> {
        let frame = self.frame_data(out, data.len())?;
        if frame.outcome == Outcome::Written {
            out.extend_from_slice(data);
            out.extend_from_slice(frame.suffix);
        }
        Ok(frame.outcome)
    }

    /// Like `response_data`, for content that the caller sends from where it lies: appends what goes before
    /// `length` bytes of it, and says what goes behind. Content of no length has no frame.
    ///
    /// # Errors
    /// [`Misuse`]; `out` and the state are as before.
    #[inline]
    pub fn frame_data(&mut self, out: &mut Vec<u8>, length: usize) -> Result<Frame, Misuse> {
        self.may(Act::RespondData)?;
        let mut suffix: &'static [u8] = b"";
        match &mut self.response_body {
            ResponseBody::Known { remaining } => {
                *remaining = remaining
                    .checked_sub(length as u64)
                    .ok_or(Misuse::BodyExceeds { remaining: *remaining })?;
            }
            ResponseBody::Chunked if length > 0 => {
                write_chunk_line(out, length);
                suffix = b"\r\n";
            }
            ResponseBody::Chunked | ResponseBody::UntilClose => {}
            ResponseBody::Nothing | ResponseBody::Discarded => {
                return Ok(Frame { outcome: Outcome::Discarded, suffix });
            }
        }
        Ok(Frame { outcome: Outcome::Written, suffix })
    }

    /// Ends the response. `trailers` are sent with chunked content and dropped otherwise (`Discarded` says
    /// so, if there are any).
    ///
    /// # Errors
    /// [`Misuse::BodyUndershoots`] when less content was given than announced: the response can only be
    /// broken off, and the state says so. For any other [`Misuse`], `out` and the state are as before.
    #[inline]
    pub fn response_end<'a, I>(&mut self, out: &mut Vec<u8>, trailers: I) -> Result<Outcome, Misuse>
    where
        I: IntoIterator<Item = (&'a [u8], &'a [u8])>,
    {
        self.may(Act::RespondEnd)?;
        let mut trailers = trailers.into_iter();
        let outcome = match self.response_body {
            ResponseBody::Known { remaining } if remaining > 0 => {
                self.abort();
                return Err(Misuse::BodyUndershoots { missing: remaining });
            }
            ResponseBody::Chunked => {
                let start = out.len();
                out.extend_from_slice(b"0\r\n");
                write_trailers(out, trailers).inspect_err(|_| out.truncate(start))?;
                out.extend_from_slice(b"\r\n");
                Outcome::Written
            }
            _ if trailers.next().is_some() => Outcome::Discarded,
            _ => Outcome::Written,
        };
        self.take(Act::RespondEnd)?;
        Ok(outcome)
    }

    /// Appends an interim response (status 102 to 199); dropped for HTTP/1.0, which has none.
    ///
    /// # Errors
    /// [`Misuse`]; `out` and the state are as before.
    pub fn interim<'a, I>(&mut self, out: &mut Vec<u8>, status: u16, fields: I) -> Result<Outcome, Misuse>
    where
        I: IntoIterator<Item = (&'a [u8], &'a [u8])>,
    {
        if !(102..200).contains(&status) {
            return Err(Misuse::Status(status));
        }
        self.may(Act::Interim)?;
        if self.version == Version::Http10 {
            return Ok(Outcome::Discarded);
        }
        let start = out.len();
        status::write_line(out, status);
        write_fields(out, fields).inspect_err(|_| out.truncate(start))?;
        out.extend_from_slice(b"\r\n");
        Ok(Outcome::Written)
    }

    /// Appends `100 Continue` if the peer still waits for it.
    ///
    /// # Errors
    /// [`Misuse::State`] when a response was begun.
    pub fn write_continue(&mut self, out: &mut Vec<u8>) -> Result<Outcome, Misuse> {
        self.may(Act::Interim)?;
        if !self.continue_wanted {
            return Ok(Outcome::Discarded);
        }
        self.continue_wanted = false;
        status::write_line(out, 100);
        out.extend_from_slice(b"\r\n");
        Ok(Outcome::Written)
    }

    /// Whether the table allows `act` now.
    #[inline]
    fn may(&self, act: Act) -> Result<(), Misuse> {
        let (request, response) = (self.request, self.response);
        match crate::state::step(act, request, response) {
            Some(_) => Ok(()),
            None => Err(Misuse::State { act, request, response }),
        }
    }
}

fn write_trailers<'a>(
    out: &mut Vec<u8>,
    trailers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(), Misuse> {
    let mut forbidden = false;
    write_fields(out, trailers.inspect(|(name, _)| forbidden |= is_forbidden_trailer(name)))?;
    if forbidden { Err(Misuse::FieldReserved) } else { Ok(()) }
}
