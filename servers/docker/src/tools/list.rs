//! `list_containers`.

use std::collections::BTreeMap;

use mcp_core::{Principal, cursor::Pages, prelude::*};

use crate::{
    Server,
    engine::{Target, model::Summary},
    listing::{
        Field, PROJECT, Row, Sort, page,
        project::{self, Project},
    },
    timestamp::Timestamp,
};

/// States that the engine can filter by.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

/// Health that the engine can filter by.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Health {
    Healthy,
    Unhealthy,
    Starting,
    /// No health check.
    None,
}

/// A way to sum up.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum GroupBy {
    Project,
}

/// Filters, columns and page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListContainersArgs {
    /// States to show; all when empty.
    #[serde(default)]
    #[schemars(length(max = 7))]
    state: Vec<State>,
    /// Labels, `key` or `key=value`; all must fit.
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(min = 1, max = 500)))]
    label: Vec<String>,
    /// Part of the name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    name: Option<String>,
    /// Image name, `name:tag` or id; images built on it count too.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    image: Option<String>,
    /// Network name or id.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    network: Option<String>,
    /// Volume name or mount point.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    volume: Option<String>,
    /// Health to show.
    #[serde(default)]
    health: Option<Health>,
    /// Compose project.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    project: Option<String>,
    /// `project`: sums per compose project and service instead of containers.
    #[serde(default)]
    group_by: Option<GroupBy>,
    /// Columns; default id, name, image, state, health, ports, `age_s`, project.
    #[serde(default)]
    #[schemars(length(max = 14))]
    fields: Vec<Field>,
    /// Order; default newest first.
    #[serde(default)]
    sort: Sort,
    /// Rows at most; default 100.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 500))]
    limit: u32,
    /// `next_cursor` of the page before, with the same filters and sort.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2000))]
    cursor: Option<String>,
}

const fn default_limit() -> u32 {
    100
}

impl ListContainersArgs {
    fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    /// The engine's filters as JSON. Names are patterns there: ours are taken literally.
    fn filters(&self) -> String {
        let mut filters: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut add = |key, values: Vec<String>| {
            if !values.is_empty() {
                filters.entry(key).or_default().extend(values);
            }
        };
        add("status", self.state.iter().map(word).collect());
        add("label", self.label.clone());
        add("label", self.project.iter().map(|project| format!("{PROJECT}={project}")).collect());
        add("name", self.name.iter().map(|name| regex::escape(name)).collect());
        add("ancestor", self.image.iter().cloned().collect());
        add("network", self.network.iter().cloned().collect());
        add("volume", self.volume.iter().cloned().collect());
        add("health", self.health.iter().map(word).collect());
        serde_json::to_string(&filters).unwrap_or_default()
    }
}

/// The word of a plain enum.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Containers, or projects.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListContainersOutput {
    /// Containers that fit, on all pages.
    total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    containers: Option<Vec<Row>>,
    /// With `group_by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<Vec<Project>>,
    /// With `group_by`: containers of no project.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_project: Option<u32>,
    /// More rows follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// JSON pointers to text written by others.
    untrusted: Vec<&'static str>,
}

#[tool_router(router = list_tools, vis = "pub(crate)")]
impl Server {
    /// List containers, stopped ones included, by filters; or sums per compose project.
    #[tool(
        title = "List containers",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_containers(
        &self,
        Parameters(args): Parameters<ListContainersArgs>,
        caller: Principal,
    ) -> Result<Json<ListContainersOutput>> {
        let filters = args.filters();
        let target = Target::new("the container list", "/containers/json")
            .with("all", "1")
            .with("filters", &filters);
        let summaries: Vec<Summary> = self.engine.get(&target).await?;
        let pages = self.listing.of(caller);
        Ok(Json(if args.group_by.is_some() {
            projects(&args, &summaries, &pages, &(filters, "projects"))?
        } else {
            let order = format!("{:?}", args.sort);
            containers(&args, summaries, &pages, &(filters, order.as_str()))?
        }))
    }
}

fn containers(
    args: &ListContainersArgs,
    summaries: Vec<Summary>,
    pages: &Pages,
    filter: &(String, &str),
) -> Result<ListContainersOutput> {
    let total = summaries.len();
    let last = args.cursor.as_deref().map(|word| pages.open(filter, word)).transpose()?;
    let rest = page::order(summaries, args.sort, last.as_ref());
    let now = Timestamp::now();
    let fields = if args.fields.is_empty() { &Field::DEFAULT[..] } else { &args.fields };
    let (rows, has_more) =
        page::take_page(&rest, args.limit(), |summary| Row::new(summary, fields, now));
    let last = rows.len().checked_sub(1).and_then(|last| rest.get(last)).filter(|_| has_more);
    Ok(ListContainersOutput {
        total,
        next_cursor: last
            .map(|last| pages.next(filter, &page::sort_key(last, args.sort)))
            .transpose()?,
        containers: Some(rows),
        projects: None,
        without_project: None,
        untrusted: vec!["/containers"],
    })
}

fn projects(
    args: &ListContainersArgs,
    summaries: &[Summary],
    pages: &Pages,
    filter: &(String, &str),
) -> Result<ListContainersOutput> {
    let (projects, alone) = project::group(summaries);
    let last = args.cursor.as_deref().map(|word| pages.open(filter, word)).transpose()?;
    let last: Option<String> = last;
    let rest = page::order_projects(projects, last.as_deref());
    let (rows, has_more) = page::take_page(&rest, args.limit(), Clone::clone);
    let last = rows.last().filter(|_| has_more);
    Ok(ListContainersOutput {
        total: summaries.len(),
        next_cursor: last.map(|last| pages.next(filter, &last.name)).transpose()?,
        containers: None,
        projects: Some(rows),
        without_project: Some(alone),
        untrusted: vec!["/projects"],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filters(args: serde_json::Value) -> serde_json::Value {
        let args: ListContainersArgs = serde_json::from_value(args).unwrap();
        serde_json::from_str(&args.filters()).unwrap()
    }

    #[test]
    fn filters_become_the_engines() {
        assert_eq!(filters(json!({})), json!({}));
        assert_eq!(
            filters(json!({
                "state": ["running", "dead"], "label": ["a", "b=c"], "project": "shop", "name": "web.1",
                "image": "nginx:1", "network": "front", "volume": "data", "health": "none"
            })),
            json!({
                "status": ["running", "dead"], "label": ["a", "b=c", "com.docker.compose.project=shop"],
                "name": ["web\\.1"], "ancestor": ["nginx:1"], "network": ["front"], "volume": ["data"],
                "health": ["none"]
            })
        );
    }

    #[test]
    fn unknown_arguments_and_words_are_refused() {
        for args in [json!({"all": true}), json!({"state": ["up"]}), json!({"sort": "size"})] {
            assert!(serde_json::from_value::<ListContainersArgs>(args).is_err());
        }
    }
}
