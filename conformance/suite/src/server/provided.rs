//! Resources whose members the kit's own provider makes: what a case says of them, how a container is told, and what the provider left
//! behind. Must not know any container, nor what members can do.

use super::record;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One resource.
#[derive(Clone, Debug, Default)]
pub struct Provided {
    /// Its name.
    pub name: String,
    /// Name, interface, cap, and what else the operator says of it: words of the setting `provided`.
    pub words: String,
    /// The configuration of its provider.
    config: Vec<(String, String)>,
    /// What the record of each member says, by its number; `life`: that of the instance.
    record: BTreeMap<String, Vec<String>>,
}

impl Provided {
    /// Out of `NAME INTERFACE MAX [WORD=VALUE ...]`.
    ///
    /// # Errors
    /// When a word is missing.
    pub fn of(words: &str) -> Result<Provided, String> {
        let [name, interface, cap] =
            words.split(' ').take(3).collect::<Vec<_>>().try_into().map_err(|_| "NAME INTERFACE MAX")?;
        let usual = [
            ("name", name.to_owned()),
            ("cap", cap.to_owned()),
            ("create", format!("offer:{interface}")),
            ("open", "ready".to_owned()),
            ("begin", "done:OK:dirty".to_owned()),
        ];
        Ok(Provided {
            name: name.to_owned(),
            words: words.to_owned(),
            config: usual.map(|(key, value)| (key.to_owned(), value)).to_vec(),
            record: BTreeMap::new(),
        })
    }

    /// A member of the configuration, in the place of the usual one.
    pub fn configure(&mut self, key: &str, value: &str) {
        self.config.retain(|(known, _)| known != key);
        self.config.push((key.to_owned(), value.to_owned()));
    }

    /// A line of the record of that member.
    pub fn expect(&mut self, member: &str, line: &str) {
        self.record.entry(member.to_owned()).or_default().push(line.to_owned());
    }

    /// The whole configuration, with the files of the provider and of who uses the resource.
    #[must_use]
    pub fn configuration(&self, out: &Path, users: &Path) -> Vec<(String, String)> {
        let files = [("out", out), ("users", users)];
        let files = files.map(|(key, path)| (key.to_owned(), path.display().to_string()));
        self.config.iter().cloned().chain(files).collect()
    }
}

/// The line of a case about a resource that is provided; `false` when it is about something else. `provide NAME INTERFACE MAX ...`,
/// `provider NAME KEY VALUE`, `member [NAME.]NUMBER LINE`.
///
/// # Errors
/// A word is missing, or there is no such resource.
pub fn line(provided: &mut Vec<Provided>, word: &str, rest: &str) -> Result<bool, String> {
    let pair = |text: &str| {
        text.split_once(' ')
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .ok_or("a word is missing")
    };
    match word {
        "provide" => provided.push(Provided::of(rest)?),
        "provider" => {
            let (name, rest) = pair(rest)?;
            let (key, value) = pair(&rest)?;
            let found = provided.iter_mut().find(|one| one.name == name).ok_or("no such resource")?;
            found.configure(&key, &value);
        }
        "member" => {
            let (member, line) = pair(rest)?;
            let (name, member) = member.split_once('.').unwrap_or(("", &member));
            let mut all = provided.iter_mut();
            let found = all.find(|one| name.is_empty() || one.name == name).ok_or("no such resource")?;
            found.expect(member, &line);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Holds what the providers left behind against what the case says: `never` of a member that is not there.
///
/// # Errors
/// The first difference, or what no container does.
pub fn compare(provided: &[Provided], left: &Path) -> Result<(), String> {
    if provided.is_empty() {
        return Ok(());
    }
    let left = fs::read_to_string(left).unwrap_or_default();
    let records: BTreeMap<&str, &str> =
        left.split("-- record ").skip(1).filter_map(|part| part.split_once('\n')).collect();
    for one in provided {
        let record = |key: &str| records.get(format!("{}.{key}", one.name).as_str()).copied();
        if let Some(faults) = record("faults").or(record("bfaults")) {
            return Err(format!(
                "seen by the provider of {}: {}",
                one.name,
                faults.trim().replace('\n', " / ")
            ));
        }
        if record("life").is_none() {
            return Err(format!("the provider of {} left nothing behind", one.name));
        }
        for (key, expected) in &one.record {
            let found = record(key);
            if expected == &["never"] && found.is_none() {
                continue;
            }
            let lines: Vec<&str> = found.unwrap_or_default().lines().collect();
            record::compare(expected, &lines)
                .map_err(|why| format!("{why}; {} {key}: {}", one.name, lines.join(" / ")))?;
        }
    }
    Ok(())
}
