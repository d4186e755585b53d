//! What the caller gives, checked against the declarations.

use std::collections::BTreeMap;

use super::ast::{Base, Declaration, Type};
use super::eval::{Evaluated, Evaluator, nearest};
use super::value::{Value, shown};
use super::{Code, Diagnostic, Span};

/// One given value.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// A number.
    Number(f64),
    /// Values side by side.
    List(Vec<Self>),
    /// The same number wherever the declaration wants one: outcomes that are to be foretold.
    Fill(f64),
}

/// Given values by name.
pub type Data = BTreeMap<String, Datum>;

/// Binds one declaration of the data block.
pub(super) fn bind<'model>(
    evaluator: &mut Evaluator<'model>,
    declaration: &'model Declaration,
    span: Span,
    data: &Data,
    is_declared: &dyn Fn(&str) -> bool,
) -> Evaluated<()> {
    let name = declaration.name.as_str();
    let path = format!("/{name}");
    if declaration.value.is_some() {
        return Err(Diagnostic::new(
            Code::Type,
            span,
            format!("data variable `{name}` has a value"),
        )
        .with_fix("move it to transformed data"));
    }
    let (kind, dims) = evaluator.shape(declaration, span)?;
    let Some(given) = data.get(name) else {
        // what the model reads under its own name is not this under a wrong one
        let loose = data.keys().map(String::as_str).filter(|key| !is_declared(key));
        let near = nearest(name, loose);
        let fix = near.map_or_else(
            || format!("add \"{name}\" to the data: {}", shown(kind)),
            |near| format!("rename \"{near}\" in the data to \"{name}\""),
        );
        let message = format!("the data have no `{name}`");
        return Err(Diagnostic::new(Code::DataMissing, span, message).with_fix(fix).at(path));
    };
    let mut numbers = Vec::with_capacity(dims.iter().product());
    let mut reader = Reader { name, kind, span, numbers: &mut numbers };
    reader.read(given, &dims, &path)?;
    let ordered = by_columns(numbers, kind, &dims);
    evaluator.names.push((&declaration.name, Value::known(kind, dims, ordered)));
    super::constrain::check(evaluator, declaration, span, &path)
}

struct Reader<'a> {
    name: &'a str,
    kind: Type,
    span: Span,
    numbers: &'a mut Vec<f64>,
}

impl Reader<'_> {
    fn read(&mut self, given: &Datum, dims: &[usize], path: &str) -> Evaluated<()> {
        let name = self.name;
        let refuse = |code, message: String, fix: String| {
            Err(Diagnostic::new(code, self.span, message).with_fix(fix).at(path))
        };
        match (given, dims) {
            (Datum::Fill(number), _) => {
                let count = dims.iter().product();
                self.numbers.extend(std::iter::repeat_n(*number, count));
                Ok(())
            }
            (Datum::Number(number), []) => {
                if number.is_nan() {
                    return refuse(
                        Code::DataNonFinite,
                        format!("`{name}` holds a value that is no number"),
                        "leave missing observations out".to_owned(),
                    );
                }
                let is_whole = number.fract() == 0.0 && number.abs() <= 2_147_483_648.0;
                if self.kind.base == Base::Int && !is_whole {
                    return refuse(
                        Code::DataType,
                        format!("`{name}` is whole, the data hold {number}"),
                        format!("round it, or declare `{name}` as real"),
                    );
                }
                self.numbers.push(*number);
                Ok(())
            }
            (Datum::List(list), [size, rest @ ..]) => {
                if list.len() != *size {
                    return refuse(
                        Code::DataSize,
                        format!(
                            "`{name}` has {} values here where {size} are declared",
                            list.len()
                        ),
                        format!("give {size} values, or correct the size in the data"),
                    );
                }
                for (at, part) in list.iter().enumerate() {
                    self.read(part, rest, &format!("{path}/{at}"))?;
                }
                Ok(())
            }
            (Datum::Number(_), _) => refuse(
                Code::DataType,
                format!("`{name}` is {}, the data hold a number here", shown(self.kind)),
                "give a list".to_owned(),
            ),
            (Datum::List(_), []) => refuse(
                Code::DataType,
                format!("`{name}` is {}, the data hold a list here", shown(self.kind)),
                "give a number, or declare more dimensions".to_owned(),
            ),
        }
    }
}

/// Matrices are given by rows and kept by columns.
fn by_columns(numbers: Vec<f64>, kind: Type, dims: &[usize]) -> Vec<f64> {
    let (Base::Matrix, [.., rows, columns]) = (kind.base, dims) else { return numbers };
    let mut ordered = Vec::with_capacity(numbers.len());
    for matrix in numbers.chunks((rows * columns).max(1)) {
        for column in 0..*columns {
            ordered.extend((0..*rows).map(|row| matrix[row * columns + column]));
        }
    }
    ordered
}
