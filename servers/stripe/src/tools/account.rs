//! Who the server acts for.

use std::time::Duration;

use mcp_core::prelude::*;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    Error, Server,
    client::cause::Cause,
    key::{Environment, KeyKind},
    present::{Notes, present},
    privacy,
    projection::Fields,
    server::{Link, SeenAccount},
};

/// Which account to describe.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetAccountArgs {
    /// Read it again instead of using an answer of the last 5 minutes.
    #[serde(default)]
    refresh: bool,
    /// Fields of the account, as paths; `["*"]` for all.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 200)))]
    fields: Option<Vec<String>>,
    /// Unmask personal data; the configuration must allow it.
    #[serde(default)]
    include_pii: bool,
    /// Connected account to act for.
    #[schemars(regex(pattern = r"^acct_[A-Za-z0-9_]{1,255}$"))]
    account: Option<String>,
}

/// Whether calls may change something.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Writes {
    /// They may.
    Enabled,
    /// A live key without both switches only reads.
    LiveWritesDisabled,
}

/// Whether callers may see personal data.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum PersonalData {
    /// Always masked.
    Masked,
    /// Shown with `include_pii`.
    OnRequest,
}

/// The key and its account.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetAccountOutput {
    /// What the key reaches: test data or live money.
    environment: Environment,
    /// What kind of key it is.
    key_kind: KeyKind,
    /// API version sent with every request.
    api_version: String,
    /// Whether calls may change something.
    writes: Writes,
    /// Whether callers may see personal data.
    personal_data: PersonalData,
    /// The account; absent when the key may not read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Map<String, Value>>,
    /// Seconds since the account was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<u64>,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// JSON pointers of texts that outsiders wrote.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    untrusted: Vec<String>,
    /// Stripe's id of the request; absent for a remembered answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

const COMPACT: &[&str] = &[
    "type",
    "country",
    "default_currency",
    "email",
    "business_profile.name",
    "business_profile.url",
    "charges_enabled",
    "payouts_enabled",
    "details_submitted",
    "requirements.disabled_reason",
    "requirements.past_due",
    "settings.dashboard.display_name",
    "created",
];

/// How long a read account is remembered.
const MEMORY: Duration = Duration::from_secs(300);
/// How many accounts are remembered.
const MEMORIES: usize = 100;

#[tool_router(router = account_tools, vis = "pub(crate)")]
impl Server {
    /// Describe the API key in use (test or live, what it may do) and the Stripe account it acts for.
    #[tool(
        title = "Get the account",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    pub(crate) async fn get_account(
        &self,
        Parameters(args): Parameters<GetAccountArgs>,
        ct: CancellationToken,
    ) -> Result<Json<GetAccountOutput>> {
        Ok(Json(self.describe_account(args, &ct).await?))
    }
}

impl Server {
    async fn describe_account(
        &self,
        args: GetAccountArgs,
        ct: &CancellationToken,
    ) -> Result<GetAccountOutput, Error> {
        let link = self.link()?;
        let rules = self.rules(args.include_pii, args.fields.is_some())?;
        let mut output = self.key_facts(link);
        let (seen, request_id) =
            match self.account(link, args.account.clone(), args.refresh, ct).await {
                Ok(seen) => seen,
                // Who am I is answered even by a key that may not look.
                Err(Error::Upstream(failure)) if failure.cause == Cause::Permission => {
                    output
                        .warnings
                        .push("the key may not read the account (permission_denied)".to_owned());
                    return Ok(output);
                }
                Err(error) => return Err(error),
            };
        let fields = Fields::new(args.fields, &[]);
        let mut notes = Notes::default();
        let data = present(COMPACT, &fields, rules, seen.object, &mut notes);
        output.warnings = notes.warnings();
        output.untrusted = privacy::foreign(&Value::Object(data.clone()), "/data");
        output.age_seconds = Some(seen.at.elapsed().as_secs());
        output.data = Some(data);
        output.request_id = request_id;
        Ok(output)
    }

    fn key_facts(&self, link: &Link) -> GetAccountOutput {
        let writes =
            if self.may_write(link) { Writes::Enabled } else { Writes::LiveWritesDisabled };
        let released = self.may_show_personal_data();
        GetAccountOutput {
            environment: link.environment,
            key_kind: link.client.key().kind,
            api_version: link.client.version().to_owned(),
            writes,
            personal_data: if released { PersonalData::OnRequest } else { PersonalData::Masked },
            data: None,
            age_seconds: None,
            warnings: Vec::new(),
            untrusted: Vec::new(),
            request_id: None,
        }
    }

    async fn account(
        &self,
        link: &Link,
        account: Option<String>,
        refresh: bool,
        ct: &CancellationToken,
    ) -> Result<(SeenAccount, Option<String>), Error> {
        if !refresh {
            let accounts = self.accounts.lock().await;
            if let Some(seen) = accounts.get(&account).filter(|seen| seen.at.elapsed() < MEMORY) {
                return Ok((seen.clone(), None));
            }
        }
        let request = link.client.get("/v1/account", &Map::new(), account.as_deref())?;
        let reply = link.client.send(&request, link.client.deadline(), ct).await?;
        let seen = SeenAccount { at: Instant::now(), object: reply.body };
        let mut accounts = self.accounts.lock().await;
        accounts.retain(|_, seen| seen.at.elapsed() < MEMORY);
        if accounts.len() < MEMORIES {
            accounts.insert(account, seen.clone());
        }
        Ok((seen, reply.request_id))
    }
}
