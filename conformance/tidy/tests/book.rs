//! The rendered specification: every chapter and rule has its place, and no link leads nowhere.

use hc_tidy::traces::{self, Traces};
use hc_tidy::{Repository, book, rules};

#[test]
fn the_specification_renders_with_all_its_rules_and_links() {
    let repository = Repository::open();
    let chapters = repository.texts(&["spec/text/"], &[".md"]);
    let headers = repository.texts(&["spec/include/"], &[".h"]);
    let traces = Traces::parse(&repository.read(traces::TABLE).text);
    let pages = book::render(&repository.read("spec/README.md"), &chapters, &headers, &traces);
    assert_eq!(book::broken_links(&pages, &["rust/http_container/index.html"]), [""; 0]);
    let all: String = pages.iter().map(|page| page.html.as_str()).collect();
    for id in rules::of_chapters(&chapters).0.keys() {
        assert_eq!(all.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
    }
}
