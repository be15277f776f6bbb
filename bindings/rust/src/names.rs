//! Names of fields that requests bring again and again, found without the checks and the copy that any other name takes.
//! Must not know what the fields mean.

use http::header::HeaderName;

macro_rules! well_known {
    ($($name:literal)*) => {
        /// The name, if it is one that nearly every peer or proxy sends, in lower case as the boundary has it.
        pub(crate) fn well_known(name: &[u8]) -> Option<HeaderName> {
            match name {
                $($name => Some(const { HeaderName::from_static(text($name)) }),)*
                _ => None,
            }
        }

        #[cfg(test)]
        const ALL: &[&[u8]] = &[$($name),*];
    };
}

well_known! {
    b"host" b"user-agent" b"accept" b"accept-encoding" b"accept-language" b"authorization" b"cache-control"
    b"connection" b"content-encoding" b"content-length" b"content-type" b"cookie" b"date" b"dnt" b"expect"
    b"forwarded" b"if-match" b"if-modified-since" b"if-none-match" b"if-range" b"if-unmodified-since" b"keep-alive"
    b"origin" b"pragma" b"priority" b"range" b"referer" b"sec-ch-ua" b"sec-ch-ua-mobile" b"sec-ch-ua-platform"
    b"sec-fetch-dest" b"sec-fetch-mode" b"sec-fetch-site" b"sec-fetch-user" b"te" b"traceparent" b"tracestate"
    b"trailer" b"transfer-encoding" b"upgrade" b"upgrade-insecure-requests" b"via" b"x-forwarded-for"
    b"x-forwarded-host" b"x-forwarded-proto" b"x-real-ip" b"x-request-id" b"x-requested-with"
}

const fn text(name: &'static [u8]) -> &'static str {
    match std::str::from_utf8(name) {
        Ok(text) => text,
        Err(_) => panic!("a name is ASCII"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_found_name_is_the_name_that_was_sought() {
        for name in ALL {
            assert_eq!(well_known(name), Some(HeaderName::from_bytes(name).unwrap()), "{}", text(name));
        }
    }

    #[test]
    fn other_names_are_not_found() {
        for name in [&b""[..], b"hos", b"hosts", b"Host", b"x-custom", b"bad name"] {
            assert_eq!(well_known(name), None);
        }
    }
}
