//! Which fields of an object are shown.

use std::collections::{BTreeMap, BTreeSet};

use mcp_core::suggest::did_you_mean;
use serde_json::{Map, Value};

use crate::{money::display_name, resource::Resource};

/// The fields a caller wants.
#[derive(Debug, Clone)]
pub(crate) enum Fields {
    /// The compact set of the resource, and what was expanded.
    Compact {
        /// Paths beyond the set.
        extra: Vec<String>,
    },
    /// Everything that may be shown.
    All,
    /// These paths.
    Paths(Vec<String>),
}

impl Fields {
    /// As asked for: nothing means compact, `*` means everything.
    pub(crate) fn new(asked: Option<Vec<String>>, expand: &[String]) -> Self {
        match asked {
            None => Self::Compact { extra: expand.to_vec() },
            Some(paths) if paths.iter().any(|path| path == "*") => Self::All,
            Some(paths) => Self::Paths(paths),
        }
    }

    /// The part of an object that was asked for. `id` is always in it.
    pub(crate) fn select(
        &self,
        compact: &[&str],
        object: &Map<String, Value>,
    ) -> Map<String, Value> {
        match self {
            Self::All => object.clone(),
            Self::Paths(paths) => Tree::of(paths.iter().map(String::as_str)).object(object),
            Self::Compact { extra } => {
                let paths = compact.iter().copied().chain(extra.iter().map(String::as_str));
                let picked = Tree::of(paths).object(object);
                picked
                    .into_iter()
                    .map(|(name, value)| (name, shorten(value)))
                    .filter(|(_, value)| !is_nothing(value))
                    .collect()
            }
        }
    }

    /// The paths asked for by name.
    fn paths(&self) -> &[String] {
        match self {
            Self::Paths(paths) => paths,
            Self::All | Self::Compact { .. } => &[],
        }
    }
}

/// Finds the paths that no object has: most likely a slip of the pen.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    seen: bool,
    missing: Vec<String>,
    known: Vec<String>,
}

impl Coverage {
    /// Take note of a whole object.
    pub(crate) fn see(&mut self, fields: &Fields, object: &Map<String, Value>) {
        if !self.seen {
            self.seen = true;
            self.missing = fields.paths().to_vec();
            self.known = object.keys().cloned().collect();
        }
        self.missing.retain(|path| !has(object, &mut path.split('.')));
    }

    /// One line on the paths that none of the objects has, if there are any.
    pub(crate) fn warning(&self) -> Option<String> {
        let near = |path: &str| {
            let name = path.split('.').next().unwrap_or_default();
            did_you_mean(name, self.known.iter().map(String::as_str).filter(|known| *known != name))
        };
        let missing: Vec<_> =
            self.missing.iter().take(5).map(|path| format!("`{path}`{}", near(path))).collect();
        (!missing.is_empty()).then(|| format!("no returned object has: {}", missing.join(", ")))
    }
}

/// Paths as a tree; a node without children stands for everything below it.
#[derive(Debug, Default)]
struct Tree<'a>(BTreeMap<&'a str, Self>);

impl<'a> Tree<'a> {
    fn of(paths: impl Iterator<Item = &'a str>) -> Self {
        let all: BTreeSet<&str> = paths.chain(["id", "deleted"]).collect();
        // `a.b` adds nothing where `a` is asked for as a whole.
        let is_covered = |path: &str| {
            all.iter()
                .any(|other| path.strip_prefix(other).is_some_and(|rest| rest.starts_with('.')))
        };
        let mut root = Self::default();
        for path in all.iter().filter(|path| !is_covered(path)) {
            let mut node = &mut root;
            for part in path.split('.') {
                node = node.0.entry(part).or_default();
            }
        }
        root
    }

    fn object(&self, object: &Map<String, Value>) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, below) in &self.0 {
            let Some(value) = object.get(*name) else { continue };
            out.insert((*name).to_owned(), below.value(value));
            let display = display_name(name);
            if let Some(value) = object.get(&display) {
                out.insert(display, value.clone());
            }
        }
        out
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) if !self.0.is_empty() => self.object(object).into(),
            Value::Array(items) if !self.0.is_empty() => {
                items.iter().map(|item| self.value(item)).collect()
            }
            _ => value.clone(),
        }
    }
}

