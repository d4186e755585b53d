//! Reads: one object by id, or a list.

use mcp_core::{Principal, cursor::Pages, prelude::*, progress::Progress};
use serde_json::{Map, Value};

use crate::{
    Error, Server,
    envelope::{MAX_DATA, Page},
    filter, form,
    key::Environment,
    listing::{Listing, Shape, Walk},
    present::{Notes, present},
    privacy::{self, Rules},
    projection::Fields,
    resource::Resource,
    server::Link,
};

/// What to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListObjectsArgs {
    /// Kind of object.
    resource: Resource,
    /// API list filters: `created` (unix seconds, or {gt,gte,lt,lte}) for all; customer: email,
    /// `test_clock`; product: active, ids, shippable, url; price: active, currency,
    /// `lookup_keys`, product, recurring, type; `payment_intent`: customer, `customer_account`.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 10))]
    filters: Map<String, Value>,
    /// Objects per page; default 10, with `max_items` or `count_only` 100.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u64>,
    /// `next_cursor` of an earlier answer to the same listing.
    #[schemars(length(min = 1, max = 600))]
    cursor: Option<String>,
    /// Read further pages, up to so many objects.
    #[schemars(range(min = 1, max = 10_000))]
    max_items: Option<u64>,
    /// Count by reading ids, up to `max_items` (default 10000), without returning them.
    #[serde(default)]
    count_only: bool,
    /// Fields as paths such as `recurring.interval`; `["*"]` for all. Default: a compact set.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 200)))]
    fields: Option<Vec<String>>,
    /// Related objects to include in place of their ids, such as `latest_charge`.
    #[serde(default)]
    #[schemars(length(max = 10), inner(regex(pattern = r"^[a-z_]{1,60}(\.[a-z_]{1,60}){0,2}$")))]
    expand: Vec<String>,
    /// Unmask personal data; the configuration must allow it.
    #[serde(default)]
    include_pii: bool,
    /// Connected account to act for.
    #[schemars(regex(pattern = r"^acct_[A-Za-z0-9_]{1,255}$"))]
    account: Option<String>,
}

/// A part of a list, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListObjectsOutput {
    /// Test data or live money.
    environment: Environment,
    /// The objects; absent with `count_only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Vec<Map<String, Value>>>,
    /// Where this part stands in the list.
    page: Page,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// JSON pointers of texts that outsiders wrote; `*` stands for every index.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    untrusted: Vec<String>,
    /// Stripe's id of the last request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// Which object to read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetObjectArgs {
    /// Object id: cus_, prod_, price_ or pi_.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_]{1,255}$"))]
    id: String,
    /// Fields as paths such as `recurring.interval`; `["*"]` for all. Default: a compact set.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 200)))]
    fields: Option<Vec<String>>,
    /// Related objects to include in place of their ids, such as `latest_charge`.
    #[serde(default)]
    #[schemars(length(max = 10), inner(regex(pattern = r"^[a-z_]{1,60}(\.[a-z_]{1,60}){0,3}$")))]
    expand: Vec<String>,
    /// Unmask personal data; the configuration must allow it.
    #[serde(default)]
    include_pii: bool,
    /// Connected account to act for.
    #[schemars(regex(pattern = r"^acct_[A-Za-z0-9_]{1,255}$"))]
    account: Option<String>,
}

/// An object.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetObjectOutput {
    /// Test data or live money.
    environment: Environment,
    /// Kind of object.
    resource: Resource,
    /// The object.
    data: Map<String, Value>,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// JSON pointers of texts that outsiders wrote.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    untrusted: Vec<String>,
    /// Stripe's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

#[tool_router(router = object_tools, vis = "pub(crate)")]
impl Server {
    /// List customers, products, prices or payment intents, newest first, filtered and paged; or
    /// count them.
    #[tool(
        title = "List objects",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    pub(crate) async fn list_objects(
        &self,
        Parameters(args): Parameters<ListObjectsArgs>,
        ct: CancellationToken,
        caller: Principal,
        progress: Progress,
    ) -> Result<Json<ListObjectsOutput>> {
        Ok(Json(self.list(args, caller, &ct, &progress).await?))
    }

    /// Read one customer, product, price or payment intent by its id.
    #[tool(
        title = "Get an object",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    pub(crate) async fn get_object(
        &self,
        Parameters(args): Parameters<GetObjectArgs>,
        ct: CancellationToken,
    ) -> Result<Json<GetObjectOutput>> {
        Ok(Json(self.get(args, &ct).await?))
    }
}

impl Server {
    pub(crate) async fn list(
        &self,
        args: ListObjectsArgs,
        caller: Principal,
        ct: &CancellationToken,
        progress: &Progress,
    ) -> Result<ListObjectsOutput> {
        let link = self.link()?;
        let rules = self.rules(args.include_pii, args.fields.is_some())?;
        let pages = link.listing.of(caller);
        let (listing, filter) = args.listing(link, &pages, rules)?;
        let walk = listing.walk(&link.client, ct, Some(progress)).await?;
        let last = walk.resume_after.as_ref();
        let next_cursor = last.map(|last| pages.next(&filter, last)).transpose()?;
        Ok(listed(link, &listing, next_cursor, walk))
    }

