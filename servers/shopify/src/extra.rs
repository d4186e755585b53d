//! The lists that belong to an object: variants, media, metafields; one page at a time.

use crate::client::{Client, Failure, Found};
use crate::envelope::{Rows, Tally};
use crate::gid::ObjectType;
use crate::operation::{
    ListProductMedia, ListProductMetafields, ListVariantMedia, ListVariantMetafields, ListVariants,
    list_product_media, list_product_metafields, list_variant_media, list_variant_metafields,
    list_variants,
};
use crate::product::{NAME, URL, word};
use crate::text::Scrub;
use crate::variant::Variant;
use mcp_core::prelude::*;
use tokio::time::Instant;

/// Longest value of a metafield.
const VALUE: usize = 2_000;

/// An image, video or 3D model.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Medium {
    /// Global id.
    id: String,
    /// `image`, `video`, `external_video` or `model_3d`.
    media_type: String,
    /// Text for those who cannot see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<String>,
    /// ready, processing, uploaded or failed.
    status: String,
    /// The image, or a preview of the video or model.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
}

/// A picture.
#[derive(Debug, Serialize, JsonSchema)]
struct Preview {
    /// Address.
    url: String,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<i64>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<i64>,
}

/// A value that an app or the merchant added.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Metafield {
    /// Global id.
    id: String,
    /// Namespace.
    namespace: String,
    /// Key in the namespace.
    key: String,
    /// Type of the value, in Shopify's words.
    #[serde(rename = "type")]
    of: String,
    /// Value as text; JSON for structured types.
    value: String,
    /// Last change, RFC 3339.
    updated_at: String,
}

/// Which page of a list.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) id: String,
    pub(crate) first: i64,
    pub(crate) after: Option<String>,
    pub(crate) deadline: Instant,
}

/// A page; none when the object does not exist.
pub(crate) type Listed<T> = Result<Option<Rows<T>>, Box<Failure>>;

/// Send one list query and turn its nodes into rows.
macro_rules! list {
    ($client:ident, $ask:ident, $tally:ident, $query:ident, $module:ident, $parent:ident . $list:ident,
     |$data:ident, $node:ident| $row:expr) => {{
        let Ask { id, first, after, deadline } = $ask;
        let variables = $module::Variables { id, first, after };
        let Found { data: $data, spent } =
            $client.query::<$query>(variables, first, deadline).await?;
        $tally.add(spent);
        match $data.$parent {
            None => Ok(None),
            Some(parent) => {
                let more = parent.$list.page_info.has_next_page;
                let rows = parent.$list.edges.into_iter().map(|edge| {
                    let $node = edge.node;
                    (edge.cursor, $row)
                });
                Ok(Some(Rows { rows: rows.collect(), more }))
            }
        }
    }};
}

macro_rules! medium {
    ($node:ident, $scrub:ident) => {
        Medium {
            media_type: word(&$node.media_content_type).to_lowercase(),
            alt: $scrub.option("media.alt", $node.alt.as_ref(), NAME),
            status: word(&$node.status).to_lowercase(),
            preview: $node.preview.and_then(|preview| preview.image).map(|image| Preview {
                url: $scrub.text("media.preview.url", &image.url, URL),
                width: image.width,
                height: image.height,
            }),
            id: $node.id,
        }
    };
}

macro_rules! metafield {
    ($node:ident, $scrub:ident) => {
        Metafield {
            namespace: $scrub.text("metafields.namespace", &$node.namespace, NAME),
            key: $scrub.text("metafields.key", &$node.key, NAME),
            of: $node.type_,
            value: $scrub.text("metafields.value", &$node.value, VALUE),
            updated_at: $node.updated_at,
            id: $node.id,
        }
    };
}

pub(crate) async fn variants(
    client: &Client,
    ask: Ask,
    scrub: &mut Scrub,
    tally: &mut Tally,
) -> Listed<Variant> {
    list!(client, ask, tally, ListVariants, list_variants, product.variants, |data, node| {
        Variant::row(node, &word(&data.shop.currency_code), scrub)
    })
}

pub(crate) async fn media(
    client: &Client,
    of: ObjectType,
    ask: Ask,
    scrub: &mut Scrub,
    tally: &mut Tally,
) -> Listed<Medium> {
    match of {
        ObjectType::Product => {
            list!(
                client,
                ask,
                tally,
                ListProductMedia,
                list_product_media,
                product.media,
                |data, node| medium!(node, scrub)
            )
        }
        ObjectType::ProductVariant => {
            list!(
                client,
                ask,
                tally,
                ListVariantMedia,
                list_variant_media,
                product_variant.media,
                |data, node| medium!(node, scrub)
            )
        }
    }
}

pub(crate) async fn metafields(
    client: &Client,
    of: ObjectType,
    ask: Ask,
    scrub: &mut Scrub,
    tally: &mut Tally,
) -> Listed<Metafield> {
    match of {
        ObjectType::Product => {
            list!(
                client,
                ask,
                tally,
                ListProductMetafields,
                list_product_metafields,
                product.metafields,
                |data, node| metafield!(node, scrub)
            )
        }
        ObjectType::ProductVariant => {
            list!(
                client,
                ask,
                tally,
                ListVariantMetafields,
                list_variant_metafields,
                product_variant.metafields,
                |data, node| metafield!(node, scrub)
            )
        }
    }
}
