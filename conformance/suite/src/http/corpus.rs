//! The requests of `conformance/corpus`, read from their text; the form is described in the README there. Must not know how
//! they are sent.

use super::escapes::bytes_of;
use super::expected::Expected;
use super::judge::Measure;
use std::sync::OnceLock;

/// The files, so that the program needs none of them where it runs.
const FILES: [(&str, &str); 3] = [
    ("valid.txt", include_str!("../../../corpus/valid.txt")),
    ("invalid.txt", include_str!("../../../corpus/invalid.txt")),
    ("smuggling.txt", include_str!("../../../corpus/smuggling.txt")),
];

/// What sort of request it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// In order.
    Valid,
    /// Malformed.
    Invalid,
    /// Such that two readers could cut it differently.
    Smuggling,
}

impl Class {
    /// Its name in the corpus and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Valid => "valid",
            Class::Invalid => "invalid",
            Class::Smuggling => "smuggling",
        }
    }
}

/// A part of what is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Text with escapes read, in which `{path}` and `{host}` still stand.
    Bytes(Vec<u8>),
    /// What stands before goes out by itself.
    Cut,
    /// Something is received before what follows goes out.
    Await,
}

/// A property of the last response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Check {
    /// The field is there.
    Header(String),
    /// The field is not there.
    NoHeader(String),
    /// There is no content.
    Empty,
    /// Nothing is to be remarked about its status and fields.
    Sound,
    /// With 405, `allow` is there (RFC 9110 section 15.5.6).
    Allow,
    /// Such an interim response came.
    Interim(u16),
    /// No interim response came.
    NoInterim,
}

/// A case of the corpus.
#[derive(Debug)]
pub struct Request {
    /// Its name.
    pub name: String,
    /// Documents and sections.
    pub sources: Vec<String>,
    /// What sort of request it is.
    pub class: Class,
    /// Whether the RFC says SHOULD only.
    pub is_should: bool,
    /// Rules of the specification.
    pub rules: &'static [&'static str],
    /// What is sent.
    pub pieces: Vec<Piece>,
    /// Whether the client closes its half then.
    pub has_fin: bool,
    /// The methods of the requests in it, in order.
    pub methods: Vec<String>,
    /// What the RFCs permit.
    pub accept: Vec<Expected>,
    /// What a container may do; empty: the same.
    pub strict: Vec<Expected>,
    /// What else holds.
    pub checks: Vec<Check>,
}

impl Request {
    /// What is permitted by a measure.
    #[must_use]
    pub fn expected(&self, measure: Measure) -> &[Expected] {
        if measure == Measure::Container && !self.strict.is_empty() { &self.strict } else { &self.accept }
    }

    /// The same, for people.
    #[must_use]
    pub fn permitted(&self, measure: Measure) -> String {
        self.expected(measure).iter().map(Expected::shown).collect::<Vec<_>>().join(", or ")
    }
}

/// All requests, in the order of the files.
///
/// # Panics
/// When a file of the corpus has a mistake; a test sees to it that none has.
#[must_use]
pub fn requests() -> &'static [Request] {
    static ALL: OnceLock<Vec<Request>> = OnceLock::new();
    ALL.get_or_init(|| {
        FILES
            .iter()
            .flat_map(|(file, text)| parse(text).unwrap_or_else(|why| panic!("{file}: {why}")))
            .collect()
    })
}

/// The request of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Request> {
    requests().iter().find(|request| request.name == name)
}

/// Reads a file.
///
/// # Errors
/// The first mistake.
pub fn parse(text: &str) -> Result<Vec<Request>, String> {
    let mut parts = text.split("\n## ");
    parts.next();
    parts
        .map(|part| one(part).map_err(|why| format!("{}: {why}", part.lines().next().unwrap_or_default())))
        .collect()
}

fn one(part: &str) -> Result<Request, String> {
    let mut lines = part.lines();
    let name = lines.next().unwrap_or_default().trim().to_owned();
    let mut request = Request {
        name,
        sources: Vec::new(),
        class: Class::Valid,
        is_should: false,
        rules: &[],
        pieces: Vec::new(),
        has_fin: false,
        methods: Vec::new(),
        accept: Vec::new(),
        strict: Vec::new(),
        checks: Vec::new(),
    };
    for line in lines.filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        take(&mut request, word, rest)?;
    }
    if request.sources.is_empty() || request.accept.is_empty() || request.pieces.is_empty() {
        return Err("it needs rfc, something that is sent, and accept".into());
    }
    Ok(request)
}

fn take(request: &mut Request, word: &str, rest: &str) -> Result<(), String> {
    let mut send = |bytes: Vec<u8>| request.pieces.push(Piece::Bytes(bytes));
    match word {
        "rfc" => request.sources.push(rest.to_owned()),
        "class" => request.class = class(rest)?,
        "level" => request.is_should = rest == "should",
        "rules" => request.rules = kept(rest),
        "begin" => {
            send(bytes_of(&format!("{rest} {{path}} HTTP/1.1\\r\\nHost: {{host}}\\r\\n"))?);
            request.methods.push(rest.to_owned());
        }
        ">" => {
            send(bytes_of(&format!("{rest}\\r\\n"))?);
            request.methods.extend(method(rest));
        }
        "-" => send(bytes_of(rest)?),
        "*" => {
            let (count, text) = rest.split_once(' ').ok_or("* COUNT TEXT")?;
            send(bytes_of(text)?.repeat(count.parse().map_err(|_| "* COUNT TEXT")?));
        }
        "|" => request.pieces.push(Piece::Cut),
        "await" => request.pieces.push(Piece::Await),
        "fin" => request.has_fin = true,
        "accept" => request.accept.push(Expected::parse(rest)?),
        "strict" => request.strict.push(Expected::parse(rest)?),
        "check" => request.checks.push(check(rest)?),
        _ => return Err(format!("no such line: {word}")),
    }
    Ok(())
}

fn class(name: &str) -> Result<Class, String> {
    [Class::Valid, Class::Invalid, Class::Smuggling]
        .into_iter()
        .find(|class| class.name() == name)
        .ok_or(format!("no class {name}"))
}

fn check(text: &str) -> Result<Check, String> {
    match text.split(' ').collect::<Vec<_>>()[..] {
        ["header", name] => Ok(Check::Header(name.to_lowercase())),
        ["no-header", name] => Ok(Check::NoHeader(name.to_lowercase())),
        ["empty"] => Ok(Check::Empty),
        ["sound"] => Ok(Check::Sound),
        ["allow"] => Ok(Check::Allow),
        ["interim", status] => status.parse().map(Check::Interim).map_err(|_| format!("no status: {status}")),
        ["no-interim"] => Ok(Check::NoInterim),
        _ => Err(format!("no check {text}")),
    }
}

/// The method, where the line is a request line that a strict reader understands.
fn method(line: &str) -> Option<String> {
    match line.split(' ').collect::<Vec<_>>()[..] {
        [method, _, version] if version.starts_with("HTTP/") && !method.is_empty() => Some(method.to_owned()),
        _ => None,
    }
}

/// Words that live as long as the program: the registry of cases wants them so.
fn kept(words: &str) -> &'static [&'static str] {
    let words: Vec<&'static str> =
        words.split(' ').map(|word| &*Box::leak(word.to_owned().into_boxed_str())).collect();
    Box::leak(words.into_boxed_slice())
}
