//! `hc-server inspect`: what a library says about itself. Reads the note in the file, and runs nothing; only a file without
//! a good note is loaded, to ask its entry.

use std::fmt::Write;
use std::path::Path;

use http_container_abi::constants::{ABI_MAJOR, ABI_MINOR, module_flag};
use http_container_abi::load;
use http_container_abi::note::{NoteError, read_note};
use serde_json::{Value, json};

use super::Failure;
use crate::log::is_deceptive;

/// What is known of a module, whoever told it.
struct Facts {
    /// `None` for another major version, whose note has the rest in an unknown form.
    id: Option<String>,
    version: Option<String>,
    abi: (u16, u16),
    flags: u32,
    description: Option<String>,
    schema: Option<String>,
    source: Source,
}

/// Who told it.
enum Source {
    /// The note in the file.
    Note,
    /// The entry, after loading, because of this.
    Entry(NoteError),
}

/// Tell what the library is, as text or JSON.
pub(super) fn inspect(library: &Path, as_json: bool) -> Result<String, Failure> {
    let facts = facts(library)?;
    Ok(if as_json { facts.json(library) } else { facts.text() })
}

fn facts(library: &Path) -> Result<Facts, Failure> {
    let missing = match read_note(library) {
        Ok(note) => {
            return Ok(Facts {
                id: Some(note.id).filter(|id| !id.is_empty()),
                version: Some(note.version).filter(|version| !version.is_empty()),
                abi: note.abi,
                flags: note.flags,
                description: None,
                schema: note.config_schema,
                source: Source::Note,
            });
        }
        Err(error) => error,
    };
    let loaded = load(library).map_err(|error| match missing {
        NoteError::BrokenNote(_) => {
            let note = format!("about {}: {missing}", library.display());
            Failure::Failed(vec![note, error.to_string()])
        }
        _ => Failure::Failed(vec![error.to_string()]),
    })?;
    let info = loaded.table.info();
    Ok(Facts {
        id: Some(info.id.to_owned()),
        version: Some(info.version.to_owned()),
        abi: info.abi,
        flags: info.flags,
        description: info.description.map(str::to_owned),
        schema: info.config_schema.map(str::to_owned),
        source: Source::Entry(missing),
    })
}

impl Facts {
    fn text(&self) -> String {
        let (major, minor) = self.abi;
        let fit = if major == ABI_MAJOR { "" } else { " (this server cannot load it)" };
        let flags = self.flag_names();
        let flags = if flags.is_empty() { "none".to_owned() } else { flags.join(", ") };
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            writeln!(text, "{name:<12} {}", printable(value)).expect("a String takes every text");
        };
        line("id", self.id.as_deref().unwrap_or("not known"));
        line("version", self.version.as_deref().unwrap_or("not known"));
        line("ABI", &format!("{major}.{minor}{fit}; this server speaks {ABI_MAJOR}.{ABI_MINOR}"));
        line("flags", &flags);
        if let Some(description) = &self.description {
            line("description", description);
        }
        match &self.source {
            Source::Note => line("told by", "the note in the file; none of its code was run"),
            Source::Entry(why) => {
                line("told by", "its entry; the library was loaded, which runs its initialisers");
                line("", &format!("because {why}"));
            }
        }
        match self.schema_value() {
            None => line("schema", "none"),
            Some(Value::String(broken)) => line("schema", &format!("not JSON: {broken}")),
            Some(schema) => {
                line("schema", "of its configuration:");
                for schema_line in format!("{schema:#}").lines() {
                    line("", schema_line);
                }
            }
        }
        text
    }

    fn json(&self, library: &Path) -> String {
        let source = match self.source {
            Source::Note => "note",
            Source::Entry(_) => "entry",
        };
        let value = json!({
            "file": library.to_string_lossy(),
            "id": self.id,
            "version": self.version,
            "abi": { "major": self.abi.0, "minor": self.abi.1 },
            "flags": self.flag_names(),
            "description": self.description,
            "config_schema": self.schema_value(),
            "source": source,
        });
        format!("{value:#}\n")
    }

    /// The schema as JSON; as a string when it is none.
    fn schema_value(&self) -> Option<Value> {
        let schema = self.schema.as_ref()?;
        Some(serde_json::from_str(schema).unwrap_or_else(|_| Value::String(schema.clone())))
    }

    /// The names of the flags as in the header, and the number of each bit that has no name there. What the bits of
    /// another major version mean is not known.
    fn flag_names(&self) -> Vec<String> {
        let name = |flag| match flag {
            foreign if self.abi.0 != ABI_MAJOR => format!("{foreign:#x}"),
            module_flag::THREAD_BOUND => "THREAD_BOUND".to_owned(),
            module_flag::MIGRATES => "MIGRATES".to_owned(),
            module_flag::BLOCKING => "BLOCKING".to_owned(),
            unknown => format!("{unknown:#x}"),
        };
        (0..u32::BITS).map(|bit| 1 << bit).filter(|bit| self.flags & bit != 0).map(name).collect()
    }
}

/// The text with nothing in it that steers a terminal: a file that nobody trusts yet is being looked at.
fn printable(text: &str) -> String {
    text.chars().map(|character| if is_deceptive(character) { '\u{fffd}' } else { character }).collect()
}
