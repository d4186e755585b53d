//! What of an API object may reach a caller: secrets never, personal data masked, text bounded.

use mcp_core::untrusted;
use serde_json::{Map, Value};

/// How much to let through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Leave personal data as it is.
    pub(crate) personal_data: bool,
    /// Longest text, in characters.
    pub(crate) longest_text: usize,
}

/// What was changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Personal data was masked.
    pub(crate) masked: bool,
    /// A text was cut.
    pub(crate) cut: bool,
}

impl std::ops::BitOrAssign for Changes {
    fn bitor_assign(&mut self, other: Self) {
        self.masked |= other.masked;
        self.cut |= other.cut;
    }
}

/// What authenticates somebody, or identifies a card: never returned.
const SECRETS: &[&str] = &[
    "access_token",
    "account_number",
    "api_key",
    "client_secret",
    "cvc",
    "ephemeral_key",
    "fingerprint",
    "iban",
    "iin",
    "refresh_token",
    "secret",
    "session_token",
];

/// All that is kept of a card.
const CARD: &[&str] = &[
    "object",
    "id",
    "brand",
    "display_brand",
    "funding",
    "country",
    "network",
    "checks",
    "three_d_secure",
];

/// Objects whose fields are all a card's.
const CARDS: &[&str] = &["card", "card_present", "interac_present", "issuing.card"];

/// Fields that hold personal data, with everything in them.
const PERSONAL: &[&str] = &[
    "account_holder_name",
    "address",
    "billing_details",
    "business_name",
    "company",
    "customer_address",
    "customer_details",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_shipping",
    "customer_tax_ids",
    "dob",
    "email",
    "individual",
    "individual_name",
    "ip",
    "ip_address",
    "last4",
    "owner",
    "phone",
    "receipt_email",
    "shipping",
    "shipping_details",
    "tax_ids",
    "user_agent",
    "verified_address",
    "verified_name",
];

/// Objects whose `name` is a person's.
const PERSONS: &[&str] = &["customer", "person", "bank_account", "card"];

/// Fields inside personal data that identify nobody.
const HARMLESS: &[&str] = &["country", "id", "object", "status", "type", "url"];

/// Fields whose text comes from customers or other outsiders.
const FOREIGN: &[&str] = &[
    "address",
    "billing_details",
    "business_name",
    "business_profile",
    "cancellation_details",
    "custom_fields",
    "description",
    "display_name",
    "email",
    "features",
    "footer",
    "images",
    "individual_name",
    "lookup_key",
    "marketing_features",
    "message",
    "metadata",
    "name",
    "nickname",
    "phone",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "tax_ids",
    "transfer_group",
    "unit_label",
    "url",
];

/// Bring an API object into the form a caller may see.
pub(crate) fn clean(value: &mut Value, rules: Rules) -> Changes {
    let mut changes = Changes::default();
    Walk { rules, changes: &mut changes }.value(value, "", false);
    changes
}

struct Walk<'a> {
    rules: Rules,
    changes: &'a mut Changes,
}

impl Walk<'_> {
    fn value(&mut self, value: &mut Value, field: &str, personal: bool) {
        match value {
            Value::Object(map) => self.object(map, field, personal),
            Value::Array(items) => {
                for item in items {
                    self.value(item, field, personal);
                }
            }
            Value::String(text) => self.text(text, field, personal),
            Value::Number(_) if personal => {
                self.changes.masked = true;
                *value = Value::from("***");
            }
            _ => {}
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>, field: &str, personal: bool) {
        let kind = map.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
        map.retain(|name, _| !SECRETS.contains(&name.as_str()));
        if CARDS.contains(&kind.as_str()) || CARDS.contains(&field) {
            let last4 = self.rules.personal_data;
            map.retain(|name, _| CARD.contains(&name.as_str()) || (last4 && name == "last4"));
        }
        // Metadata keys are the merchant's own words, not names of API fields.
        let is_metadata = field == "metadata";
        let old = std::mem::take(map);
        for (name, mut value) in old {
            let own = PERSONAL.contains(&name.as_str())
                || (name == "name" && PERSONS.contains(&kind.as_str()));
            let harmless = HARMLESS.contains(&name.as_str());
            let hidden =
                !self.rules.personal_data && !is_metadata && (own || personal) && !harmless;
            self.value(&mut value, &name, hidden);
            map.insert(self.name(name), value);
        }
    }

    fn text(&mut self, text: &mut String, field: &str, personal: bool) {
        if personal && !text.is_empty() {
            self.changes.masked = true;
            *text = mask(field, text);
        }
        if !untrusted::is_clean(text, self.rules.longest_text) {
            self.changes.cut |= text.chars().count() > self.rules.longest_text;
            *text = untrusted::show(text, self.rules.longest_text);
        }
    }

    /// Metadata keys are foreign text too.
    fn name(&self, name: String) -> String {
        if untrusted::is_clean(&name, self.rules.longest_text) {
            name
        } else {
            untrusted::show(&name, 100)
        }
    }
}

