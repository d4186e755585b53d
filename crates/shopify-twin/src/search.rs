//! Shopify's search syntax, as far as products go: terms, `AND`, `OR`, `NOT`, `-`, brackets,
//! quotes, `field:value`, comparators and trailing `*`.
//!
//! As on the platform, a field that does not exist is left out of the search and reported in
//! `extensions.search` instead of failing the query.

use crate::store::{Store, text};
use serde_json::{Map, Value, json};

/// A parsed search.
#[derive(Debug, PartialEq)]
enum Expression {
    All,
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Term { field: Option<String>, comparator: Comparator, value: String },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparator {
    Is,
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// A search over products.
#[derive(Debug)]
pub(crate) struct Search {
    expression: Expression,
    source: String,
    unknown: Vec<String>,
}

impl Search {
    /// Parse leniently: what cannot be read is a word to look for.
    pub(crate) fn parse(source: &str) -> Self {
        let mut parser = Parser { tokens: tokens(source), unknown: Vec::new() };
        let mut parts = Vec::new();
        while !parser.tokens.is_empty() {
            parts.push(parser.any());
            // A closing bracket that nothing opened.
            parser.take(&Token::Close);
        }
        let expression = if parts.is_empty() { Expression::All } else { Expression::And(parts) };
        Self { expression, source: source.to_owned(), unknown: parser.unknown }
    }

    pub(crate) fn matches(&self, store: &Store, product: &Map<String, Value>) -> bool {
        holds(&self.expression, store, product)
    }

    /// The entry of `extensions.search`, when there is something to warn of.
    pub(crate) fn warning(&self, path: &str) -> Option<Value> {
        let warnings: Vec<Value> = self
            .unknown
            .iter()
            .map(|field| {
                json!({"field": field, "message": "Invalid search field for this query.",
                    "code": "invalid_field"})
            })
            .collect();
        (!warnings.is_empty())
            .then(|| json!({"path": [path], "query": self.source, "warnings": warnings}))
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Minus,
    Word(String),
}

fn tokens(source: &str) -> std::collections::VecDeque<Token> {
    let mut found = std::collections::VecDeque::new();
    let mut rest = source.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '(' => found.push_back(Token::Open),
            ')' => found.push_back(Token::Close),
            '-' => found.push_back(Token::Minus),
            space if space.is_whitespace() => {}
            first => found.push_back(Token::Word(word(first, &mut rest))),
        }
    }
    found
}

/// A word, which may hold a quoted part anywhere: `title:"two words"`.
fn word(first: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut word = String::new();
    let mut quote = None;
    let mut next = Some(first);
    while let Some(letter) = next {
        match (letter, quote) {
            (mark @ ('"' | '\''), None) => quote = Some(mark),
            (mark, Some(open)) if mark == open => quote = None,
            ('\\', _) => word.extend(rest.next()),
            (letter, _) => word.push(letter),
        }
        let ends = |c: &char| quote.is_none() && (c.is_whitespace() || matches!(c, '(' | ')'));
        next = if rest.peek().is_some_and(ends) { None } else { rest.next() };
    }
    word
}

struct Parser {
    tokens: std::collections::VecDeque<Token>,
    unknown: Vec<String>,
}

impl Parser {
    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.front() == Some(token);
        if found {
            self.tokens.pop_front();
        }
        found
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.front(), Some(Token::Word(next)) if next == word);
        if found {
            self.tokens.pop_front();
        }
        found
    }

    fn any(&mut self) -> Expression {
        let mut parts = vec![self.all()];
        while self.keyword("OR") {
            parts.push(self.all());
        }
        one_or(parts, Expression::Or)
    }

    fn all(&mut self) -> Expression {
        let mut parts = Vec::new();
        loop {
            while self.keyword("AND") {}
            match self.tokens.front() {
                None | Some(Token::Close) => break,
                Some(Token::Word(word)) if word == "OR" => break,
                Some(_) => parts.push(self.one()),
            }
        }
        one_or(parts, Expression::And)
    }

    fn one(&mut self) -> Expression {
        if self.keyword("NOT") || self.take(&Token::Minus) {
            return match self.tokens.front() {
                None | Some(Token::Close) => Expression::All,
                Some(_) => Expression::Not(Box::new(self.one())),
            };
        }
        if self.take(&Token::Open) {
            let inner = self.any();
            self.take(&Token::Close);
            return inner;
        }
        match self.tokens.pop_front() {
            Some(Token::Word(word)) => self.term(&word),
            _ => Expression::All,
        }
    }

    fn term(&mut self, word: &str) -> Expression {
        let Some((field, rest)) = word.split_once(':') else {
            let (field, comparator) = (None, Comparator::Is);
            return Expression::Term { field, comparator, value: word.to_lowercase() };
        };
        if !FIELDS.contains(&field) {
            self.unknown.push(field.to_owned());
            return Expression::All;
        }
        let (comparator, value) = comparator(rest);
        let field = Some(field.to_owned());
        Expression::Term { field, comparator, value: value.to_lowercase() }
    }
}

