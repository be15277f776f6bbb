//! The cases of containers, read from `conformance/probes/cases`; the form is described in the README there. Must not know how they
//! are run.

use crate::http::escapes::bytes_of;
use crate::server::provided::{self, Provided};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const FILES: [(&str, &str); 21] = [
    ("lifecycle.txt", include_str!("../../../probes/cases/lifecycle.txt")),
    ("request.txt", include_str!("../../../probes/cases/request.txt")),
    ("body-in.txt", include_str!("../../../probes/cases/body-in.txt")),
    ("body-out.txt", include_str!("../../../probes/cases/body-out.txt")),
    ("waiting.txt", include_str!("../../../probes/cases/waiting.txt")),
    ("cancel.txt", include_str!("../../../probes/cases/cancel.txt")),
    ("cancel-everywhere.txt", include_str!("../../../probes/cases/cancel-everywhere.txt")),
    ("threads.txt", include_str!("../../../probes/cases/threads.txt")),
    ("faults.txt", include_str!("../../../probes/cases/faults.txt")),
    ("calls.txt", include_str!("../../../probes/cases/calls.txt")),
    ("connection.txt", include_str!("../../../probes/cases/connection.txt")),
    ("resources.txt", include_str!("../../../probes/cases/resources.txt")),
    ("gates.txt", include_str!("../../../probes/cases/gates.txt")),
    ("dispatch.txt", include_str!("../../../probes/cases/dispatch.txt")),
    ("descriptors.txt", include_str!("../../../probes/cases/descriptors.txt")),
    ("offload.txt", include_str!("../../../probes/cases/offload.txt")),
    ("replacement.txt", include_str!("../../../probes/cases/replacement.txt")),
    ("provider.txt", include_str!("../../../probes/cases/provider.txt")),
    ("members.txt", include_str!("../../../probes/cases/members.txt")),
    ("sql.txt", include_str!("../../../probes/cases/sql.txt")),
    ("pool.txt", include_str!("../../../probes/cases/pool.txt")),
];

/// How a client ends a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It closes its sending half, and waits for the end.
    Fin,
    /// It breaks it.
    Reset,
}

/// Something that the client does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Bytes, in which `{do}` stands for the target that runs the script and `{host}` for the host.
    Send(Vec<u8>),
    /// Each byte by itself.
    SendSlowly(Vec<u8>),
    /// A final response with one of these statuses comes.
    Receive(Vec<u16>),
    /// The head of a response with that status comes.
    ReceiveHead(u16),
    /// The method of the requests that follow.
    Method(String),
    /// The connection ends, and no response came, nor does a half one count as whole.
    Closed,
    /// The response that had begun is broken off.
    Aborted,
    /// The client closes its sending half.
    Fin,
    /// The client breaks the connection.
    Reset,
    /// For each count of bytes of the request: so many are sent on a connection of its own, which then ends so.
    EachByte(Ending),
    /// For each count of bytes of the response: so many are received, then the connection ends so.
    EachResponseByte(Ending),
    /// An interim response of that status comes, and is taken.
    InterimComes(u16),
    /// Every malformed request of the corpus is sent, and none makes a task.
    CorpusMakesNoTask,
    /// A response of one of these statuses and the end, or the end alone.
    ClosedOr(Vec<u16>),
    /// A fresh instance answers at some time: its record knows nothing of the case.
    Replaced,
    /// The connections stay open, and unread, until the record was seen.
    Kept,
    /// The container is told to stop.
    Stop,
    /// What follows is on another connection: that of this number, which is opened when it is not there. The first is 1.
    Connection(usize),
    /// A plain request on the same connection is answered.
    Sentinel,
    /// The last response: has that content.
    Content(String),
    /// ... has so many bytes of content.
    Size(usize),
    /// ... has that field with that value; an empty value: any.
    Has(String, String),
    /// ... has no such field.
    Lacks(String),
    /// ... came behind interim ones of these statuses.
    Interim(String),
    /// ... has these trailers, `name=value` and spaces between.
    Trailers(String),
}

