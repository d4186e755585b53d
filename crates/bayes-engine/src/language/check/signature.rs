//! What the language's own functions take and give.
//!
//! Types are letters: `i` int, `r` real, `v` vector, `w` row vector, `m` matrix; a digit before one counts the
//! arrays around it. `vi>v` takes a vector and an int and gives a vector.

use super::super::ast::{Base, Type};
use super::super::eval::{BINARY, DRAWN, OTHER_DENSITIES, SCALAR_DENSITIES, UNARY, density_stem};
use crate::distribution::Family;

/// What a call gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) kind: Type,
    /// Whether a whole number stands where a real one is taken.
    pub(super) is_promoted: bool,
}

/// What a function of the language gives for arguments of these types; none if it takes others.
pub(super) fn given(name: &str, arguments: &[Type]) -> Option<Given> {
    if let Some((stem, _)) = mass_stem(name) {
        let wanted = Family::named(stem).ok()?.parameters.len();
        let slots = vec![if is_whole(stem) { COUNTS } else { REALS }];
        let rest = (0..wanted).map(|at| if at == 0 && is_of_trials(stem) { COUNTS } else { REALS });
        return slotted(&slots.into_iter().chain(rest).collect::<Vec<_>>(), arguments, REAL);
    }
    if let Some(stem) = density_stem(name) {
        return density(stem, arguments);
    }
    if let Some(stem) = name.strip_suffix("_rng") {
        return drawn(stem, arguments);
    }
    if let ([kind], true) = (arguments, is_unary(name)) {
        let kind = if matches!(name, "abs" | "minus") { *kind } else { real(*kind) };
        return Some(Given { kind, is_promoted: false });
    }
    if let ([left, right], true) = (arguments, is_binary(name)) {
        return beside(*left, *right);
    }
    shaped(name, arguments).or_else(|| listed(name, arguments))
}

/// The first few argument lists a function takes, in words.
pub(super) fn wanted(name: &str) -> Option<String> {
    let (_, all) = LISTED.iter().find(|(known, _)| *known == name)?;
    let lists: Vec<String> = all
        .split(' ')
        .take(4)
        .map(|one| {
            let kinds: Vec<String> =
                read(one).0.into_iter().map(super::super::value::shown).collect();
            format!("({})", kinds.join(", "))
        })
        .collect();
    let more = if all.split(' ').count() > lists.len() { ", .." } else { "" };
    Some(format!("{}{more}", lists.join(", ")))
}

/// The distribution behind `normal_lcdf`, and its suffix; the longest suffix first.
pub(super) fn mass_stem(name: &str) -> Option<(&str, &'static str)> {
    ["_lccdf", "_lcdf", "_cdf"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix).map(|stem| (stem, *suffix)))
}

/// Whether a distribution is of counts; none if there is no such density.
pub(super) fn counts(stem: &str) -> Option<bool> {
    let scalar = SCALAR_DENSITIES.iter().find(|(known, ..)| *known == stem);
    scalar.map(|(.., is_whole)| *is_whole).or_else(|| {
        let is_glm = ["bernoulli_logit_glm", "poisson_log_glm"].contains(&stem);
        OTHER_DENSITIES
            .contains(&stem)
            .then_some(is_glm || matches!(stem, "categorical" | "categorical_logit"))
    })
}

/// What `stem ~` takes: the log density's value.
pub(super) fn density(stem: &str, arguments: &[Type]) -> Option<Given> {
    if let Some((_, _, parameters, is_whole)) =
        SCALAR_DENSITIES.iter().find(|(known, ..)| *known == stem)
    {
        let outcome = if *is_whole { COUNTS } else { REALS };
        let rest =
            (0..*parameters).map(|at| if at == 0 && is_of_trials(stem) { COUNTS } else { REALS });
        let slots: Vec<_> = std::iter::once(outcome).chain(rest).collect();
        return slotted(&slots, arguments, REAL);
    }
    let slots: &[&str] = match stem {
        "std_normal" => &[REALS],
        "categorical" | "categorical_logit" => &[COUNTS, "v"],
        "dirichlet" => &[POINTS, POINTS],
        "multi_normal" | "multi_normal_cholesky" => &[POINTS, POINTS, "m"],
        "lkj_corr_cholesky" => &["m", "r"],
        "normal_id_glm" => &["r v", "m w", "r v", "v", "r v"],
        "bernoulli_logit_glm" | "poisson_log_glm" => &[COUNTS, "m w", "r v", "v"],
        _ => return None,
    };
    slotted(slots, arguments, REAL)
}

