//! Shapes as SVG text.

use std::fmt::Write;

use super::Size;

/// A drawing with a room in it, whose corners are (0, 0) and (1, 1).
#[derive(Debug)]
pub(super) struct Canvas {
    size: Size,
    room: [f64; 4],
    body: String,
}

impl Canvas {
    pub(super) fn new(size: Size, room: [f64; 4]) -> Self {
        Self { size, room, body: String::new() }
    }

    /// From 0..=1 to px.
    pub(super) fn x(&self, place: f64) -> f64 {
        let width = (f64::from(self.size.width) - self.room[0] - self.room[2]).max(10.0);
        self.room[0] + place * width
    }

    /// From 0..=1, upwards, to px.
    pub(super) fn y(&self, place: f64) -> f64 {
        let height = (f64::from(self.size.height) - self.room[1] - self.room[3]).max(10.0);
        self.room[1] + (1.0 - place) * height
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        self.stroke(points, colour, &format!("stroke-width=\"{width}\""));
    }

    /// One line of many.
    pub(super) fn faint(&mut self, points: &[(f64, f64)], colour: &str) {
        self.stroke(points, colour, "stroke-width=\"1\" stroke-opacity=\"0.45\"");
    }

    fn stroke(&mut self, points: &[(f64, f64)], colour: &str, style: &str) {
        if points.is_empty() {
            return;
        }
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        self.push(&format!(
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" {style}/>"
        ));
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        self.push(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\" fill=\"{colour}\" fill-opacity=\"0.75\"/>"
        ));
    }

    /// Many dots of one colour, in few characters.
    pub(super) fn cloud(&mut self, points: &[(f64, f64)], colour: &str) {
        let dots: Vec<String> = points.iter().map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect();
        let dots = dots.concat();
        self.push(&format!(
            "<path d=\"{dots}\" stroke=\"{colour}\" stroke-width=\"5\" stroke-linecap=\"round\" \
             stroke-opacity=\"0.6\"/>"
        ));
    }

    /// A filled rectangle between two corners.
    pub(super) fn cell(&mut self, one: (f64, f64), other: (f64, f64), colour: &str) {
        let (x, y) = (one.0.min(other.0), one.1.min(other.1));
        let (width, height) = ((one.0 - other.0).abs(), (one.1 - other.1).abs());
        self.push(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{colour}\"/>"
        ));
    }

    pub(super) fn label(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = escaped(text);
        self.push(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// A word in a box with round corners, its middle there.
    pub(super) fn boxed(&mut self, (x, y): (f64, f64), (fill, line): (&str, &str), text: &str) {
        let width = word_width(text) + 8.0;
        let (left, top) = (x - width / 2.0, y - 9.0);
        self.push(&format!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"18\" rx=\"6\" \
             fill=\"{fill}\" stroke=\"{line}\"/>"
        ));
        self.label((x, y + 4.0), "middle", text);
    }

    /// Written from below upwards.
    pub(super) fn upright(&mut self, (x, y): (f64, f64), text: &str) {
        let text = escaped(text);
        self.push(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" \
             transform=\"rotate(-90 {x:.1} {y:.1})\">{text}</text>"
        ));
    }

    fn push(&mut self, shape: &str) {
        self.body.push_str(shape);
        self.body.push('\n');
    }

    pub(super) fn finish(self, title: &str) -> String {
        let Size { width, height } = self.size;
        let mut svg = String::with_capacity(self.body.len() + 400);
        // Writing to a string cannot fail.
        let _infallible = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" \
             fill=\"#222222\">\n<title>{}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            escaped(title),
            self.body,
        );
        svg
    }
}

/// About how wide a word is, px.
#[expect(clippy::cast_precision_loss, reason = "words are short")]
pub(super) fn word_width(text: &str) -> f64 {
    7.2 * text.chars().count().min(60) as f64
}

/// Text without markup and control characters, at most 60 characters.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars().filter(|c| !c.is_control()).take(60) {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    safe
}