/// A case.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The section of the report.
    pub section: String,
    /// The rules that it verifies.
    pub rules: &'static [&'static str],
    /// Capabilities without which it does not apply.
    pub needs: Vec<String>,
    /// The module, without its ending; `probe` when it says nothing.
    pub module: String,
    /// Members of the configuration.
    pub config: Vec<(String, String)>,
    /// Settings of the container.
    pub settings: Vec<(String, String)>,
    /// Resources whose members the kit's provider makes.
    pub provided: Vec<Provided>,
    /// The steps of each section of the script; the first is "".
    pub script: Vec<(String, Vec<String>)>,
    /// What the record of each section says, in order.
    pub record: BTreeMap<String, Vec<String>>,
    /// What the client does.
    pub acts: Vec<Act>,
    /// Whether the container refuses to start, and words of its message.
    pub refuses: Option<String>,
    /// Words of a line of its log.
    pub logs: Vec<String>,
    /// Lines of the file that the probe leaves behind.
    pub leaves: Vec<String>,
    /// What the table of calls says: the name in the record, and the column.
    pub tables: Vec<(String, String)>,
}

impl Scenario {
    /// The script as it stands in a query.
    #[must_use]
    pub fn query(&self) -> String {
        let sections: Vec<String> = self
            .script
            .iter()
            .map(|(name, steps)| {
                let steps: Vec<String> =
                    steps.iter().map(|step| step.split_whitespace().collect::<Vec<_>>().join(",")).collect();
                if name.is_empty() { steps.join(";") } else { format!("{name}:{}", steps.join(";")) }
            })
            .collect();
        sections.join("!")
    }
}

/// All cases.
///
/// # Panics
/// When a file has a mistake; a test sees to it that none has.
#[must_use]
pub fn scenarios() -> &'static [Scenario] {
    static ALL: OnceLock<Vec<Scenario>> = OnceLock::new();
    ALL.get_or_init(|| {
        FILES
            .iter()
            .flat_map(|(file, text)| parse(text).unwrap_or_else(|why| panic!("{file}: {why}")))
            .collect()
    })
}

/// Reads a file.
///
/// # Errors
/// The first mistake.
pub fn parse(text: &str) -> Result<Vec<Scenario>, String> {
    let mut parts = text.split("\n## ");
    parts.next();
    parts
        .map(|part| one(part).map_err(|why| format!("{}: {why}", part.lines().next().unwrap_or_default())))
        .collect()
}

fn one(part: &str) -> Result<Scenario, String> {
    let mut lines = part.lines();
    let mut scenario = Scenario {
        name: lines.next().unwrap_or_default().trim().to_owned(),
        module: "probe".into(),
        script: vec![(String::new(), Vec::new())],
        ..Scenario::default()
    };
    let mut section = String::new();
    for line in lines.map(str::trim_end).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "in" {
            section = rest.to_owned();
            scenario.script.push((section.clone(), Vec::new()));
        } else if !about(&mut scenario, word, rest)? && !script(&mut scenario, &section, word, rest) {
            scenario.acts.push(act(word, rest)?);
        }
    }
    if scenario.section.is_empty() || scenario.rules.is_empty() {
        return Err("it needs section and rules".into());
    }
    Ok(scenario)
}

