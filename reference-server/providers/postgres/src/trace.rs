//! What a statement's text says of traces that it leaves in its session, where no command tag tells. Must not parse SQL: it
//! looks for a few words, and in doubt says that there are traces, which costs a reset and nothing else.

/// What a statement leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trace {
    /// Nothing that its command tag would not tell.
    None,
    /// A setting that ends with the transaction, though its tag is that of others.
    LocalSetting,
    /// A temporary table that was made from a query, a lock of the session, a setting made by a function.
    Session,
}

impl Trace {
    /// What the text says.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let mut words =
            text.split(|character| !is_part(character)).filter(|word| !word.is_empty()).peekable();
        if words.next_if_eq(&"set").is_some()
            && words.next_if(|next| matches!(*next, "local" | "transaction")).is_some()
        {
            return Self::LocalSetting;
        }
        let mut before = "";
        for word in words {
            let leaves = match word {
                "temp" | "temporary" => matches!(before, "create" | "replace" | "local" | "global" | "into"),
                "set_config" => true,
                // Not those with `xact`: they end with their transaction.
                _ => word.contains("advisory_lock"),
            };
            if leaves {
                return Self::Session;
            }
            before = word;
        }
        Self::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_seen_in_the_words() {
        for text in [
            "create temp table t as select 1",
            "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1",
            "SELECT 1 AS a INTO TEMP t",
            "CREATE LOCAL TEMP TABLE t (a int)",
            "SELECT pg_catalog.set_config('a.b', $1, false)",
            "SELECT pg_try_advisory_lock_shared(1)",
        ] {
            assert_eq!(Trace::of(text), Trace::Session, "{text}");
        }
        for text in [
            "SELECT temp FROM weather",
            "INSERT INTO weather (temp) VALUES ($1)",
            "CREATE TABLE t AS SELECT 1",
            "SELECT pg_advisory_xact_lock(1)",
            "SET search_path = x",
            "",
        ] {
            assert_eq!(Trace::of(text), Trace::None, "{text}");
        }
        assert_eq!(Trace::of(" set local a.b = 1"), Trace::LocalSetting);
        assert_eq!(Trace::of("SET TRANSACTION READ ONLY"), Trace::LocalSetting);
    }
}
