//! Global ids: `gid://shopify/<Type>/<number>`.

use crate::Error;
use mcp_core::ToolError;
use mcp_core::prelude::*;

const PREFIX: &str = "gid://shopify/";

/// A type that `get_object` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectType {
    /// A product.
    Product,
    /// One variant of a product.
    ProductVariant,
}

impl ObjectType {
    /// The word in a sentence.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::ProductVariant => "product variant",
        }
    }
}

/// The id of an object that `get_object` reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gid {
    pub(crate) of: ObjectType,
    pub(crate) text: String,
}

impl Gid {
    /// Read `gid://shopify/Product/1` or its short form `Product/1`. A bare number would not tell
    /// the type and is refused.
    pub(crate) fn parse(text: &str) -> Result<Self, ToolError> {
        let short = text.strip_prefix(PREFIX).unwrap_or(text);
        let invalid = || {
            ToolError::invalid("/id", "id must be gid://shopify/<Type>/<number> or <Type>/<number>")
                .with_hint("write Product/123 or ProductVariant/123")
        };
        let (name, number) = short.split_once('/').ok_or_else(invalid)?;
        let digits = !number.is_empty() && number.len() <= 20;
        if !digits || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let of = match name {
            "Product" => ObjectType::Product,
            "ProductVariant" => ObjectType::ProductVariant,
            _ if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                return Err(Error::WrongObjectType(name.to_owned()).into());
            }
            _ => return Err(invalid()),
        };
        Ok(Self { of, text: format!("{PREFIX}{short}") })
    }
}

#[cfg(test)]
mod tests {
    use super::{Gid, ObjectType};

    #[test]
    fn reads_both_forms() {
        for (text, of) in [
            ("gid://shopify/Product/1", ObjectType::Product),
            ("Product/1", ObjectType::Product),
            ("ProductVariant/20", ObjectType::ProductVariant),
        ] {
            let gid = Gid::parse(text).unwrap();
            assert_eq!(gid.of, of);
            assert!(gid.text.starts_with("gid://shopify/Product"));
        }
    }

    #[test]
    fn tells_what_is_wrong() {
        let code = |text: &str| Gid::parse(text).unwrap_err().code().to_owned();
        assert_eq!(code("gid://shopify/Order/1"), "wrong_object_type");
        for text in [
            "1",
            "",
            "Product/",
            "Product/1?x",
            "Product/-1",
            "gid://other/Product/1",
            "Product/123456789012345678901",
            "<b>/1",
            "/1",
        ] {
            assert_eq!(code(text), "invalid_argument", "{text}");
        }
    }
}
