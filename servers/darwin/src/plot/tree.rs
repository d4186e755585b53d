//! An expression as a tree: its root left, arguments from above downwards.

use darwin_engine::expression::{Node, NodeKind};

use super::{
    Size,
    canvas::{Canvas, word_width},
};

/// Room around it: left, top, right, bottom.
const ROOM: [f64; 4] = [12.0, 34.0, 12.0, 14.0];
/// Fill and line of the box of functions, names, numbers.
const BOXES: [(&str, &str); 3] =
    [("#d6e6f5", "#0072b2"), ("#d5efe6", "#009e73"), ("#f1f1f1", "#999999")];

/// Where a node stands: column, and row in leaves.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    column: usize,
    row: f64,
}

/// The tree of an expression; see [`darwin_engine::expression::tree`].
pub(crate) fn tree(size: Size, name: &str, nodes: &[Node]) -> String {
    let (places, leaves) = places(nodes);
    let mut canvas = Canvas::new(size, ROOM);
    let xs = columns(&canvas, nodes, &places);
    #[expect(clippy::cast_precision_loss, reason = "leaves are few")]
    let leaves = leaves.max(1) as f64;
    let at = |node: usize| {
        let Place { column, row } = places[node];
        (xs[column], canvas.y(1.0 - (row + 0.5) / leaves))
    };
    let spots: Vec<(f64, f64)> = (0..nodes.len()).map(at).collect();
    for (node, spot) in nodes.iter().zip(&spots) {
        for child in &node.children {
            canvas.line(&[*spot, spots[*child]], "#999999", 1.2);
        }
    }
    for (node, spot) in nodes.iter().zip(&spots) {
        let colours = BOXES[match node.kind {
            NodeKind::Function => 0,
            NodeKind::Name => 1,
            NodeKind::Number => 2,
        }];
        canvas.boxed(*spot, colours, &node.label);
    }
    canvas.label((ROOM[0], 20.0), "start", name);
    canvas.finish("The tree of an expression")
}

/// Places of all nodes, and the number of leaves; parents stand in the middle of their children.
fn places(nodes: &[Node]) -> (Vec<Place>, usize) {
    let mut places = vec![Place::default(); nodes.len()];
    // Parents come after their children.
    for (at, node) in nodes.iter().enumerate().rev() {
        for child in &node.children {
            places[*child].column = places[at].column + 1;
        }
    }
    let (mut leaves, mut next) = (0, nodes.len().checked_sub(1).into_iter().collect::<Vec<_>>());
    while let Some(at) = next.pop() {
        if nodes[at].children.is_empty() {
            #[expect(clippy::cast_precision_loss, reason = "leaves are few")]
            let row = leaves as f64;
            places[at].row = row;
            leaves += 1;
        }
        next.extend(nodes[at].children.iter().rev());
    }
    for (at, node) in nodes.iter().enumerate() {
        if let (Some(first), Some(last)) = (node.children.first(), node.children.last()) {
            places[at].row = f64::midpoint(places[*first].row, places[*last].row);
        }
    }
    (places, leaves)
}

/// Middles of the columns, each as wide as its widest word when there is room, else in proportion.
fn columns(canvas: &Canvas, nodes: &[Node], places: &[Place]) -> Vec<f64> {
    let count = places.iter().map(|place| place.column + 1).max().unwrap_or(0);
    let mut widths = vec![0.0_f64; count];
    for (node, place) in nodes.iter().zip(places) {
        widths[place.column] = widths[place.column].max(word_width(&node.label) + 16.0);
    }
    let (from, to) = (canvas.x(0.0), canvas.x(1.0));
    let (room, wanted) = (to - from, widths.iter().sum::<f64>().max(1.0));
    #[expect(clippy::cast_precision_loss, reason = "columns are few")]
    let gaps = count.saturating_sub(1).max(1) as f64;
    let (scale, gap) =
        if wanted > room { (room / wanted, 0.0) } else { (1.0, (room - wanted) / gaps) };
    let mut x = from;
    let mut middles = Vec::with_capacity(count);
    for width in widths {
        middles.push(x + scale * width / 2.0);
        x += scale * width + gap.min(90.0);
    }
    middles
}
