use proptest::prelude::*;

use super::*;

fn cut(document: &str, format: Format, sizes: Sizes) -> Vec<(&str, String)> {
    chunks(document, format, sizes)
        .into_iter()
        .map(|chunk| (document.get(chunk.span).unwrap(), chunk.path.join(" > ")))
        .collect()
}

const SMALL: Sizes = Sizes { aim: 40, most: 60 };

#[test]
fn markdown_is_cut_at_headings_and_packed_below_them() {
    let document = "---\nid: 1\n---\n# Guide *to* `x`\n\n## Install\n\nRun it.\n\nThen wait.\n\n\
        ## Use\n\n- one item here\n- another item here\n- a third item here\n\n```sh\n# no heading\n```\n\
        \nSetext\n===\nend [a]\n\n[a]: https://example.org\n";
    let found = cut(document, Format::Markdown, SMALL);
    let wanted = [
        ("---\nid: 1\n---", ""),
        ("# Guide *to* `x`\n\n## Install\n\nRun it.", "Guide to x > Install"),
        ("Then wait.", "Guide to x > Install"),
        ("## Use\n\n- one item here", "Guide to x > Use"),
        ("- another item here\n- a third item here", "Guide to x > Use"),
        ("```sh\n# no heading\n```", "Guide to x > Use"),
        ("Setext\n===\nend [a]\n\n[a]: https://example.org", "Setext"),
    ];
    let wanted: Vec<(&str, String)> =
        wanted.iter().map(|(text, path)| (*text, (*path).to_owned())).collect();
    assert_eq!(found, wanted);
    let chunk = &chunks(document, Format::Markdown, SMALL)[1];
    assert!(chunk.ranked_text("T", document).starts_with("T\nGuide to x\nInstall\n# Guide"));
}

#[test]
fn text_is_cut_as_kindly_as_its_length_allows() {
    let word = "x".repeat(70);
    let document = format!(
        "Short one.\n\nShort two.\n\nA sentence of a longer paragraph. Another one of it! And a third \
         sentence, without any end that shows\nA line of its own\n\n{word}"
    );
    let found = cut(&document, Format::Text, SMALL);
    let texts: Vec<&str> = found.iter().map(|(text, _)| *text).collect();
    assert_eq!(
        texts,
        [
            "Short one.\n\nShort two.",
            "A sentence of a longer paragraph.",
            "Another one of it!",
            "And a third sentence, without any end that shows",
            "A line of its own",
            word.get(..40).unwrap(),
            word.get(40..).unwrap(),
        ]
    );
}

