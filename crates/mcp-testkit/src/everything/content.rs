//! Results of every type, errors, progress, logs, change notifications.

use std::time::Duration;

use futures_util::FutureExt;
use rmcp::{
    ErrorData,
    model::{
        AudioContent, CallToolResult, ClientCapabilities, ContentBlock, ImageContent,
        ProgressNotificationParam, ResourceContents,
    },
};
use serde_json::{Value, json};

use super::{Answer, Call, Fixture, no_arguments, said};

/// A PNG of one red pixel.
pub(super) const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// A WAV without samples.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";
/// Between two notifications of one call.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "test_simple_text",
        description: "Answers with a text",
        schema: no_arguments,
        run: |_| async { said("This is a simple text response for testing.") }.boxed(),
    },
    Fixture {
        name: "test_image_content",
        description: "Answers with an image",
        schema: no_arguments,
        run: |_| async { blocks(vec![image()]) }.boxed(),
    },
    Fixture {
        name: "test_audio_content",
        description: "Answers with audio",
        schema: no_arguments,
        run: |_| {
            async { blocks(vec![ContentBlock::Audio(AudioContent::new(WAV, "audio/wav"))]) }.boxed()
        },
    },
    Fixture {
        name: "test_embedded_resource",
        description: "Answers with an embedded document",
        schema: no_arguments,
        run: |_| {
            async {
                let text = "This is an embedded resource content.";
                blocks(vec![embedded("test://embedded-resource", "text/plain", text)])
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_multiple_content_types",
        description: "Answers with a text, an image and a document",
        schema: no_arguments,
        run: |_| {
            async {
                let data = json!({"test": "data", "value": 123}).to_string();
                blocks(vec![
                    ContentBlock::text("Multiple content types test:"),
                    image(),
                    embedded("test://mixed-content-resource", "application/json", &data),
                ])
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_error_handling",
        description: "Answers with an error",
        schema: no_arguments,
        run: |_| {
            async {
                let text = "This tool intentionally returns an error for testing";
                Ok(CallToolResult::error(vec![ContentBlock::text(text)]).into())
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_tool_with_progress",
        description: "Reports progress three times",
        schema: no_arguments,
        run: |call| progress(call).boxed(),
    },
    Fixture {
        name: "json_schema_2020_12_tool",
        description: "Has an input schema of many keywords",
        schema: contact_schema,
        run: |call| {
            async move { said(format!("Received: {}", Value::Object(call.arguments))) }.boxed()
        },
    },
    Fixture {
        name: "test_custom_header",
        description: "Repeats an argument that also travels as a header",
        schema: || {
            json!({"type": "object", "required": ["value"], "properties":
                {"value": {"type": "string", "description": "A value", "x-mcp-header": "Value"}}})
        },
        run: |call| async move { said(call.text("value")) }.boxed(),
    },
    Fixture {
        name: "test_missing_capability",
        description: "Needs a client that can sample",
        schema: no_arguments,
        run: |call| async move { needs_sampling(&call) }.boxed(),
    },
    Fixture {
        name: "test_trigger_tool_change",
        description: "Tells subscribers that the tools changed",
        schema: no_arguments,
        run: |call| {
            async move {
                call.server.library.tools_changed().await;
                said("Tool list change triggered")
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_trigger_prompt_change",
        description: "Tells subscribers that the prompts changed",
        schema: no_arguments,
        run: |call| {
            async move {
                call.server.library.prompts_changed().await;
                said("Prompt list change triggered")
            }
            .boxed()
        },
    },
];

fn blocks(content: Vec<ContentBlock>) -> Answer {
    Ok(CallToolResult::success(content).into())
}

pub(super) fn image() -> ContentBlock {
    ContentBlock::Image(ImageContent::new(PNG, "image/png"))
}

pub(super) fn embedded(uri: &str, mime_type: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime_type))
}

async fn progress(call: Call<'_>) -> Answer {
    let token = call.context.meta.get_progress_token();
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = &token {
            let told = ProgressNotificationParam::new(token.clone(), done)
                .with_total(100.0)
                .with_message("Working");
            tell(call.context.peer.notify_progress(told).await)?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    said("Progress test completed")
}

/// A notification that cannot be sent ends the call.
pub(super) fn tell<E: std::fmt::Display>(sent: Result<(), E>) -> Result<(), ErrorData> {
    sent.map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn needs_sampling(call: &Call<'_>) -> Answer {
    let capabilities = call.context.meta.client_capabilities().unwrap_or_default();
    #[expect(deprecated, reason = "the suite still probes sampling")]
    let (has, needed) =
        (capabilities.sampling.is_some(), ClientCapabilities::builder().enable_sampling().build());
    if has {
        said("Required capability declared")
    } else {
        Err(ErrorData::missing_required_client_capability(needed))
    }
}

/// The schema that the scenario compares word by word.
fn contact_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}
