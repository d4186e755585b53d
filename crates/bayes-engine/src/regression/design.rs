//! From columns to matrices.

use std::collections::BTreeMap;

use super::Family;
use super::formula::{Formula, Terms};
use crate::error::{Error, ErrorKind, Result};

/// Most columns of a matrix of predictors.
const MAX_COLUMNS: usize = 500;
/// Most categories of an outcome without order.
const MAX_CATEGORIES: usize = 50;

/// A column of a table; what is missing is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// Categories; the first in order is the base.
    Words(Vec<Option<String>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(list) => list.len(),
            Self::Words(list) => list.len(),
        }
    }

    fn is_there(&self, row: usize) -> bool {
        match self {
            Self::Numbers(list) => list[row].is_some_and(f64::is_finite),
            Self::Words(list) => list[row].is_some(),
        }
    }
}

/// Outcome, predictors and groups of the rows that are used.
#[derive(Debug)]
pub(super) struct Design {
    pub(super) outcome: Vec<f64>,
    /// Of each row, where the family counts successes of trials.
    pub(super) trials: Option<Vec<f64>>,
    /// Of an outcome without order, in the order of their numbers.
    pub(super) categories: Vec<String>,
    pub(super) has_intercept: bool,
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) groups: Vec<Grouping>,
    pub(super) dropped: usize,
}

/// A grouping column and what varies by it.
#[derive(Debug)]
pub(super) struct Grouping {
    pub(super) name: String,
    pub(super) levels: Vec<String>,
    pub(super) of_row: Vec<usize>,
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<Vec<f64>>,
}

pub(super) fn build(
    formula: &Formula,
    family: Family,
    columns: &BTreeMap<String, Column>,
) -> Result<Design> {
    let used = used(formula, columns)?;
    let length = used[0].1.len();
    if let Some((name, column)) = used.iter().find(|(_, column)| column.len() != length) {
        let message = format!("{name} has {} rows, {} has {length}", column.len(), used[0].0);
        return Err(refused(ErrorKind::Constraint, name, message, "give columns of one length"));
    }
    let rows: Vec<usize> =
        (0..length).filter(|row| used.iter().all(|(_, column)| column.is_there(*row))).collect();
    if rows.len() < 2 {
        let message = format!("{} rows are left without missing values", rows.len());
        return Err(Error::new(ErrorKind::Missing, "/data", message)
            .with_hint("leave columns with many missing values out of the formula"));
    }
    let table = Table { columns, rows: &rows };
    let trials = trials(formula, family, &table)?;
    let (outcome, categories) = if family.has_categories() {
        named_outcome(formula, &table)?
    } else {
        (outcome(formula, family, columns, &rows, trials.as_deref())?, Vec::new())
    };
    let (names, matrix) = table.matrix(&formula.terms, false)?;
    let groups = formula
        .groups
        .iter()
        .map(|(terms, name)| {
            let (levels, of_row) = table.levels(name);
            if levels.len() < 2 {
                let message = format!("{name} has {} group", levels.len());
                let hint = "leave the group out of the formula";
                return Err(refused(ErrorKind::Constraint, name, message, hint));
            }
            let (names, columns) = table.matrix(terms, true)?;
            Ok(Grouping { name: name.clone(), levels, of_row, names, columns })
        })
        .collect::<Result<Vec<_>>>()?;
    let has_intercept = formula.terms.has_intercept;
    if !has_intercept && names.is_empty() && groups.is_empty() {
        return Err(refused(
            ErrorKind::Missing,
            "formula",
            "nothing explains the outcome",
            "add a term",
        ));
    }
    let dropped = length - rows.len();
    Ok(Design {
        outcome,
        trials,
        categories,
        has_intercept,
        names,
        columns: matrix,
        groups,
        dropped,
    })
}

