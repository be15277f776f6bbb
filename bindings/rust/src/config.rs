//! The operator's configuration of a module: JSON into the author's own type, with errors that name the offending key.
//! Must not know what a key means.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The configuration of a module that has none: an empty object, any key is an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Reads a configuration. The error names the path of the key, as `upstreams[2].port`.
pub(crate) fn parse<C: DeserializeOwned>(json: &[u8]) -> Result<C, String> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let config = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "at the top".to_owned() } else { format!("at `{path}`") };
        format!("the configuration is refused {place}: {}", error.inner())
    })?;
    reader.end().map_err(|error| format!("the configuration has something after its end: {error}"))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Config {
        upstreams: Vec<Upstream>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Upstream {
        port: u16,
    }

    #[test]
    fn errors_name_the_key() {
        let check = |json: &str, expect: &str| {
            let error = parse::<Config>(json.as_bytes()).unwrap_err();
            assert!(error.contains(expect), "{json}: {error}");
        };
        check(r#"{"upstreams":[{"port":1},{"port":"x"}]}"#, "`upstreams[1].port`: invalid type: string");
        check(r#"{"upstreams":[{"port":1,"prot":2}]}"#, "`upstreams[0].prot`: unknown field `prot`");
        check("{}", "at the top: missing field `upstreams`");
        check(r#"{"upstreams":[]} x"#, "after its end");
        assert!(parse::<NoConfig>(br#"{"a":1}"#).unwrap_err().contains("unknown field `a`"));
        assert_eq!(parse::<NoConfig>(b"{}"), Ok(NoConfig {}));
    }
}
