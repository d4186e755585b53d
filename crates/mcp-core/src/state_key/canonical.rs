//! One form for equal JSON.

use rmcp::model::JsonObject;
use serde::Serialize;
use serde_json::Value;

use super::sha256;

/// From here on neighbouring integers share a double.
const SHARED: u64 = 1 << 53;

/// The form of RFC 8785: sorted names, numbers as ECMAScript writes doubles, no spaces.
///
/// An integer beyond 2^53 is written as the nearest double, as that RFC asks; [`digest_of`] still
/// tells its neighbours apart.
pub fn canonical_json<T: Serialize>(value: &T) -> Vec<u8> {
    // Neither a number that is no number nor a name that is no text comes from JSON.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// SHA-256 of an object in the form of [`canonical_json`], with its large integers to the digit:
/// two orders that differ in the last digit of an identifier are not one.
pub fn digest_of(object: &JsonObject) -> [u8; 32] {
    let mut bytes = canonical_json(object);
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    for (_, value) in members {
        large_integers(value, &mut bytes);
    }
    sha256(&bytes)
}

fn large_integers(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_some_and(|size| size >= SHARED) {
                bytes.push(b'\n');
                bytes.extend(number.to_string().bytes());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| large_integers(item, bytes)),
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (_, value) in members {
                large_integers(value, bytes);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(canonical_json(value)).unwrap()
    }

    /// Sections 3.2.2 and 3.2.3 of RFC 8785, and numbers of its appendix B.
    #[test]
    fn the_vectors_of_rfc_8785() {
        let sample = serde_json::from_str(
            r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                "literals": [null, true, false]}"#,
        )
        .unwrap();
        assert_eq!(
            text(&sample),
            concat!(
                r#"{"literals":[null,true,false],"#,
                r#""numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
                r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
            )
        );
        let names = json!({"\u{20ac}": "Euro Sign", "\r": "Carriage Return",
            "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control",
            "\u{f6}": "Latin Small Letter O With Diaeresis"});
        let sorted: Vec<String> = serde_json::from_str::<Vec<String>>(
            r#"["Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis",
                "Euro Sign", "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh"]"#,
        )
        .unwrap();
        let written = text(&names);
        let places: Vec<_> = sorted.iter().map(|name| written.find(name.as_str())).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{written}");
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
        ] {
            assert_eq!(text(&json!(f64::from_bits(bits))), expected);
        }
    }

    fn digest(value: Value) -> [u8; 32] {
        match value {
            Value::Object(object) => digest_of(&object),
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn large_integers_are_told_apart() {
        let digests = [
            json!({"a": [9_007_199_254_740_992_u64, 9_007_199_254_740_993_u64]}),
            json!({"a": [9_007_199_254_740_993_u64, 9_007_199_254_740_992_u64]}),
            json!({"a": [9_007_199_254_740_993_u64, 9_007_199_254_740_993_u64]}),
            json!({"a": [i64::MIN, u64::MAX]}),
            json!({"a": [i64::MIN + 1, u64::MAX]}),
        ]
        .map(digest);
        for (place, one) in digests.iter().enumerate() {
            assert!(!digests[place + 1..].contains(one), "{place}");
        }
        assert_eq!(digest(json!({"n": 1.0, "m": 1e21})), digest(json!({"m": 1e21, "n": 1})));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_stable_and_loses_nothing_but_width(value in any_json()) {
            let once = canonical_json(&value);
            let read: Value = serde_json::from_slice(&once).unwrap();
            prop_assert_eq!(canonical_json(&read), once);
        }

        #[test]
        fn equal_digests_are_equal_arguments(a in any_json(), b in any_json()) {
            let canonical = |value: &Value| canonical_json(value);
            let equal = digest(json!({"x": a})) == digest(json!({"x": b}));
            prop_assert!(!equal || canonical(&a) == canonical(&b));
            prop_assert_eq!(digest(json!({"x": a})), digest(json!({"x": a})));
        }
    }
}