fn one_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        0 => Expression::All,
        1 => parts.remove(0),
        _ => many(parts),
    }
}

fn comparator(text: &str) -> (Comparator, &str) {
    let known = [
        (">=", Comparator::AtLeast),
        ("<=", Comparator::AtMost),
        (">", Comparator::Above),
        ("<", Comparator::Below),
    ];
    let found = known.iter().find_map(|(mark, of)| Some((*of, text.strip_prefix(mark)?)));
    found.unwrap_or((Comparator::Is, text))
}

const FIELDS: [&str; 18] = [
    "barcode",
    "created_at",
    "gift_card",
    "handle",
    "id",
    "inventory_total",
    "price",
    "product_type",
    "published_at",
    "sku",
    "status",
    "tag",
    "tag_not",
    "title",
    "tracks_inventory",
    "updated_at",
    "variant_id",
    "vendor",
];

fn holds(expression: &Expression, store: &Store, product: &Map<String, Value>) -> bool {
    match expression {
        Expression::All => true,
        Expression::And(parts) => parts.iter().all(|part| holds(part, store, product)),
        Expression::Or(parts) => parts.iter().any(|part| holds(part, store, product)),
        Expression::Not(part) => !holds(part, store, product),
        Expression::Term { field, comparator, value } => match field.as_deref() {
            Some(field) => term_holds(field, *comparator, value, store, product),
            None => ["title", "vendor", "product_type", "tag", "sku"]
                .iter()
                .any(|field| term_holds(field, Comparator::Is, value, store, product)),
        },
    }
}

fn term_holds(
    field: &str,
    comparator: Comparator,
    value: &str,
    store: &Store,
    product: &Map<String, Value>,
) -> bool {
    let own = |key: &str| text(product, key).unwrap_or_default().to_lowercase();
    let flag = |key: &str| product.get(key).and_then(Value::as_bool) == value.parse().ok();
    let variants = |key: &str| variant_values(store, product, key);
    match field {
        "title" => words_hold(&own("title"), value),
        "vendor" => words_hold(&own("vendor"), value),
        "product_type" => words_hold(&own("productType"), value),
        "handle" => value.split(',').any(|one| one.trim() == own("handle")),
        "status" => value.split(',').any(|one| one.trim() == own("status")),
        "tag" => tags(product).any(|tag| like(&tag, value)),
        "tag_not" => !tags(product).any(|tag| tag == value),
        "sku" => variants("sku").iter().any(|sku| like(sku, value)),
        "barcode" => variants("barcode").iter().any(|code| like(code, value)),
        "variant_id" => variants("legacyResourceId").iter().any(|id| id == value),
        "price" => variants("price").iter().any(|price| compares(comparator, price, value)),
        "id" => compares(comparator, &own("legacyResourceId"), value),
        "inventory_total" => {
            let total = product.get("totalInventory").map(Value::to_string);
            total.is_some_and(|total| compares(comparator, &total, value))
        }
        "created_at" => compares(comparator, &own("createdAt"), value),
        "updated_at" => compares(comparator, &own("updatedAt"), value),
        "published_at" => compares(comparator, &own("publishedAt"), value),
        "gift_card" => flag("isGiftCard"),
        "tracks_inventory" => flag("tracksInventory"),
        _ => false,
    }
}

