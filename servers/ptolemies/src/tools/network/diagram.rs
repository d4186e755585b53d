//! A picture as text for other programs. Every label is escaped for where it stands: nothing stored
//! can end a label, or be taken for a part of the language around it.

use std::fmt::Write;

use super::picture::Picture;

/// A flowchart for Mermaid.
pub(super) fn mermaid(picture: &Picture) -> String {
    let mut text = String::from("flowchart LR\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        push(&mut text, format_args!("  n{at}[\"{}\"]\n", for_mermaid(&node.name)));
    }
    for edge in &picture.edges {
        let label = for_mermaid(&edge.kind);
        push(&mut text, format_args!("  n{} -->|\"{label}\"| n{}\n", edge.from, edge.to));
    }
    text
}

/// A digraph for Graphviz.
pub(super) fn dot(picture: &Picture) -> String {
    let mut text = String::from("digraph knowledge {\n  rankdir=LR;\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        push(&mut text, format_args!("  n{at} [label=\"{}\"];\n", for_dot(&node.name)));
    }
    for edge in &picture.edges {
        let label = for_dot(&edge.kind);
        push(&mut text, format_args!("  n{} -> n{} [label=\"{label}\"];\n", edge.from, edge.to));
    }
    text.push_str("}\n");
    text
}

/// The interchange format of yEd, Gephi, networkx.
pub(super) fn graphml(picture: &Picture) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n\
         <key id=\"id\" for=\"all\" attr.name=\"id\" attr.type=\"string\"/>\n\
         <key id=\"name\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>\n\
         <key id=\"type\" for=\"all\" attr.name=\"type\" attr.type=\"string\"/>\n\
         <key id=\"distance\" for=\"node\" attr.name=\"distance\" attr.type=\"int\"/>\n\
         <key id=\"weight\" for=\"edge\" attr.name=\"weight\" attr.type=\"double\"/>\n\
         <graph id=\"knowledge\" edgedefault=\"directed\">\n",
    );
    for (at, node) in picture.nodes.iter().enumerate() {
        push(&mut text, format_args!("<node id=\"n{at}\">{}", data("id", &node.id)));
        text.push_str(&data("name", &node.name));
        text.push_str(&node.kind.as_deref().map_or_else(String::new, |kind| data("type", kind)));
        text.push_str(&data("distance", &node.distance.to_string()));
        text.push_str("</node>\n");
    }
    for edge in &picture.edges {
        push(&mut text, format_args!("<edge source=\"n{}\" target=\"n{}\">", edge.from, edge.to));
        text.push_str(&data("id", &edge.id));
        text.push_str(&data("type", &edge.kind));
        text.push_str(&data("weight", &edge.weight.to_string()));
        text.push_str("</edge>\n");
    }
    text.push_str("</graph>\n</graphml>\n");
    text
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    // A string takes everything.
    text.write_fmt(part).unwrap_or_default();
}

fn data(key: &str, value: &str) -> String {
    format!("<data key=\"{key}\">{}</data>", for_xml(value))
}

/// A label on one line: letters, digits and what means nothing stay, all else becomes `#number;`.
fn for_mermaid(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    let mut before = None;
    for c in one_line(label) {
        // A dash after a dash could draw an arrow, one or a number at the start a list.
        let opens = before.is_none() || text.bytes().all(|byte| byte.is_ascii_digit());
        let plain = match c {
            ' ' | '_' | ',' => true,
            '.' => !opens,
            '-' => before.is_some_and(char::is_alphanumeric),
            _ => c.is_alphanumeric(),
        };
        if plain {
            text.push(c);
        } else {
            push(&mut text, format_args!("#{};", u32::from(c)));
        }
        before = Some(c);
    }
    if text.is_empty() { " ".to_owned() } else { text }
}

/// A label between double quotes. Graphviz reads backslashes and HTML entities in it.
fn for_dot(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    for c in one_line(label) {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '&' => text.push_str("&amp;"),
            _ => text.push(c),
        }
    }
    text
}

/// Text of an element. What XML cannot hold is left out.
fn for_xml(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\t' | '\n' => text.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if c.is_control() => {}
            _ => text.push(c),
        }
    }
    text
}

/// Characters with each run of white space as one space, and no control characters.
fn one_line(label: &str) -> impl Iterator<Item = char> {
    let words = label.split_whitespace().enumerate();
    let spaced = words.flat_map(|(at, word)| {
        let space = (at > 0).then_some(' ');
        space.into_iter().chain(word.chars())
    });
    spaced.filter(|c| !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: [&str; 16] = [
        "say \"hi\"",
        "a[b]{c}(d)",
        "two\nlines\r\n\tand a tab",
        "x --> y",
        "n1 --- n2",
        "]; click n0 call alert()",
        "</data></node><script>alert(1)</script>",
        "<![CDATA[ ]]> & &amp; &#34;",
        "back\\slash \\N \\\"",
        "#quot; #35;",
        "`code` **bold** _it_",
        "end",
        "1. first",
        "- item",
        "%% comment\n%%{init: {}}%%",
        "東京 | Grüße \u{1b}[31m \u{0}\u{fffe}",
    ];

    #[test]
    fn labels_of_mermaid_hold_nothing_but_text() {
        for label in NASTY {
            let text = for_mermaid(label);
            // Taking the numbered characters out leaves what means nothing in a quoted label.
            let mut rest = text.as_str();
            let mut read = String::new();
            while let Some((plain, tail)) = rest.split_once('#') {
                let (number, tail) = tail.split_once(';').expect("a number ends");
                read.push_str(plain);
                let c = number.parse().ok().and_then(char::from_u32).expect("a character");
                read.push(c);
                rest = tail;
                assert!(plain.chars().all(|c| c.is_alphanumeric() || " _,.-".contains(c)));
            }
            read.push_str(rest);
            assert_eq!(read, one_line(label).collect::<String>(), "nothing is lost");
            assert!(!text.contains("--") && !text.contains('"') && !text.contains('\n'), "{text}");
        }
        assert_eq!(for_mermaid("rust-analyzer v1.2"), "rust-analyzer v1.2");
        assert_eq!(for_mermaid("x --> y"), "x #45;#45;#62; y");
        assert_eq!(for_mermaid("1. a"), "1#46; a");
        assert_eq!(for_mermaid(""), " ");
    }

    #[test]
    fn labels_of_dot_end_where_they_end() {
        for label in NASTY {
            let text = for_dot(label);
            let mut read = String::new();
            let mut chars = text.chars();
            while let Some(c) = chars.next() {
                assert!(c != '"' && c != '\n', "{text} ends too early");
                read.push(if c == '\\' { chars.next().expect("an escaped character") } else { c });
            }
            let read = read.replace("&amp;", "&");
            assert_eq!(read, one_line(label).collect::<String>());
        }
    }

    #[test]
    fn text_of_xml_is_text() {
        for label in NASTY {
            let text = for_xml(label);
            assert!(!text.contains(['<', '>', '\u{0}', '\u{fffe}', '\u{1b}']), "{text}");
            for (at, _) in text.match_indices('&') {
                let rest = text.get(at..).unwrap_or_default();
                assert!(["&amp;", "&lt;", "&gt;"].iter().any(|known| rest.starts_with(known)));
            }
        }
        assert_eq!(for_xml("<![CDATA[ ]]> &amp;"), "&lt;![CDATA[ ]]&gt; &amp;amp;");
    }
}
