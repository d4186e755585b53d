//! Variables of several kinds, searched as bounded real genes.

mod layout;

use std::ops::Range;

pub(crate) use layout::{Gene, Layout, items, write_keys};

use crate::{Bounds, Error, LANES, MAX_DIMENSION, Result, expression::Symbol};

/// Most values of a category, and widest range of whole numbers that is exact.
const MAX_CATEGORIES: usize = 1000;
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;

/// A variable that a user names.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Name in expressions.
    pub name: String,
    /// What it can be.
    pub kind: Kind,
    /// Number of equal coordinates of a vector; `None` for a single number.
    pub length: Option<usize>,
}

/// What a variable can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number in a range, on a grid from `lo` when a step is given.
    Real {
        /// Least value.
        lo: f64,
        /// Largest value.
        hi: f64,
        /// Distance of the grid.
        step: Option<f64>,
    },
    /// A positive number that is searched by its logarithm.
    Log {
        /// Least value, above 0.
        lo: f64,
        /// Largest value.
        hi: f64,
    },
    /// A whole number.
    Int {
        /// Least value.
        lo: f64,
        /// Largest value.
        hi: f64,
    },
    /// 0 or 1.
    Bool,
    /// An order: the numbers from 0 to length - 1, each once.
    Permutation,
    /// One of a few words.
    Cat {
        /// The words.
        values: Vec<String>,
    },
}

/// How a gene becomes a value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Same,
    Grid { lo: f64, hi: f64, step: f64 },
    Exp { lo: f64, hi: f64 },
    Whole { lo: f64, hi: f64 },
}

/// Checked variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    variables: Vec<Variable>,
    rules: Vec<Rule>,
    /// Coordinates of each permutation: their genes are keys, sorted.
    orders: Vec<Range<usize>>,
    bounds: Bounds,
}

impl Space {
    /// Check variables.
    ///
    /// # Errors
    /// [`Error::InvalidVariable`] for a range that is none, [`Error::LimitExceeded`] above
    /// [`MAX_DIMENSION`] coordinates.
    pub fn new(variables: Vec<Variable>) -> Result<Self> {
        let (mut rules, mut orders) = (Vec::new(), Vec::new());
        let (mut lo, mut hi) = (Vec::new(), Vec::new());
        for (index, variable) in variables.iter().enumerate() {
            let (rule, [low, high]) = rule(&variable.kind)
                .map_err(|(field, reason)| Error::InvalidVariable { index, field, reason })?;
            let length = variable.length.unwrap_or(1);
            let is_order = variable.kind == Kind::Permutation;
            let least = if is_order { 2 } else { 1 };
            if length < least {
                let reason = format!("must be at least {least}");
                return Err(Error::InvalidVariable { index, field: "length", reason });
            }
            if length > MAX_DIMENSION || rules.len() + length > MAX_DIMENSION {
                let reason = format!("must have at most {MAX_DIMENSION} coordinates in all");
                return Err(Error::LimitExceeded { field: "variables", reason });
            }
            if is_order {
                orders.push(rules.len()..rules.len() + length);
            }
            for _ in 0..length {
                rules.push(rule);
                lo.push(low);
                hi.push(high);
            }
        }
        if rules.is_empty() {
            let reason = "must hold at least one variable".to_owned();
            return Err(Error::InvalidProblem { field: "variables", reason });
        }
        Ok(Self { variables, rules, orders, bounds: Bounds::new(lo, hi)? })
    }

    /// Box of the genes.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The variables.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Whether small steps of every gene change its value a little.
    pub fn is_continuous(&self) -> bool {
        self.orders.is_empty()
            && self.rules.iter().all(|rule| matches!(rule, Rule::Same | Rule::Exp { .. }))
    }

    /// Whether all variables are permutations.
    pub fn is_permutation(&self) -> bool {
        self.orders.iter().map(ExactSizeIterator::len).sum::<usize>() == self.rules.len()
    }

    /// Lengths of the permutations.
    pub(crate) fn permutations(&self) -> Vec<usize> {
        self.orders.iter().map(ExactSizeIterator::len).collect()
    }

