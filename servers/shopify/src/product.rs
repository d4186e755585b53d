//! Products as this server shows them.

use crate::operation::{get_product, search_products};
use crate::text::Scrub;
use mcp_core::prelude::*;
use serde_json::Value;

/// Longest title, vendor, type and the like.
pub(crate) const NAME: usize = 255;
/// Longest description.
const DESCRIPTION: usize = 5_000;
/// Longest excerpt of a description in a list.
const EXCERPT: usize = 300;
/// Longest list of tags, and of option values, in characters altogether.
const WORDS: usize = 2_000;
/// Longest URL.
pub(crate) const URL: usize = 2_000;

/// Lowest and highest price over the variants.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PriceRange {
    /// Lowest, decimal text.
    min: String,
    /// Highest, decimal text.
    max: String,
    /// ISO 4217.
    currency: String,
}

macro_rules! price_range {
    ($range:expr) => {
        PriceRange {
            min: $range.min_variant_price.amount.clone(),
            max: $range.max_variant_price.amount.clone(),
            currency: word(&$range.min_variant_price.currency_code),
        }
    };
}

/// A product in a list: the fields that were asked for.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ProductRow {
    /// Global id.
    id: String,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Name in URLs.
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    /// active, archived, draft or unlisted.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_range: Option<PriceRange>,
    /// Units in stock over all variants and locations.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_inventory: Option<i64>,
    /// Vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    /// Type.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_type: Option<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    /// First 300 characters of the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
    /// Whether stock is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracks_inventory: Option<bool>,
    /// Whether some variant is out of stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    has_out_of_stock_variants: Option<bool>,
    /// Whether it is a gift card.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_gift_card: Option<bool>,
    /// Page in the online store, when published.
    #[serde(skip_serializing_if = "Option::is_none")]
    online_store_url: Option<String>,
    /// Creation, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// Last change, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    /// Publication, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
}

/// A field of a row; `*` is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProductField {
    #[serde(rename = "*")]
    All,
    Id,
    Title,
    Handle,
    Status,
    PriceRange,
    TotalInventory,
    Vendor,
    ProductType,
    Tags,
    Excerpt,
    TracksInventory,
    HasOutOfStockVariants,
    IsGiftCard,
    OnlineStoreUrl,
    CreatedAt,
    UpdatedAt,
    PublishedAt,
}

use ProductField as F;

/// What a row has when nothing is asked for.
pub(crate) const COMPACT: [ProductField; 5] =
    [F::Title, F::Handle, F::Status, F::PriceRange, F::TotalInventory];

impl ProductRow {
    pub(crate) fn read(
        node: search_products::SearchProductsProductsEdgesNode,
        fields: &[ProductField],
        scrub: &mut Scrub,
    ) -> Self {
        let has = |field: F| fields.contains(&field) || fields.contains(&F::All);
        Self {
            title: has(F::Title).then(|| scrub.text("title", &node.title, NAME)),
            handle: has(F::Handle).then(|| scrub.text("handle", &node.handle, NAME)),
            status: has(F::Status).then(|| word(&node.status).to_lowercase()),
            price_range: has(F::PriceRange).then(|| price_range!(node.price_range_v2)),
            total_inventory: has(F::TotalInventory).then_some(node.total_inventory),
            vendor: has(F::Vendor).then(|| scrub.text("vendor", &node.vendor, NAME)),
            product_type: has(F::ProductType)
                .then(|| scrub.text("product_type", &node.product_type, NAME)),
            tags: has(F::Tags).then(|| scrub.list("tags", &node.tags, WORDS)),
            excerpt: has(F::Excerpt).then(|| scrub.text("excerpt", &node.description, EXCERPT)),
            tracks_inventory: has(F::TracksInventory).then_some(node.tracks_inventory),
            has_out_of_stock_variants: has(F::HasOutOfStockVariants)
                .then_some(node.has_out_of_stock_variants),
            is_gift_card: has(F::IsGiftCard).then_some(node.is_gift_card),
            online_store_url: has(F::OnlineStoreUrl)
                .then_some(node.online_store_url)
                .flatten()
                .map(|url| scrub.text("online_store_url", &url, URL)),
            created_at: has(F::CreatedAt).then_some(node.created_at),
            updated_at: has(F::UpdatedAt).then_some(node.updated_at),
            published_at: has(F::PublishedAt).then_some(node.published_at).flatten(),
            id: node.id,
        }
    }
}

