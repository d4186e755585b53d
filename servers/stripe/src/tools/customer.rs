//! Writes on customers.

use std::collections::BTreeMap;

use mcp_core::prelude::*;
use serde_json::{Map, Value};

use crate::{
    Error, Server,
    client::{self, Request},
    envelope::Idempotency,
    form,
    key::Environment,
    present::{Notes, present},
    privacy,
    projection::Fields,
    resource::Resource,
};

/// The new customer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct CreateCustomerArgs {
    /// Name of the person or business.
    #[schemars(length(min = 1, max = 256))]
    name: Option<String>,
    /// E-mail address.
    #[schemars(length(min = 3, max = 512), regex(pattern = r"^[^@\s]+@[^@\s]+$"))]
    email: Option<String>,
    /// Telephone number.
    #[schemars(length(min = 1, max = 20))]
    phone: Option<String>,
    /// Note shown in the dashboard.
    #[schemars(length(min = 1, max = 5_000))]
    description: Option<String>,
    /// Postal address.
    address: Option<Address>,
    /// Own key-value pairs.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 50))]
    metadata: BTreeMap<String, String>,
    /// Test clock to attach, clock_…; test keys only.
    #[schemars(regex(pattern = r"^clock_[A-Za-z0-9_]{1,255}$"))]
    test_clock: Option<String>,
    /// Show the request without sending it.
    #[serde(default)]
    dry_run: bool,
    /// Key under which this write runs at most once; a fresh one is made when absent.
    #[schemars(regex(pattern = r"^[\x21-\x7e]{1,255}$"))]
    idempotency_key: Option<String>,
    /// Connected account to act for.
    #[schemars(regex(pattern = r"^acct_[A-Za-z0-9_]{1,255}$"))]
    account: Option<String>,
}

/// A postal address.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("minProperties" = 1))]
pub(crate) struct Address {
    /// Street, company or post box.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    line1: Option<String>,
    /// Apartment, suite or building.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    line2: Option<String>,
    /// City or town.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    city: Option<String>,
    /// State, province or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    state: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    postal_code: Option<String>,
    /// Country, two letters (ISO 3166-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z]{2}$"))]
    country: Option<String>,
}

/// The created customer, or the request that would create it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CreateCustomerOutput {
    /// Test data or live money.
    environment: Environment,
    /// The customer, personal data masked; absent for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Map<String, Value>>,
    /// The request that was not sent; only for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<UnsentRequest>,
    /// How to repeat this write safely.
    idempotency: Idempotency,
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

/// A request as it would be sent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct UnsentRequest {
    /// HTTP method.
    method: &'static str,
    /// URL.
    url: String,
    /// Headers; the key is not shown.
    headers: BTreeMap<&'static str, String>,
    /// Form-encoded body.
    body: String,
}

#[tool_router(router = customer_tools, vis = "pub(crate)")]
impl Server {
    /// Create a customer. Stripe does not look for duplicates: list customers by email first. The
    /// answer has the idempotency key to repeat the call with if its outcome is unknown.
    #[tool(
        title = "Create a customer",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = true
        )
    )]
    pub(crate) async fn create_customer(
        &self,
        Parameters(args): Parameters<CreateCustomerArgs>,
        ct: CancellationToken,
    ) -> Result<Json<CreateCustomerOutput>> {
        Ok(Json(self.create(args, &ct).await?))
    }
}

impl Server {
    async fn create(
        &self,
        mut args: CreateCustomerArgs,
        ct: &CancellationToken,
    ) -> Result<CreateCustomerOutput, Error> {
        let link = self.link_for_writes()?;
        if args.test_clock.is_some() && link.environment == Environment::Live {
            return Err(Error::TestModeOnly);
        }
        let given = args.idempotency_key.take();
        let key = given.map_or_else(client::fresh_key, Ok)?;
        let (account, dry_run) = (args.account.take(), args.dry_run);
        let parameters = args.parameters()?;
        let request =
            link.client.post("/v1/customers", &parameters, account.as_deref(), key.clone())?;
        let mut output = CreateCustomerOutput {
            environment: link.environment,
            data: None,
            request: None,
            idempotency: Idempotency { key, replayed: false },
            warnings: Vec::new(),
            untrusted: Vec::new(),
            request_id: None,
        };
        if dry_run {
            output.request = Some(unsent(&request));
            return Ok(output);
        }
        let reply = link.client.send(&request, link.client.deadline(), ct).await?;
        let fields = Fields::new(None, &[]);
        let rules = self.rules(false, false)?;
        let mut notes = Notes::default();
        let data = present(Resource::Customer.compact(), &fields, rules, reply.body, &mut notes);
        output.warnings = notes.warnings();
        if !data.contains_key("id") {
            output.warnings.push("Stripe answered success without an id: the customer exists, list customers to find it".to_owned());
        }
        output.untrusted = privacy::foreign(&Value::Object(data.clone()), "/data");
        output.data = Some(data);
        output.idempotency.replayed = reply.replayed;
        output.request_id = reply.request_id;
        Ok(output)
    }
}

impl CreateCustomerArgs {
    /// The API's parameters.
    fn parameters(self) -> Result<Map<String, Value>, Error> {
        check_metadata(&self.metadata)?;
        let texts = [
            ("name", self.name),
            ("email", self.email),
            ("phone", self.phone),
            ("description", self.description),
            ("test_clock", self.test_clock),
        ];
        let mut parameters: Map<_, _> = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text?.into())))
            .collect();
        if let Some(address) = self.address {
            let address = serde_json::to_value(address).unwrap_or_default();
            parameters.insert("address".to_owned(), address);
        }
        if !self.metadata.is_empty() {
            let metadata = self.metadata.into_iter().map(|(key, value)| (key, Value::from(value)));
            parameters.insert("metadata".to_owned(), Value::Object(metadata.collect()));
        }
        if !["name", "email", "phone", "description", "metadata"]
            .iter()
            .any(|name| parameters.contains_key(*name))
        {
            let message =
                "needs at least one of name, email, phone, description, metadata".to_owned();
            return Err(Error::Argument { field: "", message });
        }
        Ok(parameters)
    }
}

/// The bounds of docs.stripe.com/api/metadata: keys of 40 characters without brackets, values of 500.
fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    let wrong =
        |message: &str| Err(Error::Argument { field: "/metadata", message: message.to_owned() });
    for (key, value) in metadata {
        if !(1..=40).contains(&key.chars().count()) || key.contains(['[', ']']) {
            return wrong("each key must have 1 to 40 characters and no square brackets");
        }
        if !(1..=500).contains(&value.chars().count()) {
            return wrong("each value must have 1 to 500 characters");
        }
    }
    Ok(())
}

fn unsent(request: &Request) -> UnsentRequest {
    let mut headers: BTreeMap<_, _> = request.headers.iter().cloned().collect();
    headers.insert("Authorization", "Bearer ***".to_owned());
    headers.insert("Content-Type", client::FORM.to_owned());
    UnsentRequest {
        method: request.method(),
        url: request.url.clone(),
        headers,
        body: form::encode(&request.pairs),
    }
}
