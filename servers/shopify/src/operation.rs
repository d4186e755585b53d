//! The queries this server sends, checked against the committed schema when it is compiled.
//!
//! One file per query under `graphql/`: a derived type sends its whole file.

use graphql_client::GraphQLQuery;

/// Rust types of the schema's own scalars; money and times stay text.
mod scalar {
    pub(crate) type DateTime = String;
    pub(crate) type Decimal = String;
    pub(crate) type Money = String;
    #[expect(clippy::upper_case_acronyms, reason = "the schema's name")]
    pub(crate) type URL = String;
}

macro_rules! query {
    ($name:ident, $file:tt) => {
        #[derive(GraphQLQuery)]
        #[graphql(
                            schema_path = "../../crates/shopify-twin/schema/admin-2026-10.graphql",
                            query_path = $file,
                            custom_scalars_module = "super::scalar",
                            response_derives = "Debug",
                            variables_derives = "Debug, Clone"
                        )]
        pub(crate) struct $name;
    };
}

query!(GetShop, "graphql/get_shop.graphql");
query!(SearchProducts, "graphql/search_products.graphql");
query!(CountProducts, "graphql/count_products.graphql");
query!(GetProduct, "graphql/get_product.graphql");
query!(GetVariant, "graphql/get_variant.graphql");
query!(ListVariants, "graphql/list_variants.graphql");
query!(ListProductMedia, "graphql/list_product_media.graphql");
query!(ListVariantMedia, "graphql/list_variant_media.graphql");
query!(ListProductMetafields, "graphql/list_product_metafields.graphql");
query!(ListVariantMetafields, "graphql/list_variant_metafields.graphql");
