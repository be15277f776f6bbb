//! What the operator configures: the URL, and keys beside it or in it. Must not know how a database is opened.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::url::{self, Place};

/// The configuration of a resource of this kind. All keys but `url` may be left out; those of one word may stand in the URL
/// instead, as in `sqlite:notes.db?mode=ro`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` or `sqlite::memory:`.
    url: String,
    mode: Option<Mode>,
    journal_mode: Option<JournalMode>,
    synchronous: Option<Synchronous>,
    foreign_keys: Option<bool>,
    busy_timeout_ms: Option<u64>,
    cache_kib: Option<u32>,
    prepared_statements: Option<usize>,
    buffer_bytes: Option<usize>,
    spill_bytes: Option<u64>,
    spill_directory: Option<PathBuf>,
}

/// What may be done with the file.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Read and write, and make it when it is not there.
    #[default]
    Rwc,
    /// Read and write.
    Rw,
    /// Read.
    Ro,
}

/// SQLite's `PRAGMA journal_mode`.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JournalMode {
    #[default]
    Wal,
    Delete,
    Truncate,
    Persist,
    Memory,
    Off,
}

/// SQLite's `PRAGMA synchronous`.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Synchronous {
    Off,
    #[default]
    Normal,
    Full,
    Extra,
}

/// The configuration, complete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    pub(crate) place: Place,
    pub(crate) mode: Mode,
    pub(crate) journal_mode: JournalMode,
    pub(crate) synchronous: Synchronous,
    pub(crate) foreign_keys: bool,
    /// How long a member waits for a lock before it gives up.
    pub(crate) busy_timeout: Duration,
    /// SQLite's page cache for each member; `None`: SQLite's own default.
    pub(crate) cache_kib: Option<u32>,
    /// Statements that each member keeps prepared.
    pub(crate) prepared_statements: usize,
    /// Bytes of rows that wait in memory for their reader, for each statement.
    pub(crate) buffer_bytes: usize,
    /// Bytes of rows that wait in a file beyond that, for each statement.
    pub(crate) spill_bytes: u64,
    /// Where that file is; `None`: where the system has its temporary files.
    pub(crate) spill_directory: Option<PathBuf>,
}

/// A day: a longer wait is a mistake in the unit.
const MOST_TIMEOUT_MS: u64 = 86_400_000;

impl TryFrom<Config> for Options {
    type Error = String;

    fn try_from(mut config: Config) -> Result<Self, String> {
        let url = url::parse(&config.url)?;
        for (name, value) in &url.options {
            config.set(name, value)?;
        }
        let busy_timeout_ms = config.busy_timeout_ms.unwrap_or(5_000);
        if busy_timeout_ms > MOST_TIMEOUT_MS {
            return Err(format!("`busy_timeout_ms` is {busy_timeout_ms}: at most {MOST_TIMEOUT_MS}, a day"));
        }
        if url.place == Place::Memory && (config.mode == Some(Mode::Ro) || config.journal_mode.is_some()) {
            return Err("a database in memory is written to, and has no `journal_mode` to be chosen".into());
        }
        Ok(Self {
            place: url.place,
            mode: config.mode.unwrap_or_default(),
            journal_mode: config.journal_mode.unwrap_or_default(),
            synchronous: config.synchronous.unwrap_or_default(),
            foreign_keys: config.foreign_keys.unwrap_or(true),
            busy_timeout: Duration::from_millis(busy_timeout_ms),
            cache_kib: config.cache_kib,
            prepared_statements: config.prepared_statements.unwrap_or(64),
            buffer_bytes: config.buffer_bytes.unwrap_or(256 << 10),
            spill_bytes: config.spill_bytes.unwrap_or(1 << 30),
            spill_directory: config.spill_directory,
        })
    }
}

impl Config {
    /// Takes an option of the URL for the key of that name.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "mode" => set(name, value, &mut self.mode, word),
            "journal_mode" => set(name, value, &mut self.journal_mode, word),
            "synchronous" => set(name, value, &mut self.synchronous, word),
            "foreign_keys" => set(name, value, &mut self.foreign_keys, parsed),
            "busy_timeout_ms" => set(name, value, &mut self.busy_timeout_ms, parsed),
            "cache_kib" => set(name, value, &mut self.cache_kib, parsed),
            "prepared_statements" => set(name, value, &mut self.prepared_statements, parsed),
            "buffer_bytes" => set(name, value, &mut self.buffer_bytes, parsed),
            "spill_bytes" => set(name, value, &mut self.spill_bytes, parsed),
            "spill_directory" => set(name, value, &mut self.spill_directory, parsed),
            _ => Err(format!("`url` has an option `{name}`, which does not exist")),
        }
    }
}

fn set<T>(
    name: &str,
    value: &str,
    place: &mut Option<T>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(), String> {
    if place.is_some() {
        return Err(format!("`{name}` is said twice, in `url` or beside it"));
    }
    *place =
        Some(read(value).ok_or_else(|| format!("`url` has `{name}={value}`, which is no value for that"))?);
    Ok(())
}

fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(StrDeserializer::<ValueError>::new(text)).ok()
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(json: &str) -> Result<Options, String> {
        let config: Config = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Options::try_from(config)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let options = options(r#"{"url":"sqlite:notes.db"}"#).unwrap();
        assert_eq!(options.place, Place::File("notes.db".into()));
        assert_eq!((options.mode, options.journal_mode), (Mode::Rwc, JournalMode::Wal));
        assert_eq!((options.synchronous, options.foreign_keys), (Synchronous::Normal, true));
        assert_eq!(options.busy_timeout, Duration::from_secs(5));
    }

    #[test]
    fn a_key_may_stand_beside_the_url_or_in_it() {
        let beside = options(
            r#"{"url":"sqlite:x","mode":"ro","busy_timeout_ms":10,"foreign_keys":false,"synchronous":"full",
                "journal_mode":"delete","cache_kib":100,"prepared_statements":3,"buffer_bytes":1,"spill_bytes":2,
                "spill_directory":"/var/tmp"}"#,
        );
        let inside = options(
            r#"{"url":"sqlite:x?mode=ro&busy_timeout_ms=10&foreign_keys=false&synchronous=full&journal_mode=delete&cache_kib=100&prepared_statements=3&buffer_bytes=1&spill_bytes=2&spill_directory=/var/tmp"}"#,
        );
        assert_eq!(beside, inside);
        assert_eq!(beside.unwrap().mode, Mode::Ro);
    }

    #[test]
    fn mistakes_are_refused_with_the_name_of_the_key() {
        for (json, reason) in [
            ("{}", "missing field `url`"),
            (r#"{"url":"sqlite:x","pool":3}"#, "unknown field `pool`"),
            (r#"{"url":"sqlite:x","mode":"append"}"#, "unknown variant `append`"),
            (r#"{"url":"sqlite:x?pool=3"}"#, "`pool`, which does not exist"),
            (r#"{"url":"sqlite:x?mode=append"}"#, "`mode=append`"),
            (r#"{"url":"sqlite:x?cache_kib=-1"}"#, "`cache_kib=-1`"),
            (r#"{"url":"sqlite:x?mode=ro","mode":"ro"}"#, "`mode` is said twice"),
            (r#"{"url":"sqlite:x?mode=ro&mode=rw"}"#, "`mode` is said twice"),
            (r#"{"url":"sqlite:x","busy_timeout_ms":86400001}"#, "`busy_timeout_ms`"),
            (r#"{"url":"sqlite::memory:?mode=ro"}"#, "in memory"),
        ] {
            let error = options(json).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