fn about(scenario: &mut Scenario, word: &str, rest: &str) -> Result<bool, String> {
    let pair =
        || rest.split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or("NAME VALUE");
    if provided::line(&mut scenario.provided, word, rest)? {
        scenario.needs.push("provider".into());
        return Ok(true);
    }
    match word {
        "section" => scenario.section = rest.to_owned(),
        "rules" => {
            let words =
                scenario.rules.iter().copied().chain(rest.split(' ').map(|word| &*word.to_owned().leak()));
            scenario.rules = words.collect::<Vec<&'static str>>().leak();
        }
        "needs" => scenario.needs.extend(rest.split(' ').map(str::to_owned)),
        "module" => scenario.module = rest.to_owned(),
        "set" => {
            let (name, value) = pair()?;
            scenario.needs.push(name.clone());
            scenario.settings.push((name, value));
        }
        "config" => scenario.config.push(pair()?),
        "refuses" => scenario.refuses = Some(rest.to_owned()),
        "logs" => {
            scenario.needs.push("log".into());
            scenario.logs.push(rest.to_owned());
        }
        "leaves" => scenario.leaves.push(rest.to_owned()),
        "table" => scenario.tables.push(pair()?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// `do STEP = ANSWER` and `saw LINE`: the script and its record.
fn script(scenario: &mut Scenario, section: &str, word: &str, rest: &str) -> bool {
    let line = match word {
        "do" => {
            let step = rest.split(" = ").next().unwrap_or_default();
            if let Some((_, steps)) = scenario.script.last_mut() {
                steps.push(step.to_owned());
            }
            let Some((_, answer)) = rest.split_once(" = ") else { return true };
            format!("{} = {answer}", step.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        "saw" => rest.to_owned(),
        "?" => format!("? {rest}"),
        _ => return false,
    };
    // What is run in `finish` stands in the record of the task.
    let section = if section == "finish" { "" } else { section };
    scenario.record.entry(section.to_owned()).or_default().push(line);
    true
}

fn act(word: &str, rest: &str) -> Result<Act, String> {
    let number = || rest.parse().map_err(|_| format!("no status: {rest}"));
    Ok(match word {
        ">" => Act::Send(bytes_of(&format!("{rest}\\r\\n"))?),
        "-" => Act::Send(bytes_of(rest)?),
        "slowly" => Act::SendSlowly(bytes_of(rest)?),
        "*" => {
            let (count, text) = rest.split_once(' ').ok_or("* COUNT TEXT")?;
            Act::Send(bytes_of(text)?.repeat(count.parse().map_err(|_| "* COUNT TEXT")?))
        }
        "receive" => Act::Receive(statuses(rest)?),
        "head" => Act::ReceiveHead(number()?),
        "method" => Act::Method(rest.to_owned()),
        "closed" => Act::Closed,
        "aborted" => Act::Aborted,
        "fin" => Act::Fin,
        "reset" => Act::Reset,
        "each-byte" => Act::EachByte(ending(rest)?),
        "each-response-byte" => Act::EachResponseByte(ending(rest)?),
        "interim-comes" => Act::InterimComes(number()?),
        "corpus-makes-no-task" => Act::CorpusMakesNoTask,
        "closed-or" => Act::ClosedOr(statuses(rest)?),
        "replaced" => Act::Replaced,
        "kept" => Act::Kept,
        "stop" => Act::Stop,
        "connection" => Act::Connection(rest.parse().map_err(|_| format!("no number: {rest}"))?),
        "sentinel" => Act::Sentinel,
        "content" => Act::Content(String::from_utf8_lossy(&bytes_of(rest)?).into_owned()),
        "size" => Act::Size(rest.parse().map_err(|_| format!("no size: {rest}"))?),
        "has" => {
            let (name, value) = rest.split_once(": ").unwrap_or((rest, ""));
            Act::Has(name.to_owned(), value.to_owned())
        }
        "lacks" => Act::Lacks(rest.to_owned()),
        "interim" => Act::Interim(rest.to_owned()),
        "trailers" => Act::Trailers(rest.to_owned()),
        _ => return Err(format!("no such line: {word}")),
    })
}

fn statuses(words: &str) -> Result<Vec<u16>, String> {
    words.split('/').map(str::parse).collect::<Result<_, _>>().map_err(|_| format!("no status: {words}"))
}

fn ending(word: &str) -> Result<Ending, String> {
    match word {
        "fin" => Ok(Ending::Fin),
        "reset" => Ok(Ending::Reset),
        _ => Err(format!("no such ending: {word}")),
    }
}
