//! Requests as a lenient reader would understand them: the first head of a connection is mended, so that a container takes what it has
//! to refuse. Must not know connections.

/// Mends the head of a request.
pub struct Mender<'a> {
    words: &'a [String],
    waiting: Vec<u8>,
    is_through: bool,
}

impl<'a> Mender<'a> {
    /// One that does what the words say.
    pub fn new(words: &'a [String]) -> Mender<'a> {
        Mender { words, waiting: Vec::new(), is_through: words[0] != "request" }
    }

    /// What is passed on of what came.
    pub fn mend(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.is_through {
            return bytes.to_vec();
        }
        self.waiting.extend_from_slice(bytes);
        let Some(end) = end_of_head(&self.waiting) else { return Vec::new() };
        self.is_through = true;
        let body = self.waiting.split_off(end);
        let head: String = self.waiting.drain(..).map(char::from).collect();
        let mut lines: Vec<String> = head.trim_end_matches(['\r', '\n']).split('\n').map(trimmed).collect();
        mend(&self.words[1], &mut lines);
        // Bytes were made characters one by one.
        let mut mended: Vec<u8> = lines.join("\r\n").chars().map(|c| c as u8).collect();
        mended.extend_from_slice(b"\r\n\r\n");
        mended.extend(body);
        mended
    }

    /// What is left at the end.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.waiting)
    }
}

fn trimmed(line: &str) -> String {
    line.strip_suffix('\r').unwrap_or(line).to_owned()
}

/// The end of the head, whatever its lines end with.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let at = |pattern: &[u8]| {
        bytes.windows(pattern.len()).position(|window| window == pattern).map(|at| at + pattern.len())
    };
    [at(b"\n\r\n"), at(b"\n\n")].into_iter().flatten().min()
}

fn is_field(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(known, _)| known.trim().eq_ignore_ascii_case(name))
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn mend(what: &str, lines: &mut Vec<String>) {
    match what {
        "line-ends" => {}
        "control-characters" => {
            for line in lines.iter_mut().skip(1) {
                line.retain(|c| c == '\t' || (c >= ' ' && c != '\x7f'));
            }
        }
        "names" => {
            lines.retain(|line| {
                line.starts_with([' ', '\t'])
                    || line.contains(" HTTP/")
                    || line.split_once(':').is_some_and(|(name, _)| is_token(name.trim_end()))
            });
        }
        "space-before-colon" => {
            for line in lines.iter_mut().skip(1) {
                if let Some((name, value)) = line.split_once(':') {
                    *line = format!("{}:{value}", name.trim());
                }
            }
        }
        "folds" => {
            let folded: Vec<String> = std::mem::take(lines);
            for line in folded {
                match lines.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
                    Some(last) => last.push_str(&line.replace('\t', " ")),
                    None => lines.push(line),
                }
            }
        }
        "host" => {
            lines.retain(|line| !is_field(line, "host"));
            lines.push("Host: localhost".into());
        }
        "first-length" => keep_first(lines, "content-length"),
        "lengths" => {
            lines.retain(|line| !is_field(line, "content-length"));
            lines.push("Content-Length: 0".into());
        }
        "length-beside-coding" => {
            if lines.iter().any(|line| is_field(line, "transfer-encoding")) {
                lines.retain(|line| !is_field(line, "content-length"));
            }
        }
        "codings" => {
            if lines.iter().any(|line| is_field(line, "transfer-encoding")) {
                lines
                    .retain(|line| !is_field(line, "transfer-encoding") && !is_field(line, "content-length"));
                lines.push("Transfer-Encoding: chunked".into());
            }
        }
        "expectations" => lines.retain(|line| !is_field(line, "expect")),
        _ => mend_request_line(what, lines),
    }
}

fn keep_first(lines: &mut Vec<String>, name: &str) {
    let mut count = 0;
    lines.retain(|line| {
        count += usize::from(is_field(line, name));
        !is_field(line, name) || count == 1
    });
}

fn mend_request_line(what: &str, lines: &mut [String]) {
    let Some(line) = lines.iter_mut().find(|line| !line.is_empty()) else { return };
    let words: Vec<&str> = line.split_whitespace().collect();
    let (method, target) = (words.first().copied().unwrap_or("GET"), words.get(1).copied().unwrap_or("/"));
    let version = words.last().copied().filter(|_| words.len() > 2).unwrap_or("HTTP/1.1");
    *line = match what {
        "request-line" => format!("{method} {target} {version}"),
        "version" => format!("{method} {target} HTTP/1.1"),
        "target" => format!("{method} / {version}"),
        "method" if !is_token(method) => format!("GET {target} {version}"),
        _ => return,
    };
}
