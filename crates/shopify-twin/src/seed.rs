//! A demo store, the same for the same numbers.

use crate::store::{Store, reference};
use serde_json::{Value, json};

const COLOURS: [&str; 8] = ["Amber", "Black", "Blue", "Green", "Ivory", "Red", "Slate", "White"];
const NOUNS: [&str; 8] = ["Boot", "Glove", "Hoodie", "Jacket", "Lamp", "Mug", "Snowboard", "Tent"];
const SIZES: [&str; 6] = ["XS", "S", "M", "L", "XL", "XXL"];
const VENDORS: [&str; 4] = ["Hillside", "Northwind", "Snow & Sons", "Tidewater"];
const CURRENCY: &str = "EUR";
const STATUSES: [&str; 5] = ["ACTIVE", "ACTIVE", "ACTIVE", "DRAFT", "ARCHIVED"];
/// Minutes between two products' creation.
const STEP: u64 = 90;

/// A store of `products` products with up to `variants` variants each.
pub(crate) fn demo(products: u32, variants: u32, development: bool) -> Store {
    let mut store = Store::new(shop(development));
    let mut dice = Dice(0x5eed);
    for number in 1..=u64::from(products) {
        let count = 1 + dice.below(u64::from(variants.max(1)));
        insert_product(&mut store, number, count, &mut dice);
    }
    store
}

fn shop(development: bool) -> Value {
    let plan = if development { "Development" } else { "Basic" };
    json!({
        "__typename": "Shop",
        "id": "gid://shopify/Shop/1",
        "name": "Twin Outfitters",
        "email": "owner@example.com",
        "contactEmail": "hello@example.com",
        "myshopifyDomain": "twin.myshopify.com",
        "url": "https://twin.myshopify.com",
        "primaryDomain": {"id": "gid://shopify/Domain/1", "host": "shop.example.com",
            "url": "https://shop.example.com", "sslEnabled": true},
        "plan": {"publicDisplayName": plan, "partnerDevelopment": development,
            "shopifyPlus": false},
        "currencyCode": CURRENCY,
        "enabledPresentmentCurrencies": [CURRENCY, "USD"],
        "ianaTimezone": "Europe/Berlin",
        "timezoneOffset": "+0100",
        "weightUnit": "KILOGRAMS",
        "unitSystem": "METRIC_SYSTEM",
        "taxesIncluded": true,
        "shopAddress": {"id": "gid://shopify/ShopAddress/1", "countryCodeV2": "DE",
            "city": "Hamburg"},
        "createdAt": "2024-01-05T09:00:00Z",
        "setupRequired": false,
    })
}

fn insert_product(store: &mut Store, number: u64, count: u64, dice: &mut Dice) {
    let key = 8_000_000_000 + number;
    let id = format!("gid://shopify/Product/{key}");
    let title = format!("{} {} {number}", dice.pick(&COLOURS), dice.pick(&NOUNS));
    let handle = title.to_lowercase().replace(' ', "-");
    let prices: Vec<u64> = (0..count).map(|_| 500 + dice.below(20_000)).collect();
    let stocks: Vec<u64> = (0..count).map(|_| dice.below(40)).collect();
    for (position, (price, stock)) in prices.iter().zip(&stocks).enumerate() {
        store.insert(variant(&Variant {
            number,
            product: &id,
            title: &title,
            position,
            price: *price,
            stock: *stock,
        }));
    }
    let media_id = format!("gid://shopify/MediaImage/{key}");
    store.insert(image(&media_id, &title, &handle));
    let variants: Vec<Value> =
        (0..count).map(|position| reference(&variant_id(number, position))).collect();
    store.insert(json!({
        "__typename": "Product",
        "id": id,
        "legacyResourceId": key.to_string(),
        "title": title,
        "handle": handle,
        "status": dice.pick(&STATUSES),
        "vendor": dice.pick(&VENDORS),
        "productType": title.split(' ').nth(1),
        "tags": [dice.pick(&COLOURS).to_lowercase(), "demo"],
        "createdAt": moment(number * STEP),
        "updatedAt": moment(number * STEP + 30),
        "publishedAt": moment(number * STEP + 5),
        "description": format!("{title}, made to last. Ships from Hamburg."),
        "descriptionHtml": format!("<p>{title}, made to last.</p><p>Ships from Hamburg.</p>"),
        "seo": {"title": title, "description": null},
        "category": {"__typename": "TaxonomyCategory",
            "id": "gid://shopify/TaxonomyCategory/aa-1", "name": "Clothing",
            "fullName": "Apparel & Accessories > Clothing"},
        "isGiftCard": false,
        "hasOnlyDefaultVariant": count == 1,
        "hasOutOfStockVariants": stocks.contains(&0),
        "tracksInventory": true,
        "totalInventory": stocks.iter().sum::<u64>(),
        "templateSuffix": null,
        "onlineStoreUrl": format!("https://shop.example.com/products/{handle}"),
        "onlineStorePreviewUrl": format!("https://shop.example.com/products/{handle}?preview=1"),
        "priceRangeV2": {"minVariantPrice": money(prices.iter().min()),
            "maxVariantPrice": money(prices.iter().max())},
        "compareAtPriceRange": null,
        "variantsCount": {"count": count, "precision": "EXACT"},
        "mediaCount": {"count": 1, "precision": "EXACT"},
        "options": [{"id": format!("gid://shopify/ProductOption/{key}"), "name": "Size",
            "position": 1, "values": SIZES.iter().take(index(count)).collect::<Vec<_>>()}],
        "variants": variants,
        "media": [reference(&media_id)],
        "featuredMedia": reference(&media_id),
        "metafields": [metafield(key, 1, "material", "Wool"), metafield(key, 2, "care", "Hand wash")],
    }));
}

