//! Finding products.

use crate::client::{Failure, Found};
use crate::envelope::{Envelope, Environment, MAX_ROWS_TEXT, Page, Rows, Tally};
use crate::operation::{CountProducts, SearchProducts, count_products, search_products};
use crate::product::{COMPACT, ProductField, ProductRow, untrusted, word};
use crate::server::{Link, deadline};
use crate::text::Scrub;
use crate::{Error, Server};
use mcp_core::{Principal, prelude::*, progress::Progress};
use tokio::time::Instant;

/// Smallest page that is worth asking for when a larger one costs too much.
const LEAST_PAGE: i64 = 10;

/// Arguments of `search_products`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchProductsArgs {
    /// Shopify search syntax, e.g. `title:boot* AND vendor:Acme`; all products when absent.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    query: Option<String>,
    /// Only this status.
    #[serde(default)]
    status: Option<ProductStatus>,
    /// Rows per page.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 250))]
    limit: i64,
    /// `next_cursor` of the same search.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2000))]
    cursor: Option<String>,
    /// Follow pages up to this many rows; one page when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10000))]
    max_items: Option<i64>,
    /// Only count.
    #[serde(default)]
    count_only: bool,
    /// Fields of a row besides `id`; title, handle, status, `price_range` and `total_inventory`
    /// when empty.
    #[serde(default)]
    #[schemars(length(max = 20))]
    fields: Vec<ProductField>,
}

/// Status of a product.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ProductStatus {
    Active,
    Archived,
    Draft,
    Unlisted,
}

const fn default_limit() -> i64 {
    20
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProductsData {
    /// Rows, in order of id.
    products: Vec<ProductRow>,
    /// With `count_only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<Count>,
}

/// A number of products.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Count {
    /// Products that match.
    total: i64,
    /// Whether it is exact, or at least so many.
    exact: bool,
}

/// A search that has been checked.
struct Search {
    query: Option<String>,
    page: i64,
    wanted: i64,
    after: Option<String>,
    fields: Vec<ProductField>,
    deadline: Instant,
}

#[tool_router(router = product_tools, vis = "pub(crate)")]
impl Server {
    /// Find products by Shopify search syntax and status: id, title, handle, status, price range
    /// and stock, or the fields asked for; or only their number.
    #[tool(
        title = "Search products",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    async fn search_products(
        &self,
        Parameters(args): Parameters<SearchProductsArgs>,
        caller: Principal,
        progress: Progress,
    ) -> Result<Json<Envelope<ProductsData>>> {
        let query = args.query()?;
        let link = self.link()?;
        let deadline = deadline();
        if args.count_only {
            return count(link, query, deadline).await.map(Json);
        }
        let pages = link.products.of(caller);
        let about = (link.domain.clone(), query.clone());
        let after = args.cursor.as_deref().map(|word| pages.open(&about, word)).transpose();
        let search = Search {
            after: after.map_err(|_| Error::InvalidCursor)?,
            query,
            page: args.limit,
            wanted: args.max_items.unwrap_or(args.limit),
            fields: if args.fields.is_empty() { COMPACT.to_vec() } else { args.fields },
            deadline,
        };
        let next = |after: String| pages.next(&about, &after);
        list(link, search, next, &progress).await.map(Json)
    }
}

impl SearchProductsArgs {
    /// The whole search text. The caller's part is bracketed, so that it cannot undo the status.
    fn query(&self) -> Result<Option<String>> {
        let text = self.query.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(ToolError::invalid("/query", "query must not have control characters"));
        }
        let Some(status) = self.status else { return Ok(text.map(str::to_owned)) };
        let status = format!("status:{}", word(&status));
        let Some(text) = text else { return Ok(Some(status)) };
        if !is_balanced(text) {
            return Err(ToolError::invalid(
                "/query",
                "query must close its brackets and quotes when status is given",
            ));
        }
        Ok(Some(format!("({text}) AND {status}")))
    }
}