    pub(crate) async fn get(
        &self,
        args: GetObjectArgs,
        ct: &CancellationToken,
    ) -> Result<GetObjectOutput, Error> {
        let link = self.link()?;
        let rules = self.rules(args.include_pii, args.fields.is_some())?;
        let resource = resource_of(&args.id)?;
        let parameters = expansion(&args.expand, "");
        let path = format!("{}/{}", resource.path(), args.id);
        let request = link.client.get(path, &parameters, args.account.as_deref())?;
        let reply = link.client.send(&request, link.client.deadline(), ct).await?;
        let fields = Fields::new(args.fields, &args.expand);
        let mut notes = Notes::default();
        let data = present(resource.compact(), &fields, rules, reply.body, &mut notes);
        if serde_json::to_string(&data).is_ok_and(|text| text.chars().count() > MAX_DATA) {
            return Err(Error::TooLarge { limit: MAX_DATA });
        }
        Ok(GetObjectOutput {
            environment: link.environment,
            resource,
            warnings: notes.warnings(),
            untrusted: privacy::foreign(&Value::Object(data.clone()), "/data"),
            data,
            request_id: reply.request_id,
        })
    }
}

impl ListObjectsArgs {
    /// The listing, and what its cursors are bound to.
    fn listing(
        self,
        link: &Link,
        pages: &Pages,
        rules: Rules,
    ) -> Result<(Listing, [String; 2]), Error> {
        let filters = filter::check(self.resource, &self.filters)?;
        let account = link.client.acting_for(self.account.as_deref()).unwrap_or_default();
        let binding = format!(
            "{}\n{account}\n{}",
            self.resource.name(),
            form::encode(&form::pairs(&filters)?)
        );
        let filter = [binding, link.owner.clone()];
        let after = self.cursor.map(|word| pages.open(&filter, &word)).transpose();
        let after = after.map_err(|_| Error::Cursor)?;
        if self.count_only && (self.fields.is_some() || !self.expand.is_empty()) {
            let message = "count_only returns no objects: leave fields and expand out".to_owned();
            return Err(Error::Argument { field: "/count_only", message });
        }
        let many = self.count_only || self.max_items.is_some();
        let page_size = self.limit.unwrap_or(if many { 100 } else { 10 });
        let all = if self.count_only { 10_000 } else { page_size };
        let bare = |path: &String| path.strip_prefix("data.").unwrap_or(path).to_owned();
        let expand: Vec<_> = self.expand.iter().map(bare).collect();
        let mut parameters = filters;
        parameters.extend(expansion(&expand, "data."));
        let fields = Fields::new(self.fields, &expand);
        let listing = Listing {
            resource: self.resource,
            parameters,
            account: self.account,
            after,
            page_size,
            max_items: self.max_items.unwrap_or(all),
            shape: if self.count_only { Shape::Count } else { Shape::Rows(fields, rules) },
        };
        Ok((listing, filter))
    }
}

fn listed(
    link: &Link,
    listing: &Listing,
    next_cursor: Option<String>,
    walk: Walk,
) -> ListObjectsOutput {
    let mut warnings = walk.warnings;
    warnings.extend(walk.notes.warnings());
    let page = Page { count: walk.count, truncated: next_cursor.is_some(), next_cursor };
    let mut untrusted = Vec::new();
    let data = match &listing.shape {
        Shape::Count => None,
        Shape::Rows(..) => {
            for row in &walk.rows {
                untrusted.extend(privacy::foreign(&Value::Object(row.clone()), "/data/*"));
            }
            Some(walk.rows)
        }
    };
    untrusted.sort();
    untrusted.dedup();
    ListObjectsOutput {
        environment: link.environment,
        data,
        page,
        warnings,
        untrusted,
        request_id: walk.request_id,
    }
}

/// The resource an id belongs to, provided the id can stand in a path.
fn resource_of(id: &str) -> Result<Resource, Error> {
    let known = Resource::of_id(id).filter(|resource| filter::is_id(id, resource.prefix()));
    known.ok_or_else(|| {
        let prefix: String = id.chars().take_while(char::is_ascii_alphanumeric).take(20).collect();
        Error::ObjectType { prefix: format!("{prefix}_") }
    })
}

/// `expand` in the API's form: in lists its paths begin at `data`.
fn expansion(expand: &[String], root: &str) -> Map<String, Value> {
    let mut parameters = Map::new();
    if !expand.is_empty() {
        let paths = expand.iter().map(|path| Value::from(format!("{root}{path}")));
        parameters.insert("expand".to_owned(), paths.collect());
    }
    parameters
}
