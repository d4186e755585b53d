//! Reading one object.

use crate::client::{Failure, Found};
use crate::envelope::{Envelope, Environment, MAX_ROWS_TEXT, Page, Rows, Tally};
use crate::extra::{self, Ask, Medium, Metafield};
use crate::gid::{Gid, ObjectType};
use crate::operation::{GetProduct, GetVariant, get_product, get_variant};
use crate::product::{self, Product, word};
use crate::server::{Link, deadline};
use crate::text::Scrub;
use crate::variant::{self, Variant};
use crate::{Error, Server};
use mcp_core::{Principal, cursor::Pages, prelude::*};
use tokio::time::Instant;

/// Arguments of `get_object`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetObjectArgs {
    /// `gid://shopify/Product/1`, `Product/1` or `ProductVariant/1`. Either this or `handle`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    id: Option<String>,
    /// Handle of a product.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    handle: Option<String>,
    /// Lists to read with it; variants of products only.
    #[serde(default)]
    #[schemars(length(max = 3))]
    include: Vec<Include>,
    /// Rows per list.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: i64,
    /// `next_cursor` of a list, to read only its next rows.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2000))]
    cursor: Option<String>,
}

/// A list of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Include {
    Variants,
    Media,
    Metafields,
}

const fn default_limit() -> i64 {
    20
}

/// An object, with the lists asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ObjectData {
    /// Which of the two it is.
    #[serde(rename = "type")]
    of: ObjectType,
    /// Global id.
    id: String,
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<Product>,
    /// The variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_variant: Option<Variant>,
    /// Variants of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<List<Variant>>,
    /// Media.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<List<Medium>>,
    /// Metafields.
    #[serde(skip_serializing_if = "Option::is_none")]
    metafields: Option<List<Metafield>>,
}

/// A part of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct List<T> {
    /// Rows.
    items: Vec<T>,
    /// Where it ends.
    page: Page,
}

/// What one call reads.
struct Reading<'a> {
    link: &'a Link,
    lists: Vec<Include>,
    limit: i64,
    pages: Pages,
    /// Row behind which the list goes on.
    after: Option<String>,
    deadline: Instant,
    scrub: Scrub,
    tally: Tally,
}

#[tool_router(router = object_tools, vis = "pub(crate)")]
impl Server {
    /// Read a product (by id or handle) or a product variant (by id), with its variants, media and
    /// metafields when asked for.
    #[tool(
        title = "Get an object",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    async fn get_object(
        &self,
        Parameters(args): Parameters<GetObjectArgs>,
        caller: Principal,
    ) -> Result<Json<Envelope<ObjectData>>> {
        let wanted = args.wanted()?;
        let link = self.link()?;
        let pages = link.lists.of(caller);
        let continued = args.continued(&pages, &link.domain)?;
        let mut reading = Reading {
            link,
            pages,
            lists: args.lists(wanted.of(), continued.as_ref().map(|(list, _)| *list))?,
            limit: args.limit,
            after: continued.map(|(_, after)| after),
            deadline: deadline(),
            scrub: Scrub::default(),
            tally: Tally::default(),
        };
        let mut data = match (&wanted, &reading.after) {
            (Wanted::Id(gid), Some(_)) => ObjectData::of(gid.of, gid.text.clone()),
            (Wanted::Id(gid), None) if gid.of == ObjectType::ProductVariant => {
                reading.variant(&gid.text).await?
            }
            _ => reading.product(&wanted).await?,
        };
        reading.fill(&mut data).await?;
        Ok(Json(reading.finish(data)))
    }
}

/// Which object.
enum Wanted {
    Id(Gid),
    Handle(String),
}

impl Wanted {
    fn of(&self) -> ObjectType {
        match self {
            Self::Id(gid) => gid.of,
            Self::Handle(_) => ObjectType::Product,
        }
    }

    fn not_found(&self) -> Error {
        match self {
            Self::Id(gid) => Error::NotFound(gid.of, gid.text.clone()),
            Self::Handle(handle) => {
                Error::NotFound(ObjectType::Product, mcp_core::untrusted::line(handle, 255))
            }
        }
    }
}

impl GetObjectArgs {
    fn wanted(&self) -> Result<Wanted> {
        match (&self.id, &self.handle) {
            (Some(id), None) => Gid::parse(id).map(Wanted::Id),
            (None, Some(handle)) if self.cursor.is_none() => Ok(Wanted::Handle(handle.clone())),
            (None, Some(_)) => {
                Err(ToolError::invalid("/handle", "cursor goes with id, not handle")
                    .with_hint("give the id of the same object"))
            }
            _ => Err(ToolError::invalid("/id", "exactly one of id and handle must be given")
                .with_hint("for example id Product/123 or handle blue-boot")),
        }
    }

    /// The list that the cursor continues, and after what.
    fn continued(&self, pages: &Pages, domain: &str) -> Result<Option<(Include, String)>, Error> {
        let Some(word) = &self.cursor else { return Ok(None) };
        let id = self.id.as_deref().map(Gid::parse).transpose().ok().flatten();
        let about = (domain, id.map(|id| id.text));
        pages.open(&about, word).map(Some).map_err(|_| Error::InvalidCursor)
    }

    /// The lists to read: those asked for, or the one that is continued.
    fn lists(&self, of: ObjectType, continued: Option<Include>) -> Result<Vec<Include>> {
        if let Some(list) = continued {
            if self.include.iter().any(|include| *include != list) {
                let message = "include must be absent or the cursor's own list";
                return Err(ToolError::invalid("/include", message));
            }
            return Ok(vec![list]);
        }
        if of == ObjectType::ProductVariant && self.include.contains(&Include::Variants) {
            return Err(ToolError::invalid("/include", "a product variant has no variants")
                .with_hint("include media or metafields, or read its product"));
        }
        let mut lists = Vec::new();
        for list in &self.include {
            if !lists.contains(list) {
                lists.push(*list);
            }
        }
        Ok(lists)
    }
}