/// Whether brackets and quotes pair up.
fn is_balanced(text: &str) -> bool {
    let (mut depth, mut quote, mut escaped) = (0_u32, None, false);
    let mut before = ' ';
    for letter in text.chars() {
        match (letter, quote) {
            _ if escaped => escaped = false,
            ('\\', _) => escaped = true,
            (mark, Some(open)) if mark == open => quote = None,
            (_, Some(_)) => {}
            ('"', None) => quote = Some('"'),
            // An apostrophe inside a word is no quote.
            ('\'', None) if !before.is_alphanumeric() => quote = Some('\''),
            ('(', None) => depth += 1,
            (')', None) => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
        before = letter;
    }
    depth == 0 && quote.is_none() && !escaped
}

async fn count(
    link: &Link,
    query: Option<String>,
    deadline: Instant,
) -> Result<Envelope<ProductsData>> {
    let variables = count_products::Variables { query, limit: None };
    let Found { data, spent } = link
        .client
        .query::<CountProducts>(variables, 0, deadline)
        .await
        .map_err(Error::Upstream)?;
    link.learn(Environment::of_plan(data.shop.plan.partner_development));
    let mut tally = Tally::default();
    tally.add(spent);
    let count = data
        .products_count
        .map(|count| Count { total: count.count, exact: word(&count.precision) == "EXACT" });
    let data = ProductsData { products: Vec::new(), count };
    Ok(tally.wrap(link.environment(), data, None, Vec::new()))
}

async fn list(
    link: &Link,
    search: Search,
    next_cursor: impl Fn(String) -> Result<String>,
    progress: &Progress,
) -> Result<Envelope<ProductsData>> {
    let (mut tally, mut scrub) = (Tally::default(), Scrub::default());
    let rows = gather(link, &search, &mut tally, &mut scrub, progress).await?;
    let (products, next, cut) = rows.fit(MAX_ROWS_TEXT);
    if cut {
        tally.warn(format!("{} rows fill an answer; next_cursor has the rest", products.len()));
    }
    scrub.warnings().for_each(|warning| tally.warn(warning));
    let page = Page {
        count: products.len(),
        truncated: next.is_some(),
        next_cursor: next.map(next_cursor).transpose()?,
    };
    let untrusted = if products.is_empty() { Vec::new() } else { untrusted(&search.fields) };
    let data = ProductsData { products, count: None };
    Ok(tally.wrap(link.environment(), data, Some(page), untrusted))
}

/// Pages until enough rows, too much text, the last row, or an error after the first page.
async fn gather(
    link: &Link,
    search: &Search,
    tally: &mut Tally,
    scrub: &mut Scrub,
    progress: &Progress,
) -> Result<Rows<ProductRow>> {
    let (mut rows, mut after, mut page) = (Vec::new(), search.after.clone(), search.page);
    let mut size = 0;
    loop {
        let have = as_rows(rows.len());
        let first = page.min(search.wanted - have);
        let found = match fetch(link, search, first, after.clone(), tally, scrub).await {
            Ok(found) => found,
            Err(failure) if failure.is_too_expensive() && first > LEAST_PAGE => {
                page = (first / 2).max(LEAST_PAGE);
                continue;
            }
            Err(failure) if !rows.is_empty() => {
                tally.warn(format!("stopped early: {failure}; next_cursor continues"));
                return Ok(Rows { rows, more: true });
            }
            Err(failure) => return Err(Error::Upstream(failure).into()),
        };
        for (_, row) in &found.rows {
            size += serde_json::to_string(row).map_or(0, |text| text.len());
        }
        after = found.rows.last().map(|(cursor, _)| cursor.clone());
        rows.extend(found.rows);
        let done = rows.len();
        progress.report(as_number(as_rows(done)), Some(as_number(search.wanted)), "products").await;
        let enough = as_rows(done) >= search.wanted;
        if enough || size > MAX_ROWS_TEXT || !found.more || after.is_none() {
            return Ok(Rows { rows, more: found.more });
        }
    }
}

async fn fetch(
    link: &Link,
    search: &Search,
    first: i64,
    after: Option<String>,
    tally: &mut Tally,
    scrub: &mut Scrub,
) -> Result<Rows<ProductRow>, Box<Failure>> {
    let variables = search_products::Variables { query: search.query.clone(), first, after };
    let Found { data, spent } =
        link.client.query::<SearchProducts>(variables, first, search.deadline).await?;
    tally.add(spent);
    link.learn(Environment::of_plan(data.shop.plan.partner_development));
    let more = data.products.page_info.has_next_page;
    let rows = data.products.edges.into_iter();
    let rows = rows.map(|edge| (edge.cursor, ProductRow::read(edge.node, &search.fields, scrub)));
    Ok(Rows { rows: rows.collect(), more })
}

fn as_rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn as_number(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::{ProductStatus, SearchProductsArgs, is_balanced};

    fn args(query: &str, status: Option<ProductStatus>) -> SearchProductsArgs {
        SearchProductsArgs {
            query: Some(query.to_owned()),
            status,
            limit: 20,
            cursor: None,
            max_items: None,
            count_only: false,
            fields: Vec::new(),
        }
    }

    #[test]
    fn a_query_cannot_undo_the_status() {
        let query = |text: &str| args(text, Some(ProductStatus::Active)).query();
        assert_eq!(query("a OR b").unwrap().unwrap(), "(a OR b) AND status:active");
        assert_eq!(query(" ").unwrap().unwrap(), "status:active");
        assert!(query("a) OR (status:draft").is_err());
        assert!(query("\"a").is_err());
        assert_eq!(args("a) OR b", None).query().unwrap().unwrap(), "a) OR b");
        assert!(args("a\u{0}", None).query().is_err());
    }

    #[test]
    fn brackets_and_quotes_must_pair_up() {
        for good in ["", "a (b (c))", "title:'x ) y'", "\"(\"", "it's a \"mug\"", "a\\)b"] {
            assert!(is_balanced(good), "{good}");
        }
        for bad in ["(", ")", "a)(b", "'x", "x \"", "a\\"] {
            assert!(!is_balanced(bad), "{bad}");
        }
    }
}
