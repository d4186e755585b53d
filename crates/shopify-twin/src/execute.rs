//! From a request's text to a GraphQL answer: parse, validate, coerce, price, run.

use crate::cost::{self, Bucket, MAX_QUERY_COST};
use crate::resolve::Root;
use crate::schema::{Loaded, loaded};
use crate::store::Store;
use apollo_compiler::executable::Operation;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{GraphQLError, JsonMap, JsonValue};
use apollo_compiler::schema::Type;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use tokio::time::Instant;

/// The body of a GraphQL request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Request {
    pub(crate) query: String,
    pub(crate) variables: Option<Map<String, Value>>,
    pub(crate) operation_name: Option<String>,
}

/// What the request runs on.
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Store,
    pub(crate) scopes: &'a [String],
    pub(crate) bucket: &'a mut Bucket,
}

/// Answer a request: always a GraphQL response object.
pub(crate) fn execute(request: &Request, ground: Ground<'_>) -> Value {
    let loaded = match loaded() {
        Ok(loaded) => loaded,
        Err(message) => return failure("INTERNAL_SERVER_ERROR", message),
    };
    match prepare(loaded, request) {
        Ok(prepared) => run(loaded, &prepared, ground),
        Err(errors) => json!({ "errors": errors }),
    }
}

/// A response that is one error.
pub(crate) fn failure(code: &str, message: &str) -> Value {
    json!({"errors": [{"message": message, "extensions": {"code": code}}]})
}

struct Prepared {
    document: Valid<ExecutableDocument>,
    operation: apollo_compiler::Node<Operation>,
    variables: Valid<JsonMap>,
}

fn prepare(loaded: &Loaded, request: &Request) -> Result<Prepared, Vec<Value>> {
    let document =
        ExecutableDocument::parse_and_validate(&loaded.schema, &request.query, "request.graphql")
            .map_err(|invalid| {
            let errors = invalid.errors.iter();
            errors
                .map(|error| coded(error.to_json(), "GRAPHQL_VALIDATION_FAILED"))
                .collect::<Vec<_>>()
        })?;
    let name = request.operation_name.as_deref();
    let sources = &document.sources;
    let operation = document
        .operations
        .get(name)
        .map_err(|error| vec![coded(error.to_graphql_error(sources), "BAD_REQUEST")])?
        .clone();
    let given = request.variables.clone().unwrap_or_default();
    let given = given.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    let variables =
        coerce_variable_values(&loaded.schema, &operation, &given).map_err(|error| {
            let mut error = error.to_graphql_error(sources);
            if error.locations.is_empty() {
                error.locations.extend(operation.location().and_then(|at| at.line_column(sources)));
            }
            vec![coded(error, "INVALID_VARIABLE")]
        })?;
    let message = operation
        .variables
        .iter()
        .find_map(|of| one_of(&loaded.schema, &of.ty, variables.get(of.name.as_str())?).err());
    if let Some(message) = message {
        let error = GraphQLError::new(message, operation.location(), sources);
        return Err(vec![coded(error, "INVALID_VARIABLE")]);
    }
    Ok(Prepared { document, operation, variables })
}

/// The rule of `@oneOf` (exactly one field, not null), which apollo-compiler 1.33 leaves out.
fn one_of(schema: &Schema, of: &Type, value: &JsonValue) -> Result<(), String> {
    if let Some(items) = value.as_array() {
        return items.iter().try_for_each(|item| one_of(schema, of.item_type(), item));
    }
    let (Some(fields), Some(input)) =
        (value.as_object(), schema.get_input_object(of.inner_named_type()))
    else {
        return Ok(());
    };
    let given = fields.iter().filter(|(_, value)| !value.is_null()).count();
    if input.directives.has("oneOf") && (given != 1 || fields.len() != 1) {
        return Err(format!(
            "'{}' requires exactly one argument, but {given} were provided.",
            input.name
        ));
    }
    fields.iter().try_for_each(|(name, value)| match input.fields.get(name.as_str()) {
        Some(field) => one_of(schema, &field.ty, value),
        None => Ok(()),
    })
}

