//! The operator's URL: `sqlite:PATH` or `sqlite::memory:`, with options after a `?`. Must not know what an option means, nor
//! touch a file.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Where a database is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In a file. A relative path is relative to the folder in which the server was started.
    File(PathBuf),
    /// In the memory of the process, for as long as the resource is there.
    Memory,
}

/// A URL, taken apart.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Url {
    pub(crate) place: Place,
    /// Names and values after the `?`, in their order.
    pub(crate) options: Vec<(String, String)>,
}

/// Takes a URL apart. In the path `%XX` is a byte; so `%3F` is a question mark, and `%25` a percent sign.
pub(crate) fn parse(url: &str) -> Result<Url, String> {
    let rest = url.strip_prefix("sqlite:").ok_or_else(|| {
        format!("`{url}` does not begin with `sqlite:`: write sqlite:PATH or sqlite::memory:")
    })?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    // `sqlite:///var/x.db` and `sqlite://x.db` are how others write it.
    let path = path.strip_prefix("//").unwrap_or(path);
    let place = match path {
        "" => return Err(format!("`{url}` names no file: write sqlite:PATH or sqlite::memory:")),
        ":memory:" => Place::Memory,
        path => Place::File(OsString::from_vec(decode(path)?).into()),
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let options = pairs.map(option).collect::<Result<_, _>>()?;
    Ok(Url { place, options })
}

fn option(pair: &str) -> Result<(String, String), String> {
    let (name, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is no NAME=VALUE"))?;
    let text = |part| String::from_utf8(decode(part)?).map_err(|_| format!("`{part}` is not UTF-8"));
    Ok((text(name)?, text(value)?))
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let byte = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(hexadecimal);
        match byte {
            None => {
                return Err(format!(
                    "`{text}` has a % without two hexadecimal digits: write %25 for a percent sign"
                ));
            }
            Some(0) => return Err(format!("`{text}` has a zero byte in it")),
            Some(byte) => bytes.push(byte),
        }
        rest = &tail[2..];
    }
    Ok(bytes)
}

fn hexadecimal(digits: &str) -> Option<u8> {
    // `from_str_radix` would take a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Place {
        Place::File(path.into())
    }

    #[test]
    fn places_are_read() {
        for (url, place) in [
            ("sqlite:notes.db", file("notes.db")),
            ("sqlite:/var/lib/notes.db", file("/var/lib/notes.db")),
            ("sqlite:///var/lib/notes.db", file("/var/lib/notes.db")),
            ("sqlite://notes.db", file("notes.db")),
            ("sqlite:a%20b%3f%25.db", file("a b?%.db")),
            ("sqlite:%c3%a4.db", file("\u{e4}.db")),
            ("sqlite::memory:", Place::Memory),
            ("sqlite:./:memory:", file("./:memory:")),
        ] {
            assert_eq!(parse(url), Ok(Url { place, options: vec![] }), "{url}");
        }
    }

    #[test]
    fn options_are_read() {
        let url = parse("sqlite:x?mode=ro&&busy_timeout_ms=5&a%3db=%26").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(url.options, [pair("mode", "ro"), pair("busy_timeout_ms", "5"), pair("a=b", "&")]);
    }

    #[test]
    fn what_is_no_url_is_refused_with_the_reason() {
        for (url, reason) in [
            ("notes.db", "does not begin with `sqlite:`"),
            ("postgres://x", "does not begin with `sqlite:`"),
            ("sqlite:", "names no file"),
            ("sqlite:?mode=ro", "names no file"),
            ("sqlite:100%.db", "write %25"),
            ("sqlite:%+1", "write %25"),
            ("sqlite:a%00", "zero byte"),
            ("sqlite:a?mode", "no NAME=VALUE"),
            ("sqlite:a?mode=%ff", "not UTF-8"),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.contains(reason), "{url}: {error}");
        }
    }
}
