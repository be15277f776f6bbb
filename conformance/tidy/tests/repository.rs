//! The repository, held to its own rules: one test a rule, all findings of it at once.

use hc_tidy::exceptions::{self, Exception};
use hc_tidy::repository::Text;
use hc_tidy::{
    Finding, Repository, call_table, dependencies, edges, functions, licences, links, places, rule_uses,
    rules, sources, statuses, tags, traces, words,
};

/// Exceptions that stay, and those that wait for somebody to mend what they except.
const LISTS: [&str; 2] = ["conformance/tidy/exceptions.txt", "conformance/tidy/pending.txt"];

/// Generated or recorded files, which are as long and as worded as they are.
fn is_made(path: &str) -> bool {
    path.ends_with(".snap") || path == "Cargo.lock"
}

fn exceptions(repository: &Repository) -> Vec<Exception> {
    let read = |path: &str| {
        exceptions::parse(&repository.read(path).text).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    LISTS.into_iter().flat_map(read).collect()
}

/// Fails with every finding that is not excepted.
fn hold(check: &str, repository: &Repository, findings: Vec<Finding>) {
    let left = exceptions::remaining(check, findings, &exceptions(repository));
    let lines: String = left.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(left.is_empty(), "{check}: {} finding(s){lines}", left.len());
}

fn each(texts: &[Text], check: impl Fn(&Text) -> Vec<Finding>) -> Vec<Finding> {
    assert!(!texts.is_empty(), "there is nothing to check");
    texts.iter().flat_map(check).collect()
}

fn written(repository: &Repository) -> Vec<Text> {
    let mut texts = repository.texts(&[""], &[".rs", ".c", ".h", ".cpp", ".sh"]);
    texts.extend(repository.texts(&["bindings/"], &[".py"]));
    texts.into_iter().filter(|text| !is_made(&text.path)).collect()
}

#[test]
fn every_exception_is_from_a_check_that_there_is() {
    let known = [
        "places",
        "words",
        "edges",
        "licences",
        "opening",
        "length",
        "functions",
        "unsafe",
        "rules",
        "rule-uses",
        "calls",
        "statuses",
        "links",
        "traces",
    ];
    let repository = Repository::open();
    for exception in exceptions(&repository) {
        assert!(known.contains(&exception.check.as_str()), "there is no check {}", exception.check);
    }
}

#[test]
fn everything_is_in_its_place() {
    let repository = Repository::open();
    hold("places", &repository, places::check(repository.files()));
}

#[test]
fn no_file_holds_unfinished_work_or_a_path_of_some_machine() {
    let repository = Repository::open();
    let texts: Vec<Text> =
        repository.texts(&[""], &[""]).into_iter().filter(|text| text.path != "Cargo.lock").collect();
    hold("words", &repository, each(&texts, words::check));
}

#[test]
fn crates_name_each_other_along_the_allowed_edges_only() {
    let repository = Repository::open();
    hold("edges", &repository, edges::check(&repository.texts(&[""], &["Cargo.toml"])));
}

#[test]
fn licences_of_dependencies_allow_what_ours_allow() {
    let repository = Repository::open();
    hold("licences", &repository, licences::check(&dependencies::metadata(&repository)));
}

#[test]
fn every_rust_file_says_what_it_is() {
    let repository = Repository::open();
    hold("opening", &repository, each(&repository.texts(&[""], &[".rs"]), sources::opening));
}

#[test]
fn files_hold_one_idea_each() {
    let repository = Repository::open();
    hold("length", &repository, each(&written(&repository), sources::length));
}

#[test]
fn functions_fit_on_a_page() {
    let repository = Repository::open();
    let mut texts = written(&repository);
    texts.extend([".ci/run", ".ci/setup"].map(|path| repository.read(path)));
    hold("functions", &repository, each(&texts, functions::check));
}

#[test]
fn unsafe_code_is_in_abi_only() {
    let repository = Repository::open();
    hold("unsafe", &repository, each(&repository.texts(&[""], &[".rs"]), sources::without_unsafe));
}

#[test]
fn rules_are_well_formed_and_unique() {
    let repository = Repository::open();
    let (rules, findings) = rules::of_chapters(&repository.texts(&["spec/text/"], &[".md"]));
    assert!(rules.len() > 100, "the chapters were not read");
    hold("rules", &repository, findings);
}

#[test]
fn every_rule_that_is_named_exists() {
    let repository = Repository::open();
    let (rules, _) = rules::of_chapters(&repository.texts(&["spec/text/"], &[".md"]));
    let forms = rule_uses::Forms::new(&rules);
    let texts = repository.texts(&[""], &[".rs", ".c", ".h", ".cpp", ".md", ".toml", ".txt"]);
    // The texts of the checks' own tests name rules that there must not be.
    let texts = texts.iter().filter(|text| !text.path.starts_with("conformance/tidy/"));
    let uses: Vec<_> = texts.flat_map(|text| forms.uses(text)).collect();
    assert!(uses.len() > 500, "the uses were not read");
    hold("rule-uses", &repository, rule_uses::unknown(&uses, &rules));
}

#[test]
fn rules_that_modules_keep_have_cases_or_a_reason() {
    let repository = Repository::open();
    let (rules, _) = rules::of_chapters(&repository.texts(&["spec/text/"], &[".md"]));
    let table = traces::Traces::parse(&repository.read(traces::TABLE).text);
    let uncovered = repository.read(traces::UNCOVERED);
    hold("traces", &repository, traces::check(&rules, &table, traces::Side::Modules, &uncovered));
}

/// Lines of the file of container rules without a case. The number falls with each case that is added, and never rises.
const UNCOVERED_OF_CONTAINERS: usize = 48;

#[test]
fn rules_that_containers_keep_have_cases_or_a_reason() {
    let repository = Repository::open();
    let (rules, _) = rules::of_chapters(&repository.texts(&["spec/text/"], &[".md"]));
    let table = traces::Traces::parse(&repository.read(traces::TABLE).text);
    let uncovered = repository.read(traces::UNCOVERED_OF_CONTAINERS);
    let count = uncovered.lines().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()).count();
    assert_eq!(count, UNCOVERED_OF_CONTAINERS, "write the number of lines here; fewer than before");
    hold("traces", &repository, traces::check(&rules, &table, traces::Side::Containers, &uncovered));
}

