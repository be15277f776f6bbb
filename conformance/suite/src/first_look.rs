//! Whether a target can be tested at all, before any case is: what is not there, or cannot be run, is one complaint and not one of
//! every case. Must not know the cases.

use crate::http::url::Url;
use crate::server::adapter;
use crate::target::Target;
use std::path::Path;

/// Looks at a target.
///
/// # Errors
/// Why nothing can be said about it.
pub fn at(target: &Target) -> Result<(), String> {
    match target {
        Target::Module(module) => {
            is_there(&module.path)?;
            let is_object = |config: &str| {
                serde_json::from_str::<serde_json::Value>(config).is_ok_and(|value| value.is_object())
            };
            if module.config.is_empty() || is_object(&module.config) {
                Ok(())
            } else {
                Err(format!(
                    "the configuration is no JSON object, as a module is given one: {}",
                    module.config
                ))
            }
        }
        Target::Server(server) => {
            adapter::ask(&server.adapter, "name")
                .map_err(|why| format!("the adapter does not answer: {why}"))?;
            is_there(&server.probes.join("probe.so")).map_err(|why| {
                format!("{why}; conformance/probes/build.sh FOLDER makes it, for --probes FOLDER")
            })
        }
        Target::Http(http) => Url::parse(&http.url)?.connect().map(drop),
    }
}

fn is_there(path: &Path) -> Result<(), String> {
    if path.is_file() { Ok(()) } else { Err(format!("{}: there is no such file", path.display())) }
}
