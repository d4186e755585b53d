//! The store itself.

use crate::envelope::{Envelope, Tally};
use crate::server::{Described, deadline};
use crate::shop::{Shop, UNTRUSTED};
use crate::{Error, Server};
use mcp_core::prelude::*;

/// Tools by the scope that they need.
const NEEDS: [(&str, &str); 2] =
    [("get_object", "read_products"), ("search_products", "read_products")];

/// Arguments of `get_shop`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetShopArgs {
    /// Read it anew instead of as known for ten minutes.
    #[serde(default)]
    refresh: bool,
}

/// The store, and what this server may do there.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ShopData {
    /// The store.
    shop: Shop,
    /// Admin API version in use.
    api_version: String,
    /// Tools that will fail, and why.
    unavailable_tools: Vec<UnavailableTool>,
    /// Size and refill of the cost bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_limit: Option<CostLimit>,
    /// Seconds since it was read.
    age_seconds: u64,
}

/// A tool that will fail.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UnavailableTool {
    /// Name.
    tool: String,
    /// Scope that the app lacks.
    missing_scope: String,
}

/// Limits of the cost bucket.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CostLimit {
    /// Points when full.
    maximum: f64,
    /// Points per second.
    restore_rate: f64,
}

#[tool_router(router = shop_tools, vis = "pub(crate)")]
impl Server {
    /// The store: name, domain, plan, currency, time zone, access scopes, API version, and which
    /// tools lack a scope.
    #[tool(
        title = "Get the shop",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    async fn get_shop(
        &self,
        Parameters(args): Parameters<GetShopArgs>,
    ) -> Result<Json<Envelope<ShopData>>> {
        let link = self.link()?;
        let Described { shop, age, spent } =
            link.shop(args.refresh, deadline()).await.map_err(Error::Upstream)?;
        let throttle = spent.as_ref().and_then(|spent| spent.cost).map(|cost| cost.throttle);
        let mut tally = Tally::default();
        if let Some(spent) = spent {
            tally.add(spent);
        }
        let missing = NEEDS.iter().filter(|(_, scope)| !shop.may(scope));
        let data = ShopData {
            unavailable_tools: missing
                .map(|(tool, scope)| UnavailableTool {
                    tool: (*tool).to_owned(),
                    missing_scope: (*scope).to_owned(),
                })
                .collect(),
            api_version: link.version.clone(),
            cost_limit: throttle.map(|throttle| CostLimit {
                maximum: throttle.maximum,
                restore_rate: throttle.restore_rate,
            }),
            age_seconds: age.as_secs(),
            shop,
        };
        let untrusted = UNTRUSTED.map(str::to_owned).to_vec();
        Ok(Json(tally.wrap(link.environment(), data, None, untrusted)))
    }
}
