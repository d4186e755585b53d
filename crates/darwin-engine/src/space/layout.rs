//! How the genes of a problem vary: what kind of value each of them stands for.

use std::ops::Range;

use super::{Kind, Rule, Space};

/// What a gene stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Gene {
    /// A number that changes a little at a time.
    Real,
    /// A number on a grid from `lo` to `hi`.
    Whole {
        /// Least value.
        lo: f64,
        /// Largest value.
        hi: f64,
        /// Distance of the values.
        step: f64,
    },
    /// One of the values 0 to `last`, which have no order.
    Word {
        /// Largest value.
        last: f64,
    },
    /// A key of the permutation of this number.
    Order(usize),
}

/// The genes of a problem that are not all real.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    pub(crate) genes: Vec<Gene>,
    /// Keys of each permutation.
    pub(crate) orders: Vec<Range<usize>>,
}

impl Layout {
    /// `None` when all genes are real.
    pub(crate) fn of(space: &Space) -> Option<Self> {
        if space.is_continuous() {
            return None;
        }
        let mut genes = Vec::with_capacity(space.rules.len());
        for variable in space.variables() {
            let length = variable.length.unwrap_or(1);
            let order = space.orders.iter().position(|order| order.start == genes.len());
            let rule = space.rules.get(genes.len()).copied().unwrap_or(Rule::Same);
            let gene = match (&variable.kind, rule) {
                (Kind::Permutation, _) => Gene::Order(order.unwrap_or_default()),
                (Kind::Bool | Kind::Cat { .. }, Rule::Whole { hi, .. }) => Gene::Word { last: hi },
                (_, Rule::Whole { lo, hi }) => Gene::Whole { lo, hi, step: 1.0 },
                (_, Rule::Grid { lo, hi, step }) => Gene::Whole { lo, hi, step },
                _ => Gene::Real,
            };
            genes.extend(std::iter::repeat_n(gene, length));
        }
        Some(Self { genes, orders: space.orders.clone() })
    }

    /// Let every gene be the one in the middle of those that have its value.
    pub(crate) fn snap(&self, row: &mut [f64]) {
        self.snap_numbers(row);
        for order in &self.orders {
            if let Some(keys) = row.get_mut(order.clone()) {
                let items = items(keys);
                write_keys(&items, keys);
            }
        }
    }

    /// The same for all but the orders.
    pub(crate) fn snap_numbers(&self, row: &mut [f64]) {
        for (gene, x) in self.genes.iter().zip(row.iter_mut()) {
            match *gene {
                Gene::Whole { lo, hi, step } => {
                    *x = (lo + libm::rint((*x - lo) / step) * step).clamp(lo, hi);
                }
                Gene::Word { last } => *x = libm::rint(*x).clamp(0.0, last) + 0.0,
                Gene::Real | Gene::Order(_) => {}
            }
        }
    }
}

/// Items of a permutation by place, from their keys; of equals, the first comes first.
pub(crate) fn items(keys: &[f64]) -> Vec<usize> {
    let mut items: Vec<usize> = (0..keys.len()).collect();
    items.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]).then(a.cmp(b)));
    items
}

/// Keys that stand for these items by place.
#[expect(clippy::cast_precision_loss, reason = "lengths are small")]
pub(crate) fn write_keys(items: &[usize], keys: &mut [f64]) {
    let length = items.len() as f64;
    for (place, item) in items.iter().enumerate() {
        if let Some(key) = keys.get_mut(*item) {
            *key = (place as f64 + 0.5) / length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Variable;

    #[test]
    fn snapped_genes_keep_their_values() {
        let variable = |name: &str, kind, length| Variable { name: name.to_owned(), kind, length };
        let words = ["a", "b", "c"].map(str::to_owned).to_vec();
        let space = Space::new(vec![
            variable("r", Kind::Real { lo: 0.0, hi: 1.0, step: None }, None),
            variable("g", Kind::Real { lo: 1.0, hi: 2.1, step: Some(0.5) }, None),
            variable("i", Kind::Int { lo: -3.0, hi: 9.0 }, Some(2)),
            variable("c", Kind::Cat { values: words }, None),
            variable("p", Kind::Permutation, Some(4)),
            variable("b", Kind::Bool, None),
        ])
        .unwrap();
        let layout = Layout::of(&space).unwrap();
        assert_eq!(layout.genes.len(), 10);
        assert_eq!(layout.genes[3], Gene::Whole { lo: -3.0, hi: 9.0, step: 1.0 });
        assert_eq!(
            (layout.genes[4], layout.genes[9]),
            (Gene::Word { last: 2.0 }, Gene::Word { last: 1.0 })
        );
        assert_eq!((layout.orders.len(), &layout.orders[0]), (1, &(5..9)));
        for k in 0_u32..200 {
            let at = |j: usize| {
                libm::fabs(libm::sin(f64::from(k) + 3.7 * f64::from(u32::try_from(j).unwrap())))
            };
            let bounds = space.bounds();
            let sides = bounds.lo().iter().zip(bounds.hi()).enumerate();
            let mut row: Vec<f64> = sides.map(|(j, (lo, hi))| lo + at(j) * (hi - lo)).collect();
            let before = space.decode(&row);
            layout.snap(&mut row);
            assert_eq!(space.decode(&row), before);
            assert!(bounds.contains(&row));
            let once = row.clone();
            layout.snap(&mut row);
            assert_eq!(row, once);
        }
    }
}
