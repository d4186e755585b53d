//! What the attacks must know: a store whose every text is hostile, and the cursors.

use mcp_testkit::attacks::upstream::{Asked, Held, STEERING, Scene, Upstream};
use serde_json::{Value, json};

pub(crate) const SCENE: Scene = Scene {
    upstream: Some(Upstream {
        variables: |address| {
            vec![
                ("SHOPIFY_STORE_DOMAIN", "twin.myshopify.com".to_owned()),
                ("SHOPIFY_ACCESS_TOKEN", "shpat_scene".to_owned()),
                ("SHOPIFY_API_BASE", format!("http://{address}")),
            ]
        },
        answer: |asked| {
            let cost = json!({"requestedQueryCost": 10, "actualQueryCost": 5, "throttleStatus":
                {"maximumAvailable": 2000.0, "currentlyAvailable": 1990.0, "restoreRate": 100.0}});
            json!({"data": data(asked), "extensions": {"cost": cost}}).to_string().into_bytes()
        },
        refusal: |_| {
            (
                200,
                json!({"errors": [{"message": STEERING, "path": [STEERING]}]})
                    .to_string()
                    .into_bytes(),
            )
        },
        changes: |asked| asked.body.contains("mutation"),
        calls: &[
            ("get_shop", "{}"),
            ("search_products", "{}"),
            ("search_products", r#"{"count_only":true}"#),
            ("get_object", r#"{"id":"Product/1"}"#),
            ("get_object", r#"{"id":"ProductVariant/1"}"#),
        ],
    }),
    held: &[Held {
        before: &[],
        given_by: ("search_products", r#"{"limit":1}"#),
        place: "/page/next_cursor",
        taken_by: ("search_products", r#"{"limit":1,"cursor":"HERE"}"#),
        refused_by: &[
            ("search_products", r#"{"query":"hat","limit":1,"cursor":"HERE"}"#),
            ("get_object", r#"{"id":"Product/1","cursor":"HERE"}"#),
        ],
    }],
};

fn data(asked: &Asked) -> Value {
    let plan =
        json!({"partnerDevelopment": true, "publicDisplayName": STEERING, "shopifyPlus": false});
    if asked.body.contains("query GetShop") {
        return json!({"shop": {"id": "gid://shopify/Shop/1", "name": STEERING, "myshopifyDomain": "twin.myshopify.com",
            "url": "https://twin.myshopify.com", "primaryDomain": {"host": STEERING}, "plan": plan, "currencyCode": "EUR",
            "enabledPresentmentCurrencies": ["EUR"], "ianaTimezone": "Europe/Berlin", "weightUnit": "KILOGRAMS",
            "taxesIncluded": true, "shopAddress": {"countryCodeV2": "DE"}, "createdAt": "2024-01-01T00:00:00Z"},
            "currentAppInstallation": {"accessScopes": [{"handle": "read_products"}]}});
    }
    if asked.body.contains("query CountProducts") {
        return json!({"shop": {"plan": plan}, "productsCount": {"count": 1, "precision": "EXACT"}});
    }
    if asked.body.contains("query SearchProducts") {
        let edge = json!({"cursor": "eyJsYXN0X2lkIjoxfQ==", "node": product()});
        return json!({"shop": {"plan": plan}, "products": {"edges": [edge], "pageInfo": {"hasNextPage": true}}});
    }
    if asked.body.contains("query GetVariant") {
        return json!({"shop": {"currencyCode": "EUR", "plan": plan}, "productVariant": {
            "id": "gid://shopify/ProductVariant/1", "title": STEERING, "sku": STEERING, "barcode": STEERING,
            "position": 1, "price": "1.00", "compareAtPrice": null, "availableForSale": true, "inventoryPolicy": "DENY",
            "inventoryQuantity": 1, "taxable": true, "selectedOptions": [{"name": STEERING, "value": STEERING}],
            "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z",
            "inventoryItem": {"id": "gid://shopify/InventoryItem/1", "tracked": true, "requiresShipping": true,
                "measurement": {"weight": null}},
            "product": {"id": "gid://shopify/Product/1", "title": STEERING, "handle": "hat", "status": "ACTIVE"}}});
    }
    json!({"shop": {"plan": plan}, "productByIdentifier": product()})
}

fn product() -> Value {
    let price = json!({"minVariantPrice": {"amount": "1.0", "currencyCode": "EUR"}, "maxVariantPrice": {"amount": "2.0"}});
    json!({"id": "gid://shopify/Product/1", "title": STEERING, "handle": "hat", "status": "ACTIVE", "vendor": STEERING,
        "productType": STEERING, "tags": [STEERING], "description": STEERING,
        "category": {"id": "gid://shopify/TaxonomyCategory/aa", "fullName": "Apparel > Hats"},
        "seo": {"title": STEERING, "description": STEERING}, "options": [{"name": STEERING, "values": [STEERING]}],
        "priceRangeV2": price, "totalInventory": 1, "tracksInventory": true, "hasOutOfStockVariants": false,
        "isGiftCard": false, "templateSuffix": null, "onlineStoreUrl": null, "onlineStorePreviewUrl": null,
        "variantsCount": {"count": 1}, "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z",
        "publishedAt": null})
}