    /// Whether genes are values.
    pub(crate) fn is_plain(&self) -> bool {
        self.orders.is_empty() && self.rules.iter().all(|rule| *rule == Rule::Same)
    }

    /// Variables as expressions see them.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut base = 0;
        let symbol = |variable: &Variable| {
            let first = base;
            base += variable.length.unwrap_or(1);
            let categories = match &variable.kind {
                Kind::Cat { values } => values.clone(),
                _ => Vec::new(),
            };
            Symbol { name: variable.name.clone(), base: first, length: variable.length, categories }
        };
        self.variables.iter().map(symbol).collect()
    }

    /// Values of one point.
    pub fn decode(&self, genes: &[f64]) -> Vec<f64> {
        let values = self.rules.iter().zip(genes).map(|(rule, gene)| rule.value(*gene));
        let mut values: Vec<f64> = values.collect();
        for order in &self.orders {
            if let Some(keys) = values.get_mut(order.clone()) {
                sort_keys(keys, &mut Vec::new());
            }
        }
        values
    }

    /// Genes of a point, given by its values.
    ///
    /// # Errors
    /// The coordinate that has no such value, and why.
    pub fn encode(&self, values: &[f64]) -> Result<Vec<f64>, (usize, &'static str)> {
        if values.len() != self.rules.len() {
            return Err((values.len().min(self.rules.len()), "is missing, or one too many"));
        }
        let mut genes = Vec::with_capacity(values.len());
        let sides = self.bounds.lo().iter().zip(self.bounds.hi());
        for (place, ((rule, value), (lo, hi))) in
            self.rules.iter().zip(values).zip(sides).enumerate()
        {
            let within = |lo: f64, hi: f64| (lo..=hi).contains(value);
            let gene = match rule {
                Rule::Same if self.orders.iter().any(|order| order.contains(&place)) => *value,
                Rule::Same if within(*lo, *hi) => *value,
                Rule::Exp { lo, hi } if within(*lo, *hi) => libm::log(*value),
                Rule::Grid { lo, hi, .. } if within(*lo, *hi) => rule.value(*value),
                Rule::Whole { lo, hi } if within(*lo, *hi) => {
                    if value.fract().abs() > 0.0 {
                        return Err((place, "must be a whole number"));
                    }
                    *value
                }
                _ => return Err((place, "is outside its range")),
            };
            genes.push(gene);
        }
        for order in &self.orders {
            write_order(&mut genes[order.clone()]).map_err(|at| {
                (order.start + at, "must be part of an order: each number from 0 once")
            })?;
        }
        Ok(genes)
    }

    /// Values of a block of points.
    pub(crate) fn decode_lanes(&self, genes: &[[f64; LANES]]) -> Vec<[f64; LANES]> {
        let decode = |(rule, lanes): (&Rule, &[f64; LANES])| lanes.map(|gene| rule.value(gene));
        let mut values: Vec<[f64; LANES]> = self.rules.iter().zip(genes).map(decode).collect();
        let (mut keys, mut places) = (Vec::new(), Vec::new());
        for order in &self.orders {
            for lane in 0..LANES {
                keys.clear();
                keys.extend(values[order.clone()].iter().map(|lanes| lanes[lane]));
                sort_keys(&mut keys, &mut places);
                for (lanes, item) in values[order.clone()].iter_mut().zip(&keys) {
                    lanes[lane] = *item;
                }
            }
        }
        values
    }
}

impl Rule {
    fn value(self, gene: f64) -> f64 {
        match self {
            Self::Same => gene,
            Self::Grid { lo, hi, step } => {
                (lo + libm::rint((gene - lo) / step) * step).clamp(lo, hi)
            }
            Self::Exp { lo, hi } => libm::exp(gene).clamp(lo, hi),
            Self::Whole { lo, hi } => libm::rint(gene).clamp(lo, hi),
        }
    }
}

