//! Field by field: what the schema asks for, from what the store holds.

use crate::connection::page;
use crate::search::Search;
use crate::store::{Store, reference, text};
use apollo_compiler::Schema;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use apollo_compiler::schema::{ExtendedType, Type};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::cell::RefCell;

type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

/// Root fields that need the scope `read_products`.
const PRODUCT_FIELDS: [&str; 5] =
    ["product", "productByIdentifier", "productVariant", "products", "productsCount"];

/// The query root over one store.
pub(crate) struct Root<'s> {
    pub(crate) store: &'s Store,
    pub(crate) scopes: &'s [String],
    /// Entries of `extensions.search`, gathered on the way.
    pub(crate) warnings: RefCell<Vec<Value>>,
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &'static str {
        "QueryRoot"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let name = info.field_name();
        if PRODUCT_FIELDS.contains(&name) && !self.scopes.iter().any(|s| s == "read_products") {
            return fail(format!(
                "Access denied for {name} field. Required access: `read_products` access scope."
            ));
        }
        match name {
            "shop" => Ok(self.node("Shop", Cow::Borrowed(self.store.shop()))),
            "currentAppInstallation" => Ok(self.installation()),
            "product" => Ok(self.by_id(&global_id(info, "id")?, Some("Product"))),
            "productVariant" => Ok(self.by_id(&global_id(info, "id")?, Some("ProductVariant"))),
            "node" => Ok(self.by_id(&global_id(info, "id")?, None)),
            "productByIdentifier" => self.by_identifier(info),
            "products" => self.products(info),
            "productsCount" => self.count(info),
            _ => fail(format!("the twin has no root field {name}")),
        }
    }
}

impl Root<'_> {
    fn node<'a>(&'a self, of: &'a str, fields: Cow<'a, Map<String, Value>>) -> ResolvedValue<'a> {
        ResolvedValue::object(Node { store: self.store, of, fields })
    }

    fn installation(&self) -> ResolvedValue<'_> {
        let scopes = self.scopes.iter();
        let scopes: Vec<_> =
            scopes.map(|scope| json!({"handle": scope, "description": scope})).collect();
        let mut fields = Map::new();
        fields.insert("id".into(), "gid://shopify/AppInstallation/1".into());
        fields.insert("accessScopes".into(), scopes.into());
        self.node("AppInstallation", Cow::Owned(fields))
    }

    fn by_id(&self, id: &str, of: Option<&str>) -> ResolvedValue<'_> {
        let found =
            self.store.get(id).filter(|found| of.is_none() || text(found, "__typename") == of);
        let Some(found) = found else { return ResolvedValue::null() };
        let of = text(found, "__typename").unwrap_or_default();
        self.node(of, Cow::Borrowed(found))
    }

    fn by_identifier(&self, info: &ResolveInfo<'_>) -> Resolved<'_> {
        let identifier = info.arguments().get("identifier").cloned().unwrap_or_default();
        if let Some(id) = identifier.get("id").and_then(JsonValue::as_str) {
            return Ok(self.by_id(id, Some("Product")));
        }
        let Some(handle) = identifier.get("handle").and_then(JsonValue::as_str) else {
            return fail("the twin finds products by id or handle only");
        };
        let has = |id: &&String| {
            self.store.get(id).and_then(|product| text(product, "handle")) == Some(handle)
        };
        match self.store.ids("Product").iter().find(has) {
            Some(id) => Ok(self.by_id(id, Some("Product"))),
            None => Ok(ResolvedValue::null()),
        }
    }

    fn products(&self, info: &ResolveInfo<'_>) -> Resolved<'_> {
        refuse_arguments(info, &["query", "sortKey", "reverse"])?;
        let found = self.search(info);
        let mut items: Vec<Value> = found.iter().map(|id| reference(id)).collect();
        let key = argument(info, "sortKey").unwrap_or("ID");
        let field = match key {
            "ID" | "RELEVANCE" => "legacyResourceId",
            "CREATED_AT" => "createdAt",
            "UPDATED_AT" => "updatedAt",
            "PUBLISHED_AT" => "publishedAt",
            "TITLE" => "title",
            "VENDOR" => "vendor",
            "PRODUCT_TYPE" => "productType",
            _ => return fail(format!("the twin does not sort by {key}")),
        };
        items.sort_by_key(|item| {
            self.store.deref(item).and_then(|product| text(product, field)).map(str::to_owned)
        });
        if info.arguments().get("reverse").and_then(JsonValue::as_bool) == Some(true) {
            items.reverse();
        }
        let fields = page(&items, info.arguments()).map_err(error)?;
        Ok(self.node("ProductConnection", Cow::Owned(fields)))
    }

    fn count(&self, info: &ResolveInfo<'_>) -> Resolved<'_> {
        refuse_arguments(info, &["query", "limit"])?;
        let found = self.search(info).len();
        let limit = info.arguments().get("limit").and_then(JsonValue::as_u64);
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let (count, precision) = match limit {
            Some(limit) if found > limit => (limit, "AT_LEAST"),
            _ => (found, "EXACT"),
        };
        let mut fields = Map::new();
        fields.insert("count".into(), count.into());
        fields.insert("precision".into(), precision.into());
        Ok(self.node("Count", Cow::Owned(fields)))
    }

    fn search(&self, info: &ResolveInfo<'_>) -> Vec<&str> {
        let search = Search::parse(argument(info, "query").unwrap_or_default());
        self.warnings.borrow_mut().extend(search.warning(info.field_name()));
        let matches = |id: &&str| {
            self.store.get(id).is_some_and(|product| search.matches(self.store, product))
        };
        self.store.ids("Product").iter().map(String::as_str).filter(matches).collect()
    }
}

/// Any object of the store.
struct Node<'s> {
    store: &'s Store,
    of: &'s str,
    fields: Cow<'s, Map<String, Value>>,
}

impl ObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        self.of
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let name = info.field_name();
        if name == "metafield" {
            return Ok(self.metafield(info));
        }
        let Some(value) = self.fields.get(name) else {
            return fail(format!("the twin's store has no value for {}.{name}", self.of));
        };
        let of = &info.field_definition().ty;
        if of.inner_named_type().ends_with("Connection") {
            return self.connection(info, value);
        }
        if name == "description" {
            refuse_arguments(info, &["truncateAt"])?;
            return Ok(ResolvedValue::leaf(truncated(info, value)));
        }
        if name == "options" {
            refuse_arguments(info, &["first"])?;
        } else {
            refuse_arguments(info, &[])?;
        }
        Ok(resolve(self.store, info.schema(), of, value))
    }
}

