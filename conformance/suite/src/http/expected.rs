//! What may come back: the line behind `accept` or `strict`. Must not know how it came.

/// The status of one response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// That number.
    Is(u16),
    /// Any of that hundred.
    Class(u16),
    /// Any that shows that the request was understood.
    Served,
}

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It goes on, or the peer was told that it does not.
    Keep,
    /// It ends; nothing that follows is a request.
    Close,
    /// Either.
    Any,
}

/// One alternative: the responses in order, each with the statuses that it may have, and the fate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    /// For each final response, what its status may be.
    pub statuses: Vec<Vec<Status>>,
    /// What becomes of the connection.
    pub fate: Fate,
    text: String,
}

impl Expected {
    /// Reads a line.
    ///
    /// # Errors
    /// A word that is none.
    pub fn parse(text: &str) -> Result<Expected, String> {
        let mut expected = Expected { statuses: Vec::new(), fate: Fate::Any, text: text.to_owned() };
        for word in text.split_whitespace() {
            match word {
                "keep" => expected.fate = Fate::Keep,
                "close" => expected.fate = Fate::Close,
                _ => expected.statuses.push(word.split('/').map(status).collect::<Result<_, _>>()?),
            }
        }
        if expected.statuses.is_empty() && expected.fate != Fate::Close {
            return Err(format!("no status: {text}"));
        }
        Ok(expected)
    }

    /// As it was written.
    #[must_use]
    pub fn shown(&self) -> String {
        self.text.clone()
    }

    /// Whether these responses, to requests of these methods, are a beginning of it.
    #[must_use]
    pub fn begins_with(&self, seen: &[u16], methods: &[String]) -> bool {
        seen.len() <= self.statuses.len()
            && seen.iter().zip(&self.statuses).enumerate().all(|(at, (seen, permitted))| {
                permitted
                    .iter()
                    .any(|status| status.permits(*seen, methods.get(at).map_or("GET", String::as_str)))
            })
    }
}

fn status(word: &str) -> Result<Status, String> {
    match word.as_bytes() {
        b"served" => Ok(Status::Served),
        [digit @ b'1'..=b'5', b'x', b'x'] => Ok(Status::Class(u16::from(digit - b'0'))),
        _ => word.parse().map(Status::Is).map_err(|_| format!("no status: {word}")),
    }
}

impl Status {
    fn permits(self, seen: u16, method: &str) -> bool {
        match self {
            Status::Is(status) => seen == status,
            Status::Class(class) => seen / 100 == class,
            Status::Served if seen == 501 => !matches!(method, "GET" | "HEAD"),
            Status::Served => (200..500).contains(&seen) && !matches!(seen, 400 | 408 | 414 | 417 | 431),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_read_and_matched() {
        let methods = ["POST".to_owned(), "GET".to_owned()];
        let expected = Expected::parse("served 2xx/404 keep").unwrap();
        assert!(expected.begins_with(&[], &methods));
        assert!(expected.begins_with(&[501], &methods) && expected.begins_with(&[405, 404], &methods));
        assert!(!expected.begins_with(&[400], &methods) && !expected.begins_with(&[200, 501], &methods));
        assert!(!expected.begins_with(&[200, 200, 200], &methods));
        assert!(Expected::parse("keep").is_err() && Expected::parse("2x").is_err());
        assert!(Expected::parse("close").is_ok());
    }
}
