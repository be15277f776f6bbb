//! Responses as a bad wire passes them on. Must not know connections.

/// Where in a stream of responses it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Length(usize),
    Size,
    Data(usize),
    Trailers,
    Through,
}

/// Changes responses as they pass.
pub struct Rewriter<'a> {
    words: &'a [String],
    waiting: Vec<u8>,
    state: State,
    /// Final responses so far.
    count: usize,
    is_over: bool,
    /// The response that is passed, to be said once more.
    copy: Vec<u8>,
}

impl<'a> Rewriter<'a> {
    /// One that does what the words say.
    pub fn new(words: &'a [String]) -> Rewriter<'a> {
        let state = if words[0] == "request" { State::Through } else { State::Head };
        Rewriter { words, waiting: Vec::new(), state, count: 0, is_over: false, copy: Vec::new() }
    }

    fn does(&self, verb: &str) -> bool {
        self.words[0] == verb
    }

    /// Whether the end of the connection is not passed on.
    pub fn keeps_open(&self) -> bool {
        self.does("keeps-open")
    }

    /// Whether the connection ends here.
    pub fn ends_now(&self) -> bool {
        self.is_over && self.does("closes")
    }

    /// What is left at the end.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.waiting)
    }

    /// What is passed on of what came.
    pub fn rewrite(&mut self, bytes: &[u8], is_head: bool) -> Vec<u8> {
        if self.state == State::Through {
            return bytes.to_vec();
        }
        self.waiting.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some(part) = self.part(is_head) {
            self.copy.extend_from_slice(&part);
            out.extend(part);
            if self.is_over {
                self.is_over = self.does("closes");
                if self.does("twice") {
                    out.extend_from_slice(&self.copy);
                }
                if self.does("loses-second") && self.count > 1 {
                    out.clear();
                }
                self.copy.clear();
            }
        }
        out
    }

    fn end(&mut self) {
        self.state = State::Head;
        self.is_over = true;
    }

    /// The next part that is whole, changed.
    fn part(&mut self, is_head: bool) -> Option<Vec<u8>> {
        match self.state {
            State::Head => {
                let end = self.waiting.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
                let head: Vec<u8> = self.waiting.drain(..end).collect();
                Some(self.head(&String::from_utf8_lossy(&head), is_head))
            }
            State::Length(left) => {
                let count = left.min(self.waiting.len());
                let mut part: Vec<u8> = self.waiting.drain(..count).collect();
                self.state = State::Length(left - count);
                if left == count {
                    if self.does("content-short") {
                        part.pop();
                    }
                    if self.does("content-long") {
                        part.push(b'x');
                    }
                    self.end();
                } else if count == 0 {
                    return None;
                }
                Some(part)
            }
            State::Size => {
                let line = self.line()?;
                let text = String::from_utf8_lossy(&line).into_owned();
                let size = usize::from_str_radix(text.trim(), 16).unwrap_or_default();
                self.state = if size == 0 { State::Trailers } else { State::Data(size + 2) };
                Some(match self.words[0].as_str() {
                    "chunk-size" if size > 0 => format!("{:x}\r\n", size + 1).into_bytes(),
                    "chunk-line" => format!("{size:x}\n").into_bytes(),
                    "last-chunk" if size == 0 => Vec::new(),
                    _ => line,
                })
            }
            State::Data(left) => {
                let count = left.min(self.waiting.len());
                if count == 0 {
                    return None;
                }
                self.state = if left == count { State::Size } else { State::Data(left - count) };
                Some(self.waiting.drain(..count).collect())
            }
            State::Trailers => {
                let line = self.line()?;
                if line == b"\r\n" {
                    self.end();
                } else if self.does("loses-trailers") {
                    return Some(Vec::new());
                }
                Some(if self.does("last-chunk") { Vec::new() } else { line })
            }
            State::Through => (!self.waiting.is_empty()).then(|| std::mem::take(&mut self.waiting)),
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.waiting.iter().position(|byte| *byte == b'\n')? + 1;
        Some(self.waiting.drain(..end).collect())
    }

    fn head(&mut self, head: &str, is_head: bool) -> Vec<u8> {
        let status = head.get(9..12).unwrap_or_default().to_owned();
        if status.starts_with('1') {
            return if self.does("loses-interim") { Vec::new() } else { head.into() };
        }
        let has = |name: &str| {
            head.lines()
                .find_map(|line| line.split_once(':').filter(|(known, _)| known.eq_ignore_ascii_case(name)))
                .map(|(_, value)| value.trim().to_owned())
        };
        let is_bare = (is_head && self.count == 0) || status == "204" || status == "304";
        self.count += 1;
        self.state = match (is_bare, has("content-length").and_then(|length| length.parse().ok())) {
            (true, _) => State::Length(0),
            (false, Some(length)) => State::Length(length),
            (false, None) if has("transfer-encoding").is_some() => State::Size,
            (false, None) => State::Through,
        };
        if self.state == State::Length(0) {
            self.end();
        }
        let mut changed = self.changed(head, &status).into_bytes();
        if is_bare && self.does("content-for-head") {
            changed.push(b'x');
        }
        if self.does("interim") && self.count == 1 {
            changed.splice(0..0, *b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        changed
    }

    /// The head with what is wrong with it.
    fn changed(&self, head: &str, status: &str) -> String {
        let (first, second) = (self.words[1].as_str(), self.words[2].as_str());
        let without = |name: &str| {
            head.split_inclusive("\r\n")
                .filter(|line| !line.to_ascii_lowercase().starts_with(&format!("{name}:")))
                .collect::<String>()
        };
        let with = |line: &str| format!("{}{line}\r\n\r\n", head.strip_suffix("\r\n").unwrap_or(head));
        match self.words[0].as_str() {
            "status" if status == first => head.replacen(first, second, 1),
            "class" if status.starts_with(first) => head.replacen(status, second, 1),
            "drop" => without(first),
            "drop-of" if status == first => without(second),
            "add" => with(&format!("{first}: {second}")),
            "keeps-open" => without("connection"),
            "untold" => without("connection"),
            "version" => head.replacen("HTTP/1.1", first, 1),
            "lines" => head.replace("\r\n", "\n"),
            "colon" => head.replacen(':', " :", 1),
            "reason" => head.replacen(&format!(" {status} "), &format!(" {status}x "), 1),
            _ => head.to_owned(),
        }
    }
}