/// Field and reason of a fault.
type Invalid = (&'static str, String);

fn rule(kind: &Kind) -> Result<(Rule, [f64; 2]), Invalid> {
    match kind {
        Kind::Real { lo, hi, step: None } => Ok((Rule::Same, range(*lo, *hi)?)),
        Kind::Real { lo, hi, step: Some(step) } => {
            let [lo, hi] = range(*lo, *hi)?;
            if !(*step > 0.0 && *step <= hi - lo) {
                return Err(("step", format!("must be positive and at most hi - lo, not {step}")));
            }
            // The last grid point may lie below hi.
            let hi = lo + libm::floor((hi - lo) / step * (1.0 + f64::EPSILON)) * step;
            Ok((Rule::Grid { lo, hi, step: *step }, [lo - step / 2.0, hi + step / 2.0]))
        }
        Kind::Log { lo, hi } => {
            let [lo, hi] = range(*lo, *hi)?;
            if lo <= 0.0 {
                return Err(("lo", format!("must be above 0 for kind log, not {lo}")));
            }
            Ok((Rule::Exp { lo, hi }, [libm::log(lo), libm::log(hi)]))
        }
        Kind::Int { lo, hi } => {
            let [lo, hi] = range(*lo, *hi)?;
            if lo.fract() != 0.0 || hi.fract() != 0.0 || lo.abs().max(hi.abs()) > MAX_WHOLE {
                return Err(("lo", format!("and hi must be whole numbers, not {lo} and {hi}")));
            }
            Ok((Rule::Whole { lo, hi }, [lo - 0.5, hi + 0.5]))
        }
        Kind::Permutation => Ok((Rule::Same, [0.0, 1.0])),
        Kind::Bool => Ok((Rule::Whole { lo: 0.0, hi: 1.0 }, [-0.5, 1.5])),
        Kind::Cat { values } => {
            let unique: std::collections::HashSet<_> = values.iter().collect();
            if !(2..=MAX_CATEGORIES).contains(&values.len()) || unique.len() != values.len() {
                return Err(("values", format!("must be 2 to {MAX_CATEGORIES} different words")));
            }
            #[expect(clippy::cast_precision_loss, reason = "categories are few")]
            let last = (values.len() - 1) as f64;
            Ok((Rule::Whole { lo: 0.0, hi: last }, [-0.5, last + 0.5]))
        }
    }
}

/// Items of an order become its keys; the place of one that does not belong.
#[expect(clippy::cast_precision_loss, reason = "lengths are small")]
fn write_order(values: &mut [f64]) -> Result<(), usize> {
    let mut items = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let item = (0..values.len()).find(|item| (*item as f64 - value).abs() < 1e-9);
        items.push(item.filter(|item| !items.contains(item)).ok_or(at)?);
    }
    write_keys(&items, values);
    Ok(())
}

/// Keys become the numbers of the items in the order of their keys; of equals, the first comes first.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths are small, and a cast to an integer saturates"
)]
fn sort_keys(keys: &mut [f64], places: &mut Vec<usize>) {
    let n = keys.len();
    places.clear();
    places.resize(n, n);
    // Keys in different parts of 0..1 need no sorting.
    let apart = keys.iter().enumerate().all(|(item, key)| {
        let place = (key * n as f64) as usize;
        let free = places.get_mut(place).filter(|place| **place == n);
        free.map(|place| *place = item).is_some()
    });
    if !apart {
        places.clear();
        places.extend(0..n);
        places.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]));
    }
    for (key, item) in keys.iter_mut().zip(places) {
        *key = *item as f64;
    }
}