const INT: Type = Type { base: Base::Int, arrays: 0 };
const REAL: Type = Type { base: Base::Real, arrays: 0 };
/// One number or a list of them.
const REALS: &str = "r 1r v w";
/// One vector or a list of them.
const POINTS: &str = "v w 1v 1w";
/// One whole number or a list of them.
const COUNTS: &str = "i 1i";

fn is_unary(name: &str) -> bool {
    let others = ["tgamma", "log1m_inv_logit", "inv_square", "Phi_approx"];
    others.contains(&name) || UNARY.iter().any(|(known, _)| *known == name)
}

fn is_binary(name: &str) -> bool {
    !matches!(name, "add" | "subtract")
        && (matches!(name, "lchoose" | "log_sum_exp")
            || BINARY.iter().any(|(known, _)| *known == name))
}

/// Whether the first parameter of a distribution is a number of trials.
fn is_of_trials(stem: &str) -> bool {
    matches!(stem, "binomial" | "binomial_logit" | "beta_binomial")
}

fn is_whole(stem: &str) -> bool {
    Family::named(stem).is_ok_and(|family| family.is_discrete)
}

/// A draw: of lists an array.
fn drawn(stem: &str, arguments: &[Type]) -> Option<Given> {
    let fixed = |slots: &[&str], kind| slotted(slots, arguments, kind);
    let vector = Type { base: Base::Vector, arrays: 0 };
    match stem {
        "categorical" | "categorical_logit" => return fixed(&["v"], INT),
        "dirichlet" => return fixed(&["v"], vector),
        "multi_normal" | "multi_normal_cholesky" => return fixed(&["v w", "m"], vector),
        _ => {}
    }
    let own = match stem {
        "bernoulli_logit" | "poisson_log" => Some(1),
        "binomial_logit" | "neg_binomial_2_log" => Some(2),
        _ => None,
    };
    let family = Family::named(stem).ok();
    let count = own.or_else(|| family.map(|family| family.parameters.len()))?;
    let slots: Vec<&str> =
        (0..count).map(|at| if at == 0 && is_of_trials(stem) { COUNTS } else { REALS }).collect();
    let base = if own.is_some() || is_whole(stem) { Base::Int } else { Base::Real };
    let is_list = arguments.iter().any(|kind| *kind != INT && *kind != REAL);
    slotted(&slots, arguments, Type { base, arrays: usize::from(is_list) })
}

/// Whether there is a way to draw from a distribution.
pub(super) fn is_drawn(stem: &str) -> bool {
    DRAWN.contains(&stem) || Family::named(stem).is_ok()
}

/// Arguments that each are one of the types of their slot.
fn slotted(slots: &[&str], arguments: &[Type], kind: Type) -> Option<Given> {
    if slots.len() != arguments.len() {
        return None;
    }
    let mut is_promoted = false;
    for (slot, argument) in slots.iter().zip(arguments) {
        let costs = slot.split(' ').filter_map(|one| promotions(*argument, letters(one).0?));
        is_promoted |= costs.min()? > 0;
    }
    Some(Given { kind, is_promoted })
}

/// How many steps lead from one type to another without loss.
pub(super) fn promotions(from: Type, to: Type) -> Option<u32> {
    if from == to {
        return Some(0);
    }
    let is_widened = from.base == Base::Int && to.base == Base::Real && from.arrays == to.arrays;
    is_widened.then_some(1)
}

/// The type that both have without loss.
pub(super) fn common(one: Type, other: Type) -> Option<Type> {
    match (promotions(one, other), promotions(other, one)) {
        (Some(_), _) => Some(other),
        (None, Some(_)) => Some(one),
        _ => None,
    }
}

/// Functions of two values, element by element: one number serves all.
pub(super) fn beside(left: Type, right: Type) -> Option<Given> {
    let is_scalar = |kind: Type| kind == INT || kind == REAL;
    let kind = if is_scalar(left) {
        real(right)
    } else if is_scalar(right) || real(left) == real(right) {
        real(left)
    } else {
        return None;
    };
    Some(Given { kind, is_promoted: false })
}

