//! What the operator configures. Must not know what is done with it.

use serde::Deserialize;

use crate::store::WhenFull;

/// The configuration of a resource of this kind.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `memory:`, or nothing.
    #[serde(default)]
    url: String,
    /// Bytes of keys, values and records.
    #[serde(default = "default_max_bytes")]
    pub(crate) max_bytes: u64,
    /// What to do when a value would not fit.
    #[serde(default)]
    pub(crate) when_full: WhenFull,
}

fn default_max_bytes() -> u64 {
    64 << 20
}

impl Config {
    /// Why there can be no store with this configuration.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.url.as_str() {
            "" | "memory:" => Ok(()),
            url => Err(format!("`url` is `{url}`: a store in memory has none, or `memory:`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Result<Config, String> {
        let config: Config = serde_json::from_str(json).map_err(|error| error.to_string())?;
        config.check().map(|()| config)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let expect = Config { url: String::new(), max_bytes: 67_108_864, when_full: WhenFull::Evict };
        assert_eq!(config("{}"), Ok(expect));
        let all = config(r#"{"url":"memory:","max_bytes":5,"when_full":"refuse"}"#).unwrap();
        assert_eq!((all.max_bytes, all.when_full), (5, WhenFull::Refuse));
    }

    #[test]
    fn mistakes_are_refused_with_the_name_of_the_key() {
        for (json, reason) in [
            (r#"{"max_bytes":-1}"#, "invalid value"),
            (r#"{"when_full":"panic"}"#, "unknown variant `panic`"),
            (r#"{"size":5}"#, "unknown field `size`"),
            (r#"{"url":"redis://x"}"#, "`redis://x`"),
        ] {
            let error = config(json).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