fn run(loaded: &Loaded, prepared: &Prepared, ground: Ground<'_>) -> Value {
    let Prepared { document, operation, variables } = prepared;
    let Ground { store, scopes, bucket } = ground;
    let cost =
        cost::requested(&loaded.schema, document, variables, &operation.selection_set).max(1);
    let now = Instant::now();
    if cost > MAX_QUERY_COST {
        let message = format!(
            "Query cost is {cost}, which exceeds the single query max cost limit ({MAX_QUERY_COST})."
        );
        return with_cost(failure("MAX_COST_EXCEEDED", &message), &bucket.report(cost, None, now));
    }
    if !bucket.take(cost, now) {
        return with_cost(failure("THROTTLED", "Throttled"), &bucket.report(cost, None, now));
    }
    let root = Root { store, scopes, warnings: RefCell::default() };
    let execution = Execution::new(&loaded.schema, document)
        .operation(operation)
        .implementers_map(&loaded.implementers)
        .coerced_variable_values(variables);
    let answer = match execution.execute_sync(&root) {
        Ok(answer) => answer,
        Err(error) => {
            return json!({"errors": [coded(error.to_graphql_error(&document.sources), "BAD_REQUEST")]});
        }
    };
    let data = serde_json::to_value(&answer.data).unwrap_or_default();
    let spent = cost::actual(&data).min(cost);
    bucket.give_back(cost - spent);
    let mut response = with_cost(json!({ "data": data }), &bucket.report(cost, Some(spent), now));
    if !answer.errors.is_empty() {
        response["errors"] = answer.errors.into_iter().map(field_error).collect();
    }
    let warnings = root.warnings.into_inner();
    if !warnings.is_empty() {
        response["extensions"]["search"] = warnings.into();
    }
    response
}

fn with_cost(mut response: Value, cost: &Value) -> Value {
    response["extensions"] = json!({ "cost": cost });
    response
}

fn field_error(mut error: GraphQLError) -> Value {
    error.message = error.message.replacen("resolver error: ", "", 1);
    let code = match error.message.as_str() {
        message if message.starts_with("Access denied") => "ACCESS_DENIED",
        message if message.starts_with("Invalid cursor") => "BAD_REQUEST",
        message if message.starts_with("Invalid global id") => "INVALID_VARIABLE",
        _ => "TWIN_ERROR",
    };
    coded(error, code)
}

