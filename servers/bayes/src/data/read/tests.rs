//! Text into columns.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn code_of(format: Format, content: &str) -> &'static str {
    match read(format, content) {
        Err(DataError::Wrong { code, fix, .. }) if !fix.is_empty() => code,
        other => panic!("{content}: {other:?}"),
    }
}

#[test]
fn a_table_and_an_object_give_the_same() {
    let table = "id, y ,word\n1,2.5,a\n2,NA,\"b, c\"\n3,1e2,\n";
    let object = r#"{"id": [1, 2, 3], "y": [2.5, null, 1e2], "word": ["a", "b, c", null]}"#;
    let (values, columns) = read(Format::Csv, table).unwrap();
    assert_eq!((values.clone(), columns.clone()), read(Format::Json, object).unwrap());
    assert_eq!(values["y"], json!([2.5, null, 100.0]));
    let told = |at: usize| {
        let column: &Column = &columns[at];
        (column.r#type, column.n, column.missing, column.distinct)
    };
    assert_eq!(told(0), (ColumnType::Int, 3, 0, Some(3)));
    assert_eq!(told(1), (ColumnType::Real, 3, 1, None));
    assert_eq!(told(2), (ColumnType::Text, 3, 1, Some(2)));
    assert_eq!(
        (columns[1].min, columns[1].max, columns[1].mean),
        (Some(2.5), Some(100.0), Some(51.25))
    );
}

#[test]
fn shapes_are_told() {
    let (_, columns) =
        read(Format::Json, r#"{"n": 3, "m": [[1, 2], [3, 4], [5, 6]], "e": []}"#).unwrap();
    let dims: Vec<_> = columns.iter().map(|column| column.dims.clone()).collect();
    assert_eq!(dims, [vec![], vec![3, 2], vec![0]]);
}

#[test]
fn what_is_wrong_has_its_code_and_a_fix() {
    for (content, code) in [
        ("[1]", "syntax"),
        ("{\"y\": [1,", "syntax"),
        ("{\"y\": [NaN]}", "syntax"),
        ("{\"y\": 1e999}", "syntax"),
        ("{}", "data_missing"),
        ("{\"y\": 1, \"y\": 2}", "data_constraint"),
        ("{\"body mass\": 1}", "data_constraint"),
        ("{\"lp__\": 1}", "data_constraint"),
        ("{\"1\": 1}", "data_constraint"),
        ("{\"y\": [[1, 2], [3]]}", "data_size"),
        ("{\"y\": [1, [2]]}", "data_size"),
        ("{\"y\": [[[[[[[[[1]]]]]]]]]}", "data_size"),
        ("{\"y\": [1, \"a\"]}", "data_type"),
        ("{\"y\": [true]}", "data_type"),
        ("{\"y\": {\"z\": 1}}", "data_type"),
    ] {
        assert_eq!(code_of(Format::Json, content), code, "{content}");
    }
    for (content, code) in [
        ("", "data_missing"),
        ("a,a\n1,2\n", "data_constraint"),
        ("a,b\n1\n", "data_size"),
        ("a,,c\n1,2,3\n", "data_constraint"),
    ] {
        assert_eq!(code_of(Format::Csv, content), code, "{content}");
    }
    let many: Vec<String> = (0..=MAX_COLUMNS).map(|at| format!("c{at}")).collect();
    assert_eq!(code_of(Format::Csv, &many.join(",")), "limit_exceeded");
}

#[test]
fn the_fix_of_a_name_is_a_name() {
    for name in ["body mass", "1st", "größe", "__", "y__", "%"] {
        let Err(DataError::Wrong { fix, .. }) = check_name(name, &Values::new()) else {
            panic!("{name} is no name");
        };
        let new = fix.trim_start_matches("name it ").split(':').next().unwrap_or_default();
        assert_eq!(check_name(new, &Values::new()), Ok(()), "{name}: {fix}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(content in "[\\[\\]{}\",:0-9a-z.\\n -]{0,80}") {
        drop((read(Format::Json, &content), read(Format::Csv, &content)));
    }
}