impl Include {
    /// Where the list holds the store's own words.
    const fn untrusted(self) -> &'static [&'static str] {
        match self {
            Self::Variants => &[
                "/data/variants/items/*/title",
                "/data/variants/items/*/sku",
                "/data/variants/items/*/barcode",
                "/data/variants/items/*/options/*",
            ],
            Self::Media => &["/data/media/items/*/alt", "/data/media/items/*/preview/url"],
            Self::Metafields => &[
                "/data/metafields/items/*/namespace",
                "/data/metafields/items/*/key",
                "/data/metafields/items/*/value",
            ],
        }
    }
}

impl ObjectData {
    const fn of(of: ObjectType, id: String) -> Self {
        Self {
            of,
            id,
            product: None,
            product_variant: None,
            variants: None,
            media: None,
            metafields: None,
        }
    }
}

impl Reading<'_> {
    async fn product(&mut self, wanted: &Wanted) -> Result<ObjectData> {
        use get_product::ProductIdentifierInput as Identifier;
        let identifier = match wanted {
            Wanted::Id(gid) => Identifier::Id(gid.text.clone()),
            Wanted::Handle(handle) => Identifier::Handle(handle.clone()),
        };
        let variables = get_product::Variables { identifier };
        let Found { data, spent } = self
            .link
            .client
            .query::<GetProduct>(variables, 0, self.deadline)
            .await
            .map_err(Error::Upstream)?;
        self.tally.add(spent);
        self.link.learn(Environment::of_plan(data.shop.plan.partner_development));
        let node = data.product_by_identifier.ok_or_else(|| wanted.not_found())?;
        let product = Product::read(node, &mut self.scrub);
        let mut data = ObjectData::of(ObjectType::Product, product.id.clone());
        data.product = Some(product);
        Ok(data)
    }

    async fn variant(&mut self, id: &str) -> Result<ObjectData> {
        let variables = get_variant::Variables { id: id.to_owned() };
        let Found { data, spent } = self
            .link
            .client
            .query::<GetVariant>(variables, 0, self.deadline)
            .await
            .map_err(Error::Upstream)?;
        self.tally.add(spent);
        self.link.learn(Environment::of_plan(data.shop.plan.partner_development));
        let currency = word(&data.shop.currency_code);
        let not_found = || Error::NotFound(ObjectType::ProductVariant, id.to_owned());
        let node = data.product_variant.ok_or_else(not_found)?;
        let variant = Variant::read(node, &currency, &mut self.scrub);
        let mut data = ObjectData::of(ObjectType::ProductVariant, variant.id.clone());
        data.product_variant = Some(variant);
        Ok(data)
    }

    /// Read the lists, one after the other: they share one budget of points and of text.
    async fn fill(&mut self, data: &mut ObjectData) -> Result<()> {
        let used = serde_json::to_string(&*data).map_or(0, |text| text.len());
        let room = MAX_ROWS_TEXT.saturating_sub(used) / self.lists.len().max(1);
        for list in self.lists.clone() {
            let ask = self.ask(&data.id);
            let (client, of) = (&self.link.client, data.of);
            let (scrub, tally) = (&mut self.scrub, &mut self.tally);
            match list {
                Include::Variants => {
                    let rows = extra::variants(client, ask, scrub, tally).await;
                    data.variants = Some(self.list(list, data, rows, room)?);
                }
                Include::Media => {
                    let rows = extra::media(client, of, ask, scrub, tally).await;
                    data.media = Some(self.list(list, data, rows, room)?);
                }
                Include::Metafields => {
                    let rows = extra::metafields(client, of, ask, scrub, tally).await;
                    data.metafields = Some(self.list(list, data, rows, room)?);
                }
            }
        }
        Ok(())
    }

    fn ask(&self, id: &str) -> Ask {
        let after = self.after.clone();
        Ask { id: id.to_owned(), first: self.limit, after, deadline: self.deadline }
    }

    fn list<T: Serialize>(
        &self,
        list: Include,
        data: &ObjectData,
        rows: Result<Option<Rows<T>>, Box<Failure>>,
        room: usize,
    ) -> Result<List<T>> {
        let rows = rows.map_err(Error::Upstream)?;
        let rows = rows.ok_or_else(|| Error::NotFound(data.of, data.id.clone()))?;
        let (items, next_row, _) = rows.fit(room);
        let about = (self.link.domain.as_str(), Some(data.id.as_str()));
        let next = |after: String| self.pages.next(&about, &(list, after));
        let page = Page {
            count: items.len(),
            truncated: next_row.is_some(),
            next_cursor: next_row.map(next).transpose()?,
        };
        Ok(List { items, page })
    }

    fn finish(mut self, data: ObjectData) -> Envelope<ObjectData> {
        let mut untrusted: Vec<&str> = Vec::new();
        if data.product.is_some() {
            untrusted.extend(product::UNTRUSTED);
        }
        if data.product_variant.is_some() {
            untrusted.extend(variant::UNTRUSTED);
        }
        for list in &self.lists {
            untrusted.extend(list.untrusted());
        }
        let untrusted = untrusted.into_iter().map(str::to_owned).collect();
        for warning in self.scrub.warnings() {
            self.tally.warn(warning);
        }
        self.tally.wrap(self.link.environment(), data, None, untrusted)
    }
}