fn coded(error: GraphQLError, code: &str) -> Value {
    let mut error = serde_json::to_value(error).unwrap_or_default();
    error["extensions"]["code"] = code.into();
    error
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Ground, Request, execute};
    use crate::seed;
    use serde_json::{Value, json};
    use tokio::time::Instant;

    fn ask(query: &str, variables: &Value) -> Value {
        ask_with(query, variables, &["read_products".to_owned()], 2_000.0)
    }

    fn ask_with(query: &str, variables: &Value, scopes: &[String], points: f64) -> Value {
        let store = seed::demo(12, 3, true);
        let mut bucket = Bucket::new(points, 100.0, Instant::now());
        let request = Request {
            query: query.to_owned(),
            variables: variables.as_object().cloned(),
            operation_name: None,
        };
        execute(&request, Ground { store: &store, scopes, bucket: &mut bucket })
    }

    #[test]
    fn executes_aliases_fragments_and_conditions_over_the_store() {
        let answer = ask(
            "query Q($n: Int!, $no: Boolean!) {
               shop { label: name plan { partnerDevelopment } email @include(if: $no) }
               products(first: $n, query: \"sku:TW-00002*\") { nodes { ...P } }
             }
             fragment P on Product { __typename legacyResourceId
               description(truncateAt: 3)
               featuredMedia { __typename ... on MediaImage { mimeType } ... on Video { filename } }
               variants(first: 1) { edges { cursor node { product { id } } } }
               metafield(namespace: \"custom\", key: \"care\") { value } }",
            &json!({"n": 2, "no": false}),
        );
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        let shop = json!({"label": "Twin Outfitters", "plan": {"partnerDevelopment": true}});
        assert_eq!(answer["data"]["shop"], shop);
        let product = &answer["data"]["products"]["nodes"][0];
        assert_eq!(product["legacyResourceId"], "8000000002");
        assert_eq!(product["featuredMedia"]["mimeType"], "image/jpeg");
        assert_eq!(product["metafield"]["value"], "Hand wash");
        assert_eq!(product["description"].as_str().map(str::len), Some(3));
        let back = &product["variants"]["edges"][0]["node"]["product"]["id"];
        assert_eq!(back, "gid://shopify/Product/8000000002");
    }

    #[test]
    fn refuses_documents_and_variables_with_their_position() {
        for (query, variables, code) in [
            ("{ shop { nam } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
            ("{ shop {\n name", json!({}), "GRAPHQL_VALIDATION_FAILED"),
            ("{ products(frist: 1) { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
            ("query($i: ID!) { product(id: $i) { id } }", json!({}), "INVALID_VARIABLE"),
            (
                "query($n: Int!) { products(first: $n) { nodes { id } } }",
                json!({"n": "2"}),
                "INVALID_VARIABLE",
            ),
            (
                "query($p: ProductIdentifierInput!) { productByIdentifier(identifier: $p) { id } }",
                json!({"p": {"handle": "a", "id": "b"}}),
                "INVALID_VARIABLE",
            ),
        ] {
            let answer = ask(query, &variables);
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], code, "{query}: {answer}");
            assert!(error["locations"][0]["line"].is_u64(), "{query}: {answer}");
            assert_eq!(answer["data"], Value::Null);
        }
    }

    #[test]
    fn guesses_nothing() {
        for (query, expected) in [
            ("{ shop { orderNumberFormatPrefix } }", "no value for Shop.orderNumberFormatPrefix"),
            ("{ locations(first: 1) { nodes { id } } }", "no root field locations"),
            ("{ products(first: 1, savedSearchId: \"x\") { nodes { id } } }", "savedSearchId"),
            ("{ products { nodes { id } } }", "one of first or last"),
            ("{ product(id: \"12\") { id } }", "Invalid global id"),
        ] {
            let answer = ask(query, &json!({}));
            let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
            assert!(message.contains(expected), "{query}: {answer}");
        }
        let none = ask("{ product(id: \"gid://shopify/Product/1\") { id } }", &json!({}));
        assert_eq!(none["data"]["product"], Value::Null);
        assert_eq!(none["errors"], Value::Null);
    }

    #[test]
    fn prices_and_gates_what_it_runs() {
        let query = "{ products(first: 10) { edges { node { id priceRangeV2 { minVariantPrice { amount } } } } } }";
        let answer = ask(query, &json!({}));
        let cost = &answer["extensions"]["cost"];
        assert_eq!(cost["requestedQueryCost"], 2 + 10 * 3);
        assert_eq!(cost["actualQueryCost"], 2 + 10 * 3);
        let count = "{ productsCount(limit: 5) { count precision } }";
        let answer = ask(count, &json!({}));
        assert_eq!(answer["data"]["productsCount"], json!({"count": 5, "precision": "AT_LEAST"}));

        let denied = ask_with(query, &json!({}), &[], 2_000.0);
        assert_eq!(denied["errors"][0]["extensions"]["code"], "ACCESS_DENIED");
        let throttled = ask_with(query, &json!({}), &["read_products".to_owned()], 31.0);
        assert_eq!(throttled["errors"][0]["extensions"]["code"], "THROTTLED");
        let dear = ask(
            "{ products(first: 250) { nodes { id variants(first: 9) { nodes { id } } } } }",
            &json!({}),
        );
        assert_eq!(dear["errors"][0]["extensions"]["code"], "MAX_COST_EXCEEDED");
    }
}