/// Trials of each row, if the family has any.
fn trials(formula: &Formula, family: Family, table: &Table<'_>) -> Result<Option<Vec<f64>>> {
    let refuse = |kind, message: &str, hint: &str| {
        Err(Error::new(kind, "/formula", message).with_hint(hint))
    };
    let Some(name) = &formula.trials else {
        if family.has_trials() {
            let hint = "write y | trials(n) ~ x with a column or a number n; for an outcome of 0 and 1 take bernoulli";
            return refuse(ErrorKind::Missing, "the formula does not say of how many trials", hint);
        }
        return Ok(None);
    };
    if !family.has_trials() {
        let hint =
            "leave `| trials(..)` out, or take the family binomial or zero_inflated_binomial";
        return refuse(ErrorKind::Unexpected, "the formula has trials, the family has none", hint);
    }
    let found = match (table.columns.get(name), name.parse::<f64>()) {
        (Some(Column::Numbers(list)), _) => {
            table.rows.iter().map(|row| list[*row].unwrap_or(f64::NAN)).collect()
        }
        (None, Ok(number)) => vec![number; table.rows.len()],
        _ => return Err(refused(ErrorKind::Constraint, name, "trials are words", "give numbers")),
    };
    if let Some(wrong) = found.iter().find(|n| **n < 1.0 || !family.support().holds(**n)) {
        let message = format!("{name} holds {wrong} trials");
        let hint = "numbers of trials are whole and above 0; drop rows without a trial";
        return Err(refused(ErrorKind::Constraint, name, message, hint));
    }
    Ok(Some(found))
}

/// An outcome of categories without order, numbered from 1, and their names.
fn named_outcome(formula: &Formula, table: &Table<'_>) -> Result<(Vec<f64>, Vec<String>)> {
    let name = &formula.outcome;
    let (levels, of_row) = table.levels(name);
    if !(2..=MAX_CATEGORIES).contains(&levels.len()) {
        let message =
            format!("{name} has {} categories, outside 2..{MAX_CATEGORIES}", levels.len());
        let hint = "merge rare categories; for numbers take another family";
        return Err(refused(ErrorKind::Constraint, name, message, hint));
    }
    if !formula.groups.is_empty() {
        let message = "groups are not served with the family categorical";
        return Err(Error::new(ErrorKind::Unexpected, "/formula", message).with_hint(
            "leave (.. | group) out, or take the text without it and add the group's terms to eta",
        ));
    }
    Ok((of_row.iter().map(|level| *level as f64 + 1.0).collect(), levels))
}

/// All columns that the formula names.
fn used<'data>(
    formula: &Formula,
    columns: &'data BTreeMap<String, Column>,
) -> Result<Vec<(String, &'data Column)>> {
    let groups = formula
        .groups
        .iter()
        .flat_map(|(terms, name)| terms.products.iter().flatten().chain(std::iter::once(name)));
    let trials = formula.trials.iter().filter(|name| {
        // a number is no column, unless one is named so
        columns.contains_key(*name) || name.parse::<f64>().is_err()
    });
    let names = std::iter::once(&formula.outcome)
        .chain(trials)
        .chain(formula.terms.products.iter().flatten())
        .chain(groups);
    names
        .map(|name| {
            let column = columns.get(name).ok_or_else(|| {
                let known: Vec<&str> = columns.keys().take(30).map(String::as_str).collect();
                let hint = format!("the data have {}", known.join(", "));
                refused(ErrorKind::Missing, name, format!("the data have no column {name}"), &hint)
            })?;
            Ok((name.clone(), column))
        })
        .collect()
}

fn outcome(
    formula: &Formula,
    family: Family,
    columns: &BTreeMap<String, Column>,
    rows: &[usize],
    trials: Option<&[f64]>,
) -> Result<Vec<f64>> {
    let name = &formula.outcome;
    let Some(Column::Numbers(list)) = columns.get(name) else {
        let hint = "write 0 and 1 for no and yes";
        return Err(refused(ErrorKind::Constraint, name, format!("{name} holds words"), hint));
    };
    let values: Vec<f64> = rows.iter().map(|row| list[*row].unwrap_or(f64::NAN)).collect();
    let support = family.support();
    if let Some(wrong) = values.iter().find(|x| !support.holds(**x)) {
        let message = format!("{name} holds {wrong}");
        return Err(refused(ErrorKind::Constraint, name, message, support.hint()));
    }
    let mut shares = values.clone();
    if let Some(trials) = trials {
        if let Some(at) = (0..values.len()).find(|at| values[*at] > trials[*at]) {
            let message = format!("{name} holds {} successes of {} trials", values[at], trials[at]);
            let hint = "successes are at most the trials of their row: are the columns exchanged?";
            return Err(refused(ErrorKind::Constraint, name, message, hint));
        }
        shares.iter_mut().zip(trials).for_each(|(share, n)| *share /= n);
    }
    if shares.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq()) {
        let message = format!("all values of {name} are equal");
        let hint = "nothing can be learnt from an outcome that does not vary";
        return Err(refused(ErrorKind::Constraint, name, message, hint));
    }
    Ok(values)
}

