//! What a module may say in a field, and what belongs to the container (RFC 9110 sections 5.1, 5.5, 6.5.1 and 7.6.1).

use crate::calls::Refused;
use crate::words;
use http_container_abi::{FieldsView, Status};

/// Where the fields will stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Head,
    /// An interim response: it has no content of its own (RFC 9110 section 8.6).
    Interim,
    Trailers,
}

/// Fields of the connection and of framing: the container's own, in every place.
const CONTAINERS: [&str; 6] =
    ["transfer-encoding", "connection", "keep-alive", "upgrade", "te", "proxy-connection"];
/// Fields that must not come after the body: framing, routing, request modifiers, authentication, content's form.
const NOT_IN_TRAILERS: [&str; 14] = [
    "content-length",
    "host",
    "trailer",
    "content-encoding",
    "content-type",
    "content-range",
    "cache-control",
    "expect",
    "max-forwards",
    "pragma",
    "range",
    "authorization",
    "set-cookie",
    "age",
];
const CONTENT_LENGTH: &str = "content-length";

/// The lengths of names, a bit each: few names have one of them.
const fn lengths(names: &[&str]) -> u32 {
    let mut lengths = 0;
    let mut at = 0;
    while at < names.len() {
        lengths |= 1 << names[at].len();
        at += 1;
    }
    lengths
}

const CONTAINERS_LENGTHS: u32 = lengths(&CONTAINERS);

fn is_named(name: &[u8], own: &str) -> bool {
    name.len() == own.len() && name.eq_ignore_ascii_case(own.as_bytes())
}

fn is_among(name: &[u8], list: &[&str]) -> bool {
    list.iter().any(|own| is_named(name, own))
}

/// Checks fields; answers the value of `content-length` when it is among them.
pub(crate) fn check(fields: FieldsView<'_>, place: Place, limit_bytes: u64) -> Result<Option<u64>, Refused> {
    let mut bytes = 0u64;
    let mut content_length = None;
    for (name, value) in fields.iter() {
        bytes += (name.len() + value.len()) as u64;
        check_name(name, place)?;
        check_value(name, value)?;
        if is_named(name, CONTENT_LENGTH) {
            let length = parse_length(value).ok_or_else(|| bad_length(value))?;
            if content_length.replace(length).is_some() {
                return Err(Refused::new(
                    Status::E_FIELD,
                    "response.content-length",
                    "content-length is given more than once",
                ));
            }
        }
    }
    if bytes > limit_bytes {
        let text = format!("the fields have {bytes} bytes, more than the limit of {limit_bytes}");
        return Err(Refused::owned(Status::E_LIMIT, "response.head.limit", text));
    }
    Ok(content_length)
}

/// Checks the fields of a request that a module describes: names and values, whatever they are.
pub(crate) fn check_request(fields: FieldsView<'_>) -> Result<(), Refused> {
    fields.iter().try_for_each(|(name, value)| check_token(name).and_then(|()| check_value(name, value)))
}

/// Whether it is a token (RFC 9110 section 5.6.2).
#[inline]
pub(crate) fn is_token(text: &[u8]) -> bool {
    words::are_plain_name(text) || is_token_by_byte(text)
}

fn is_token_by_byte(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| TOKEN[byte as usize])
}

#[inline]
fn check_token(name: &[u8]) -> Result<(), Refused> {
    if is_token(name) { Ok(()) } else { Err(bad_name(name)) }
}

#[cold]
fn bad_name(name: &[u8]) -> Refused {
    let text = format!("the field name \"{}\" is not a token", name.escape_ascii());
    Refused::owned(Status::E_FIELD, "response.fields.name", text)
}

fn check_name(name: &[u8], place: Place) -> Result<(), Refused> {
    check_token(name)?;
    let has_length_of_containers = name.len() < 32 && CONTAINERS_LENGTHS >> name.len() & 1 != 0;
    if has_length_of_containers && is_among(name, &CONTAINERS) {
        let text = format!("the field \"{}\" is the container's own", name.escape_ascii());
        return Err(Refused::owned(Status::E_FIELD, "response.fields.framing", text));
    }
    if place == Place::Interim && is_named(name, CONTENT_LENGTH) {
        return Err(Refused::new(
            Status::E_FIELD,
            "response.inform.fields",
            "an interim response has no content-length",
        ));
    }
    if place == Place::Trailers && is_among(name, &NOT_IN_TRAILERS) {
        let text = format!("the field \"{}\" must not be a trailer", name.escape_ascii());
        return Err(Refused::owned(Status::E_FIELD, "response.trailers.forbidden", text));
    }
    Ok(())
}

