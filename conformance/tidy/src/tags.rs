//! The machine-readable tags in the headers: where each call may be made, and of which class it is. Must not know the prose.

use crate::Finding;
use crate::repository::Text;
use regex::Regex;
use std::sync::LazyLock;

static TAGGED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[thread=(\w+) class=(\w+) in=([\w,]+) response=([\w,]+)\] \*/\s+[^;/]*?\(HC_CALL \*(\w+)\)")
        .expect("a good pattern")
});
/// A callback, of a module or of what it gave with a call, says on which thread it is called, no more.
static CALLBACK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[thread=(?:init|worker|foreign)\] \*/\s+[^;/]*?\(HC_CALL \*(\w+)\)")
        .expect("a good pattern")
});
/// The id of the extension that a header declares.
static EXTENSION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"#define HC_\w+_ID "([^"]+)""#).expect("a good pattern"));
static POINTER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\(HC_CALL \*(\w+)\)\(").expect("a good pattern"));

/// The columns of the table of calls that are callbacks or threads, then those that are states of the response.
pub const PLACES: [&str; 7] =
    ["create", "destroy", "worker_start", "worker_stop", "step", "finish", "foreign thread"];
/// See [`PLACES`].
pub const RESPONSES: [&str; 4] = ["none", "open", "complete", "aborted"];

/// The table of the calls that belong to no extension.
pub const CORE: &str = "Core";

/// The tag of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The id of the extension that the call belongs to, or [`CORE`].
    pub table: String,
    /// The call.
    pub call: String,
    /// `init`, `worker`, `task` or `any`.
    pub thread: String,
    /// `now`, `ready` or `result`.
    pub class: String,
    /// The callbacks in which it is allowed, or `any`.
    pub within: Vec<String>,
    /// The states of the response in which it is allowed, or `any`.
    pub responses: Vec<String>,
}

/// The tags of a header, and calls without one.
#[must_use]
pub fn of_header(header: &Text) -> (Vec<Tag>, Vec<Finding>) {
    let list = |text: &str| text.split(',').map(str::to_owned).collect();
    let table = EXTENSION.captures(&header.text).map_or(CORE, |found| found.extract::<1>().1[0]);
    let tag = |parts: regex::Captures<'_>| Tag {
        table: table.to_owned(),
        call: parts[5].to_owned(),
        thread: parts[1].to_owned(),
        class: parts[2].to_owned(),
        within: list(&parts[3]),
        responses: list(&parts[4]),
    };
    let tags: Vec<Tag> = TAGGED.captures_iter(&header.text).map(tag).collect();
    let names = |pattern: &Regex| {
        pattern.captures_iter(&header.text).map(|found| found[1].to_owned()).collect::<Vec<_>>()
    };
    let callbacks = names(&CALLBACK);
    let is_untagged = |call: &String| tags.iter().all(|tag| tag.call != *call) && !callbacks.contains(call);
    let untagged = names(&POINTER).into_iter().filter(is_untagged);
    let finding = |call| {
        Finding::new(
            format!("{}: {call}", header.path),
            "its comment does not end with a tag of the known form",
        )
    };
    let findings = untagged.map(finding).collect();
    (tags, findings)
}

impl Tag {
    /// The row of the table that says the same: call, thread, class, then a cell for each of [`PLACES`] and [`RESPONSES`].
    #[must_use]
    pub fn row(&self) -> Vec<String> {
        let mut row = vec![self.call.clone(), self.thread.clone(), self.class.clone()];
        row.extend(PLACES.map(|place| self.in_place(place).to_owned()));
        let in_state = |state: &str| if self.allows(&self.responses, state) { "ok" } else { "STATE" };
        row.extend(RESPONSES.map(|state| in_state(state).to_owned()));
        row
    }

    fn allows(&self, list: &[String], name: &str) -> bool {
        list.iter().any(|allowed| allowed == name || allowed == "any")
    }

    /// `ok`, or what the call answers there: the thread is looked at before the callback (host.call.order).
    fn in_place(&self, place: &str) -> &'static str {
        let is_init = matches!(place, "create" | "destroy");
        let is_right_thread = match self.thread.as_str() {
            "any" => true,
            "init" => is_init,
            _ => !is_init && place != "foreign thread",
        };
        match (is_right_thread, self.allows(&self.within, place)) {
            (false, _) => "THREAD",
            (true, true) => "ok",
            (true, false) => "STATE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "struct hc_host {\n  /* Ends it.\n   * [thread=task class=now in=step,finish response=none,open] */\n  hc_status(HC_CALL *stop)(const hc_host *H, hc_task task);\n";

    #[test]
    fn a_tag_becomes_a_row() {
        let (tags, findings) = of_header(&Text::new("a.h", HEADER));
        assert_eq!((tags.len(), findings), (1, vec![]));
        let row = tags[0].row().join(" ");
        assert_eq!(row, "stop task now THREAD THREAD STATE STATE ok ok THREAD ok ok STATE STATE");
    }

    #[test]
    fn a_callback_says_its_thread_only() {
        let header = "  /* Made.\n   * [thread=init] */\n  hc_status(HC_CALL *create)(const hc_host *H);\n";
        assert_eq!(of_header(&Text::new("a.h", header)), (vec![], vec![]));
        assert_eq!(of_header(&Text::new("a.h", &header.replace("init", "any"))).1.len(), 1);
    }

    #[test]
    fn a_call_without_a_tag_is_found() {
        for broken in [
            HEADER.replace("thread=", "threads="),
            HEADER.replace("[thread=task class=now in=step,finish response=none,open]", ""),
        ] {
            assert_eq!(of_header(&Text::new("a.h", &broken)).1.len(), 1, "{broken}");
        }
    }
}
