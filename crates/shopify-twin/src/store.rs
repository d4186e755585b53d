//! What the twin's store holds: objects by id, as the schema names their fields.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One store's objects. Values are JSON under the schema's field names; `{"__ref": "<id>"}` stands
/// for another object, and an array under a connection field for its items, in order.
#[derive(Debug, Clone, Default)]
pub struct Store {
    shop: Map<String, Value>,
    objects: BTreeMap<String, Map<String, Value>>,
    order: BTreeMap<String, Vec<String>>,
}

impl Store {
    /// An empty store that only knows who it is.
    pub fn new(shop: Value) -> Self {
        Self { shop: into_map(shop), ..Self::default() }
    }

    /// The fields of `Shop`.
    pub fn shop_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.shop
    }

    /// Add or replace an object, which must have `__typename` and `id`; without them it is ignored.
    pub fn insert(&mut self, object: Value) {
        let object = into_map(object);
        let (Some(of), Some(id)) = (text(&object, "__typename"), text(&object, "id")) else {
            return;
        };
        let (of, id) = (of.to_owned(), id.to_owned());
        if self.objects.insert(id.clone(), object).is_none() {
            self.order.entry(of).or_default().push(id);
        }
    }

    /// Remove an object; what refers to it then resolves to null. Tells whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        self.order.values_mut().for_each(|ids| ids.retain(|known| known != id));
        self.objects.remove(id).is_some()
    }

    /// An object by its global id.
    pub fn get(&self, id: &str) -> Option<&Map<String, Value>> {
        self.objects.get(id)
    }

    /// An object by its global id, to change it.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Map<String, Value>> {
        self.objects.get_mut(id)
    }

    /// The ids of one type, in order of insertion.
    pub fn ids(&self, type_name: &str) -> &[String] {
        self.order.get(type_name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn shop(&self) -> &Map<String, Value> {
        &self.shop
    }

    /// The object that a stored value stands for: itself, or what it refers to.
    pub(crate) fn deref<'a>(&'a self, value: &'a Value) -> Option<&'a Map<String, Value>> {
        let object = value.as_object()?;
        match text(object, "__ref") {
            Some(id) => self.get(id),
            None => Some(object),
        }
    }
}

/// A reference to another object.
pub(crate) fn reference(id: &str) -> Value {
    json!({ "__ref": id })
}

pub(crate) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

fn into_map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use super::{Store, reference};
    use serde_json::json;

    #[test]
    fn keeps_order_and_follows_references() {
        let mut store = Store::new(json!({"name": "A"}));
        for id in ["2", "1", "2"] {
            store.insert(json!({"__typename": "T", "id": id}));
        }
        assert_eq!(store.ids("T"), ["2", "1"]);
        assert!(store.deref(&reference("1")).is_some_and(|found| found["id"] == "1"));
        assert!(store.remove("1") && !store.remove("1"));
        assert!(store.deref(&reference("1")).is_none());
        assert_eq!(store.ids("T"), ["2"]);
    }
}
