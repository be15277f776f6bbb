//! What is around every page: head, style, contents. Nothing is loaded from elsewhere. Must not know what chapters say.

/// Files that the pages point at and that are made elsewhere.
pub const BESIDE: &[&str] = &["rust/http_container/index.html"];

const STYLE: &str = "
:root { color-scheme: light dark; --line: light-dark(#d8dee2, #3a4348); --soft: light-dark(#5b686f, #9aa8b0); --accent: light-dark(#0e5f6d, #6fc3d1); --shade: light-dark(#f4f6f7, #1e2427); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
nav { padding: 1.5rem 1rem; border-right: 1px solid var(--line); position: sticky; top: 0; height: 100vh; overflow-y: auto; font-size: .9rem; }
nav a { display: block; padding: .15rem .5rem; color: inherit; text-decoration: none; border-radius: .3rem; }
nav a:hover, nav a[aria-current] { background: var(--shade); color: var(--accent); }
nav hr { border: 0; border-top: 1px solid var(--line); }
main { padding: 1.5rem 2.5rem 4rem; max-width: 62rem; }
a { color: var(--accent); }
code, pre { font: .88em/1.5 ui-monospace, monospace; }
pre { background: var(--shade); padding: 1rem; overflow-x: auto; border-radius: .4rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: .93em; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
a.rule { font: .85em ui-monospace, monospace; font-weight: 600; text-decoration: none; scroll-margin-top: 1rem; }
p:has(> a.rule) { border-left: 3px solid var(--accent); padding-left: .9rem; }
p:has(> a.rule:target) { background: var(--shade); }
.facts { color: var(--soft); font-size: .85em; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } main { padding: 1rem; } }
";

/// A whole page. `contents` are the chapters: page, title.
pub fn whole(title: &str, name: &str, contents: &[(String, String)], body: &str) -> String {
    let entry = |page: &str, text: &str| {
        let current = if page == name { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{page}\"{current}>{}</a>\n", escape(text))
    };
    let mut navigation = entry("index.html", "The specification");
    for (page, text) in contents {
        let number = page.split('-').next().unwrap_or_default();
        navigation.push_str(&entry(page, &format!("{number} {text}")));
    }
    navigation.push_str("<hr>\n");
    navigation.push_str(&entry("rules.html", "All rules"));
    for page in BESIDE {
        navigation.push_str(&entry(page, "The Rust crates"));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{} - HTTP Container ABI</title>\n<style>{STYLE}</style>\n<nav>\n{navigation}</nav>\n<main>\n{body}</main>\n</html>\n",
        escape(title)
    )
}

/// Text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