fn real(kind: Type) -> Type {
    if kind.base == Base::Int { Type { base: Base::Real, ..kind } } else { kind }
}

/// Functions of values of any shape.
fn shaped(name: &str, arguments: &[Type]) -> Option<Given> {
    let is_list =
        |kind: Type| kind.arrays > 0 || matches!(kind.base, Base::Vector | Base::RowVector);
    let whole = Type { arrays: 1, ..INT };
    let kind = match (name, arguments) {
        ("size", [_]) => INT,
        ("num_elements", [kind]) if *kind != INT && *kind != REAL => INT,
        ("dims", [_]) => whole,
        (
            "to_array_1d",
            [Type { base: Base::Vector | Base::RowVector | Base::Matrix, arrays: 0 }],
        ) => Type { arrays: 1, ..REAL },
        ("to_int", [Type { base: Base::Int | Base::Real, arrays: arrays @ 1.. }]) => {
            Type { arrays: *arrays, ..INT }
        }
        ("to_array_1d", [Type { base: base @ (Base::Int | Base::Real), arrays: 1.. }]) => {
            Type { base: *base, arrays: 1 }
        }
        ("reverse", [kind]) | ("head" | "tail", [kind, INT]) | ("segment", [kind, INT, INT])
            if is_list(*kind) =>
        {
            *kind
        }
        ("append_array", [one, other]) if one.arrays > 0 => common(*one, *other)?,
        ("rep_array", [kind, sizes @ ..])
            if (1..=3).contains(&sizes.len()) && sizes.iter().all(|size| *size == INT) =>
        {
            Type { arrays: kind.arrays + sizes.len(), ..*kind }
        }
        _ => return None,
    };
    Some(Given { kind, is_promoted: false })
}

/// The first listed signature that fits.
fn listed(name: &str, arguments: &[Type]) -> Option<Given> {
    let (_, all) = LISTED.iter().find(|(known, _)| *known == name)?;
    all.split(' ').find_map(|one| {
        let (wanted, kind) = read(one);
        let mut is_promoted = false;
        let fits = wanted.len() == arguments.len()
            && wanted.iter().zip(arguments).all(|(to, from)| {
                let steps = promotions(*from, *to);
                is_promoted |= steps.is_some_and(|steps| steps > 0);
                steps.is_some()
            });
        fits.then_some(Given { kind: kind?, is_promoted })
    })
}

/// Arguments and result of one signature.
fn read(signature: &str) -> (Vec<Type>, Option<Type>) {
    let (mut arguments, result) = signature.split_once('>').unwrap_or((signature, ""));
    let mut kinds = Vec::new();
    while let (Some(kind), rest) = letters(arguments) {
        kinds.push(kind);
        arguments = rest;
    }
    (kinds, letters(result).0)
}

/// The first type of a row of letters, and what follows it.
fn letters(text: &str) -> (Option<Type>, &str) {
    let mut rest = text.chars();
    let mut next = rest.next();
    let arrays = next.and_then(|digit| digit.to_digit(10));
    if arrays.is_some() {
        next = rest.next();
    }
    let base = match next {
        Some('i') => Base::Int,
        Some('r') => Base::Real,
        Some('v') => Base::Vector,
        Some('w') => Base::RowVector,
        Some('m') => Base::Matrix,
        _ => return (None, text),
    };
    (Some(Type { base, arrays: arrays.unwrap_or(0) as usize }), rest.as_str())
}

