//! The best formula of every size.

use super::{tree::Tree, write::complexity};

/// A tree that was fitted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Individual {
    pub(super) tree: Tree,
    pub(super) sse: f64,
    /// Absolute residuals of the rows that selection looks at.
    pub(super) residuals: Vec<f64>,
}

/// The best of every size up to a limit.
#[derive(Debug)]
pub(super) struct Front(Vec<Option<Individual>>);

impl Front {
    pub(super) fn new(max_size: usize) -> Self {
        Self(vec![None; max_size + 1])
    }

    /// Take it if nothing as small is as good. Whether the error of its size fell by a hundredth.
    pub(super) fn offer(&mut self, one: &Individual) -> bool {
        let size = complexity(&one.tree);
        if size >= self.0.len() || !one.sse.is_finite() {
            return false;
        }
        let best =
            self.0[..=size].iter().flatten().fold(f64::INFINITY, |best, known| best.min(known.sse));
        if one.sse >= best {
            return false;
        }
        self.0[size] = Some(one.clone());
        for later in self.0[size + 1..].iter_mut() {
            if later.as_ref().is_some_and(|known| known.sse >= one.sse) {
                *later = None;
            }
        }
        one.sse < 0.99 * best
    }

    /// From the smallest on; each has less error than those before it.
    pub(super) fn members(&self) -> impl Iterator<Item = &Individual> {
        self.0.iter().flatten()
    }

    pub(super) fn best(&self) -> f64 {
        self.members().fold(f64::INFINITY, |best, one| best.min(one.sse))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tree::Node, *};
    use crate::expression::Unary;

    #[test]
    fn only_what_nothing_beats_stays() {
        let of = |size: usize, sse: f64| {
            let mut tree = vec![Node::Column(0)];
            tree.extend((1..size).map(|_| Node::One(Unary::Sin)));
            Individual { tree, sse, residuals: Vec::new() }
        };
        let mut front = Front::new(5);
        assert!(front.offer(&of(3, 4.0)) && front.offer(&of(1, 9.0)) && front.offer(&of(5, 1.0)));
        assert!(!front.offer(&of(4, 4.0)) && !front.offer(&of(6, 0.0)));
        assert!(!front.offer(&of(2, f64::INFINITY)) && !front.offer(&of(3, 3.999)));
        assert!(front.offer(&of(2, 1.0)));
        let kept: Vec<(usize, f64)> =
            front.members().map(|one| (one.tree.len(), one.sse)).collect();
        assert_eq!(kept, [(1, 9.0), (2, 1.0)]);
    }
}