#[inline]
fn check_value(name: &[u8], value: &[u8]) -> Result<(), Refused> {
    if words::are_plain_value(value) { Ok(()) } else { check_value_by_byte(name, value) }
}

fn check_value_by_byte(name: &[u8], value: &[u8]) -> Result<(), Refused> {
    match value.iter().find(|&&byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
        None => Ok(()),
        Some(byte) => {
            let text = format!(
                "the value of \"{}\" has the control byte 0x{byte:02x} (CR, LF, NUL and other controls are refused)",
                name.escape_ascii()
            );
            Err(Refused::owned(Status::E_FIELD, "response.fields.value", text))
        }
    }
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let text = str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn bad_length(value: &[u8]) -> Refused {
    let text = format!("content-length \"{}\" is not a number", value.escape_ascii());
    Refused::owned(Status::E_FIELD, "response.content-length", text)
}

/// Bytes of a token (RFC 9110 section 5.6.2).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || is_token_mark(byte as u8);
        byte += 1;
    }
    table
};

const fn is_token_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'_'
            | b'`'
            | b'|'
            | b'~'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_container_abi::Field;

    /// Name, value, place, and the length or the rule that is expected.
    type Case<'a> = (&'a str, &'a str, Place, Result<Option<u64>, &'static str>);

    #[test]
    fn fields_are_refused_by_rule() {
        let check_one = |name: &str, value: &str, place| {
            let fields = [Field::new(name.as_bytes(), value.as_bytes())];
            check(FieldsView::new(&fields), place, 100).map_err(|refused| refused.rule)
        };
        let table: &[Case<'_>] = &[
            ("x-a", "b", Place::Head, Ok(None)),
            ("x-a", "", Place::Head, Ok(None)),
            ("x-a", "a\tb \u{e4}", Place::Head, Ok(None)),
            ("Content-Length", "12", Place::Head, Ok(Some(12))),
            ("content-length", "+12", Place::Head, Err("response.content-length")),
            ("content-length", "1 2", Place::Head, Err("response.content-length")),
            ("content-length", "", Place::Head, Err("response.content-length")),
            ("content-length", "99999999999999999999", Place::Head, Err("response.content-length")),
            ("", "b", Place::Head, Err("response.fields.name")),
            ("x a", "b", Place::Head, Err("response.fields.name")),
            ("x:", "b", Place::Head, Err("response.fields.name")),
            ("x\r\n", "b", Place::Head, Err("response.fields.name")),
            ("\u{e4}", "b", Place::Head, Err("response.fields.name")),
            ("X-Text-2", "eight or more bytes\t", Place::Head, Ok(None)),
            ("x.long_name!", "b", Place::Head, Ok(None)),
            ("x-long name", "b", Place::Head, Err("response.fields.name")),
            ("x-long-n\r", "b", Place::Head, Err("response.fields.name")),
            ("x-a", "b\r\nset-cookie: c", Place::Head, Err("response.fields.value")),
            ("x-a", "b\n", Place::Head, Err("response.fields.value")),
            ("x-a", "b\0", Place::Head, Err("response.fields.value")),
            ("x-a", "b\u{7f}", Place::Head, Err("response.fields.value")),
            ("Transfer-Encoding", "chunked", Place::Head, Err("response.fields.framing")),
            ("CONNECTION", "close", Place::Head, Err("response.fields.framing")),
            ("te", "trailers", Place::Head, Err("response.fields.framing")),
            ("keep-alive", "1", Place::Trailers, Err("response.fields.framing")),
            ("Proxy-Connection", "1", Place::Interim, Err("response.fields.framing")),
            ("upgrade", "websocket", Place::Head, Err("response.fields.framing")),
            ("content-length", "1", Place::Interim, Err("response.inform.fields")),
            ("link", "</a>", Place::Interim, Ok(None)),
            ("x-sum", "1", Place::Trailers, Ok(None)),
            ("content-length", "1", Place::Trailers, Err("response.trailers.forbidden")),
            ("Host", "a", Place::Trailers, Err("response.trailers.forbidden")),
            ("x-long", &"y".repeat(100), Place::Head, Err("response.head.limit")),
        ];
        for (name, value, place, expect) in table {
            assert_eq!(check_one(name, value, *place), *expect, "{name:?}: {value:?}");
        }
    }

    #[test]
    fn two_lengths_are_refused() {
        let fields = [Field::new(b"content-length", b"1"), Field::new(b"Content-Length", b"1")];
        assert!(check(FieldsView::new(&fields), Place::Head, 100).is_err());
    }
}
