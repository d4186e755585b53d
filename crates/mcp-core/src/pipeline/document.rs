//! Prompts, documents and completions, from plain facts.

use rmcp::{
    ErrorData,
    model::{
        CompletionInfo, GetPromptResult, JsonObject, Prompt as WirePrompt,
        PromptArgument as WireArgument, PromptMessage, Reference, Resource as WireResource,
        ResourceContents, Role,
    },
};
use serde_json::{Value, json};

use crate::{Prompt, PromptArgument, Resource, declared::Declared, status};

const README: Resource = Resource {
    uri: "machina://readme",
    name: "readme",
    title: "Manual",
    description: "Tools, settings, error codes and limits of this server",
    mime_type: "text/markdown",
};
const CONFIG_SCHEMA: Resource = Resource {
    uri: "machina://config-schema",
    name: "config-schema",
    title: "Settings",
    description: "JSON Schema of every setting, with its environment variable",
    mime_type: "application/json",
};

/// The documents of a server.
pub struct Documents {
    prompts: &'static [Prompt],
    own: &'static [Resource],
    readme: &'static str,
    config_schema: fn() -> Value,
}

impl Documents {
    pub(super) fn new(declared: &Declared) -> Self {
        Self {
            prompts: declared.prompts,
            own: declared.resources,
            readme: declared.facts.readme,
            config_schema: declared.config_schema,
        }
    }

    pub(super) fn prompts(&self) -> Vec<WirePrompt> {
        self.prompts.iter().map(wire_prompt).collect()
    }

    /// Fill a template. Arguments are text: nothing in them is a placeholder or a role.
    pub(super) fn render(
        &self,
        name: &str,
        arguments: Option<&JsonObject>,
    ) -> Result<GetPromptResult, ErrorData> {
        let prompt = self.prompt(name)?;
        let given = |name: &str| arguments.and_then(|arguments| arguments.get(name));
        if let Some(stranger) = arguments
            .into_iter()
            .flat_map(|arguments| arguments.keys())
            .find(|key| !prompt.arguments.iter().any(|argument| argument.name == *key))
        {
            return Err(invalid(format!("prompt `{name}` has no argument `{}`", short(stranger))));
        }
        let mut values = Vec::new();
        for argument in prompt.arguments {
            match given(argument.name) {
                Some(Value::String(text)) => values.push((argument.name, text.as_str())),
                Some(_) => {
                    return Err(invalid(format!("argument `{}` must be a string", argument.name)));
                }
                None if argument.required => {
                    return Err(invalid(format!("argument `{}` is required", argument.name)));
                }
                None => values.push((argument.name, "")),
            }
        }
        let message = PromptMessage::new_text(Role::User, fill(prompt.template, &values));
        let mut result = GetPromptResult::new(vec![message]);
        result.description = Some(prompt.description.to_owned());
        Ok(result)
    }

    /// Values for an argument. What is unknown has none: a client asks while its user types, and
    /// the official suite asks for a prompt that only its fixture has.
    pub(super) fn complete(
        &self,
        reference: &Reference,
        argument: &str,
        typed: &str,
    ) -> Result<CompletionInfo, ErrorData> {
        let argument = match reference {
            Reference::Prompt(reference) => self.argument(&reference.name, argument),
            _ => None,
        };
        let values = argument.map_or(&[][..], |argument| argument.values);
        let values = values.iter().filter(|value| value.starts_with(typed));
        let values = values.take(CompletionInfo::MAX_VALUES).map(|value| (*value).to_owned());
        CompletionInfo::new(values.collect())
            .map_err(|error| ErrorData::internal_error(error, None))
    }

    pub(super) fn resources(&self) -> Vec<WireResource> {
        [README, CONFIG_SCHEMA, status::RESOURCE]
            .iter()
            .chain(self.own)
            .map(wire_resource)
            .collect()
    }

    /// A document this crate holds; `None` when it is the server's.
    pub(super) fn read(&self, uri: &str) -> Option<ResourceContents> {
        if uri == README.uri {
            return Some(contents(&README, self.readme.to_owned()));
        }
        (uri == CONFIG_SCHEMA.uri)
            .then(|| contents(&CONFIG_SCHEMA, (self.config_schema)().to_string()))
    }

    /// The facts of one of the server's own documents.
    pub(super) fn own(&self, uri: &str) -> Option<&'static Resource> {
        self.own.iter().find(|resource| resource.uri == uri)
    }

    fn argument(&self, prompt: &str, name: &str) -> Option<&'static PromptArgument> {
        let prompt = self.prompts.iter().find(|known| known.name == prompt)?;
        prompt.arguments.iter().find(|known| known.name == name)
    }

    fn prompt(&self, name: &str) -> Result<&'static Prompt, ErrorData> {
        let found = self.prompts.iter().find(|prompt| prompt.name == name);
        found.ok_or_else(|| invalid(format!("there is no prompt `{}`", short(name))))
    }
}

pub(super) fn contents(resource: &Resource, text: String) -> ResourceContents {
    ResourceContents::text(text, resource.uri).with_mime_type(resource.mime_type)
}

pub(super) fn not_found(uri: &str) -> ErrorData {
    ErrorData::resource_not_found("there is no such resource", Some(json!({"uri": uri})))
}

pub(super) fn invalid(message: String) -> ErrorData {
    ErrorData::invalid_params(message, None)
}

/// A caller's word, short enough for a message and on one line.
pub(crate) fn short(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn wire_prompt(prompt: &Prompt) -> WirePrompt {
    let arguments = prompt.arguments.iter().map(|argument| {
        WireArgument::new(argument.name)
            .with_description(argument.description)
            .with_required(argument.required)
    });
    WirePrompt::new(prompt.name, Some(prompt.description), Some(arguments.collect()))
        .with_title(prompt.title)
}

fn wire_resource(resource: &Resource) -> WireResource {
    let mut wire = WireResource::new(resource.uri, resource.name);
    wire.title = Some(resource.title.to_owned());
    wire.description = Some(resource.description.to_owned());
    wire.mime_type = Some(resource.mime_type.to_owned());
    wire
}

/// Replace each `{name}` once over, left to right, so that a value cannot hold a placeholder.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after.split_once('}').and_then(|(name, tail)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, tail))
        });
        match known {
            Some((value, tail)) => {
                text.push_str(value);
                rest = tail;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_taken_for_a_placeholder() {
        let values = [("a", "{b}"), ("b", "user: {a}")];
        assert_eq!(fill("{a} and {b}, {c} {", &values), "{b} and user: {a}, {c} {");
    }
}
