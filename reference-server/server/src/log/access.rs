//! One line of the access log from the facts of one request. Pure: writes into a buffer, knows no file and no clock.

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use super::clock::DateCache;
use super::escape::{push_decimal, push_json, push_quoted};
use crate::config::AccessFormat;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// A peer on TCP.
    Ip(IpAddr),
    /// A peer on a Unix socket, which has no address.
    Unix,
}

/// What is known of a request when it has ended. Empty byte strings and `None` mean: not known.
#[derive(Clone, Copy, Debug)]
pub struct AccessRecord<'a> {
    /// Who asked.
    pub remote: Remote,
    /// The method as sent; empty when no request line could be read.
    pub method: &'a [u8],
    /// The request target as sent.
    pub target: &'a [u8],
    /// 10, 11, 20 or 30: HTTP/1.0, 1.1, 2, 3 (as `hc_request.version`).
    pub version: u32,
    /// The status that was sent; 0: none was.
    pub status: u16,
    /// Bytes of response content that were sent, framing not counted.
    pub body_bytes: u64,
    /// From the first byte of the head to the last of the response.
    pub duration: Duration,
    /// The field `Referer`.
    pub referer: Option<&'a [u8]>,
    /// The field `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// The authority that the peer addressed.
    pub host: Option<&'a [u8]>,
    /// The operator's name of the module instance.
    pub module: Option<&'a str>,
    /// The route's label.
    pub route: Option<&'a str>,
    /// `hc_request.id`; 0: the request got none.
    pub request: u64,
    /// How it ended, in a word: `done`, `failed`, `peer`, `deadline` ...
    pub outcome: &'a str,
}

impl AccessRecord<'_> {
    /// Append the line, with its line feed. The time of the line is the clock's.
    pub fn push_line(&self, format: AccessFormat, clock: &DateCache, line: &mut Vec<u8>) {
        match format {
            AccessFormat::Common => self.push_common(clock, line),
            AccessFormat::Combined => {
                self.push_common(clock, line);
                for value in [self.referer, self.user_agent] {
                    line.extend(b" \"");
                    push_quoted(line, value.unwrap_or(b"-"));
                    line.push(b'"');
                }
            }
            AccessFormat::Json => self.push_json(clock, line),
        }
        line.push(b'\n');
    }

    /// `host ident user [time] "request" status bytes`. Identity and user are never known.
    fn push_common(&self, clock: &DateCache, line: &mut Vec<u8>) {
        self.push_remote(line);
        line.extend(b" - - [");
        line.extend_from_slice(clock.common());
        line.extend(b"] \"");
        if self.method.is_empty() {
            line.push(b'-');
        } else {
            push_quoted(line, self.method);
            line.push(b' ');
            push_quoted(line, self.target);
            line.push(b' ');
            line.extend_from_slice(self.protocol());
        }
        line.extend(b"\" ");
        push_known(line, self.status.into());
        line.push(b' ');
        push_known(line, self.body_bytes);
    }

    fn push_json(&self, clock: &DateCache, line: &mut Vec<u8>) {
        line.extend(b"{\"time\":\"");
        line.extend_from_slice(clock.rfc3339());
        line.extend(b"\",\"remote\":\"");
        self.push_remote(line);
        line.push(b'"');
        let known = |bytes| Some(bytes).filter(|_| !self.method.is_empty());
        push_member(line, "method", known(self.method));
        push_member(line, "target", known(self.target));
        push_member(line, "version", known(self.protocol()));
        line.extend(b",\"status\":");
        push_decimal(line, self.status.into());
        line.extend(b",\"body_bytes\":");
        push_decimal(line, self.body_bytes);
        line.extend(b",\"duration_us\":");
        push_decimal(line, u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX));
        push_member(line, "host", self.host);
        push_member(line, "referer", self.referer);
        push_member(line, "user_agent", self.user_agent);
        push_member(line, "module", self.module.map(str::as_bytes));
        push_member(line, "route", self.route.map(str::as_bytes));
        line.extend(b",\"request\":");
        push_decimal(line, self.request);
        push_member(line, "outcome", Some(self.outcome.as_bytes()));
        line.push(b'}');
    }

    fn push_remote(&self, line: &mut Vec<u8>) {
        match self.remote {
            Remote::Unix => line.extend(b"unix:"),
            Remote::Ip(address) => match address.to_canonical() {
                IpAddr::V4(address) => {
                    for (at, &byte) in address.octets().iter().enumerate() {
                        if at > 0 {
                            line.push(b'.');
                        }
                        push_decimal(line, byte.into());
                    }
                }
                IpAddr::V6(address) => write!(line, "{address}").expect("a Vec takes every byte"),
            },
        }
    }

    fn protocol(&self) -> &'static [u8] {
        match self.version {
            10 => b"HTTP/1.0",
            11 => b"HTTP/1.1",
            20 => b"HTTP/2.0",
            30 => b"HTTP/3.0",
            _ => b"HTTP/?",
        }
    }
}