#[test]
fn the_table_of_calls_says_what_the_headers_say() {
    let repository = Repository::open();
    let mut all = Vec::new();
    let mut findings = Vec::new();
    for header in repository.texts(&["spec/include/"], &[".h"]) {
        let (tags, untagged) = tags::of_header(&header);
        all.extend(tags);
        findings.extend(untagged);
    }
    assert!(all.len() > 20, "the tags were not read");
    findings.extend(call_table::check(&repository.read("spec/text/20-calls-and-states.md"), &all));
    hold("calls", &repository, findings);
}

#[test]
fn statuses_are_the_same_in_header_text_and_code() {
    let repository = Repository::open();
    let header = statuses::of_header(&repository.read("spec/include/http_container/status.h"));
    let chapter = statuses::of_chapter(&repository.read("spec/text/13-errors.md"));
    assert!(header.len() > 20, "the header was not read");
    let mut findings = statuses::differences(&header, &chapter, "spec/text/13-errors.md");
    findings.extend(statuses::differences(&chapter, &statuses::of_rust(), "abi/src/status.rs"));
    hold("statuses", &repository, findings);
}

#[test]
fn links_in_texts_lead_somewhere() {
    let repository = Repository::open();
    let texts = repository.texts(&[""], &[".md"]);
    let mut findings = links::check(&texts, repository.files());
    findings.extend(texts.iter().flat_map(|text| links::named_files(text, repository.files())));
    hold("links", &repository, findings);
}

#[test]
fn there_is_a_map_of_every_chapter() {
    let repository = Repository::open();
    let map = repository.read("spec/README.md").text;
    for chapter in repository.files().iter().filter(|path| path.starts_with("spec/text/")) {
        let name = chapter.trim_start_matches("spec/");
        assert!(map.contains(name), "spec/README.md does not name {name}");
    }
}