#[test]
fn source_keeps_comments_with_functions_and_names_later_parts() {
    let document = "use std::io;\n\n/// Adds.\nfn add() {\n    1;\n}\n\n#[test]\nfn long() {\n    first_statement();\n\n    second_statement();\n\n    third_statement();\n}\n";
    let found = cut(document, Format::Source, SMALL);
    let wanted = [
        ("use std::io;", ""),
        ("/// Adds.\nfn add() {\n    1;\n}", ""),
        ("#[test]\nfn long() {\n    first_statement();", ""),
        ("    second_statement();", "fn long() {"),
        ("    third_statement();\n}", "fn long() {"),
    ];
    for ((text, path), (wanted, name)) in found.iter().zip(wanted) {
        assert_eq!((*text, path.as_str()), (wanted, name));
    }
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn a_turn_is_a_chunk_and_a_long_one_several() {
    let long = "One sentence here. ".repeat(8);
    let turns = [
        Turn { speaker: "Ann", text: "Hi!\n\nHow are you?" },
        Turn { speaker: "", text: " " },
        Turn { speaker: "Bo", text: &long },
    ];
    let found = turn_chunks(&turns, SMALL);
    let numbers: Vec<usize> = found.iter().map(|chunk| chunk.turn).collect();
    assert_eq!(numbers, [0, 2, 2, 2]);
    assert_eq!(found[0].ranked_text(&turns), "Ann: Hi!\n\nHow are you?");
    assert!(found[1].ranked_text(&turns).starts_with("Bo: One sentence here. One"));
}

#[test]
fn json_is_cut_at_members_and_long_ones_are_opened() {
    let document = r#"{"name": "x", "short": [1, 2], "list": [{"a": "1, 2 } ] \" é"}, {"b": "another element"}, {"c": "and a third one"}], "end": true}"#;
    let found = cut(document, Format::Json, SMALL);
    let wanted = [
        (r#"{"name": "x", "short": [1, 2],"#, ""),
        (r#""list": [{"a": "1, 2 } ] \" é"},"#, "list"),
        (r#"{"b": "another element"},"#, "list"),
        (r#"{"c": "and a third one"}],"#, "list"),
        (r#""end": true}"#, ""),
    ];
    let wanted: Vec<(&str, String)> =
        wanted.iter().map(|(text, path)| (*text, (*path).to_owned())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn records_stand_under_their_header() {
    let document = "name;note\r\nAda;\"a line\r\nand another; of hers\"\r\nBob;short\r\nEve;of some length\r\n";
    let found = cut(document, Format::Csv, SMALL);
    let wanted = [
        ("name;note\r\nAda;\"a line\r\nand another; of hers\"", "name;note"),
        ("Bob;short\r\nEve;of some length", "name;note"),
    ];
    let wanted: Vec<(&str, String)> =
        wanted.iter().map(|(text, path)| (*text, (*path).to_owned())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_page_is_what_its_reader_sees() {
    let page = Page::read(
        "<!DOCTYPE html><title>The &amp;\n title</title><style>p{}</style><body>Before\n<h1>Guide <em>to</em> x</h1>\
         <script>if (a < b) { '</p>' }</script><p>Run  it.<br>Then wait.<svg><title>no</title><p>After a drawing\
         <h2>List</h2><ul><li>one<li><p>two <img alt='picture'></ul><table><tr><th>a<th>b<tr><td>1<td>2</table>\
         <pre>fn a() {\n    b\n}</pre><template><p>never</template>&copy; end <b>of",
    );
    assert_eq!(page.title.as_deref(), Some("The & title"));
    let wanted = "Before\n\nGuide to x\n\nRun it.\nThen wait.\n\nAfter a drawing\n\nList\n\n- one\n\n- two picture\n\n\
        a | b\n1 | 2\n\nfn a() {\n    b\n}\n\n© end of";
    assert_eq!(page.text, wanted);
    let found = page.chunks(Sizes { aim: 60, most: 80 });
    let paths: Vec<String> = found.iter().map(|chunk| chunk.path.join(" > ")).collect();
    assert_eq!(paths, ["", "Guide to x", "Guide to x > List"]);
    let second = page.text.get(found[1].span.clone()).unwrap();
    assert_eq!(second, "Guide to x\n\nRun it.\nThen wait.\n\nAfter a drawing");
}

#[test]
fn a_conversation_is_one_text() {
    let long = "One sentence here. ".repeat(8);
    let turns = [
        Turn { speaker: "Ann", text: "Hi!\n\nHow are you? " },
        Turn { speaker: "", text: " " },
        Turn { speaker: "Bo", text: &long },
    ];
    let (text, chunks) = conversation(&turns, SMALL);
    assert!(text.starts_with("Ann: Hi!\n\nHow are you?\n\nBo: One sentence here. One"), "{text}");
    let texts: Vec<&str> =
        chunks.iter().map(|chunk| text.get(chunk.span.clone()).unwrap()).collect();
    assert_eq!(texts[0], "Ann: Hi!\n\nHow are you?");
    assert!(texts[1].starts_with("Bo: One sentence here."));
    assert_eq!(chunks[2].path, ["Bo"]);
    assert_eq!(chunks.len(), 4);
}

/// In order, within bounds, nothing but space is lost.
fn covers(text: &str, chunks: &[Chunk], most: usize, what: &str) -> Result<(), TestCaseError> {
    let mut end = 0;
    for chunk in chunks {
        prop_assert!(chunk.span.start >= end);
        let gap = text.get(end..chunk.span.start);
        prop_assert!(gap.is_some_and(|gap| gap.trim().is_empty()), "{}: {:?}", what, gap);
        let piece = text.get(chunk.span.clone()).unwrap_or_default();
        prop_assert!(!piece.trim().is_empty());
        prop_assert!(piece.chars().count() <= most, "{}: {:?}", what, piece);
        end = chunk.span.end;
    }
    let rest = text.get(end..).unwrap_or("no boundary");
    prop_assert!(rest.trim().is_empty(), "{}: {:?}", what, rest);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the bytes, pages and conversations lose nothing either.
    #[test]
    fn nothing_of_a_page_or_conversation_is_lost(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        html in "(</?(p|h1|h2|li|td|tr|pre|svg|title|template|script|style|b|img|textarea)( alt='x')?/?>|<|&amp;|&#|[a-zé]{1,9} ?|\n|<!--|-->|]]>|\\PC){0,60}",
        said in prop::collection::vec(("[A-Z]{0,3}", "(\n| |[a-z]{1,30}[.!?]? |\\PC){0,30}"), 0..6),
        aim in 1usize..60, more in 0usize..60,
    ) {
        let sizes = Sizes { aim, most: aim + more };
        for html in [String::from_utf8_lossy(&bytes).into_owned(), html] {
            let page = Page::read(&html);
            covers(&page.text, &page.chunks(sizes), sizes.most, "page")?;
        }
        let turns: Vec<Turn<'_>> =
            said.iter().map(|(speaker, text)| Turn { speaker, text }).collect();
        let (text, chunks) = conversation(&turns, sizes);
        covers(&text, &chunks, sizes.most + 5, "conversation")?;
    }

    /// Whatever the bytes, no format loses any.
    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300), aim in 1usize..20) {
        let sizes = Sizes { aim, most: aim * 2 };
        let text = String::from_utf8_lossy(&bytes);
        for format in [Format::Json, Format::Csv, Format::Markdown, Format::Source, Format::Text] {
            covers(&text, &chunks(&text, format, sizes), sizes.most, "bytes")?;
        }
    }

    /// Whatever the text: in order, within bounds, nothing but space is lost.
    #[test]
    fn nothing_is_lost(
        text in "(#{1,3} |- |```\n|\n|\n\n|    |[a-z]{1,30}[.!?]? |\\PC|\t|\\[a\\]: b\n|>|\\||\"|,|:|\\{|\\[|\\}|\\]){0,60}",
        aim in 1usize..60, more in 0usize..60,
    ) {
        let sizes = Sizes { aim, most: aim + more };
        let formats =
            [Format::Markdown, Format::Text, Format::Source, Format::Json, Format::Csv];
        for format in formats {
            covers(&text, &chunks(&text, format, sizes), sizes.most, &format!("{format:?}"))?;
        }
    }
}
