//! From an API object to what a caller sees of it.

use mcp_core::untrusted::CUT;
use serde_json::{Map, Value};

use crate::{
    money,
    privacy::{self, Changes, Rules},
    projection::{Coverage, Fields},
};

/// What to say about the objects shown.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    changes: Changes,
    coverage: Coverage,
}

impl Notes {
    /// The warnings of an answer.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let masked = self.changes.masked.then(|| "personal data is masked".to_owned());
        let cut = self.changes.cut.then(|| {
            "long texts are cut; name the field in `fields` for up to 5000 characters".to_owned()
        });
        [masked, cut, self.coverage.warning()].into_iter().flatten().collect()
    }
}

/// Show amounts in their usual unit, hide what must be hidden, keep the fields asked for.
///
/// Hiding comes before picking: whether a `name` is a person's depends on the whole object.
pub(crate) fn present(
    compact: &[&str],
    fields: &Fields,
    rules: Rules,
    object: Map<String, Value>,
    notes: &mut Notes,
) -> Map<String, Value> {
    let mut value = Value::Object(object);
    money::annotate(&mut value);
    let mut changes = privacy::clean(&mut value, rules);
    let Value::Object(whole) = value else { return Map::new() };
    notes.coverage.see(fields, &whole);
    let shown = fields.select(compact, &whole);
    // Only what is shown needs to be explained.
    changes.masked &= shown.values().any(|value| any_text(value, &|text| text.ends_with("***")));
    changes.cut &= shown.values().any(|value| any_text(value, &|text| text.ends_with(CUT)));
    notes.changes |= changes;
    shown
}

fn any_text(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, test)),
        Value::Object(map) => map.values().any(|value| any_text(value, test)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;

    const RULES: Rules = Rules { personal_data: false, longest_text: 20 };

    fn shown(fields: &[&str], object: Value) -> (Value, Vec<String>) {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let Value::Object(object) = object else { panic!("not an object") };
        let mut notes = Notes::default();
        let fields = Fields::new(Some(fields), &[]);
        let shown = present(Resource::Customer.compact(), &fields, RULES, object, &mut notes);
        (shown.into(), notes.warnings())
    }

    #[test]
    fn a_person_is_masked_even_when_the_kind_is_not_shown() {
        let customer = json!({"id": "cus_1", "object": "customer", "name": "Jane", "balance": -5, "currency": "eur"});
        let (value, warnings) = shown(&["name", "balance"], customer.clone());
        assert_eq!(
            value,
            json!({"id": "cus_1", "name": "J***", "balance": -5, "balance_display": "-0.05 EUR"})
        );
        assert_eq!(warnings, ["personal data is masked"]);
        assert!(shown(&["balance"], customer).1.is_empty());
    }

    #[test]
    fn a_cut_text_and_an_unknown_field_are_said() {
        let customer = json!({"id": "cus_1", "object": "customer", "description": "x".repeat(30), "currency": "eur"});
        assert!(shown(&["description"], customer.clone()).1[0].starts_with("long texts are cut"));
        assert_eq!(
            shown(&["curency"], customer.clone()).1,
            ["no returned object has: `curency` (did you mean `currency`?)"]
        );
        assert!(shown(&["id"], customer).1.is_empty());
    }
}
