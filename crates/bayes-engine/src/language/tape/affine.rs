//! What a traced cell is in terms of others: an offset and factors.

use super::builder::{Builder, Cell, Step, Traced};
use super::op::Op;
use super::schedule::{alive, producers};

/// An affine function of cells, each named once, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Form {
    pub(super) offset: f64,
    pub(super) terms: Vec<(Cell, f64)>,
}

/// Knows of a trace what is needed to see affine functions in it.
pub(super) struct Affine {
    producers: Vec<usize>,
    /// How often the numbers of a step are asked for.
    uses: Vec<usize>,
    /// How often a cell is.
    cell_uses: Vec<u32>,
}

impl Affine {
    /// Counts what the sum of the target asks for.
    pub(super) fn new(trace: &Builder, target: &[Cell]) -> Self {
        let producers = producers(trace);
        let is_alive = alive(trace, &producers, &[target.into()]);
        let mut cell_uses = vec![0_u32; trace.cells];
        let mut count = |cell: Cell, times: usize| {
            if let Some(uses) = cell_uses.get_mut(cell as usize) {
                *uses = uses.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
            }
        };
        for (step, _) in trace.steps.iter().zip(&is_alive).filter(|(_, is_alive)| **is_alive) {
            for list in &step.inputs {
                // one cell serves all elements
                let times = if list.len() == 1 && matches!(step.step, Step::Each(_)) {
                    step.count
                } else {
                    1
                };
                for cell in list.iter() {
                    count(*cell, times);
                }
            }
        }
        for cell in target {
            count(*cell, 1);
        }
        let of = |step: &Traced| {
            let start = step.out as usize;
            cell_uses[start..start + step.count].iter().map(|uses| *uses as usize).sum()
        };
        let uses = trace.steps.iter().map(of).collect();
        Self { producers, uses, cell_uses }
    }

    /// The step behind a cell, and which of its numbers it is.
    pub(super) fn behind<'trace>(
        &self,
        trace: &'trace Builder,
        cell: Cell,
    ) -> Option<(&'trace Traced, usize)> {
        let number = *self.producers.get(cell as usize)?;
        let step = trace.steps.get(number)?;
        Some((step, (cell - step.out) as usize))
    }

    /// How often a cell is asked for.
    pub(super) fn uses(&self, cell: Cell) -> usize {
        self.cell_uses.get(cell as usize).map_or(0, |uses| *uses as usize)
    }

    /// The sum of cells times factors; none beyond the budget of terms. Sums of others are opened where nothing
    /// else asks for them, or `deep`, everywhere.
    pub(super) fn form(
        &self,
        trace: &Builder,
        parts: &[(Cell, f64)],
        is_deep: bool,
        budget: &mut usize,
    ) -> Option<Form> {
        let mut open = parts.to_vec();
        let mut form = Form::default();
        while let Some((cell, factor)) = open.pop() {
            *budget = budget.checked_sub(1)?;
            if let Some(number) = trace.number(cell) {
                form.offset += factor * number;
            } else if factor != 0.0 && !self.open(trace, (cell, factor), is_deep, &mut open) {
                form.terms.push((cell, factor));
            }
        }
        form.terms.sort_by_key(|(cell, _)| *cell);
        form.terms.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 += next.1;
            }
            is_same
        });
        Some(form)
    }

    /// Puts the parts of a cell in its place, if it is a sum to be opened, or a multiple.
    fn open(
        &self,
        trace: &Builder,
        (cell, factor): (Cell, f64),
        is_deep: bool,
        open: &mut Vec<(Cell, f64)>,
    ) -> bool {
        let Some((step, element)) = self.behind(trace, cell) else { return false };
        let number = |cell: Cell| trace.number(cell).filter(|number| number.is_finite());
        let is_single = is_deep || self.uses[self.producers[cell as usize]] <= step.count;
        let lists = &step.inputs;
        match step.step {
            Step::Each(Op::Negate) => open.push((at(&lists[0], element), -factor)),
            Step::Each(op @ (Op::Add | Op::Subtract)) => {
                let (left, right) = (at(&lists[0], element), at(&lists[1], element));
                if !is_single && number(left).is_none() && number(right).is_none() {
                    return false;
                }
                open.push((left, factor));
                open.push((right, if op == Op::Add { factor } else { -factor }));
            }
            Step::Each(Op::Multiply) => {
                let (left, right) = (at(&lists[0], element), at(&lists[1], element));
                match (number(left), number(right)) {
                    (Some(known), _) => open.push((right, factor * known)),
                    (_, Some(known)) => open.push((left, factor * known)),
                    _ => return false,
                }
            }
            Step::Each(Op::Divide) => match number(at(&lists[1], element)) {
                Some(known) if known != 0.0 => {
                    open.push((at(&lists[0], element), factor / known));
                }
                _ => return false,
            },
            Step::Sum if is_single => open.extend(lists[0].iter().map(|cell| (*cell, factor))),
            Step::Dot if is_single => {
                let pairs = (0..lists[0].len()).map(|k| (lists[0][k], lists[1][k]));
                return scaled(pairs, factor, &number, open);
            }
            Step::Product(rows, inner, _) if is_single => {
                let (row, column) = (element % rows, element / rows);
                let pairs =
                    (0..inner).map(|k| (lists[0][k * rows + row], lists[1][column * inner + k]));
                return scaled(pairs, factor, &number, open);
            }
            _ => return false,
        }
        true
    }
}

/// A list's cell for an element; one cell serves all.
pub(super) fn at(list: &[Cell], element: usize) -> Cell {
    list[if list.len() == 1 { 0 } else { element }]
}

/// Opens a sum of products of which one factor each is known.
fn scaled(
    pairs: impl Iterator<Item = (Cell, Cell)>,
    factor: f64,
    number: &dyn Fn(Cell) -> Option<f64>,
    open: &mut Vec<(Cell, f64)>,
) -> bool {
    let before = open.len();
    for (left, right) in pairs {
        match (number(left), number(right)) {
            (Some(known), _) => open.push((right, factor * known)),
            (_, Some(known)) => open.push((left, factor * known)),
            _ => {
                open.truncate(before);
                return false;
            }
        }
    }
    true
}