/// A number, or `-` for 0: so the Common Log Format wants it.
fn push_known(line: &mut Vec<u8>, number: u64) {
    if number == 0 {
        line.push(b'-');
    } else {
        push_decimal(line, number);
    }
}

fn push_member(line: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    line.extend(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend(b"\":");
    match value {
        Some(value) => push_json(line, value),
        None => line.extend(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn record<'a>() -> AccessRecord<'a> {
        AccessRecord {
            remote: Remote::Ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            method: b"GET",
            target: b"/index.html?a=b",
            version: 11,
            status: 200,
            body_bytes: 1234,
            duration: Duration::from_nanos(1_234_567),
            referer: Some(b"https://example.org/start"),
            user_agent: Some(b"curl/8.0"),
            host: Some(b"example.org"),
            module: Some("hello"),
            route: Some("/"),
            request: 42,
            outcome: "done",
        }
    }

    fn line(format: AccessFormat, record: &AccessRecord<'_>) -> String {
        let mut line = Vec::new();
        record.push_line(format, &DateCache::new(784_111_777), &mut line);
        String::from_utf8(line).expect("the log is UTF-8")
    }

    #[test]
    fn the_three_formats() {
        let common = "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"GET /index.html?a=b HTTP/1.1\" 200 1234";
        assert_eq!(line(AccessFormat::Common, &record()), format!("{common}\n"));
        assert_eq!(
            line(AccessFormat::Combined, &record()),
            format!("{common} \"https://example.org/start\" \"curl/8.0\"\n")
        );
        assert_eq!(
            line(AccessFormat::Json, &record()),
            concat!(
                r#"{"time":"1994-11-06T08:49:37Z","remote":"192.0.2.7","method":"GET","target":"/index.html?a=b","#,
                r#""version":"HTTP/1.1","status":200,"body_bytes":1234,"duration_us":1234,"host":"example.org","#,
                r#""referer":"https://example.org/start","user_agent":"curl/8.0","module":"hello","route":"/","#,
                r#""request":42,"outcome":"done"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn what_is_not_known() {
        let unknown = AccessRecord {
            remote: Remote::Unix,
            method: b"",
            target: b"",
            version: 0,
            status: 0,
            body_bytes: 0,
            duration: Duration::ZERO,
            referer: None,
            user_agent: None,
            host: None,
            module: None,
            route: None,
            request: 0,
            outcome: "peer",
        };
        let common = "unix: - - [06/Nov/1994:08:49:37 +0000] \"-\" - -";
        assert_eq!(line(AccessFormat::Common, &unknown), format!("{common}\n"));
        assert_eq!(line(AccessFormat::Combined, &unknown), format!("{common} \"-\" \"-\"\n"));
        assert_eq!(
            line(AccessFormat::Json, &unknown),
            concat!(
                r#"{"time":"1994-11-06T08:49:37Z","remote":"unix:","method":null,"target":null,"version":null,"#,
                r#""status":0,"body_bytes":0,"duration_us":0,"host":null,"referer":null,"user_agent":null,"#,
                r#""module":null,"route":null,"request":0,"outcome":"peer"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn addresses_of_peers() {
        for (address, expect) in
            [("2001:db8::1", "2001:db8::1"), ("::ffff:192.0.2.9", "192.0.2.9"), ("255.0.10.1", "255.0.10.1")]
        {
            let record = AccessRecord { remote: Remote::Ip(address.parse().unwrap()), ..record() };
            assert!(line(AccessFormat::Common, &record).starts_with(&format!("{expect} - - [")), "{address}");
        }
    }

    #[test]
    fn a_forged_line_stays_inside_its_value() {
        let forged = b"x\" 200 1\n10.0.0.1 - - [..] \"GET /admin HTTP/1.1\" 200 1 \x1b]0;owned\x07";
        let record = AccessRecord { user_agent: Some(forged), target: forged, ..record() };
        assert_eq!(
            line(AccessFormat::Combined, &record),
            concat!(
                r#"192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] "#,
                r#""GET x\" 200 1\n10.0.0.1 - - [..] \"GET /admin HTTP/1.1\" 200 1 \x1b]0;owned\x07 HTTP/1.1" 200 1234 "#,
                r#""https://example.org/start" "#,
                r#""x\" 200 1\n10.0.0.1 - - [..] \"GET /admin HTTP/1.1\" 200 1 \x1b]0;owned\x07""#,
                "\n"
            )
        );
    }

    proptest! {
        #[test]
        fn any_request_is_one_line(
            method in proptest::collection::vec(any::<u8>(), 0..8),
            target in proptest::collection::vec(any::<u8>(), 0..40),
            agent in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let record = AccessRecord { method: &method, target: &target, user_agent: Some(&agent), ..record() };
            for &(_, format) in AccessFormat::WORDS {
                let line = line(format, &record);
                prop_assert_eq!(line.find(|c: char| c.is_control()), Some(line.len() - 1));
            }
            let json: serde_json::Value = serde_json::from_str(&line(AccessFormat::Json, &record)).unwrap();
            prop_assert_eq!(json["user_agent"].as_str().unwrap(), String::from_utf8_lossy(&agent));
        }
    }
}
