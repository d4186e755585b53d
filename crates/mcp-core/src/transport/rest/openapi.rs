//! `OpenAPI` 3.1 from the definitions of the tools: its schemas are theirs.

use serde_json::{Map, Value, json};

use crate::Facts;

/// The document for the tools that a caller sees.
pub(super) fn document(facts: &Facts, tools: &[Value]) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    schemas.insert("Problem".to_owned(), problem());
    for tool in tools {
        let name = tool["name"].as_str().unwrap_or_default();
        let mut place = |part: &str, schema: &Value| {
            let key = format!("{name}.{part}");
            let reference = json!({"$ref": format!("#/components/schemas/{key}")});
            schemas.insert(key.clone(), moved(schema, &key));
            reference
        };
        let arguments = place("arguments", &tool["inputSchema"]);
        let result = match &tool["outputSchema"] {
            Value::Null => json!({"type": "object", "required": ["content"]}),
            schema => place("result", schema),
        };
        paths.insert(
            format!("/tools/{name}"),
            json!({"post": operation(tool, &arguments, &result)}),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": facts.member.title,
            "description": facts.member.purpose,
            "version": facts.version,
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn operation(tool: &Value, arguments: &Value, result: &Value) -> Value {
    let content = |kind: &str, schema: &Value| {
        Value::Object(Map::from_iter([(kind.to_owned(), json!({"schema": schema}))]))
    };
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    json!({
        "operationId": tool["name"],
        "summary": tool.get("title").unwrap_or(&tool["name"]),
        "description": tool.get("description").cloned().unwrap_or_else(|| "".into()),
        "requestBody": {"required": true, "content": content("application/json", arguments)},
        "responses": {
            "200": {"description": "The result", "content": content("application/json", result)},
            "default": {
                "description": "What went wrong, with a stable code and the repair",
                "content": content("application/problem+json", &problem),
            },
        },
    })
}

/// A schema at a place of its own: what it says of `#/…` is now said of that place.
fn moved(schema: &Value, key: &str) -> Value {
    match schema {
        Value::Object(fields) => {
            let place = |(name, value): (&String, &Value)| {
                let local = value.as_str().filter(|_| name == "$ref");
                // A `#name` is an anchor, which is the same everywhere.
                let rest = local.and_then(|local| local.strip_prefix('#'));
                let value = match rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                    Some(rest) => format!("#/components/schemas/{key}{rest}").into(),
                    None => moved(value, key),
                };
                (name.clone(), value)
            };
            fields.iter().map(place).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| moved(item, key)).collect(),
        other => other.clone(),
    }
}

fn problem() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": text("Always about:blank: the code says more"),
            "title": text("The status in words"),
            "status": {"type": "integer", "description": "The HTTP status"},
            "detail": text("What went wrong"),
            "code": text("Stable, in snake case"),
            "hint": text("How to repair it"),
            "field": text("JSON pointer of the argument at fault"),
            "retry_after_ms": {"type": "integer", "description": "When a repeat may succeed"},
            "details": {"description": "Facts for machines"},
            "request_id": text("Names the request in the server's log"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_references_follow_their_schema() {
        let schema = json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": [{"$ref": "#"}]}},
            "properties": {"x": {"$ref": "#anchor"}}});
        assert_eq!(
            moved(&schema, "t.arguments"),
            json!({"$ref": "#/components/schemas/t.arguments/$defs/a",
                "$defs": {"a": {"items": [{"$ref": "#/components/schemas/t.arguments"}]}},
                "properties": {"x": {"$ref": "#anchor"}}})
        );
    }
}