struct Table<'data> {
    columns: &'data BTreeMap<String, Column>,
    rows: &'data [usize],
}

impl Table<'_> {
    /// Named columns of a matrix; groups keep the constant as a column.
    fn matrix(&self, terms: &Terms, keeps_constant: bool) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
        let mut found: Vec<(String, Vec<f64>)> = Vec::new();
        if keeps_constant && terms.has_intercept {
            found.push(("1".to_owned(), vec![1.0; self.rows.len()]));
        }
        for product in &terms.products {
            let mut made = vec![(String::new(), vec![1.0; self.rows.len()])];
            for name in product {
                let parts = self.coded(name);
                made = made
                    .iter()
                    .flat_map(|(word, values)| {
                        parts.iter().map(move |(part, factors)| {
                            let word = if word.is_empty() {
                                part.clone()
                            } else {
                                format!("{word}:{part}")
                            };
                            let values = values.iter().zip(factors).map(|(a, b)| a * b).collect();
                            (word, values)
                        })
                    })
                    .collect();
            }
            found.extend(made);
        }
        if found.len() > MAX_COLUMNS {
            let message = format!("{} predictors are more than {MAX_COLUMNS}", found.len());
            return Err(Error::new(ErrorKind::Limit, "/formula", message)
                .with_hint("make columns with many categories groups: (1 | column)"));
        }
        let constant =
            |values: &Vec<f64>| values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq());
        if let Some((name, _)) = found.iter().find(|(name, values)| name != "1" && constant(values))
        {
            let message = format!("{name} does not vary");
            return Err(refused(
                ErrorKind::Constraint,
                name,
                message,
                "leave it out of the formula",
            ));
        }
        Ok(found.into_iter().unzip())
    }

    /// A column as numbers: categories become one column for each but the first.
    fn coded(&self, name: &str) -> Vec<(String, Vec<f64>)> {
        match self.columns.get(name) {
            Some(Column::Numbers(list)) => {
                let values = self.rows.iter().map(|row| list[*row].unwrap_or(f64::NAN)).collect();
                vec![(name.to_owned(), values)]
            }
            _ => {
                let (levels, of_row) = self.levels(name);
                let coded = |(at, level): (usize, &String)| {
                    let is_it = |own: &usize| if *own == at { 1.0 } else { 0.0 };
                    (format!("{name}{level}"), of_row.iter().map(is_it).collect())
                };
                levels.iter().enumerate().skip(1).map(coded).collect()
            }
        }
    }

    /// Levels of a column in order, and the level of each row.
    fn levels(&self, name: &str) -> (Vec<String>, Vec<usize>) {
        let word = |row: &usize| match self.columns.get(name) {
            Some(Column::Words(list)) => list[*row].clone().unwrap_or_default(),
            Some(Column::Numbers(list)) => list[*row].map(|x| x.to_string()).unwrap_or_default(),
            None => String::new(),
        };
        let words: Vec<String> = self.rows.iter().map(word).collect();
        let mut levels = words.clone();
        levels.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.total_cmp(&b),
            _ => a.cmp(b),
        });
        levels.dedup();
        let place: BTreeMap<&str, usize> =
            levels.iter().enumerate().map(|(at, level)| (level.as_str(), at)).collect();
        let of_row = words.iter().map(|word| place.get(word.as_str()).copied().unwrap_or(0));
        let of_row = of_row.collect();
        (levels, of_row)
    }
}

fn refused(kind: ErrorKind, name: &str, message: impl AsRef<str>, hint: &str) -> Error {
    let shown: String =
        message.as_ref().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Error::new(kind, format!("/data/{name}"), shown).with_hint(hint)
}