fn range(lo: f64, hi: f64) -> Result<[f64; 2], Invalid> {
    let magnitude = 1e12;
    for (field, bound) in [("lo", lo), ("hi", hi)] {
        if bound.is_nan() || bound.abs() > magnitude {
            return Err((field, format!("must lie within -1e12..1e12, not {bound}")));
        }
    }
    if lo >= hi {
        return Err(("lo", format!("must be less than hi, but {lo} >= {hi}")));
    }
    Ok([lo, hi])
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values are exact")]
mod tests {
    use super::*;

    fn space(kind: Kind) -> Result<Space> {
        Space::new(vec![Variable { name: "v".to_owned(), kind, length: None }])
    }

    #[test]
    fn every_kind_covers_its_values_and_nothing_else() {
        let words = ["a", "b", "c"].map(str::to_owned).to_vec();
        for (kind, all) in [
            (Kind::Int { lo: -2.0, hi: 1.0 }, vec![-2.0, -1.0, 0.0, 1.0]),
            (Kind::Bool, vec![0.0, 1.0]),
            (Kind::Cat { values: words }, vec![0.0, 1.0, 2.0]),
            (Kind::Real { lo: 1.0, hi: 2.1, step: Some(0.5) }, vec![1.0, 1.5, 2.0]),
        ] {
            let space = space(kind).unwrap();
            let (lo, hi) = (space.bounds().lo()[0], space.bounds().hi()[0]);
            let mut counts = vec![0_usize; all.len()];
            for k in 0..=999 {
                let value = space.decode(&[lo + (hi - lo) * f64::from(k) / 999.0])[0];
                counts[all.iter().position(|one| *one == value).unwrap()] += 1;
            }
            let fair = 1000 / all.len();
            assert!(counts.iter().all(|count| count.abs_diff(fair) <= 2), "{counts:?}");
        }
        let log = space(Kind::Log { lo: 1e-3, hi: 1e3 }).unwrap();
        assert!((log.decode(log.bounds().lo())[0] / 1e-3 - 1.0).abs() < 1e-14);
        assert!((log.decode(&[0.0])[0] - 1.0).abs() < 1e-15);
        assert!(log.is_continuous() && !log.is_plain());
    }

    #[test]
    fn values_become_genes_and_values_again() {
        let variable = |name: &str, kind, length| Variable { name: name.to_owned(), kind, length };
        let words = ["a", "b", "c"].map(str::to_owned).to_vec();
        let space = Space::new(vec![
            variable("r", Kind::Real { lo: 0.0, hi: 1.0, step: None }, None),
            variable("g", Kind::Real { lo: 1.0, hi: 2.0, step: Some(0.5) }, None),
            variable("l", Kind::Log { lo: 0.1, hi: 10.0 }, None),
            variable("i", Kind::Int { lo: -3.0, hi: 9.0 }, None),
            variable("c", Kind::Cat { values: words }, None),
            variable("p", Kind::Permutation, Some(4)),
            variable("b", Kind::Bool, None),
        ])
        .unwrap();
        let values = [0.25, 1.5, 2.0, -3.0, 2.0, 3.0, 1.0, 0.0, 2.0, 1.0];
        let genes = space.encode(&values).unwrap();
        for (seen, value) in space.decode(&genes).into_iter().zip(values) {
            assert!((seen - value).abs() < 1e-12, "{seen} {value}");
        }
        assert!(space.bounds().contains(&genes));
        for (place, bad) in
            [(0, 1.5), (0, f64::NAN), (2, 0.0), (3, 0.5), (4, 3.0), (6, 3.0), (9, 2.0)]
        {
            let mut other = values;
            other[place] = bad;
            assert_eq!(space.encode(&other).unwrap_err().0, place, "{bad}");
        }
        assert!(space.encode(&values[1..]).is_err());
    }

    #[test]
    fn refusals_name_the_field() {
        let one = |word: &str| vec![word.to_owned(); 2];
        for (kind, field) in [
            (Kind::Real { lo: 1.0, hi: 1.0, step: None }, "lo"),
            (Kind::Real { lo: f64::NAN, hi: 1.0, step: None }, "lo"),
            (Kind::Real { lo: 0.0, hi: 1.0, step: Some(2.0) }, "step"),
            (Kind::Log { lo: 0.0, hi: 1.0 }, "lo"),
            (Kind::Int { lo: 0.5, hi: 2.0 }, "lo"),
            (Kind::Cat { values: one("a") }, "values"),
        ] {
            match space(kind) {
                Err(Error::InvalidVariable { index: 0, field: seen, .. }) => {
                    assert_eq!(seen, field);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(Space::new(Vec::new()).is_err());
        let long = |length| Variable { name: "x".to_owned(), kind: Kind::Bool, length };
        assert!(Space::new(vec![long(Some(0))]).is_err());
        assert!(matches!(
            Space::new(vec![long(Some(900)), long(Some(900))]),
            Err(Error::LimitExceeded { .. })
        ));
    }
}
