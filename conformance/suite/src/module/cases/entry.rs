//! Cases about the entry and the note: what a tool sees of a module before it runs.

use super::{case, loaded, play, target};
use crate::case::{Case, Context, Outcome};
use crate::module::plan::Plan;
use crate::module::script::plain;
use http_container_abi::{EntryError, LoadFailure, NoteError, load, read_note};

pub const CASES: &[Case] = &[
    case(
        "entry-is-well-formed",
        "abi-layout",
        &[
            "overview.layout",
            "overview.text",
            "version.size.set",
            "version.reserved",
            "module.entry.required",
        ],
        entry,
    ),
    case("entry-stays-constant", "abi-layout", &["module.entry.constant"], constant),
    case("note-is-well-formed", "abi-layout", &["note.layout"], note),
    case("note-agrees-with-entry", "abi-layout", &["note.agrees"], agrees),
];

fn entry(_: &Case, context: &mut Context) -> Outcome {
    let Err(error) = load(target(context).path) else { return Outcome::pass() };
    let rule = match &error.reason {
        LoadFailure::Entry(EntryError::TooSmall { .. }) => "version.size.set",
        LoadFailure::Entry(EntryError::ReservedNotZero { .. }) => "version.reserved",
        LoadFailure::Entry(EntryError::NotUtf8 { .. }) => "overview.text",
        LoadFailure::Entry(EntryError::Missing { .. }) => "module.entry.required",
        LoadFailure::Entry(EntryError::BadId | EntryError::BadVersion) => "module.entry.id",
        LoadFailure::Entry(EntryError::UnknownFlags { .. }) => "module.entry.flags",
        _ => "module.entry.symbol",
    };
    Outcome::fail(error.to_string()).rule(rule)
}

fn constant(_: &Case, context: &mut Context) -> Outcome {
    let (module, target) = match loaded(context) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    // Texts are compared as they were, not as they are read again.
    let look = || {
        let info = module.table.info();
        let texts = [Some(info.id), Some(info.version), info.description, info.config_schema];
        let texts = texts.map(|text| text.map(str::to_owned));
        (texts, info.abi, info.flags, module.table.has_resume())
    };
    let before = look();
    let _ = play(module.table, &Plan::calm(target.first_seed, vec![plain("/")]), &target.config);
    let after = look();
    if before == after {
        return Outcome::pass();
    }
    Outcome::fail(format!("the entry was {before:?}, and after a request it is {after:?}"))
        .rule("module.entry.constant")
}

fn note(_: &Case, context: &mut Context) -> Outcome {
    match read_note(target(context).path) {
        Ok(_) => Outcome::pass(),
        Err(why @ (NoteError::Missing | NoteError::NotElf | NoteError::Unreadable(_))) => {
            Outcome::skip(why.to_string())
        }
        Err(why) => Outcome::fail(why.to_string()).rule("note.layout"),
    }
}

fn agrees(_: &Case, context: &mut Context) -> Outcome {
    let module = match loaded(context) {
        Ok((module, _)) => module,
        Err(outcome) => return outcome,
    };
    let Ok(note) = read_note(&module.path) else { return Outcome::skip("there is no note to be read") };
    let info = module.table.info();
    let schema = info.config_schema.filter(|schema| !schema.is_empty());
    let differences: Vec<String> = [
        ("id", note.id.clone(), info.id.to_owned()),
        ("version", note.version.clone(), info.version.to_owned()),
        ("abi", format!("{:?}", note.abi), format!("{:?}", info.abi)),
        ("flags", note.flags.to_string(), info.flags.to_string()),
        ("schema", note.config_schema.clone().unwrap_or_default(), schema.unwrap_or_default().to_owned()),
    ]
    .into_iter()
    .filter(|(_, note, entry)| note != entry)
    .map(|(what, note, entry)| format!("{what}: the note says `{note}`, hc_module `{entry}`"))
    .collect();
    if differences.is_empty() {
        return Outcome::pass();
    }
    Outcome::fail(differences.join("; ")).rule("note.agrees")
}
