//! The normal form of a path, in which routes compare paths: no spelling of a path reaches another route than the plain
//! one. Modules are given the path as the peer wrote it; this form is for routing only.

/// Write the normal form of `path`, which begins with `/`, into `normal`: unreserved characters are decoded (RFC 3986
/// section 6.2.2.2), other escapes are in upper case (6.2.2.1), dot segments are resolved (6.2.2.3) and never climb above
/// the root, and runs of slashes are one, as most servers and frameworks read them.
pub(super) fn normalize(path: &[u8], normal: &mut Vec<u8>) {
    normal.clear();
    let mut segments = path.strip_prefix(b"/").unwrap_or(path).split(|&byte| byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let start = normal.len();
        normal.push(b'/');
        push_decoded(segment, normal);
        let climbs = match &normal[start + 1..] {
            b"" | b"." => false,
            b".." => true,
            _ => continue,
        };
        normal.truncate(start);
        if climbs {
            let parent = normal.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            normal.truncate(parent);
        }
        if segments.peek().is_none() {
            normal.push(b'/');
        }
    }
}

/// Whether [`normalize`] may change `path`. Cheap, and true for some paths that are in normal form already.
pub(super) fn may_differ(path: &[u8]) -> bool {
    let mut before = 0;
    path.iter().any(|&byte| {
        let odd = byte == b'%' || (before == b'/' && (byte == b'/' || byte == b'.'));
        before = byte;
        odd
    })
}

/// Whether an operator's path is in normal form. The error says what is wrong and what to do.
pub(crate) fn check_normal(path: &str) -> Result<(), (String, String)> {
    let shown = path.escape_debug();
    if !path.starts_with('/') {
        return Err((format!("the path `{shown}` does not begin with a slash"), format!("write `/{shown}`")));
    }
    if let Some(end) = path.find(['?', '#']) {
        let help = format!("write `{}`", path[..end].escape_debug());
        return Err((format!("the path `{shown}` has a query or fragment"), help));
    }
    let mut normal = Vec::new();
    normalize(encode(path).as_bytes(), &mut normal);
    if normal != path.as_bytes() {
        let help = format!("write `{}`", String::from_utf8_lossy(&normal));
        return Err((format!("the path `{shown}` is not in the form in which paths are compared"), help));
    }
    Ok(())
}

/// Escapes what cannot stand in a request target as it is.
fn encode(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        match byte {
            b'!'..=b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn push_decoded(segment: &[u8], normal: &mut Vec<u8>) {
    let mut rest = segment;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, escaped(after)) {
            (b'%', Some(decoded)) if is_unreserved(decoded) => normal.push(decoded),
            (b'%', Some(_)) => {
                normal.push(b'%');
                normal.extend(after[..2].iter().map(u8::to_ascii_uppercase));
            }
            _ => {
                normal.push(byte);
                continue;
            }
        }
        rest = &after[2..];
    }
}

/// The byte that two hexadecimal digits at the beginning of `digits` stand for.
fn escaped(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| digits.get(at).and_then(|&digit| char::from(digit).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::{may_differ, normalize};
    use proptest::prelude::*;

    fn normal(path: &[u8]) -> Vec<u8> {
        let mut normal = Vec::new();
        normalize(path, &mut normal);
        normal
    }

    #[test]
    fn paths_have_one_normal_form() {
        let cases: &[(&str, &str)] = &[
            ("/", "/"),
            ("", "/"),
            ("/api", "/api"),
            ("/api/", "/api/"),
            ("//api///x//", "/api/x/"),
            ("/%61pi", "/api"),
            ("/%7Euser", "/~user"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%2", "/a%2"),
            ("/a%zz", "/a%zz"),
            ("/100%", "/100%"),
            ("/a/./b", "/a/b"),
            ("/a/.", "/a/"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/%2e%2E/b", "/b"),
            ("/../../etc", "/etc"),
            ("/..", "/"),
            ("/...", "/..."),
            ("/.hidden", "/.hidden"),
            ("/%2561", "/%2561"),
        ];
        for (path, expect) in cases {
            assert_eq!(String::from_utf8_lossy(&normal(path.as_bytes())), *expect, "of {path}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_has_no_loose_ends(path in "/[a/.%2eE61]{0,24}") {
            let once = normal(path.as_bytes());
            prop_assert!(once.starts_with(b"/"));
            prop_assert!(!once.windows(2).any(|pair| pair == b"//"));
            prop_assert!(!once.windows(3).any(|three| three == b"/./"));
            prop_assert!(!once.windows(4).any(|four| four == b"/../"));
            prop_assert!(!once.ends_with(b"/.") && !once.ends_with(b"/.."));
        }

        #[test]
        fn what_cannot_differ_does_not(path in "/[a-c/.%]{0,24}") {
            if !may_differ(path.as_bytes()) {
                prop_assert_eq!(normal(path.as_bytes()), path.as_bytes());
            }
        }
    }
}
