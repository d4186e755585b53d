//! Amounts: integers in a currency's smallest unit, shown in its usual unit.
//!
//! Source of both tables: docs.stripe.com/currencies ("zero-decimal", "three-decimal"). ISK and UGX
//! are sent with two decimals although they have none.

use serde_json::{Map, Value};

const ZERO_DECIMAL: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];

const THREE_DECIMAL: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// Fields that hold an amount in the `currency` beside them.
const AMOUNTS: [&str; 10] = [
    "amount",
    "amount_capturable",
    "amount_captured",
    "amount_due",
    "amount_paid",
    "amount_received",
    "amount_refunded",
    "application_fee_amount",
    "balance",
    "unit_amount",
];

/// What an amount's display form is called.
pub(crate) fn display_name(field: &str) -> String {
    format!("{field}_display")
}

/// Put `<field>_display` beside every amount whose currency is known, at any depth.
pub(crate) fn annotate(value: &mut Value) {
    match value {
        Value::Object(map) => {
            annotate_object(map);
            map.values_mut().for_each(annotate);
        }
        Value::Array(items) => items.iter_mut().for_each(annotate),
        _ => {}
    }
}

fn annotate_object(map: &mut Map<String, Value>) {
    let Some(currency) = map.get("currency").and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    for field in AMOUNTS {
        if let Some(amount) = map.get(field).and_then(Value::as_i64) {
            if let Some(text) = display(amount, &currency) {
                map.insert(display_name(field), text.into());
            }
        }
    }
}

/// `1099`, `eur` as `10.99 EUR`; nothing for what is no ISO 4217 code.
pub(crate) fn display(amount: i64, currency: &str) -> Option<String> {
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let currency = currency.to_ascii_lowercase();
    let digits = digits(&currency);
    let scale = 10_u64.pow(digits);
    let (whole, part) = (amount.unsigned_abs() / scale, amount.unsigned_abs() % scale);
    let sign = if amount < 0 { "-" } else { "" };
    let unit = currency.to_ascii_uppercase();
    Some(match digits {
        0 => format!("{sign}{whole} {unit}"),
        _ => format!("{sign}{whole}.{part:0width$} {unit}", width = digits as usize),
    })
}

fn digits(currency: &str) -> u32 {
    if ZERO_DECIMAL.contains(&currency) {
        0
    } else if THREE_DECIMAL.contains(&currency) {
        3
    } else {
        2
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_the_usual_unit() {
        let table = [
            (1099, "eur", "10.99 EUR"),
            (1099, "USD", "10.99 USD"),
            (500, "jpy", "500 JPY"),
            (5, "kwd", "0.005 KWD"),
            (12_340, "tnd", "12.340 TND"),
            (-250, "gbp", "-2.50 GBP"),
            (0, "usd", "0.00 USD"),
            (100, "isk", "1.00 ISK"),
            (100, "ugx", "1.00 UGX"),
            (i64::MIN, "usd", "-92233720368547758.08 USD"),
        ];
        for (amount, currency, shown) in table {
            assert_eq!(display(amount, currency).as_deref(), Some(shown));
        }
        assert_eq!(display(1, "bitcoin"), None);
        assert_eq!(display(1, ""), None);
        assert_eq!(display(1, "e€"), None);
    }

    #[test]
    fn every_amount_with_a_currency_is_shown_at_any_depth() {
        let mut value = json!({"currency": "jpy", "amount": 5, "amount_received": null,
            "latest_charge": {"currency": "eur", "amount": 5, "refunds": [{"currency": "kwd", "amount": 1}]}, "tip": {"amount": 3}});
        annotate(&mut value);
        assert_eq!(value["amount_display"], "5 JPY");
        assert!(value.get("amount_received_display").is_none());
        assert_eq!(value["latest_charge"]["amount_display"], "0.05 EUR");
        assert_eq!(value["latest_charge"]["refunds"][0]["amount_display"], "0.001 KWD");
        assert!(value["tip"].get("amount_display").is_none());
    }
}
