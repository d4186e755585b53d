//! Product variants as this server shows them.

use crate::operation::{get_variant, list_variants};
use crate::product::{NAME, word};
use crate::text::Scrub;
use mcp_core::prelude::*;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Money {
    /// Decimal text.
    pub(crate) amount: String,
    /// ISO 4217.
    pub(crate) currency: String,
}

/// A variant of a product.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Variant {
    /// Global id.
    pub(crate) id: String,
    /// Title: the option values.
    title: String,
    /// Stock keeping unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// Barcode, ISBN, UPC or GTIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    barcode: Option<String>,
    /// Place in the product, from 1.
    position: i64,
    /// Price.
    price: Money,
    /// Price before the reduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    compare_at_price: Option<Money>,
    /// Whether it can be bought.
    available_for_sale: bool,
    /// continue: sold below zero stock; deny: not.
    inventory_policy: String,
    /// Units sellable over all locations.
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory_quantity: Option<i64>,
    /// Whether tax is charged.
    taxable: bool,
    /// Value of each option.
    options: Vec<SelectedOption>,
    /// Creation, RFC 3339.
    created_at: String,
    /// Last change, RFC 3339.
    updated_at: String,
    /// What is stocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory_item: Option<InventoryItem>,
    /// The product it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<ProductRef>,
}

/// An option and its value.
#[derive(Debug, Serialize, JsonSchema)]
struct SelectedOption {
    /// Option.
    name: String,
    /// Value.
    value: String,
}

/// What is stocked.
#[derive(Debug, Serialize, JsonSchema)]
struct InventoryItem {
    /// Global id.
    id: String,
    /// Whether stock is counted.
    tracked: bool,
    /// Whether it is shipped.
    requires_shipping: bool,
    /// Weight of one unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<Weight>,
}

/// A weight.
#[derive(Debug, Serialize, JsonSchema)]
struct Weight {
    /// Number.
    value: f64,
    /// grams, kilograms, ounces or pounds.
    unit: String,
}

/// A product by name.
#[derive(Debug, Serialize, JsonSchema)]
struct ProductRef {
    /// Global id.
    id: String,
    /// Title.
    title: String,
    /// Name in URLs.
    handle: String,
    /// active, archived, draft or unlisted.
    status: String,
}

/// The fields that both queries ask for; their types are two.
macro_rules! variant {
    ($node:ident, $currency:expr, $scrub:expr) => {
        Variant {
            title: $scrub.text("title", &$node.title, NAME),
            sku: $scrub.option("sku", $node.sku.as_ref(), NAME),
            barcode: $scrub.option("barcode", $node.barcode.as_ref(), NAME),
            position: $node.position,
            price: Money { amount: $node.price, currency: $currency.clone() },
            compare_at_price: $node
                .compare_at_price
                .map(|amount| Money { amount, currency: $currency.clone() }),
            available_for_sale: $node.available_for_sale,
            inventory_policy: word(&$node.inventory_policy).to_lowercase(),
            inventory_quantity: $node.inventory_quantity,
            taxable: $node.taxable,
            options: $node
                .selected_options
                .iter()
                .map(|option| SelectedOption {
                    name: $scrub.text("options.name", &option.name, NAME),
                    value: $scrub.text("options.value", &option.value, NAME),
                })
                .collect(),
            created_at: $node.created_at,
            updated_at: $node.updated_at,
            inventory_item: None,
            product: None,
            id: $node.id,
        }
    };
}

impl Variant {
    pub(crate) fn row(
        node: list_variants::ListVariantsProductVariantsEdgesNode,
        currency: &str,
        scrub: &mut Scrub,
    ) -> Self {
        let currency = currency.to_owned();
        variant!(node, currency, scrub)
    }

    pub(crate) fn read(
        node: get_variant::GetVariantProductVariant,
        currency: &str,
        scrub: &mut Scrub,
    ) -> Self {
        let currency = currency.to_owned();
        let (item, product) = (node.inventory_item, node.product);
        let weight = item.measurement.weight;
        let inventory_item = InventoryItem {
            id: item.id,
            tracked: item.tracked,
            requires_shipping: item.requires_shipping,
            weight: weight.map(|weight| Weight {
                value: weight.value,
                unit: word(&weight.unit).to_lowercase(),
            }),
        };
        let product = ProductRef {
            title: scrub.text("product.title", &product.title, NAME),
            handle: scrub.text("product.handle", &product.handle, NAME),
            status: word(&product.status).to_lowercase(),
            id: product.id,
        };
        Self {
            inventory_item: Some(inventory_item),
            product: Some(product),
            ..variant!(node, currency, scrub)
        }
    }
}

/// Where a variant holds the store's own words.
pub(crate) const UNTRUSTED: [&str; 6] = [
    "/data/product_variant/title",
    "/data/product_variant/sku",
    "/data/product_variant/barcode",
    "/data/product_variant/options/*",
    "/data/product_variant/product/title",
    "/data/product_variant/product/handle",
];