/// Fields of a row that hold the store's own words.
pub(crate) fn untrusted(fields: &[ProductField]) -> Vec<String> {
    const WORDY: [(ProductField, &str); 7] = [
        (F::Title, "title"),
        (F::Handle, "handle"),
        (F::Vendor, "vendor"),
        (F::ProductType, "product_type"),
        (F::Tags, "tags/*"),
        (F::Excerpt, "excerpt"),
        (F::OnlineStoreUrl, "online_store_url"),
    ];
    let shown =
        WORDY.iter().filter(|(field, _)| fields.contains(field) || fields.contains(&F::All));
    shown.map(|(_, name)| format!("/data/products/*/{name}")).collect()
}

/// A product.
#[expect(clippy::struct_field_names, reason = "`product_type` is Shopify's word")]
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Product {
    /// Global id.
    pub(crate) id: String,
    /// Title.
    title: String,
    /// Name in URLs.
    handle: String,
    /// active, archived, draft or unlisted.
    status: String,
    /// Vendor.
    vendor: String,
    /// Type.
    product_type: String,
    /// Tags.
    tags: Vec<String>,
    /// Description as plain text.
    description: String,
    /// Full name in Shopify's product taxonomy.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// Title for search engines.
    #[serde(skip_serializing_if = "Option::is_none")]
    seo_title: Option<String>,
    /// Description for search engines.
    #[serde(skip_serializing_if = "Option::is_none")]
    seo_description: Option<String>,
    /// What variants differ in.
    options: Vec<ProductOption>,
    /// Prices.
    price_range: PriceRange,
    /// Units in stock over all variants and locations.
    total_inventory: i64,
    /// Whether stock is counted.
    tracks_inventory: bool,
    /// Whether some variant is out of stock.
    has_out_of_stock_variants: bool,
    /// Whether it is a gift card.
    is_gift_card: bool,
    /// Number of variants.
    #[serde(skip_serializing_if = "Option::is_none")]
    variants_count: Option<i64>,
    /// Theme template, when not the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    template_suffix: Option<String>,
    /// Page in the online store, when published.
    #[serde(skip_serializing_if = "Option::is_none")]
    online_store_url: Option<String>,
    /// Preview page in the online store.
    #[serde(skip_serializing_if = "Option::is_none")]
    online_store_preview_url: Option<String>,
    /// Creation, RFC 3339.
    created_at: String,
    /// Last change, RFC 3339.
    updated_at: String,
    /// Publication, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
}

/// An option such as size, with its values.
#[derive(Debug, Serialize, JsonSchema)]
struct ProductOption {
    /// Name.
    name: String,
    /// Values.
    values: Vec<String>,
}

impl Product {
    pub(crate) fn read(
        node: get_product::GetProductProductByIdentifier,
        scrub: &mut Scrub,
    ) -> Self {
        let options = node.options.iter().map(|option| ProductOption {
            name: scrub.text("options.name", &option.name, NAME),
            values: scrub.list("options.values", &option.values, WORDS),
        });
        Self {
            options: options.collect(),
            title: scrub.text("title", &node.title, NAME),
            handle: scrub.text("handle", &node.handle, NAME),
            status: word(&node.status).to_lowercase(),
            vendor: scrub.text("vendor", &node.vendor, NAME),
            product_type: scrub.text("product_type", &node.product_type, NAME),
            tags: scrub.list("tags", &node.tags, WORDS),
            description: scrub.text("description", &node.description, DESCRIPTION),
            category: node
                .category
                .map(|category| scrub.text("category", &category.full_name, NAME)),
            seo_title: scrub.option("seo_title", node.seo.title.as_ref(), NAME),
            seo_description: scrub.option("seo_description", node.seo.description.as_ref(), 1_000),
            price_range: price_range!(node.price_range_v2),
            total_inventory: node.total_inventory,
            tracks_inventory: node.tracks_inventory,
            has_out_of_stock_variants: node.has_out_of_stock_variants,
            is_gift_card: node.is_gift_card,
            variants_count: node.variants_count.map(|count| count.count),
            template_suffix: scrub.option("template_suffix", node.template_suffix.as_ref(), NAME),
            online_store_url: scrub.option("online_store_url", node.online_store_url.as_ref(), URL),
            online_store_preview_url: scrub.option(
                "online_store_preview_url",
                node.online_store_preview_url.as_ref(),
                URL,
            ),
            created_at: node.created_at,
            updated_at: node.updated_at,
            published_at: node.published_at,
            id: node.id,
        }
    }
}

/// Where a product holds the store's own words.
pub(crate) const UNTRUSTED: [&str; 12] = [
    "/data/product/title",
    "/data/product/handle",
    "/data/product/vendor",
    "/data/product/product_type",
    "/data/product/tags/*",
    "/data/product/description",
    "/data/product/seo_title",
    "/data/product/seo_description",
    "/data/product/options/*",
    "/data/product/template_suffix",
    "/data/product/online_store_url",
    "/data/product/online_store_preview_url",
];

/// The schema's own word for an enum value, also for one newer than the schema.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
