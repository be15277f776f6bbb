//! The error log: one line an event, from any thread, with a level, facts as `key=value`, and a text.

use std::cell::Cell;
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::time::SystemTime;

use super::clock::rfc3339_milliseconds;
use super::escape::{push_json, push_text};
use super::output::{LogOpenError, Output};
use crate::config::{ErrorFormat, LogLevel, LogTarget};

/// Longer texts are cut: a module must not fill the disk with one line. In bytes.
const TEXT_BYTES: usize = 16 * 1024;

/// The error log of the process. Cheap to clone; every thread may write.
#[derive(Clone, Debug)]
pub struct ErrorLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    format: ErrorFormat,
    level: LogLevel,
    output: Output,
}

thread_local! {
    /// The line at hand; taken out while it is in use, because a fact's `Display` may itself log.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl ErrorLog {
    /// Open it.
    pub fn open(format: ErrorFormat, level: LogLevel, target: &LogTarget) -> Result<Self, LogOpenError> {
        Ok(Self { shared: Arc::new(Shared { format, level, output: Output::open(target)? }) })
    }

    /// Whether lines of this level are written: ask before making facts that cost something.
    pub fn enabled(&self, level: LogLevel) -> bool {
        level <= self.shared.level
    }

    /// Write a line, if its level is wanted. Keys are ours (`module`, `task`, `request`, `rule` ...), never a peer's;
    /// values and text may hold anything. A line that cannot be written is lost: there is no other place to say so.
    pub fn write(&self, level: LogLevel, facts: &[(&str, &dyn Display)], text: &str) {
        if !self.enabled(level) {
            return;
        }
        let mut line = LINE.take();
        line.clear();
        push_line(&mut line, self.shared.format, SystemTime::now(), level, facts, text);
        let _ = self.shared.output.stream().write(&line);
        line.shrink_to(TEXT_BYTES);
        LINE.set(line);
    }

    pub(super) fn reopen(&self) -> Result<(), LogOpenError> {
        self.shared.output.reopen()
    }
}

/// Append the line, with its line feed.
fn push_line(
    line: &mut Vec<u8>,
    format: ErrorFormat,
    time: SystemTime,
    level: LogLevel,
    facts: &[(&str, &dyn Display)],
    text: &str,
) {
    let (text, more_bytes) = cut(text);
    let mut value = String::new();
    match format {
        ErrorFormat::Text => {
            line.extend(rfc3339_milliseconds(time));
            line.push(b' ');
            line.extend_from_slice(level.word().as_bytes());
            for (key, fact) in facts {
                line.push(b' ');
                line.extend_from_slice(key.as_bytes());
                line.push(b'=');
                push_value(line, shown(&mut value, *fact));
            }
            line.push(b' ');
            push_text(line, text, false);
            if more_bytes > 0 {
                line.extend(format!(" [{more_bytes} more bytes]").as_bytes());
            }
        }
        ErrorFormat::Json => {
            line.extend(b"{\"time\":");
            push_json(line, &rfc3339_milliseconds(time));
            line.extend(b",\"level\":");
            push_json(line, level.word().as_bytes());
            for (key, fact) in facts {
                line.push(b',');
                push_json(line, key.as_bytes());
                line.push(b':');
                push_json(line, shown(&mut value, *fact).as_bytes());
            }
            line.extend(b",\"text\":");
            push_json(line, text.as_bytes());
            if more_bytes > 0 {
                line.extend(format!(",\"more_bytes\":{more_bytes}").as_bytes());
            }
            line.push(b'}');
        }
    }
    line.push(b'\n');
}

fn shown<'a>(value: &'a mut String, fact: &dyn Display) -> &'a str {
    value.clear();
    // A `Display` that fails has at most shown less than it should.
    let _ = write!(value, "{fact}");
    cut(value).0
}

/// A value is put in quotes unless it is a plain word.
fn push_value(line: &mut Vec<u8>, value: &str) {
    let is_word = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\');
    if !value.is_empty() && value.bytes().all(is_word) {
        line.extend_from_slice(value.as_bytes());
    } else {
        line.push(b'"');
        push_text(line, value, true);
        line.push(b'"');
    }
}

/// At most [`TEXT_BYTES`] of the text, and how many bytes are cut off.
fn cut(text: &str) -> (&str, usize) {
    let kept = &text[..text.floor_char_boundary(TEXT_BYTES)];
    (kept, text.len() - kept.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn line(format: ErrorFormat, facts: &[(&str, &dyn Display)], text: &str) -> String {
        let time = UNIX_EPOCH + Duration::from_millis(1_767_323_045_678);
        let mut line = Vec::new();
        push_line(&mut line, format, time, LogLevel::Error, facts, text);
        String::from_utf8(line).expect("the log is UTF-8")
    }

    #[test]
    fn text_lines() {
        assert_eq!(
            line(
                ErrorFormat::Text,
                &[("module", &"hello"), ("task", &7_u64), ("rule", &"task.done.no-response")],
                "the task ended without a response"
            ),
            "2026-01-02T03:04:05.678Z error module=hello task=7 rule=task.done.no-response the task ended without a \
             response\n"
        );
        assert_eq!(
            line(
                ErrorFormat::Text,
                &[("a", &""), ("b", &"x y"), ("c", &"x=\"1\""), ("d", &"\u{fc}")],
                "two\nlines \\"
            ),
            "2026-01-02T03:04:05.678Z error a=\"\" b=\"x y\" c=\"x=\\\"1\\\"\" d=\"\u{fc}\" two\\nlines \\\\\n"
        );
    }

    #[test]
    fn json_lines() {
        assert_eq!(
            line(ErrorFormat::Json, &[("module", &"he\"llo"), ("task", &7_u64)], "two\nlines\u{202e}"),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"error\",\"module\":\"he\\\"llo\",\"task\":\"7\",\
             \"text\":\"two\\nlines\\u202e\"}\n"
        );
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let text = format!("{}\u{20ac}tail", "x".repeat(TEXT_BYTES - 1));
        let cut = line(ErrorFormat::Text, &[], &text);
        assert!(cut.ends_with("x [7 more bytes]\n"), "{}", &cut[cut.len() - 40..]);
        let json: serde_json::Value = serde_json::from_str(&line(ErrorFormat::Json, &[], &text)).unwrap();
        assert_eq!(json["more_bytes"], 7);
        assert_eq!(json["text"].as_str().unwrap().len(), TEXT_BYTES - 1);
    }

    proptest! {
        #[test]
        fn any_text_is_one_line(fact in "\\PC{0,20}|.{0,20}", text in "(.|\n|\r|\u{9b}|\u{2028}){0,40}") {
            for &(_, format) in ErrorFormat::WORDS {
                let line = line(format, &[("module", &fact)], &text);
                prop_assert_eq!(line.find(|c: char| c.is_control() || c == '\u{2028}'), Some(line.len() - 1));
            }
            let json: serde_json::Value =
                serde_json::from_str(&line(ErrorFormat::Json, &[("module", &fact)], &text)).unwrap();
            prop_assert_eq!(json["text"].as_str().unwrap(), text);
            prop_assert_eq!(json["module"].as_str().unwrap(), fact);
        }
    }
}
