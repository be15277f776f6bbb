//! What the peer says: words to be searched, the text of a new note. Must not know notes.

use std::collections::HashMap;

use http_container::http::header::CONTENT_TYPE;
use http_container::{Body, Error, Request, StatusCode};
use serde_json::value::RawValue;

const NOTE_CHARACTERS: usize = 1000;
const NOTE_BYTES: usize = 4 * NOTE_CHARACTERS;
/// Room for as many characters, each of them escaped.
const BODY_BYTES: usize = 16384;

/// It is no text: neither encoded well, nor UTF-8 without NUL, nor of bearable length.
#[derive(Debug)]
pub(crate) struct NoText;

fn decoded(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut rest = encoded.iter();
    let mut bytes = Vec::with_capacity(encoded.len());
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    Some(bytes)
}

/// The first parameter of that name, of a query or a form.
fn parameter(form: &[u8], name: &str) -> Result<Option<String>, NoText> {
    for part in form.split(|&byte| byte == b'&').filter(|part| !part.is_empty()) {
        let mut halves = part.splitn(2, |&byte| byte == b'=');
        if decoded(halves.next().unwrap_or_default()).as_deref() == Some(name.as_bytes()) {
            let value = decoded(halves.next().unwrap_or_default()).ok_or(NoText)?;
            return String::from_utf8(value).map(Some).map_err(|_| NoText);
        }
    }
    Ok(None)
}

/// The words of `?q=`; `None` when there is no such parameter.
pub(crate) fn searched(query: &str) -> Result<Option<String>, NoText> {
    match parameter(query.as_bytes(), "q")? {
        Some(words) if words.len() > NOTE_BYTES || words.contains('\0') => Err(NoText),
        words => Ok(words),
    }
}

/// The member `text` of a JSON object.
fn member(body: &[u8]) -> Option<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    serde_json::from_str(members.get("text")?.get()).ok()
}

/// The text of a new note, trimmed, from JSON or a form; or with which status to refuse it, and why.
pub(crate) async fn text(
    request: Request<Body>,
) -> Result<Result<String, (StatusCode, &'static str)>, Error> {
    let (head, body) = request.into_parts();
    let body = match body.collect(BODY_BYTES).await {
        Err(error) if error.http_status() == Some(StatusCode::PAYLOAD_TOO_LARGE) => {
            return Ok(Err((StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16384 bytes")));
        }
        body => body?,
    };
    let sort = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let sort = sort.split(';').next().unwrap_or("").trim();
    let given = match sort.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        true => parameter(&body, "text").ok().flatten(),
        false => member(&body),
    };
    Ok(checked(given).map_err(|why| (StatusCode::BAD_REQUEST, why)))
}

fn checked(given: Option<String>) -> Result<String, &'static str> {
    let text = given.ok_or("the body must be an object or a form with a text")?;
    if text.contains('\0') {
        return Err("the text holds a NUL");
    }
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    match text.chars().count() {
        0 => Err("the text is empty"),
        1..=NOTE_CHARACTERS => Ok(text.to_owned()),
        _ => Err("the text is longer than 1000 characters"),
    }
}
