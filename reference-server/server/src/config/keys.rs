//! Every key that the configuration knows, by section; and what to say about one that it does not know.

use super::suggest::nearest;

/// A table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Top,
    Limits,
    Timeouts,
    Log,
    Status,
    Module,
    Resource,
    Route,
    Partition,
}

impl Section {
    const ALL: [Self; 9] = [
        Self::Top,
        Self::Limits,
        Self::Timeouts,
        Self::Log,
        Self::Status,
        Self::Module,
        Self::Resource,
        Self::Route,
        Self::Partition,
    ];

    /// As the file spells it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Top => "the file",
            Self::Limits => "[limits]",
            Self::Timeouts => "[timeouts]",
            Self::Log => "[log]",
            Self::Status => "[status]",
            Self::Module => "[[module]]",
            Self::Resource => "[resource.NAME]",
            Self::Route => "[[route]]",
            Self::Partition => "`partition`",
        }
    }

    /// Every key of it.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Top => &[
                "listen", "workers", "validate", "limits", "timeouts", "log", "status", "module", "resource",
                "route",
            ],
            Self::Limits => &[
                "request_line_bytes",
                "head_bytes",
                "field_count",
                "body_bytes",
                "connections",
                "respond_bytes",
                "operations_per_task",
                "tasks_per_module",
                "pipelined_bytes",
                "unread_body_bytes",
                "blocking_threads",
                "blocking_queue",
                "offload_threads",
                "offload_queue",
            ],
            Self::Timeouts => &[
                "header_ms",
                "body_ms",
                "idle_ms",
                "write_ms",
                "request_ms",
                "drain_ms",
                "background_ms",
                "linger_ms",
            ],
            Self::Log => &["access", "access_path", "error_path", "error_format", "level"],
            Self::Status => &["path", "listen", "peers"],
            Self::Module => &["name", "path", "isolation", "config"],
            Self::Resource => &[
                "kind",
                "path",
                "url",
                "config",
                "min",
                "max",
                "max_waiting",
                "acquire_timeout_ms",
                "idle_timeout_s",
                "max_lifetime_s",
                "member_timeout_ms",
                "test_on_acquire",
            ],
            Self::Route => &[
                "host",
                "path",
                "module",
                "modules",
                "body_bytes",
                "deadline_ms",
                "cancel_grace_ms",
                "half_close",
                "body",
                "partition",
                "resource",
                "resources",
            ],
            Self::Partition => &["key", "concurrent", "max_waiting", "timeout_ms"],
        }
    }

    /// What to do about a key that this section does not know.
    pub(super) fn advice(self, key: &str) -> String {
        if let Some(meant) = nearest(key, self.keys().iter().copied()) {
            return format!("did you mean `{meant}`?");
        }
        let elsewhere: Vec<_> = Self::ALL
            .iter()
            .filter(|section| section.keys().contains(&key))
            .map(|section| section.title())
            .collect();
        if !elsewhere.is_empty() {
            return format!("`{key}` belongs to {}", elsewhere.join(" or "));
        }
        format!("its keys are {}", self.keys().join(", "))
    }
}