/// The compact form of an expanded object, and nothing of what is empty.
fn shorten(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let known = object.get("object").and_then(Value::as_str).and_then(Resource::of_object);
            let object = match known {
                Some(resource) => Tree::of(resource.compact().iter().copied()).object(&object),
                None => object,
            };
            object
                .into_iter()
                .map(|(name, value)| (name, shorten(value)))
                .filter(|(_, value)| !is_nothing(value))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.into_iter().map(shorten).collect(),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn has<'a>(
    object: &Map<String, Value>,
    path: &mut (impl Iterator<Item = &'a str> + Clone),
) -> bool {
    let Some(name) = path.next() else { return true };
    object.get(name).is_some_and(|value| reaches(value, path))
}

/// `null` on the way counts as having the path: the field exists, only not in this object.
fn reaches<'a>(value: &Value, path: &mut (impl Iterator<Item = &'a str> + Clone)) -> bool {
    match value {
        Value::Object(object) => has(object, path),
        Value::Array(items) => {
            items.is_empty() || items.iter().any(|item| reaches(item, &mut path.clone()))
        }
        Value::Null => true,
        _ => path.next().is_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn paths(paths: &[&str]) -> Fields {
        Fields::new(Some(paths.iter().map(|path| (*path).to_owned()).collect()), &[])
    }

    fn price() -> Map<String, Value> {
        map(
            &json!({"id": "price_1", "object": "price", "unit_amount": 5, "unit_amount_display": "0.05 EUR",
            "currency": "eur", "nickname": null, "metadata": {}, "livemode": false,
            "recurring": {"interval": "month", "interval_count": 1, "meter": null},
            "tiers": [{"up_to": 1, "flat_amount": 2}, {"up_to": null, "flat_amount": 3}],
            "product": {"id": "prod_1", "object": "product", "name": "Gold", "images": [], "livemode": false}}),
        )
    }

    #[test]
    fn compact_drops_what_is_empty_and_shortens_what_is_expanded() {
        let shown =
            Fields::new(None, &["product".to_owned()]).select(Resource::Price.compact(), &price());
        assert_eq!(
            Value::from(shown),
            json!({"id": "price_1", "unit_amount": 5, "unit_amount_display": "0.05 EUR", "currency": "eur",
                "recurring": {"interval": "month", "interval_count": 1}, "product": {"id": "prod_1", "name": "Gold"}})
        );
    }

    #[test]
    fn paths_go_through_lists_and_keep_nulls() {
        let shown = paths(&["tiers.up_to", "nickname", "recurring", "recurring.interval"])
            .select(&[], &price());
        assert_eq!(
            Value::from(shown),
            json!({"id": "price_1", "nickname": null, "tiers": [{"up_to": 1}, {"up_to": null}],
                "recurring": {"interval": "month", "interval_count": 1, "meter": null}})
        );
        let other_way = paths(&["recurring.interval", "recurring"]).select(&[], &price());
        assert_eq!(other_way["recurring"]["interval_count"], 1);
        let two = paths(&["recurring.interval", "recurring.meter"]).select(&[], &price());
        assert_eq!(two["recurring"], json!({"interval": "month", "meter": null}));
    }

    #[test]
    fn the_star_is_everything() {
        assert_eq!(paths(&["id", "*"]).select(&[], &price()), price());
    }

    #[test]
    fn a_path_that_is_nowhere_is_said() {
        let warning = |asked: &[&str], objects: &[Map<String, Value>]| {
            let mut coverage = Coverage::default();
            for object in objects {
                coverage.see(&paths(asked), object);
            }
            coverage.warning()
        };
        let objects = [price(), map(&json!({"id": "price_2", "custom": 1}))];
        assert_eq!(
            warning(
                &["nickname", "recurring.meter", "tiers.up_to", "metadata", "custom"],
                &objects
            ),
            None
        );
        let line = warning(&["curency", "product.nmae"], &objects).unwrap();
        assert!(
            line.contains("`curency` (did you mean `currency`?)")
                && line.contains("`product.nmae`"),
            "{line}"
        );
        assert_eq!(warning(&["x"], &[]), None);
    }
}