fn tags(product: &Map<String, Value>) -> impl Iterator<Item = String> + '_ {
    let tags = product.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).map(str::to_lowercase)
}

fn variant_values(store: &Store, product: &Map<String, Value>, key: &str) -> Vec<String> {
    let variants = product.get("variants").and_then(Value::as_array).into_iter().flatten();
    let values = variants.filter_map(|variant| text(store.deref(variant)?, key));
    values.map(str::to_lowercase).collect()
}

/// Whole words in order, or a prefix of the last when the value ends in `*`.
fn words_hold(text: &str, value: &str) -> bool {
    let spaced = format!(" {text} ");
    match value.strip_suffix('*') {
        Some(prefix) => spaced.contains(&format!(" {prefix}")),
        None => spaced.contains(&format!(" {value} ")),
    }
}

fn like(text: &str, value: &str) -> bool {
    value.strip_suffix('*').map_or_else(|| text == value, |prefix| text.starts_with(prefix))
}

fn compares(comparator: Comparator, text: &str, value: &str) -> bool {
    let ordering = match (text.parse::<f64>(), value.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right),
        // Timestamps in one format and zone order as text.
        _ => Some(text.cmp(value)),
    };
    match comparator {
        Comparator::Is => ordering.is_some_and(std::cmp::Ordering::is_eq),
        Comparator::Above => ordering.is_some_and(std::cmp::Ordering::is_gt),
        Comparator::AtLeast => ordering.is_some_and(std::cmp::Ordering::is_ge),
        Comparator::Below => ordering.is_some_and(std::cmp::Ordering::is_lt),
        Comparator::AtMost => ordering.is_some_and(std::cmp::Ordering::is_le),
    }
}

#[cfg(test)]
mod tests {
    use super::Search;
    use crate::store::{Store, reference};
    use serde_json::json;

    fn found(query: &str) -> bool {
        let mut store = Store::new(json!({}));
        store.insert(json!({"__typename": "ProductVariant", "id": "v", "sku": "HAT-1",
            "price": "19.50", "legacyResourceId": "77"}));
        let product = json!({"title": "Green Wool Hat", "vendor": "Snow & Sons",
            "productType": "Hat", "handle": "green-wool-hat", "status": "ACTIVE",
            "tags": ["Winter", "sale"], "totalInventory": 12, "legacyResourceId": "42",
            "createdAt": "2026-02-03T00:00:00Z", "isGiftCard": false, "tracksInventory": true,
            "variants": [reference("v")]});
        product.as_object().is_some_and(|product| Search::parse(query).matches(&store, product))
    }

    #[test]
    fn finds_what_the_syntax_says() {
        for query in [
            "",
            "hat",
            "green hat",
            "title:green",
            "title:'wool hat'",
            "title:woo*",
            "tag:winter",
            "vendor:\"snow & sons\"",
            "status:active",
            "status:draft,active",
            "sku:HAT*",
            "price:>=19.5",
            "price:19.50",
            "inventory_total:>11",
            "id:42",
            "variant_id:77",
            "created_at:>2026-01-01",
            "created_at:<='2026-12'",
            "red OR hat",
            "NOT red",
            "-red",
            "(red OR green) AND hat",
            "hat AND (status:active)",
            "tag_not:summer",
            "gift_card:false",
            "handle:green-wool-hat",
            "nonsense:1 hat",
            "hat )",
            "( hat",
        ] {
            assert!(found(query), "{query}");
        }
    }

    #[test]
    fn leaves_out_the_rest() {
        for query in [
            "red",
            "green red",
            "title:hats",
            "title:'hat wool'",
            "status:draft",
            "sku:HAT",
            "price:<19",
            "inventory_total:<12",
            "id:>42",
            "red OR blue",
            "NOT hat",
            "-hat",
            "hat AND NOT (status:active)",
            "tag_not:sale",
            "gift_card:true",
            "barcode:1",
        ] {
            assert!(!found(query), "{query}");
        }
    }

    #[test]
    fn warns_of_unknown_fields() {
        let warning = Search::parse("colour:red hat").warning("products").unwrap();
        assert_eq!(warning["warnings"][0]["field"], "colour");
        assert_eq!(Search::parse("hat").warning("products"), None);
    }
}
