//! The configuration of a server for one module, without a file: what `hc-server run --module` means.

use std::path::Path;

use serde_json::{Map, Value};

use super::file::{default_listen, default_workers};
use super::sections::{NAME_BYTES, is_plain_name};
use super::settings::{HalfClose, Isolation, Limits, LogConfig, Timeouts};
use super::{Config, GateConfig, ModuleConfig, RouteConfig};

impl Config {
    /// The defaults, and a route from every path to this library. `config_json` is handed to the module; the error says
    /// why it is no JSON object.
    pub fn for_module(library: &Path, config_json: &str) -> Result<Self, serde_json::Error> {
        let object: Map<String, Value> = serde_json::from_str(config_json)?;
        let (limits, timeouts) = (Limits::default(), Timeouts::default());
        let module = ModuleConfig {
            name: module_name(library),
            path: library.to_owned(),
            isolation: Isolation::Shared,
            config_json: Value::Object(object).to_string(),
            declared: None,
        };
        let route = RouteConfig {
            host: None,
            path: "/".to_owned(),
            modules: vec![0],
            body_bytes: limits.body_bytes,
            deadline: timeouts.request,
            cancel_grace: std::time::Duration::ZERO,
            half_close: HalfClose::Cancel,
            gates: GateConfig::default(),
            declared: None,
        };
        Ok(Self {
            file: None,
            listen: default_listen(),
            workers: default_workers(),
            validate: false,
            limits,
            timeouts,
            log: LogConfig::default(),
            status: None,
            modules: vec![module],
            resources: Vec::new(),
            routes: vec![route],
        })
    }
}

/// The name of the instance: that of the file, without `lib` and suffix, in the characters that names may have.
fn module_name(library: &Path) -> String {
    let stem = library.file_name().unwrap_or_default().to_string_lossy();
    let stem = stem.split(".so").next().unwrap_or_default();
    let bare = stem.strip_prefix("lib").unwrap_or(stem);
    let plain = |character: char| if is_plain_name(&character.to_string()) { character } else { '-' };
    let name: String = bare.chars().map(plain).take(NAME_BYTES).collect();
    if name.is_empty() { "module".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_file() {
        let cases = [
            ("target/modules/hello_c.so", "hello_c"),
            ("./libhello.so.1.2", "hello"),
            ("b\u{fc}cher und mehr.so", "b-cher-und-mehr"),
            ("lib.so", "module"),
            ("..", "module"),
            ("/", "module"),
        ];
        for (file, expect) in cases {
            assert_eq!(module_name(Path::new(file)), expect, "{file}");
        }
    }

    #[test]
    fn the_module_gets_a_json_object() {
        let config = Config::for_module(Path::new("x.so"), " { \"a\" : [1, 2] } ").unwrap();
        assert_eq!(config.modules[0].config_json, "{\"a\":[1,2]}");
        assert_eq!(config.route_table().resolve(b"any.example", b"/any/path"), Some(0));
        assert!(Config::for_module(Path::new("x.so"), "[1]").is_err());
        assert!(Config::for_module(Path::new("x.so"), "{").is_err());
    }
}
