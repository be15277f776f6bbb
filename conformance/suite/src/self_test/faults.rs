//! The faults of the bad module, how each is chosen, and the cases that must fail for it. Data; must not know how it is used.

/// How a fault is chosen.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// By the configuration.
    Configuration,
    /// By a variable of the environment, for what is wrong before there is a configuration.
    Environment,
    /// By other bytes in a copy of the file, for what is wrong in the file itself.
    Bytes(&'static [u8], &'static [u8]),
}

/// One fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// How it is chosen.
    pub how: How,
    /// The cases that must fail, first the one that it is for.
    pub expected: &'static [&'static str],
}

const fn fault(name: &'static str, expected: &'static [&'static str]) -> Fault {
    Fault { name, how: How::Configuration, expected }
}

const fn entry(name: &'static str, expected: &'static [&'static str]) -> Fault {
    Fault { name, how: How::Environment, expected }
}

const fn bytes(
    name: &'static str,
    from: &'static [u8],
    to: &'static [u8],
    expected: &'static [&'static str],
) -> Fault {
    Fault { name, how: How::Bytes(from, to), expected }
}

/// All of them.
pub const FAULTS: &[Fault] = &[
    entry("entry-size", &["entry-is-well-formed"]),
    entry("entry-reserved", &["entry-is-well-formed"]),
    entry("entry-text", &["entry-is-well-formed"]),
    entry("entry-without-start", &["entry-is-well-formed"]),
    entry("yields-without-resume", &["tasks-end-as-they-should"]),
    fault("entry-changes", &["entry-stays-constant"]),
    // Owner, then versions and flags in little-endian bytes: the note alone is changed, since the entry has no owner before it.
    bytes(
        "note-of-other-flags",
        b"HTTP-Container\0\0\x01\0\0\0\0\0\0\0",
        b"HTTP-Container\0\0\x01\0\0\0\x01\0\0\0",
        &["note-agrees-with-entry"],
    ),
    bytes(
        "note-with-a-wrong-size",
        b"HTTP-Container\0\0\x01\0\0\0\0\0\0\0\x16\0\0\0",
        b"HTTP-Container\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0",
        &["note-is-well-formed"],
    ),
    bytes("schema-of-no-type", b"\"type\":\"object\"", b"\"type\":\"objekt\"", &["schema-is-a-json-schema"]),
    fault("refuses-in-silence", &["wrong-configuration-is-refused"]),
    fault("refuses-with-another-status", &["wrong-configuration-is-refused"]),
    fault("accepts-unknown-members", &["unknown-members-are-refused"]),
    fault("needs-an-extension-and-fails", &["create-says-why"]),
    fault("needs-an-extension-in-silence", &["create-says-why"]),
    fault("any-kind-will-do", &["unknown-kind-of-task-is-refused"]),
    fault("call-from-thread", &["calls-are-made-where-they-may"]),
    fault("call-in-worker-start", &["calls-are-made-where-they-may"]),
    fault("call-in-finish", &["calls-are-made-where-they-may"]),
    fault("resource-in-a-step", &["calls-are-made-where-they-may"]),
    fault("task-that-has-ended", &["handles-are-of-live-things"]),
    fault("task-of-another-worker", &["tasks-interleaved-on-workers", "callbacks-on-any-thread"]),
    fault("host-of-another-instance", &["instances-are-separate"]),
    fault("token-twice", &["tokens-are-unique"]),
    fault("token-zero", &["tokens-are-unique"]),
    fault("respond-twice", &["responses-are-given-in-order"]),
    fault("status-out-of-range", &["responses-are-given-in-order"]),
    fault("more-than-the-length", &["responses-are-given-in-order"]),
    fault("less-than-the-length", &["responses-are-given-in-order"]),
    fault("done-without-response", &["tasks-end-as-they-should"]),
    fault("done-with-open-response", &["tasks-end-as-they-should"]),
    fault("yields-for-nothing", &["tasks-end-as-they-should"]),
    fault("unknown-status-of-a-step", &["statuses-are-known"]),
    fault("positive-status-of-a-step", &["statuses-are-known"]),
    fault("cancelled-status-of-a-step", &["statuses-are-known"]),
    fault("complete-with-unknown-status", &["statuses-are-known"]),
    fault("argument-is-null", &["arguments-are-well-formed"]),
    fault("structure-without-size", &["arguments-are-well-formed"]),
    fault("bytes-without-data", &["arguments-are-well-formed"]),
    fault("view-of-another-request", &["views-are-used-in-their-life"]),
    fault("short-piece-is-the-end", &["request-body-in-pieces"]),
    fault("read-is-not-repeated", &["request-body-in-pieces", "events-that-are-spurious"]),
    fault("broken-body-is-not-answered", &["request-body-that-breaks-off"]),
    fault("write-is-not-repeated", &["response-with-little-room"]),
    fault("event-is-the-answer", &["events-that-are-spurious"]),
    fault("host-is-the-threads", &["callbacks-on-any-thread"]),
    fault("call-in-finish-when-cancelled", &["cancelled-at-every-yield"]),
    fault("crash-when-cancelled", &["cancelled-at-every-yield"]),
    fault("call-in-finish-when-alone", &["peer-leaves-at-every-call"]),
    fault("waits-for-a-peer-that-is-gone", &["peer-leaves-at-every-call"]),
    fault("call-in-finish-when-stopped", &["container-stops-at-every-step"]),
    fault("unknown-status-is-success", &["calls-refused-one-by-one"]),
    fault("step-sleeps", &["steps-do-not-block"]),
    fault("memory-of-tasks-stays", &["tasks-leave-no-memory"]),
    fault("thread-stays", &["instances-leave-nothing-behind"]),
    fault("descriptor-stays", &["instances-leave-nothing-behind"]),
    fault("user:none", &[]),
    fault("user:lease-is-forgotten", &["leases-are-held-and-given-back"]),
    fault("user:lease-after-its-end", &["leases-are-held-and-given-back"]),
    fault("user:one-batch-is-all", &["leases-and-rows-come-late"]),
    fault("user:refusal-is-a-lease", &["resources-that-are-exhausted"]),
    fault("user:failure-keeps-the-lease", &["members-that-are-lost"]),
    fault("sql:none", &[]),
    fault("sql:offers-nothing", &["providers-offer-an-interface"]),
    fault("sql:offer-does-not-matter", &["providers-offer-an-interface"]),
    fault("sql:unknown-requests-are-done", &["unknown-requests-are-unsupported"]),
    fault("sql:done-twice", &["requests-are-answered-once"]),
    fault("sql:check-is-not-answered", &["requests-are-answered-once"]),
    fault("sql:close-is-ignored", &["members-close-when-told"]),
    fault("sql:dirty-is-not-told", &["members-say-that-they-are-dirty"]),
    fault("sql:literals-have-placeholders", &["placeholders-are-numbered"]),
    fault("sql:values-are-not-counted", &["placeholders-are-numbered"]),
    fault("sql:scripts-go-on", &["scripts-stop-at-the-first-failure"]),
    fault("sql:once-is-another-answer", &["once-changes-no-answer"]),
    fault("sql:numbers-are-texts", &["values-come-back-as-they-were"]),
    fault("sql:truth-is-two", &["values-come-back-as-they-were"]),
    fault("sql:wide-numbers-are-cut", &["values-are-converted"]),
    fault("sql:texts-are-no-numbers", &["values-are-converted"]),
    fault("sql:codes-are-words", &["refusals-of-databases-have-codes"]),
    fault("sql:refuses-without-words", &["refusals-of-databases-have-codes"]),
    fault("sql:transactions-are-nested", &["transactions-are-not-nested"]),
    fault("sql:reading-transactions-write", &["reading-transactions-do-not-write"]),
    fault("sql:commits-are-promises", &["commits-are-committed"]),
    fault("sql:resets-commit", &["resets-roll-back"]),
    fault("sql:resets-keep-tables", &["resets-roll-back"]),
    fault("sql:interrupt-is-ignored", &["interrupts-end-what-is-under-way"]),
    fault("sql:interrupts-strike-late", &["interrupts-end-what-is-under-way"]),
    fault("kv:none", &[]),
    fault("kv:dirty-is-not-told", &["members-say-that-they-are-dirty"]),
    fault("kv:values-are-cut", &["values-are-stored-and-removed"]),
    fault("kv:deleted-values-stay", &["values-are-stored-and-removed", "conditions-hold"]),
    fault("kv:conditions-always-hold", &["conditions-hold", "operations-are-atomic"]),
    fault("kv:sums-wrap", &["numbers-are-added"]),
    fault("kv:a-plus-is-a-number", &["numbers-are-added"]),
    fault("kv:times-do-not-end", &["values-live-for-their-time"]),
    fault("kv:times-are-not-kept", &["values-live-for-their-time"]),
    fault("kv:expire-does-nothing", &["values-live-for-their-time"]),
    fault("kv:additions-take-two-steps", &["operations-are-atomic"]),
    fault("kv:one-subscriber-is-enough", &["messages-reach-subscribers"]),
    fault("kv:everybody-has-subscribed", &["messages-reach-subscribers"]),
    fault("kv:resets-keep-subscriptions", &["messages-reach-subscribers", "members-say-that-they-are-dirty"]),
    fault("link:none", &[]),
    fault("link:checks-are-guesses", &["checks-ask-the-other-end"]),
    fault("link:losses-are-not-noticed", &["lost-connections-end-members"]),
    fault("link:descriptors-block", &["descriptors-are-registered-while-open"]),
    fault("link:closed-before-removed", &["descriptors-are-registered-while-open"]),
];
