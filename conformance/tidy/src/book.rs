//! The specification as static pages: each chapter, with its rules marked and linked, and one page with the table of all rules.
//! Pure: texts in, pages out. It must not know where pages are written.

mod page;

use crate::links::{OPTIONS, anchor};
use crate::repository::Text;
use crate::rules::{Rule, of_chapters};
use crate::traces::Traces;
use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};
use regex::{Captures, Regex};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

static RULE_HEADER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^r\[([a-z0-9.-]+)\]\s\{([^}]*)\}").expect("a good pattern"));
static RULE_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:r\[)?([a-z0-9.-]+)\]?$").expect("a good pattern"));

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its file name.
    pub name: String,
    /// Its HTML.
    pub html: String,
}

/// Pages of the book. `front` is the specification's README, which becomes `index.html`; `headers` are shown as they are.
#[must_use]
pub fn render(front: &Text, chapters: &[Text], headers: &[Text], traces: &Traces) -> Vec<Page> {
    let (rules, _) = of_chapters(chapters);
    let contents: Vec<(String, String)> =
        chapters.iter().map(|text| (page_name(&text.path), title(&text.text))).collect();
    let mut pages = vec![text_page(front, "index.html", &contents, &rules, traces)];
    pages.extend(
        chapters.iter().map(|text| text_page(text, &page_name(&text.path), &contents, &rules, traces)),
    );
    pages.push(rule_table(&contents, &rules, traces));
    pages.extend(headers.iter().map(|header| header_page(header, &contents)));
    pages
}

/// The page of a chapter or header by its path.
fn page_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.strip_suffix(".md") {
        Some("README") => "index.html".into(),
        Some(chapter) => format!("{chapter}.html"),
        None => format!("{name}.html"),
    }
}

fn title(text: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or("untitled").to_owned()
}

fn text_page(
    text: &Text,
    name: &str,
    contents: &[(String, String)],
    rules: &BTreeMap<String, Rule>,
    traces: &Traces,
) -> Page {
    let marked = RULE_HEADER.replace_all(&text.text, |parts: &Captures<'_>| {
        let (id, facts) = (&parts[1], page::escape(&parts[2].replace('\n', " ")));
        format!(
            "<a class=\"rule\" id=\"{id}\" href=\"#{id}\">{id}</a> <span class=\"facts\">{facts}{}</span>",
            tested_by(traces, id)
        )
    });
    let mut events: Vec<Event<'_>> = Parser::new_ext(&marked, OPTIONS).collect();
    name_headings(&mut events);
    let events = events.into_iter().map(|event| link(event, rules));
    let mut body = String::new();
    html::push_html(&mut body, events);
    Page { name: name.into(), html: page::whole(&title(&text.text), name, contents, &body) }
}

/// Gives each heading the anchor that links use.
fn name_headings(events: &mut [Event<'_>]) {
    for index in 0..events.len() {
        if !matches!(events[index], Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let parts =
            events[index + 1..].iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let words = parts.filter_map(|event| match event {
            Event::Text(part) | Event::Code(part) => Some(part.to_string()),
            _ => None,
        });
        let name = anchor(&words.collect::<String>());
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[index] {
            *id = Some(name.into());
        }
    }
}

/// Links to chapters lead to their pages, names of rules to the rules.
fn link<'a>(event: Event<'a>, rules: &BTreeMap<String, Rule>) -> Event<'a> {
    match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: local(&dest_url).into(), title, id })
        }
        Event::Code(code) => match RULE_NAME.captures(&code).and_then(|parts| rules.get(&parts[1])) {
            Some(rule) => {
                let (page, id) = (page_name(&rule.chapter), &rule.id);
                Event::InlineHtml(CowStr::from(format!("<a href=\"{page}#{id}\"><code>{code}</code></a>")))
            }
            None => Event::Code(code),
        },
        other => other,
    }
}

fn local(target: &str) -> String {
    if target.contains("://") || target.starts_with('#') {
        return target.to_owned();
    }
    match target.split_once('#') {
        Some((path, anchor)) => format!("{}#{anchor}", page_name(path)),
        None => page_name(target),
    }
}

/// The cases beside a rule; nothing when there is none.
fn tested_by(traces: &Traces, rule: &str) -> String {
    let cases = page::escape(&traces.cases(rule).join(", "));
    if cases.is_empty() { cases } else { format!("; tested by {cases}") }
}