/// Functions with a list of signatures; of whole numbers before those of reals.
const LISTED: [(&str, &str); 75] = [
    ("to_int", "i>i r>i"),
    ("int_step", "r>i"),
    ("pi", ">r"),
    ("e", ">r"),
    ("sqrt2", ">r"),
    ("log2", ">r"),
    ("log10", ">r"),
    ("positive_infinity", ">r"),
    ("negative_infinity", ">r"),
    ("not_a_number", ">r"),
    ("machine_precision", ">r"),
    ("sum", "v>r w>r m>r 1i>i 1r>r"),
    ("prod", "v>r w>r m>r 1i>i 1r>r"),
    ("mean", "v>r w>r m>r 1r>r"),
    ("variance", "v>r w>r m>r 1r>r"),
    ("sd", "v>r w>r m>r 1r>r"),
    ("min", "ii>i v>r w>r m>r 1i>i 1r>r"),
    ("max", "ii>i v>r w>r m>r 1i>i 1r>r"),
    ("log_sum_exp", "v>r w>r m>r 1r>r"),
    (
        "log_mix",
        "rrr>r vv>r vw>r v1r>r wv>r ww>r w1r>r 1rv>r 1rw>r 1r1r>r v1v>r v1w>r w1v>r w1w>r 1r1v>r 1r1w>r",
    ),
    ("dot_product", "vv>r vw>r wv>r ww>r 1r1r>r"),
    ("dot_self", "v>r w>r"),
    ("squared_distance", "rr>r vv>r vw>r wv>r ww>r"),
    ("distance", "vv>r vw>r wv>r ww>r"),
    ("cumulative_sum", "v>v w>w 1i>1i 1r>1r"),
    ("softmax", "v>v w>w 1v>1v 1w>1w"),
    ("log_softmax", "v>v w>w 1v>1v 1w>1w"),
    ("rows", "v>i w>i m>i"),
    ("cols", "v>i w>i m>i"),
    ("to_vector", "v>v w>v m>v 1i>v 1r>v"),
    ("to_row_vector", "v>w w>w m>w 1i>w 1r>w"),
    ("to_matrix", "v>m w>m m>m 1w>m 2r>m vii>m wii>m mii>m 1rii>m viii>m wiii>m miii>m 1riii>m"),
    ("rep_vector", "ri>v"),
    ("rep_row_vector", "ri>w"),
    ("rep_matrix", "rii>m vi>m wi>m"),
    ("zeros_vector", "i>v"),
    ("ones_vector", "i>v"),
    ("zeros_row_vector", "i>w"),
    ("ones_row_vector", "i>w"),
    ("sub_col", "miii>v"),
    ("sub_row", "miii>w"),
    ("block", "miiii>m"),
    ("row", "mi>w"),
    ("col", "mi>v"),
    ("append_row", "rv>v vr>v vv>v ww>m wm>m mw>m mm>m"),
    ("append_col", "rw>w wr>w ww>w vv>m vm>m mv>m mm>m"),
    ("sort_asc", "v>v w>w 1i>1i 1r>1r"),
    ("sort_desc", "v>v w>w 1i>1i 1r>1r"),
    ("sort_indices_asc", "v>1i w>1i 1r>1i"),
    ("sort_indices_desc", "v>1i w>1i 1r>1i"),
    ("linspaced_vector", "irr>v"),
    ("transpose", "v>w w>v m>m"),
    ("add", ARITHMETIC),
    ("subtract", ARITHMETIC),
    ("elt_multiply", ARITHMETIC),
    ("elt_divide", ARITHMETIC),
    ("multiply", "ii>i rr>r rv>v rw>w rm>m vr>v wr>w mr>m vw>m wv>r wm>w mv>v mm>m"),
    ("divide", "ii>i rr>r rv>v rw>w rm>m vr>v wr>w mr>m"),
    ("diagonal", "m>v"),
    ("diag_matrix", "v>m"),
    ("identity_matrix", "i>m"),
    ("add_diag", "mr>m mv>m mw>m"),
    ("diag_pre_multiply", "vm>m wm>m"),
    ("diag_post_multiply", "mv>m mw>m"),
    ("crossprod", "m>m"),
    ("tcrossprod", "m>m"),
    ("multiply_lower_tri_self_transpose", "m>m"),
    ("quad_form", "mv>r mm>m"),
    ("quad_form_sym", "mv>r mm>m"),
    ("quad_form_diag", "mv>m mw>m"),
    ("cholesky_decompose", "m>m"),
    ("mdivide_left_tri_low", "mv>v mm>m"),
    ("rows_dot_product", "mm>v"),
    ("columns_dot_product", "mm>w"),
    ("gp_exp_quad_cov", "1rrr>m 1vrr>m 1wrr>m 1vr1r>m 1r1rrr>m 1v1vrr>m 1v1vr1r>m"),
];

/// Of two values of one shape, or of one and a number.
const ARITHMETIC: &str = "ii>i rr>r rv>v rw>w rm>m vr>v vv>v wr>w ww>w mr>m mm>m";
