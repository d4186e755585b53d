//! Pages of a list, with cursors that stay good while the list changes.

use crate::store::text;
use apollo_compiler::response::JsonMap;
use serde_json::{Map, Value, json};

/// The most items Shopify gives in one page.
const MAX_PAGE: i64 = 250;

/// One page of `items` as the fields of a connection object.
///
/// # Errors
/// No `first` or `last`, one out of range, both, or a cursor that is not one of this list's.
pub(crate) fn page(items: &[Value], arguments: &JsonMap) -> Result<Map<String, Value>, String> {
    let (first, last) = (size(arguments, "first")?, size(arguments, "last")?);
    let (after, before) = (cursor(arguments, "after")?, cursor(arguments, "before")?);
    let mut start = match &after {
        Some(id) => 1 + position(items, id).ok_or_else(invalid_cursor)?,
        None => 0,
    };
    let mut end = match &before {
        Some(id) => position(items, id).ok_or_else(invalid_cursor)?.max(start),
        None => items.len(),
    };
    match (first, last) {
        (Some(first), None) => end = end.min(start + first),
        (None, Some(last)) => start = start.max(end.saturating_sub(last)),
        (None, None) => return Err("you must provide one of first or last".to_owned()),
        (Some(_), Some(_)) => return Err("providing both first and last is not supported".into()),
    }
    let shown = items.get(start..end).unwrap_or_default();
    let edges: Vec<Value> =
        shown.iter().map(|item| json!({"cursor": encode(item), "node": item})).collect();
    let page_info = json!({
        "hasNextPage": end < items.len(),
        "hasPreviousPage": start > 0,
        "startCursor": shown.first().map(encode),
        "endCursor": shown.last().map(encode),
    });
    let mut fields = Map::new();
    fields.insert("edges".into(), edges.into());
    fields.insert("nodes".into(), shown.to_vec().into());
    fields.insert("pageInfo".into(), page_info);
    Ok(fields)
}

fn size(arguments: &JsonMap, name: &str) -> Result<Option<usize>, String> {
    let Some(value) = arguments.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    match value.as_i64() {
        Some(size @ 1..=MAX_PAGE) => Ok(usize::try_from(size).ok()),
        _ => Err(format!("{name} must be between 1 and {MAX_PAGE}")),
    }
}

fn cursor(arguments: &JsonMap, name: &str) -> Result<Option<String>, String> {
    let Some(given) = arguments.get(name).and_then(|value| value.as_str()) else { return Ok(None) };
    let bytes = hex::decode(given).map_err(|_| invalid_cursor())?;
    String::from_utf8(bytes).map(Some).map_err(|_| invalid_cursor())
}

/// Opaque to clients: the item's id.
fn encode(item: &Value) -> String {
    hex::encode(id(item).unwrap_or_default())
}

fn position(items: &[Value], wanted: &str) -> Option<usize> {
    items.iter().position(|item| id(item) == Some(wanted))
}

fn id(item: &Value) -> Option<&str> {
    let object = item.as_object()?;
    text(object, "__ref").or_else(|| text(object, "id"))
}

fn invalid_cursor() -> String {
    "Invalid cursor for current pagination sort.".to_owned()
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::store::reference;
    use apollo_compiler::response::JsonMap;
    use serde_json::{Value, json};

    fn arguments(value: Value) -> JsonMap {
        let Value::Object(map) = value else { return JsonMap::new() };
        map.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    }

    #[test]
    fn pages_join_without_loss_or_repetition() {
        let items: Vec<Value> = (0..23).map(|n| reference(&n.to_string())).collect();
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let fields = page(&items, &arguments(json!({"first": 5, "after": after}))).unwrap();
            seen.extend(fields["nodes"].as_array().unwrap().clone());
            after = fields["pageInfo"]["endCursor"].clone();
            if fields["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen, items);
        let back = page(&items, &arguments(json!({"last": 2, "before": after}))).unwrap();
        assert_eq!(back["nodes"], json!([items[20], items[21]]));
    }

    #[test]
    fn wrong_sizes_and_cursors_are_errors() {
        let items = [reference("1")];
        for bad in [
            json!({}),
            json!({"first": 0}),
            json!({"first": 251}),
            json!({"first": 1, "last": 1}),
            json!({"first": 1, "after": "zz"}),
            json!({"first": 1, "after": "00"}),
        ] {
            assert!(page(&items, &arguments(bad.clone())).is_err(), "{bad}");
        }
    }
}