/// Enough to recognise what one already knows, too little to learn it.
fn mask(field: &str, text: &str) -> String {
    let first =
        text.chars().next().filter(|c| c.is_alphanumeric()).map(String::from).unwrap_or_default();
    if field.ends_with("email") {
        format!("{first}***@***")
    } else if field == "name" || field.ends_with("_name") {
        format!("{first}***")
    } else {
        "***".to_owned()
    }
}

/// JSON pointers, below `at`, of the text that outsiders wrote.
pub(crate) fn foreign(value: &Value, at: &str) -> Vec<String> {
    untrusted::pointers(value, at, |field| FOREIGN.contains(&field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MASKED: Rules = Rules { personal_data: false, longest_text: 100 };
    const OPEN: Rules = Rules { personal_data: true, longest_text: 100 };

    fn customer() -> Value {
        json!({"id": "cus_1", "object": "customer", "name": "Jane Doe", "email": "jane@example.com",
            "phone": "+4912345", "address": {"line1": "Street 1", "country": "DE", "city": null},
            "description": "vip", "metadata": {"email": "kept", "name": "kept"},
            "invoice_settings": {"custom_fields": [{"name": "PO", "value": "7"}]},
            "default_source": {"object": "card", "id": "card_1", "brand": "Visa", "number": "4242", "cvc": "1",
                "exp_year": 2030, "last4": "4242", "fingerprint": "f", "name": "Jane"}})
    }

    #[test]
    fn personal_data_is_masked() {
        let mut value = customer();
        assert_eq!(clean(&mut value, MASKED), Changes { masked: true, cut: false });
        assert_eq!(value["name"], "J***");
        assert_eq!(value["email"], "j***@***");
        assert_eq!(value["phone"], "***");
        assert_eq!(value["address"], json!({"line1": "***", "country": "DE", "city": null}));
        assert_eq!(value["metadata"], json!({"email": "kept", "name": "kept"}));
        assert_eq!(value["description"], "vip");
        assert_eq!(
            value["default_source"],
            json!({"object": "card", "id": "card_1", "brand": "Visa"})
        );
        let text = value.to_string();
        for secret in ["Jane", "jane@", "49123", "Street", "4242", "2030"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }

    #[test]
    fn released_personal_data_still_has_no_card_and_no_secret() {
        let mut value = customer();
        value["client_secret"] = json!("pi_1_secret_2");
        assert_eq!(clean(&mut value, OPEN), Changes::default());
        assert_eq!(value["email"], "jane@example.com");
        assert_eq!(
            value["default_source"],
            json!({"object": "card", "id": "card_1", "brand": "Visa", "last4": "4242"})
        );
        assert!(value.get("client_secret").is_none());
    }

    #[test]
    fn a_product_has_no_personal_name() {
        let mut value = json!({"object": "product", "name": "T-shirt", "unit_label": "piece"});
        assert_eq!(clean(&mut value, MASKED), Changes::default());
        assert_eq!(value["name"], "T-shirt");
    }

    #[test]
    fn numbers_of_a_person_are_masked_and_deep_secrets_removed() {
        let mut value = json!({"individual": {"dob": {"day": 1, "year": 1990}, "verified": true},
            "next_action": {"redirect_to_url": {"url": "https://x"}, "deep": [{"client_secret": "s"}]}});
        clean(&mut value, MASKED);
        assert_eq!(
            value["individual"],
            json!({"dob": {"day": "***", "year": "***"}, "verified": true})
        );
        assert_eq!(value["next_action"]["deep"], json!([{}]));
    }

    #[test]
    fn long_and_hidden_text_is_bounded() {
        let mut value = json!({"description": format!("{}\u{202e}", "x".repeat(300)), "metadata": {"a\u{0}b": "c\u{200b}d"}});
        assert_eq!(clean(&mut value, OPEN), Changes { masked: false, cut: true });
        assert_eq!(value["description"].as_str().unwrap().chars().count(), 100);
        assert_eq!(value["metadata"], json!({"ab": "cd"}));
    }

    #[test]
    fn foreign_text_is_pointed_at() {
        let value = json!({"id": "cus_1", "name": "J***", "description": "hi", "metadata": {"k": "v"}, "currency": "usd",
            "shipping": null, "items": [{"price": {"nickname": "n"}}, {"price": {"nickname": ""}}]});
        assert_eq!(
            foreign(&value, "/data"),
            ["/data/description", "/data/items/0/price/nickname", "/data/metadata"]
        );
    }
}
