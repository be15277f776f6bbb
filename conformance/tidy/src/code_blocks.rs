//! Code blocks of Markdown files, as somebody would copy them out. Must not know what is in them.

use crate::links::OPTIONS;
use crate::repository::Text;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// The blocks whose info string is `language`, in order.
#[must_use]
pub fn of(text: &Text, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for event in Parser::new_ext(&text.text, OPTIONS) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if &*info == language => {
                block = Some(String::new());
            }
            Event::Text(part) => block.iter_mut().for_each(|block| block.push_str(&part)),
            Event::End(TagEnd::CodeBlock) => blocks.extend(block.take()),
            _ => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_language_come_whole() {
        let text =
            Text::new("a.md", "text\n\n```c\nint a;\n\nint b;\n```\n\n```sh\nls\n```\n\n```c\nint c;\n```\n");
        assert_eq!(of(&text, "c"), ["int a;\n\nint b;\n", "int c;\n"]);
        assert_eq!(of(&text, "rust"), [""; 0]);
    }
}
