//! `--validate`, as far as it is the server's: what the files of modules say, and the sum at the end. Runs no module.

use crate::config::{Config, LogLevel};
use crate::log::Logs;
use hc_host::Container;
use http_container_abi::ModuleInfo;
use http_container_abi::note::{NoteError, NoteInfo, read_note};
use serde_json::Value;
use std::path::Path;

/// Looks at the file of each module, and tells what is wrong with it.
pub fn look_at_files(config: &Config, container: &Container) {
    for (index, module) in (0..).zip(&config.modules) {
        for (rule, text) in faults_of_file(&module.path, &container.module_info(index)) {
            container.note_breach(index, rule, &text);
        }
    }
}

/// The rules that a module's file breaks, with sentences: does its note say what its entry says, and is its schema one?
pub fn faults_of_file(library: &Path, info: &ModuleInfo) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    match read_note(library) {
        Ok(note) => {
            if let Some(what) = disagreement(&note, info) {
                let text = format!("the note in the file and the entry tell of different {what}");
                faults.push(("note.agrees", text));
            }
        }
        Err(NoteError::BrokenNote(what)) => {
            faults.push(("note.layout", format!("the note in the file is broken: {what}")));
        }
        // A note is nothing that a module has to have, and other systems have other files.
        Err(_) => {}
    }
    faults
        .extend(info.config_schema.and_then(fault_of_schema).map(|text| ("configuration.schema.form", text)));
    faults
}

fn disagreement(note: &NoteInfo, info: &ModuleInfo) -> Option<&'static str> {
    if note.id != info.id {
        Some("ids")
    } else if note.version != info.version {
        Some("versions")
    } else if note.abi != info.abi {
        Some("versions of the ABI")
    } else if note.flags != info.flags {
        Some("flags")
    } else if note.config_schema.as_deref() != info.config_schema {
        Some("schemas of the configuration")
    } else {
        None
    }
}

fn fault_of_schema(schema: &str) -> Option<String> {
    match serde_json::from_str::<Value>(schema) {
        Err(error) => Some(format!("config_schema is no JSON: {error}")),
        Ok(Value::Object(members)) => match members.get("type") {
            None => None,
            Some(Value::String(kind)) if kind == "object" => None,
            Some(kind) => Some(format!("config_schema describes {kind}, and a configuration is an object")),
        },
        Ok(_) => Some("config_schema is not a JSON object".to_owned()),
    }
}

/// Says which rules were broken, when that was looked for.
pub fn sum_up(container: &Container, logs: &Logs) {
    let Some(breaches) = container.breaches() else { return };
    let list = breaches.list();
    if list.is_empty() {
        logs.error.write(LogLevel::Info, &[], "validation: no module broke a rule that was looked at");
    }
    for (module, rule, count) in &list {
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        let text = format!("validation: the rule was broken {times}");
        logs.error.write(LogLevel::Warn, &[("module", module), ("rule", rule)], &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: ModuleInfo = ModuleInfo {
        id: "org.example.m",
        version: "1.0",
        abi: (1, 0),
        flags: 2,
        description: None,
        config_schema: Some("{}"),
    };

    #[test]
    fn a_note_that_says_something_else_is_seen() {
        let note = || NoteInfo {
            id: "org.example.m".to_owned(),
            version: "1.0".to_owned(),
            config_schema: Some("{}".to_owned()),
            abi: (1, 0),
            flags: 2,
        };
        assert_eq!(disagreement(&note(), &INFO), None);
        assert_eq!(disagreement(&NoteInfo { id: "x".to_owned(), ..note() }, &INFO), Some("ids"));
        assert_eq!(disagreement(&NoteInfo { version: "2".to_owned(), ..note() }, &INFO), Some("versions"));
        assert_eq!(disagreement(&NoteInfo { abi: (1, 1), ..note() }, &INFO), Some("versions of the ABI"));
        assert_eq!(disagreement(&NoteInfo { flags: 0, ..note() }, &INFO), Some("flags"));
        let without = NoteInfo { config_schema: None, ..note() };
        assert_eq!(disagreement(&without, &INFO), Some("schemas of the configuration"));
    }

    #[test]
    fn a_schema_is_a_json_object_of_an_object() {
        assert_eq!(fault_of_schema(r#"{"type": "object", "properties": {}}"#), None);
        assert_eq!(fault_of_schema("{}"), None);
        for bad in ["", "[]", "{", r#"{"type": "string"}"#, r#"{"type": ["object"]}"#] {
            assert!(fault_of_schema(bad).is_some(), "{bad}");
        }
    }
}
