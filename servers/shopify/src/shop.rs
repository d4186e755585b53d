//! Who the store is, and what this app may do there.

use crate::client::{Client, Failure, Found, Spent};
use crate::envelope::Environment;
use crate::operation::{GetShop, get_shop};
use crate::product::{NAME, URL, word};
use crate::text::Scrub;
use mcp_core::prelude::*;
use tokio::time::Instant;

/// The store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Shop {
    /// Global id.
    id: String,
    /// Name.
    name: String,
    /// `<name>.myshopify.com`.
    domain: String,
    /// Domain that customers see.
    primary_domain: String,
    /// Address of the online store.
    url: String,
    /// Plan.
    plan: Plan,
    /// Currency of prices, ISO 4217.
    currency: String,
    /// Currencies that customers can pay in.
    payment_currencies: Vec<String>,
    /// IANA time zone.
    timezone: String,
    /// grams, kilograms, ounces or pounds.
    weight_unit: String,
    /// Whether prices include taxes.
    taxes_included: bool,
    /// ISO 3166 country of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    /// Creation, RFC 3339.
    created_at: String,
    /// Access scopes of the app.
    scopes: Vec<String>,
}

/// A plan.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Plan {
    /// Name.
    name: String,
    /// Whether it is a partner's development store.
    development: bool,
    /// Whether it is Shopify Plus.
    plus: bool,
}

/// Where the store holds its own words.
pub(crate) const UNTRUSTED: [&str; 4] =
    ["/data/shop/name", "/data/shop/primary_domain", "/data/shop/url", "/data/shop/plan/name"];

impl Shop {
    pub(crate) async fn fetch(
        client: &Client,
        deadline: Instant,
    ) -> Result<(Self, Spent), Box<Failure>> {
        let Found { data, spent } =
            client.query::<GetShop>(get_shop::Variables, 0, deadline).await?;
        Ok((Self::read(data), spent))
    }

    pub(crate) fn environment(&self) -> Environment {
        Environment::of_plan(self.plan.development)
    }

    /// Whether the app has this scope.
    pub(crate) fn may(&self, scope: &str) -> bool {
        // A write scope includes reading.
        let write = scope.replacen("read_", "write_", 1);
        self.scopes.iter().any(|has| has == scope || *has == write)
    }

    fn read(data: get_shop::ResponseData) -> Self {
        let shop = data.shop;
        let mut scrub = Scrub::default();
        let scopes = data.current_app_installation.access_scopes.into_iter();
        Self {
            name: scrub.text("name", &shop.name, NAME),
            domain: shop.myshopify_domain,
            primary_domain: scrub.text("primary_domain", &shop.primary_domain.host, NAME),
            url: scrub.text("url", &shop.url, URL),
            plan: Plan {
                name: scrub.text("plan.name", &shop.plan.public_display_name, NAME),
                development: shop.plan.partner_development,
                plus: shop.plan.shopify_plus,
            },
            currency: word(&shop.currency_code),
            payment_currencies: shop.enabled_presentment_currencies.iter().map(word).collect(),
            timezone: shop.iana_timezone,
            weight_unit: word(&shop.weight_unit).to_lowercase(),
            taxes_included: shop.taxes_included,
            country: shop.shop_address.country_code_v2.as_ref().map(word),
            created_at: shop.created_at,
            scopes: scopes.map(|scope| scope.handle).collect(),
            id: shop.id,
        }
    }
}
