//! How individuals are made: each gene by the operators of its kind.

use super::{
    Crossover, Exchange, Mutation, OrderCrossover, OrderMutation, WholeMutation, discrete,
    mutation::for_some_genes,
};
use crate::{
    Bounds, Problem,
    space::{Gene, Layout, items, write_keys},
    stream::Stream,
};

/// Operators for every kind of gene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Operators {
    pub(crate) crossover: Crossover,
    pub(crate) mutation: Mutation,
    pub(crate) exchange: Exchange,
    pub(crate) whole: WholeMutation,
    pub(crate) order_crossover: OrderCrossover,
    pub(crate) order_mutation: OrderMutation,
}

impl Operators {
    /// Those of real genes as given, the usual ones for the other kinds.
    pub(crate) fn real(crossover: Crossover, mutation: Mutation) -> Self {
        Self {
            crossover,
            mutation,
            exchange: Exchange::default(),
            whole: WholeMutation::default(),
            order_crossover: OrderCrossover::default(),
            order_mutation: OrderMutation::default(),
        }
    }
}

/// Makes individuals of a problem.
#[derive(Debug, Clone)]
pub(crate) struct Variation {
    bounds: Bounds,
    operators: Operators,
    mixed: Option<Mixed>,
}

/// Genes by kind, where not all are real.
#[derive(Debug, Clone)]
struct Mixed {
    layout: Layout,
    /// Genes that are numbers, and their box.
    numbers: Vec<usize>,
    within: Option<Bounds>,
    words: Vec<usize>,
}

impl Variation {
    pub(crate) fn new(problem: &Problem, operators: Operators) -> Self {
        let bounds = problem.bounds().clone();
        let mixed = problem.space().and_then(Layout::of).map(|layout| Mixed::new(layout, &bounds));
        Self { bounds, operators, mixed }
    }

    /// Uniform in the box.
    pub(crate) fn sample(&self, stream: &mut Stream, row: &mut [f64]) {
        for ((gene, lo), hi) in row.iter_mut().zip(self.bounds.lo()).zip(self.bounds.hi()) {
            *gene = stream.between(*lo, *hi);
        }
        if let Some(mixed) = &self.mixed {
            mixed.layout.snap(row);
        }
    }

    /// Two children of copies of two parents; false when one of them is such a copy still.
    pub(crate) fn cross(&self, stream: &mut Stream, first: &mut [f64], second: &mut [f64]) -> bool {
        let operators = &self.operators;
        let Some(mixed) = &self.mixed else {
            operators.crossover.apply(stream, &self.bounds, first, second);
            return true;
        };
        let parents = (first.to_vec(), second.to_vec());
        if let Some(within) = &mixed.within {
            let mut numbers = [&*first, &*second]
                .map(|row| mixed.numbers.iter().map(|g| row[*g]).collect::<Vec<_>>());
            let [one, two] = &mut numbers;
            operators.crossover.apply(stream, within, one, two);
            for (place, gene) in mixed.numbers.iter().enumerate() {
                (first[*gene], second[*gene]) = (one[place], two[place]);
            }
            mixed.layout.snap_numbers(first);
            mixed.layout.snap_numbers(second);
        }
        if !mixed.words.is_empty() {
            operators.exchange.apply(stream, &mixed.words, first, second);
        }
        for order in &mixed.layout.orders {
            let (one, two) = (&mut first[order.clone()], &mut second[order.clone()]);
            let [a, b] = operators.order_crossover.apply(stream, &items(one), &items(two));
            write_keys(&a, one);
            write_keys(&b, two);
        }
        let is_old = |row: &[f64]| row == parents.0 || row == parents.1;
        !(is_old(first) || is_old(second))
    }

    /// Change each gene with `probability`; with `must_change`, at least one if that is not 0.
    pub(crate) fn mutate(
        &self,
        stream: &mut Stream,
        probability: f64,
        row: &mut [f64],
        must_change: bool,
    ) {
        let Operators { mutation, whole, order_mutation, .. } = self.operators;
        let Some(mixed) = &self.mixed else {
            return mutation.apply(stream, &self.bounds, probability, row, must_change);
        };
        for_some_genes(stream, probability, row.len(), must_change, |stream, gene| {
            let x = row[gene];
            match mixed.layout.genes[gene] {
                Gene::Real => row[gene] = mutation.changed(stream, &self.bounds, gene, x),
                Gene::Whole { lo, hi, step } => row[gene] = whole.apply(stream, (lo, hi, step), x),
                Gene::Word { last } => row[gene] = discrete::other(stream, libm::rint(x), last),
                Gene::Order(number) => {
                    let keys = &mut row[mixed.layout.orders[number].clone()];
                    let mut order = items(keys);
                    order_mutation.apply(stream, &mut order);
                    write_keys(&order, keys);
                }
            }
        });
    }
}

impl Mixed {
    fn new(layout: Layout, bounds: &Bounds) -> Self {
        let of = |wanted: fn(&Gene) -> bool| -> Vec<usize> {
            let genes = layout.genes.iter().enumerate();
            genes.filter(|(_, gene)| wanted(gene)).map(|(place, _)| place).collect()
        };
        let numbers = of(|gene| matches!(gene, Gene::Real | Gene::Whole { .. }));
        let words = of(|gene| matches!(gene, Gene::Word { .. }));
        let side = |all: &[f64]| numbers.iter().map(|gene| all[*gene]).collect();
        // Without a number there is no box.
        let within = Bounds::new(side(bounds.lo()), side(bounds.hi())).ok();
        Self { layout, numbers, within, words }
    }
}
