//! Children of trees: crossing and mutation that keep sizes fair (Langdon 2000).

use super::{
    grammar::{Grammar, pick},
    tree::{Kind, Node, Tree, has_column, replaced, sizes, subtree, terms},
};
use crate::{expression::Binary, stream::Stream};

/// One in so many points of change is a leaf.
const LEAVES: f64 = 0.2;

/// A child of two trees.
pub(super) fn child((one, other): (&Tree, &Tree), grammar: &Grammar, stream: &mut Stream) -> Tree {
    let choice = stream.unit();
    match choice {
        c if c < 0.42 => crossed(one, other, stream),
        c if c < 0.54 => regrown(one, grammar, stream),
        c if c < 0.64 => point(one, grammar, stream),
        c if c < 0.74 => inserted(one, grammar, stream),
        c if c < 0.80 => shrunk(one, stream),
        c if c < 0.90 => {
            let size = 1 + pick(stream, 7);
            let term = grammar.random(Kind::Real, size, stream);
            joined(one, &term)
        }
        c if c < 0.96 => {
            let all = terms(other);
            let term = all.get(pick(stream, all.len())).cloned().unwrap_or_default();
            joined(one, &term)
        }
        _ => without_a_term(one, stream),
    }
}

/// A subtree of one in place of a subtree of the other, of the same type and on average the same
/// size.
fn crossed(one: &Tree, other: &Tree, stream: &mut Stream) -> Tree {
    let (own, theirs) = (sizes(one), sizes(other));
    let at = point_of(one, stream);
    let size = own[at];
    let fits =
        |place: &usize| other[*place].kind() == one[at].kind() && theirs[*place] <= 2 * size + 1;
    let (mut less, mut equal, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for place in (0..other.len()).filter(fits) {
        match theirs[place].cmp(&size) {
            std::cmp::Ordering::Less => less.push(place),
            std::cmp::Ordering::Equal => equal.push(place),
            std::cmp::Ordering::Greater => more.push(place),
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "trees are small")]
    let mean = |places: &[usize]| {
        let gaps: usize = places.iter().map(|place| theirs[*place].abs_diff(size)).sum();
        gaps as f64 / places.len().max(1) as f64
    };
    let chosen = if less.is_empty() || more.is_empty() {
        // Only equal ones leave the size as it is; without any, whatever is there.
        if equal.is_empty() { if less.is_empty() { more } else { less } } else { equal }
    } else {
        #[expect(clippy::cast_precision_loss, reason = "trees are small")]
        let same = if equal.is_empty() { 0.0 } else { 1.0 / size as f64 };
        // Shorter and longer in the ratio that keeps the mean.
        let longer = mean(&less) / (mean(&less) + mean(&more));
        match stream.unit() {
            u if u < same => equal,
            _ if stream.chance(longer) => more,
            _ => less,
        }
    };
    match chosen.get(pick(stream, chosen.len())) {
        Some(place) => replaced(one, &own, at, subtree(other, &theirs, *place)),
        None => one.clone(),
    }
}

/// A random subtree, half to one and a half times as large, in place of one.
fn regrown(one: &Tree, grammar: &Grammar, stream: &mut Stream) -> Tree {
    let sizes = sizes(one);
    let at = point_of(one, stream);
    let size = sizes[at];
    let (low, high) = (size.div_ceil(2), size + size / 2);
    let new = grammar.random(one[at].kind(), low + pick(stream, high + 1 - low), stream);
    replaced(one, &sizes, at, &new)
}

/// Another function, column or number at one or two nodes.
fn point(one: &Tree, grammar: &Grammar, stream: &mut Stream) -> Tree {
    let mut tree = one.clone();
    for _ in 0..=pick(stream, 2) {
        let at = pick(stream, tree.len());
        tree[at] = grammar.alike(tree[at], stream);
    }
    tree
}

fn inserted(one: &Tree, grammar: &Grammar, stream: &mut Stream) -> Tree {
    let sizes = sizes(one);
    let at = pick(stream, one.len());
    if one[at].kind() != Kind::Real {
        return one.clone();
    }
    let new = grammar.around(subtree(one, &sizes, at), stream);
    replaced(one, &sizes, at, &new)
}

/// A part of a subtree in its place.
fn shrunk(one: &Tree, stream: &mut Stream) -> Tree {
    let sizes = sizes(one);
    let at = point_of(one, stream);
    let start = at + 1 - sizes[at];
    let inner = start + pick(stream, sizes[at]);
    if one[inner].kind() != one[at].kind() {
        return one.clone();
    }
    replaced(one, &sizes, at, subtree(one, &sizes, inner))
}

fn joined(one: &Tree, term: &[Node]) -> Tree {
    if term.is_empty() {
        return one.clone();
    }
    let mut tree = one.clone();
    tree.extend_from_slice(term);
    tree.push(Node::Two(Binary::Add));
    tree
}

fn without_a_term(one: &Tree, stream: &mut Stream) -> Tree {
    let mut all = terms(one);
    if all.len() < 2 {
        return one.clone();
    }
    all.remove(pick(stream, all.len()));
    let mut tree: Tree = Vec::new();
    for term in all {
        tree = if tree.is_empty() { term } else { joined(&tree, &term) };
    }
    tree
}

/// Where to change: mostly not at leaves.
fn point_of(tree: &Tree, stream: &mut Stream) -> usize {
    let leaf = stream.chance(LEAVES);
    let fits = |at: &usize| (tree[*at].arity() == 0) == leaf;
    let all: Vec<usize> = (0..tree.len()).filter(fits).collect();
    all.get(pick(stream, all.len())).copied().unwrap_or_else(|| pick(stream, tree.len()))
}

/// Whether a tree is worth fitting.
pub(super) fn is_usable(tree: &Tree, most: usize) -> bool {
    tree.len() <= most && has_column(tree)
}

#[cfg(test)]
mod tests {
    use super::{super::grammar::symbolic_functions, *};
    use crate::Seed;

    /// Sizes drift only slowly when nothing selects, and children are whole trees.
    #[test]
    fn children_are_whole_and_on_average_as_large() {
        let names = symbolic_functions().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let grammar = Grammar::new(&names, 2).unwrap();
        let mut stream = Stream::new(Seed::new(5).unwrap(), 0, 0);
        let mut grown = 0.0;
        let rounds: u32 = 4000;
        for round in 0..rounds {
            let size = 2 + round as usize % 25;
            let one = grammar.random(Kind::Real, size, &mut stream);
            let other = grammar.random(Kind::Real, 3 + round as usize % 19, &mut stream);
            let crossed = crossed(&one, &other, &mut stream);
            assert_eq!(sizes(&crossed).last(), Some(&crossed.len()));
            let difference = i32::try_from(crossed.len()).unwrap() - i32::try_from(size).unwrap();
            grown += f64::from(difference);
            let child = child((&one, &other), &grammar, &mut stream);
            assert_eq!(sizes(&child).last(), Some(&child.len()), "{child:?}");
            assert_eq!(child[child.len() - 1].kind(), Kind::Real);
        }
        let mean = grown / f64::from(rounds);
        assert!(mean.abs() < 0.8, "mean growth of {mean} nodes");
    }
}
