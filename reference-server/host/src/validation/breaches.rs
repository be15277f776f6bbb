//! Which rules were broken how often, by module. Must not know what a rule says.

use crate::container::lock;
use http_container_abi::Status;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// One breach.
pub(crate) struct Breach<'a> {
    /// The task's handle, or 0.
    pub task: u64,
    /// The request's id, or 0.
    pub request: u64,
    /// The rule that was broken.
    pub rule: &'static str,
    /// What the module was answered.
    pub status: Option<Status>,
    /// What it did, in a sentence.
    pub text: &'a str,
}

/// The rules that modules broke.
#[derive(Default, Debug)]
pub struct Breaches {
    /// By module and rule.
    counts: Mutex<BTreeMap<String, BTreeMap<&'static str, u64>>>,
}

impl Breaches {
    /// Counts one; answers how many that makes.
    pub(crate) fn note(&self, module: &str, rule: &'static str) -> u64 {
        let mut counts = lock(&self.counts);
        if !counts.contains_key(module) {
            counts.insert(module.to_owned(), BTreeMap::new());
        }
        let Some(of_module) = counts.get_mut(module) else { return 1 };
        let count = of_module.entry(rule).or_default();
        *count += 1;
        *count
    }

    /// Whether the breach that is the `times`th of its kind is worth a line: the first ten, then at each doubling.
    pub(crate) fn is_worth_telling(times: u64) -> bool {
        times <= 10 || times.is_power_of_two()
    }

    /// Module, rule and count, in order of their names.
    pub fn list(&self) -> Vec<(String, &'static str, u64)> {
        let counts = lock(&self.counts);
        let of_module = |(module, rules): (&String, &BTreeMap<&'static str, u64>)| {
            rules.iter().map(|(rule, count)| (module.clone(), *rule, *count)).collect::<Vec<_>>()
        };
        counts.iter().flat_map(of_module).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaches_are_counted_by_module_and_rule() {
        let breaches = Breaches::default();
        assert_eq!(breaches.note("b", "task.step.short"), 1);
        assert_eq!(breaches.note("a", "task.step.short"), 1);
        assert_eq!(breaches.note("b", "task.step.short"), 2);
        assert_eq!(breaches.note("b", "request.life"), 1);
        let list = breaches.list();
        let list: Vec<_> =
            list.iter().map(|(module, rule, count)| (module.as_str(), *rule, *count)).collect();
        assert_eq!(
            list,
            [("a", "task.step.short", 1), ("b", "request.life", 1), ("b", "task.step.short", 2)]
        );
    }

    #[test]
    fn what_happens_often_is_told_seldom() {
        let told = (1..=10_000).filter(|times| Breaches::is_worth_telling(*times)).count();
        assert_eq!(told, 10 + 10, "the first ten, then 16 to 8192");
    }
}
