//! The table of the specification's chapter on calls and states. It must not know how a call is made.

const CHAPTER: &str = include_str!("../../../../spec/text/20-calls-and-states.md");

pub const CALLBACKS: [&str; 7] =
    ["create", "destroy", "worker_start", "worker_stop", "step", "finish", "foreign thread"];

/// A row: the vtable, the call, and its cells.
pub struct Row {
    pub vtable: &'static str,
    pub call: &'static str,
    pub cells: Vec<&'static str>,
}

impl Row {
    /// As `hc.sql/1 query`; those of the core by their name alone.
    pub fn name(&self) -> String {
        if self.vtable == "Core" { self.call.to_owned() } else { format!("{} {}", self.vtable, self.call) }
    }

    /// What the table says of that callback.
    pub fn in_callbacks(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        CALLBACKS.into_iter().zip(self.cells.iter().copied())
    }

    /// What the table says of the four states of the response.
    pub fn in_states(&self) -> &[&'static str] {
        &self.cells[CALLBACKS.len()..]
    }

    /// Whether it is about the task of a member, which has no response.
    pub fn is_of_members(&self) -> bool {
        self.vtable == "hc.provider/1"
    }
}

pub fn rows() -> Vec<Row> {
    let mut vtable = "";
    let mut rows = Vec::new();
    for line in CHAPTER.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            vtable = heading.trim_matches('`');
        } else if line.starts_with("| `") {
            let mut cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let call = cells.remove(0).trim_matches('`');
            rows.push(Row { vtable, call, cells: cells.split_off(2) });
        }
    }
    rows
}