impl Node<'_> {
    fn connection<'a>(&'a self, info: &'a ResolveInfo<'a>, value: &'a Value) -> Resolved<'a> {
        refuse_arguments(info, &["namespace"])?;
        let mut items = value.as_array().cloned().unwrap_or_default();
        if let Some(namespace) = argument(info, "namespace") {
            items.retain(|item| item.get("namespace").and_then(Value::as_str) == Some(namespace));
        }
        let fields = Cow::Owned(page(&items, info.arguments()).map_err(error)?);
        let of = info.field_definition().ty.inner_named_type().as_str();
        Ok(ResolvedValue::object(Node { store: self.store, of, fields }))
    }

    fn metafield<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedValue<'a> {
        let wanted = (argument(info, "namespace"), argument(info, "key"));
        let metafields = self.fields.get("metafields").and_then(Value::as_array);
        let has =
            |field: &&Map<String, Value>| (text(field, "namespace"), text(field, "key")) == wanted;
        let found = metafields.into_iter().flatten().filter_map(Value::as_object).find(has);
        ResolvedValue::nullable_object(found.map(|fields| Node {
            store: self.store,
            of: "Metafield",
            fields: Cow::Borrowed(fields),
        }))
    }
}

fn resolve<'a>(
    store: &'a Store,
    schema: &'a Schema,
    of: &'a Type,
    value: &'a Value,
) -> ResolvedValue<'a> {
    if value.is_null() {
        return ResolvedValue::null();
    }
    if let (true, Value::Array(items)) = (of.is_list(), value) {
        let item = of.item_type();
        return ResolvedValue::list(
            items.iter().map(move |value| resolve(store, schema, item, value)),
        );
    }
    let named = of.inner_named_type();
    let composite = matches!(
        schema.types.get(named),
        Some(ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_))
    );
    if !composite {
        return ResolvedValue::leaf(value.clone());
    }
    ResolvedValue::nullable_object(store.deref(value).map(|fields| Node {
        store,
        of: text(fields, "__typename").unwrap_or(named.as_str()),
        fields: Cow::Borrowed(fields),
    }))
}

fn truncated(info: &ResolveInfo<'_>, value: &Value) -> Value {
    let limit = info.arguments().get("truncateAt").and_then(JsonValue::as_u64);
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    match (value.as_str(), limit) {
        (Some(text), Some(limit)) => text.chars().take(limit).collect::<String>().into(),
        _ => value.clone(),
    }
}

/// An argument that would be silently ignored is an error.
fn refuse_arguments(info: &ResolveInfo<'_>, known: &[&str]) -> Result<(), FieldError> {
    const PAGING: [&str; 4] = ["first", "last", "after", "before"];
    for (name, value) in info.arguments() {
        let name = name.as_str();
        let default = match name {
            "reverse" | "includeInactive" | "includeLegacy" => value.as_bool() == Some(false),
            "onlyPublished" => value.as_bool() == Some(true),
            "sortKey" => matches!(value.as_str(), Some("POSITION" | "ID")),
            _ => value.is_null(),
        };
        if !default && !known.contains(&name) && !PAGING.contains(&name) {
            let field = info.field_name();
            return Err(error(format!("the twin does not implement {field}({name}:)")));
        }
    }
    Ok(())
}

fn argument<'a>(info: &'a ResolveInfo<'_>, name: &str) -> Option<&'a str> {
    info.arguments().get(name).and_then(JsonValue::as_str)
}

fn global_id(info: &ResolveInfo<'_>, name: &str) -> Result<String, FieldError> {
    let id = argument(info, name).unwrap_or_default();
    if id.starts_with("gid://shopify/") {
        Ok(id.to_owned())
    } else {
        Err(error(format!("Invalid global id '{id}'")))
    }
}

fn fail<T>(message: impl Into<String>) -> Result<T, FieldError> {
    Err(error(message.into()))
}

fn error(message: String) -> FieldError {
    FieldError { message }
}