fn rule_table(contents: &[(String, String)], rules: &BTreeMap<String, Rule>, traces: &Traces) -> Page {
    let mut body = format!(
        "<h1>All rules</h1>\n<p>{} rules, by id.</p>\n<table><thead><tr><th>rule</th><th>who keeps it</th><th>how it is checked</th><th>cases of the conformance kit</th><th>since</th><th>what it says</th></tr></thead><tbody>\n",
        rules.len()
    );
    for rule in rules.values() {
        let (page, id) = (page_name(&rule.chapter), &rule.id);
        let [subject, check, since, text] = [&rule.subject, &rule.check, &rule.since, &rule.text]
            .map(|cell| page::escape(&cell.replace('`', "")));
        let cases = page::escape(&traces.cases(id).join(", "));
        let _ = writeln!(
            body,
            "<tr><td><a href=\"{page}#{id}\"><code>{id}</code></a></td><td>{subject}</td><td>{check}</td><td>{cases}</td><td>{since}</td><td>{text}</td></tr>"
        );
    }
    body.push_str("</tbody></table>\n");
    Page { name: "rules.html".into(), html: page::whole("All rules", "rules.html", contents, &body) }
}

fn header_page(header: &Text, contents: &[(String, String)]) -> Page {
    let name = page_name(&header.path);
    let shown = header.path.split_once("include/").map_or(header.path.as_str(), |(_, name)| name);
    let body =
        format!("<h1><code>{shown}</code></h1>\n<pre><code>{}</code></pre>\n", page::escape(&header.text));
    Page { html: page::whole(shown, &name, contents, &body), name }
}

/// Links within the pages that lead nowhere: to no page, or to no anchor of it. `others` are files that stand beside them.
#[must_use]
pub fn broken_links(pages: &[Page], others: &[&str]) -> Vec<String> {
    let attribute = |html: &str, name: &str| -> Vec<String> {
        html.split(&format!("{name}=\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect()
    };
    let anchors: BTreeMap<&str, Vec<String>> =
        pages.iter().map(|page| (page.name.as_str(), attribute(&page.html, " id"))).collect();
    let mut broken = Vec::new();
    for page in pages {
        for target in attribute(&page.html, "href") {
            let (name, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let name = if name.is_empty() { &page.name } else { name };
            let is_there = match anchors.get(name) {
                Some(known) => anchor.is_empty() || known.iter().any(|known| known == anchor),
                None => name.contains("://") || others.contains(&name),
            };
            if !is_there {
                broken.push(format!("{}: {target}", page.name));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Vec<Page> {
        let front = Text::new("spec/README.md", "# The ABI\n\n[Tasks](text/06-tasks.md#a-task)\n");
        let tasks = "# Tasks\n\n## A task\n\nr[task.done] {both, tested, since 1.0} It MUST `end`, see `task.done` & <x>.\n";
        let header = Text::new("spec/include/http_container/base.h", "#include <stdint.h>\n");
        let traces = Traces::parse("task.done\tmodule\ttasks-end\n");
        render(&front, &[Text::new("spec/text/06-tasks.md", tasks)], &[header], &traces)
    }

    #[test]
    fn every_text_has_its_page_and_every_rule_its_anchor() {
        let pages = book();
        let names: Vec<_> = pages.iter().map(|page| page.name.as_str()).collect();
        assert_eq!(names, ["index.html", "06-tasks.html", "rules.html", "base.h.html"]);
        assert!(pages[1].html.contains("id=\"task.done\""));
        assert!(pages[1].html.contains("<a href=\"06-tasks.html#task.done\"><code>task.done</code></a>"));
        assert!(pages[1].html.contains("since 1.0; tested by module tasks-end</span>"));
        assert!(pages[2].html.contains("1 rules") && pages[2].html.contains("<td>module tasks-end</td>"));
        assert!(pages[3].html.contains("&lt;stdint.h&gt;"));
    }

    #[test]
    fn links_are_checked() {
        let mut pages = book();
        assert_eq!(broken_links(&pages, page::BESIDE), [""; 0]);
        pages[1].html = pages[1].html.replace("id=\"a-task\"", "");
        assert_eq!(broken_links(&pages, page::BESIDE), ["index.html: 06-tasks.html#a-task"]);
        pages.remove(1);
        assert!(broken_links(&pages, page::BESIDE).len() > 2);
    }
}
