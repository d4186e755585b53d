//! Shapes and words of one chart.

use std::fmt::Write as _;

use super::axis::Axis;
use super::{QUIET, WIDTH};

/// A chart that grows.
#[derive(Debug)]
pub(super) struct Canvas {
    height: f64,
    body: String,
}

/// How words stand at their place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    pub(super) fn new(height: f64) -> Self {
        Self { height, body: String::new() }
    }

    /// The whole document. Single quotes, so that JSON need not escape them.
    pub(super) fn finish(self) -> String {
        let (width, height) = (short(WIDTH), short(self.height));
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}' \
             font-family='sans-serif' font-size='11'><rect width='100%' height='100%' fill='#fff'/>{}</svg>",
            self.body
        )
    }

    fn add(&mut self, shape: std::fmt::Arguments<'_>) {
        // a String takes everything
        self.body.write_fmt(shape).unwrap_or_default();
    }

    pub(super) fn line(&mut self, points: &[[f64; 2]], colour: &str, width: f64) {
        let path = path(points);
        self.add(format_args!(
            "<path d='{path}' fill='none' stroke='{colour}' stroke-width='{width}'/>"
        ));
    }

    pub(super) fn dashed(&mut self, points: &[[f64; 2]], colour: &str) {
        let path = path(points);
        self.add(format_args!(
            "<path d='{path}' fill='none' stroke='{colour}' stroke-dasharray='4 3'/>"
        ));
    }

    /// Dots of one colour, as one path of round strokes of no length.
    pub(super) fn dots(&mut self, points: &[[f64; 2]], colour: &str, size: f64, opacity: f64) {
        if points.is_empty() {
            return;
        }
        let mut path = String::new();
        for [x, y] in points {
            path.push_str(&format!("M{} {}h0", short(*x), short(*y)));
        }
        self.add(format_args!(
            "<path d='{path}' stroke='{colour}' stroke-width='{size}' stroke-opacity='{opacity}' stroke-linecap='round'/>"
        ));
    }

    pub(super) fn words(&mut self, [x, y]: [f64; 2], text: &str, anchor: Anchor) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, text) = (short(x), short(y), escaped(text));
        self.add(format_args!("<text x='{x}' y='{y}' text-anchor='{anchor}'>{text}</text>"));
    }

    pub(super) fn coloured(&mut self, [x, y]: [f64; 2], text: &str, colour: &str) {
        let (x, y, text) = (short(x), short(y), escaped(text));
        self.add(format_args!("<text x='{x}' y='{y}' fill='{colour}'>{text}</text>"));
    }

    /// The left and lower edge with ticks.
    pub(super) fn frame(&mut self, x: &Axis, y: Option<&Axis>, bottom: f64, top: f64) {
        let [left, right] = x.ends();
        self.line(&[[left, top], [left, bottom], [right, bottom]], QUIET, 1.0);
        for (value, word) in x.ticks() {
            let at = x.at(value);
            self.line(&[[at, bottom], [at, bottom + 4.0]], QUIET, 1.0);
            self.words([at, bottom + 15.0], &word, Anchor::Middle);
        }
        for (value, word) in y.into_iter().flat_map(Axis::ticks) {
            let at = y.map_or(0.0, |y| y.at(value));
            self.line(&[[left - 4.0, at], [left, at]], QUIET, 1.0);
            self.words([left - 6.0, at + 4.0], &word, Anchor::End);
        }
    }
}

fn path(points: &[[f64; 2]]) -> String {
    let mut path = String::new();
    for (at, [x, y]) in points.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{letter}{} {}", short(*x), short(*y)));
    }
    path
}

/// A coordinate with one digit behind the point at most.
fn short(value: f64) -> String {
    let word = format!("{value:.1}");
    word.strip_suffix(".0").map_or(word.clone(), str::to_owned)
}

/// Words as text of a document: nothing in them is markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\'' => safe.push_str("&#39;"),
            '"' => safe.push_str("&quot;"),
            other if other.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_never_markup() {
        let mut canvas = Canvas::new(10.0);
        canvas.words([1.0, 2.0], "<script>&'\"\u{1b}", Anchor::Start);
        let text = canvas.finish();
        assert!(text.contains("&lt;script&gt;&amp;&#39;&quot; </text>"), "{text}");
        assert_eq!(short(3.04), "3");
        assert_eq!(short(-0.26), "-0.3");
    }
}