struct Variant<'a> {
    number: u64,
    product: &'a str,
    title: &'a str,
    position: usize,
    price: u64,
    stock: u64,
}

fn variant(of: &Variant<'_>) -> Value {
    let &Variant { number, product, title, position, price, stock } = of;
    let id = variant_id(number, position as u64);
    let size = SIZES[position % SIZES.len()];
    let key = number * 1_000 + position as u64;
    json!({
        "__typename": "ProductVariant",
        "id": id,
        "legacyResourceId": (40_000_000_000 + key).to_string(),
        "title": size,
        "displayName": format!("{title} - {size}"),
        "sku": format!("TW-{number:05}-{size}"),
        "barcode": format!("40{key:011}"),
        "position": position + 1,
        "price": decimal(price),
        "compareAtPrice": if price % 3 == 0 { json!(decimal(price * 5 / 4)) } else { Value::Null },
        "availableForSale": stock > 0,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": stock,
        "sellableOnlineQuantity": stock,
        "taxable": true,
        "requiresComponents": false,
        "createdAt": moment(number * STEP),
        "updatedAt": moment(number * STEP + 30),
        "selectedOptions": [{"name": "Size", "value": size}],
        "product": reference(product),
        "inventoryItem": {"__typename": "InventoryItem",
            "id": format!("gid://shopify/InventoryItem/{}", 50_000_000_000 + key),
            "sku": format!("TW-{number:05}-{size}"), "tracked": true, "requiresShipping": true,
            "unitCost": money(Some(&(price / 2))),
            "measurement": {"id": format!("gid://shopify/InventoryItemMeasurement/{key}"),
                "weight": {"unit": "GRAMS", "value": 350.0}}},
        "media": [],
        "metafields": [metafield(key, 3, "batch", "A7")],
    })
}

fn variant_id(number: u64, position: u64) -> String {
    format!("gid://shopify/ProductVariant/{}", 40_000_000_000 + number * 1_000 + position)
}

fn image(id: &str, title: &str, handle: &str) -> Value {
    let url = format!("https://cdn.example.com/{handle}.jpg");
    let image = json!({"id": id.replace("MediaImage", "ImageSource"), "url": url, "altText": title,
        "width": 1200, "height": 900});
    json!({
        "__typename": "MediaImage", "id": id, "alt": title, "mediaContentType": "IMAGE",
        "status": "READY", "mimeType": "image/jpeg", "image": image,
        "preview": {"status": "READY", "image": image},
        "mediaErrors": [], "mediaWarnings": [],
    })
}

fn metafield(owner: u64, number: u64, key: &str, value: &str) -> Value {
    json!({
        "__typename": "Metafield",
        "id": format!("gid://shopify/Metafield/{}", owner * 10 + number),
        "namespace": "custom", "key": key, "type": "single_line_text_field", "value": value,
        "jsonValue": value, "updatedAt": moment(number), "createdAt": moment(number),
        "compareDigest": format!("{owner:x}{number}"),
    })
}

fn money(cents: Option<&u64>) -> Value {
    json!({"amount": decimal(cents.copied().unwrap_or_default()), "currencyCode": CURRENCY})
}

fn decimal(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// `minutes` after the store's first day, in 31-day months of one endless calendar year at most.
fn moment(minutes: u64) -> String {
    let (days, minute) = (minutes / 1_440, minutes % 1_440);
    let (year, month, day) = (2024 + days / 336, 1 + days / 28 % 12, 1 + days % 28);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The generator `SplitMix64` (Steele, Lea and Flood 2014): small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[index(self.below(from.len() as u64))]
    }
}

#[cfg(test)]
mod tests {
    use super::demo;

    #[test]
    fn equal_numbers_make_equal_stores() {
        let (one, two) = (demo(20, 4, true), demo(20, 4, true));
        assert_eq!(one.ids("Product").len(), 20);
        for id in one.ids("ProductVariant").iter().chain(one.ids("Product")) {
            assert_eq!(one.get(id), two.get(id));
        }
        let titles: std::collections::BTreeSet<_> = one
            .ids("Product")
            .iter()
            .filter_map(|id| one.get(id)?.get("handle")?.as_str())
            .collect();
        assert_eq!(titles.len(), 20);
    }
}
