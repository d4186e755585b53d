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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the text: in order, within bounds, nothing but space is lost.
    #[test]
    fn nothing_is_lost(
        text in "(#{1,3} |- |```\n|\n|\n\n|    |[a-z]{1,30}[.!?]? |\\PC|\t|\\[a\\]: b\n|>|\\|){0,60}",
        aim in 1usize..60, more in 0usize..60,
    ) {
        let sizes = Sizes { aim, most: aim + more };
        for format in [Format::Markdown, Format::Text, Format::Source] {
            let mut end = 0;
            for chunk in chunks(&text, format, sizes) {
                prop_assert!(chunk.span.start >= end);
                let gap = text.get(end..chunk.span.start).unwrap();
                prop_assert!(gap.trim().is_empty(), "{:?} {:?}", format, gap);
                let piece = text.get(chunk.span.clone()).unwrap();
                prop_assert!(!piece.trim().is_empty());
                prop_assert!(piece.chars().count() <= sizes.most, "{:?}: {:?}", format, piece);
                end = chunk.span.end;
            }
            let rest = text.get(end..).unwrap();
            prop_assert!(rest.trim().is_empty(), "{:?}: {:?}", format, rest);
        }
    }
}
