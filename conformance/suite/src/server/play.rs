//! One case: a container of its own, the client's acts, the probe's record, the log and what is left at the end. Must not know any
//! container.

use super::adapter::{self, Running, Wanted};
use super::scenario::{Act, Scenario};
use super::special::ask;
use super::{calls, client, provided, record};
use crate::case::Outcome;
use crate::patience;
use crate::scratch::Scratch;
use crate::target::ServerTarget;
use std::fs;
use std::time::{Duration, Instant};

/// The key of the record.
const KEY: &str = "case";

/// Runs a case.
#[must_use]
pub fn play(scenario: &Scenario, target: &ServerTarget) -> Outcome {
    let capabilities = match &target.capabilities {
        Some(capabilities) => capabilities.clone(),
        None => match adapter::capabilities(&target.adapter) {
            Ok(capabilities) => capabilities,
            Err(why) => return Outcome::fail(why),
        },
    };
    if let Some(need) = scenario.needs.iter().find(|need| !capabilities.contains(*need)) {
        return Outcome::skip(format!("the container has no capability `{need}`"));
    }
    let module = target.probes.join(format!("{}.so", scenario.module));
    if !module.exists() {
        return Outcome::fail(format!(
            "{} is missing: conformance/probes/build.sh builds it",
            module.display()
        ));
    }
    let scratch = match Scratch::new() {
        Ok(scratch) => scratch,
        Err(error) => return Outcome::fail(error.to_string()),
    };
    let left = scratch.file("left");
    let mut config = vec![("out".to_owned(), left.display().to_string())];
    config.extend(scenario.config.iter().cloned());
    let mut wanted = Wanted { module, config, settings: scenario.settings.clone(), ..Wanted::default() };
    let provider_left = scratch.file("provider-left");
    if !scenario.provided.is_empty() {
        let words: Vec<&str> = scenario.provided.iter().map(|one| one.words.as_str()).collect();
        wanted.settings.push(("provided".into(), words.join("; ")));
        wanted.provider = target.probes.join("provider.so");
        let configuration = |one: &provided::Provided| one.configuration(&provider_left, &left);
        wanted.provided =
            scenario.provided.iter().map(|one| (one.name.clone(), configuration(one))).collect();
    }
    match (adapter::start(target, &wanted), &scenario.refuses) {
        (Err(log), Some(words)) => has_words(&log, words),
        (Err(log), None) => tail(Outcome::fail("it does not start"), &log),
        (Ok(mut running), refuses) => {
            if refuses.is_some() {
                return refused_late(&mut running);
            }
            let outcome = with_container(scenario, &mut running, &left)
                .and_then(|()| provided::compare(&scenario.provided, &provider_left));
            match outcome {
                Ok(()) => Outcome::pass(),
                Err(why) => tail(Outcome::fail(why), &running.log()),
            }
        }
    }
}

/// A container may also start and answer 500 [module.create.refused].
fn refused_late(running: &mut Running) -> Outcome {
    match ask(&running.url, "/") {
        Ok((500, _)) => Outcome::pass(),
        Ok((status, _)) => Outcome::fail(format!("the module was taken, and answers {status}")),
        Err(why) => Outcome::fail(format!("the module was taken: {why}")),
    }
}

fn has_words(log: &str, words: &str) -> Outcome {
    let log_lower = log.to_lowercase();
    match words.split_whitespace().find(|word| !log_lower.contains(&word.to_lowercase())) {
        Some(word) => tail(Outcome::fail(format!("the message does not say `{word}`")), log),
        None => Outcome::pass(),
    }
}

fn tail(outcome: Outcome, log: &str) -> Outcome {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(12)..]
        .iter()
        .fold(outcome, |outcome, line| outcome.detail(format!("| {line}")))
}

fn with_container(scenario: &Scenario, running: &mut Running, left: &std::path::Path) -> Result<(), String> {
    let is_probe = !scenario.module.starts_with("variant-");
    let target = if is_probe { format!("/do/{KEY}?{}", scenario.query()) } else { "/".to_owned() };
    // Who could be asked for the record is gone at the end of these.
    let stops = scenario.acts.contains(&Act::Stop) || scenario.acts.contains(&Act::Replaced);
    let kept = client::play(scenario, &target, running)?;
    let is_mute = scenario.config.iter().any(|(name, value)| name == "failing_worker" && value == "all");
    if is_probe && !stops && !is_mute {
        look_into(scenario, |section, count| {
            let name = if section.is_empty() { KEY.to_owned() } else { format!("{KEY}.{section}") };
            if section == "later" {
                return eventually(running, &format!("/now/{name}"), count);
            }
            whole(running, &format!("/seen/{name}"))
        })?;
        settle(running)?;
    }
    drop(kept);
    let status = running.stop()?;
    if !status.success() && status.code() != Some(143) {
        return Err(format!("the adapter ended with {status}"));
    }
    if is_probe {
        let left = fs::read_to_string(left).unwrap_or_default();
        if stops {
            look_into(scenario, |section, _| {
                Ok(left_record(
                    &left,
                    &if section.is_empty() { KEY.to_owned() } else { format!("{KEY}.{section}") },
                ))
            })?;
        }
        if !scenario.acts.contains(&Act::Replaced) {
            at_the_end(scenario, &left)?;
        }
    }
    let log = running.log();
    for words in &scenario.logs {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        if !log.lines().map(str::to_lowercase).any(|line| words.iter().all(|word| line.contains(word))) {
            return Err(format!("no line of the log has all of: {}", words.join(" ")));
        }
    }
    Ok(())
}

fn look_into(scenario: &Scenario, get: impl Fn(&str, usize) -> Result<String, String>) -> Result<(), String> {
    for (section, expected) in &scenario.record {
        let text = get(section, expected.len())?;
        let lines: Vec<&str> = text.lines().collect();
        let is_table =
            |line: &&str| scenario.tables.iter().any(|(place, _)| line.starts_with(&format!("{place}: ")));
        let compared: Vec<&str> = lines.iter().copied().filter(|line| !is_table(line)).collect();
        record::compare(expected, &compared)
            .map_err(|why| format!("{why}; the record {section}: {}", lines.join(" / ")))?;
        let has = |place: &str| lines.iter().any(|line| line.starts_with(&format!("{place}: ")));
        for (place, column) in scenario.tables.iter().filter(|(place, _)| has(place)) {
            calls::check(place, column, &lines)?;
        }
    }
    Ok(())
}

/// The record when its tasks have finished. Who asks waits for that, and may meet the deadline of the case meanwhile.
fn whole(running: &Running, path: &str) -> Result<String, String> {
    let until = Instant::now() + patience::container();
    loop {
        match ask(&running.url, path)? {
            (200, text) => return Ok(text),
            (503, _) if Instant::now() < until => {}
            (status, _) => return Err(format!("{path} is answered {status}")),
        }
    }
}

/// What threads of the module wrote has no end that the container knows of.
fn eventually(running: &Running, path: &str, count: usize) -> Result<String, String> {
    let until = Instant::now() + patience::container();
    loop {
        let (_, text) = ask(&running.url, path)?;
        if text.lines().count() >= count || Instant::now() > until {
            return Ok(text);
        }
    }
}

/// A record of the file that the probe left behind.
fn left_record(left: &str, name: &str) -> String {
    let records = left.split("-- record ").skip(1);
    let found = records.filter_map(|part| part.split_once('\n')).find(|(key, _)| *key == name);
    found.map(|(_, text)| text.to_owned()).unwrap_or_default()
}

/// After a case, no task but the one that asks is left, and nothing was seen that no container does.
fn settle(running: &Running) -> Result<(), String> {
    let until = Instant::now() + patience::container();
    loop {
        let (_, text) = ask(&running.url, "/count")?;
        let count: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| format!("/count: {error}: {text}"))?;
        if count["faults"] != 0 {
            let (_, faults) = ask(&running.url, "/now/faults")?;
            return Err(format!("seen from inside: {}", faults.trim()));
        }
        if count["live"] == 1 {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("{} tasks are left", count["live"]));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What holds at the end of every case: one `create`, as many `worker_stop` as `worker_start`, then `destroy` with nothing left.
fn at_the_end(scenario: &Scenario, left: &str) -> Result<(), String> {
    let events = left.split("-- record ").next().unwrap_or_default();
    let life = left_record(left, "life");
    let events: Vec<&str> = events.lines().collect();
    let count = |name: &str| events.iter().filter(|line| line.starts_with(name)).count();
    let shown = events.join(" / ");
    if count("create") != 1 || events.first() != Some(&"create") || count("destroy") != 1 {
        return Err(format!("not one create and one destroy: {shown}"));
    }
    let failed =
        if scenario.config.iter().any(|(name, _)| name == "failing_worker") { usize::MAX } else { 0 };
    if failed == 0 && count("worker_start") != count("worker_stop") {
        return Err(format!("worker_start and worker_stop differ in number: {shown}"));
    }
    let last = events.last().copied().unwrap_or_default();
    let numbers: Vec<&str> = last.split(['=', ' ']).collect();
    let is_even = numbers.get(2).is_some() && numbers.get(2) == numbers.get(4);
    if !last.starts_with("destroy") || !is_even || !last.contains("live=0 ") || !last.ends_with("faults=0") {
        return Err(format!("at the end: {shown}; faults: {}", left_record(left, "faults")));
    }
    let life: Vec<&str> = life.lines().collect();
    for (place, column) in &scenario.tables {
        if life.iter().any(|line| line.starts_with(&format!("{place}: "))) {
            calls::check(place, column, &life)?;
        }
    }
    for wanted in &scenario.leaves {
        if !life.iter().any(|line| record::fits(wanted, line)) {
            return Err(format!("`{wanted}` is missing in the record of the instance: {}", life.join(" / ")));
        }
    }
    Ok(())
}
