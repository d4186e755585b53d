//! Calls: of the model's own functions and of the language's, and what follows `~`.

use super::super::ast::{Base, Expression, Function, Type};
use super::super::eval::{OTHER_DENSITIES, SCALAR_DENSITIES, density_stem, is_known, nearest};
use super::super::token::short;
use super::super::value::shown;
use super::super::{Code, Span};
use super::function::{Fit, fitting};
use super::signature::{counts, density, given, is_drawn, mass_stem, wanted};
use super::{Block, Checker, Known, REAL};
use crate::distribution::Family;

/// What a call gives.
pub(super) enum Returned {
    Value(Known),
    Nothing,
}

/// Names that have gone out of the language, with what to write.
const FORMER: [(&str, &str); 2] = [("fabs", "abs"), ("cov_exp_quad", "gp_exp_quad_cov")];

impl<'model> Checker<'model> {
    pub(super) fn called(
        &mut self,
        name: &'model str,
        arguments: &'model [Expression],
        span: Span,
    ) -> Returned {
        let parts: Vec<Known> = arguments.iter().map(|argument| self.known(argument)).collect();
        self.may_stand(name, span);
        if name == "target" {
            if !matches!(self.block, Block::Model | Block::TransformedParameters)
                && !self.is_within(&["_lp"])
            {
                let fix = "read it in the model block";
                self.find(Code::Type, span, "`target()` stands outside the model block", fix);
            }
            return Returned::Value(Known { kind: Some(REAL), ..Known::default() });
        }
        if let Some(returned) = self.own_call(name, &parts, span) {
            return returned;
        }
        let kind = self.built_in(name, &parts, span);
        // sizes do not depend on the values they are asked of
        let is_size = matches!(name, "size" | "rows" | "cols" | "num_elements" | "dims");
        let known = Known::of(kind, &parts);
        Returned::Value(Known { depends: known.depends && !is_size, ..known })
    }

    /// Functions that belong to some blocks only.
    fn may_stand(&mut self, name: &str, span: Span) {
        let drawn = matches!(self.block, Block::TransformedData | Block::Generated);
        if name.ends_with("_rng") && !drawn && !self.is_within(&["_rng"]) {
            let message = format!(
                "`{}` stands outside transformed data and generated quantities",
                short(name)
            );
            let fix = "move it into generated quantities, or into a function that ends in _rng";
            self.find(Code::Type, span, message, fix);
        }
        let stem = name.strip_suffix("_lupdf").or_else(|| name.strip_suffix("_lupmf"));
        let may_drop = self.block == Block::Model || self.is_within(&["_lpdf", "_lpmf", "_lp"]);
        if let (Some(stem), false) = (stem, may_drop) {
            let message = format!(
                "`{}` stands outside the model block and functions that end in _lpdf or _lpmf",
                short(name)
            );
            let suffix = if name.ends_with("_lupdf") { "_lpdf" } else { "_lpmf" };
            self.find(Code::Type, span, message, format!("write `{}{suffix}`", short(stem)));
        }
    }

    /// A call of one of the model's functions; none if it has none that fits and the language has one.
    fn own_call(&mut self, name: &'model str, parts: &[Known], span: Span) -> Option<Returned> {
        let plain = name.replace("_lupdf", "_lpdf").replace("_lupmf", "_lpmf");
        let own: Vec<&'model Function> =
            self.functions.iter().filter(|own| own.name == plain).copied().collect();
        if own.is_empty() {
            return None;
        }
        let kinds: Option<Vec<Type>> = parts.iter().map(|part| part.kind).collect();
        let Some(kinds) = kinds else {
            // what is open was told already
            let is_void = own.iter().all(|function| function.returns.is_none());
            return Some(if is_void {
                Returned::Nothing
            } else {
                Returned::Value(Known::default())
            });
        };
        let function = match fitting(&own, &kinds) {
            Fit::One(function) => function,
            Fit::None if is_known(name) && given(name, &kinds).is_some() => return None,
            Fit::None => {
                self.no_fit(name, &own, &kinds, span);
                return Some(Returned::Value(Known::default()));
            }
            Fit::Several => {
                self.several(name, &kinds, span);
                return Some(Returned::Value(Known::default()));
            }
        };
        self.data_only(function, parts, span);
        Some(match function.returns {
            Some(kind) => Returned::Value(Known::of(Some(kind), parts)),
            None => Returned::Nothing,
        })
    }

    fn no_fit(&mut self, name: &str, own: &[&Function], kinds: &[Type], span: Span) {
        if let [only] = own {
            if only.arguments.len() != kinds.len() {
                let wanted = only.arguments.len();
                let message = format!(
                    "`{}` takes {wanted} arguments, {} are given",
                    short(name),
                    kinds.len()
                );
                return self.find(Code::Type, span, message, "give each argument once");
            }
        }
        let takes: Vec<String> = own
            .iter()
            .take(4)
            .map(|one| listed(one.arguments.iter().map(|argument| argument.kind)))
            .collect();
        let message = format!(
            "`{}` takes {}; met {}",
            short(name),
            takes.join(" or "),
            listed(kinds.iter().copied())
        );
        let fix = "convert the arguments, or change the types in the function's head";
        self.find(Code::Type, span, message, fix);
    }

    fn several(&mut self, name: &str, kinds: &[Type], span: Span) {
        let message = format!(
            "several functions `{}` fit {} equally well",
            short(name),
            listed(kinds.iter().copied())
        );
        let fix = "write whole numbers as reals (2.0) where a real is meant";
        self.find(Code::Type, span, message, fix);
    }

    fn data_only(&mut self, function: &Function, parts: &[Known], span: Span) {
        for (argument, part) in function.arguments.iter().zip(parts) {
            if argument.is_data && part.varies {
                let message = format!(
                    "argument `{}` of `{}` is data only, and this may depend on parameters",
                    short(&argument.name),
                    short(&function.name)
                );
                let fix = "pass data, or remove `data` from the function's head";
                self.find(Code::Type, span, message, fix);
            }
        }
    }

    /// The type a function of the language gives.
    fn built_in(&mut self, name: &'model str, parts: &[Known], span: Span) -> Option<Type> {
        if let Some((_, now)) = FORMER.iter().find(|(former, _)| *former == name) {
            let message = format!("`{name}` has gone out of the language");
            self.find(Code::Unsupported, span, message, format!("write `{now}`"));
            return None;
        }
        if let Some(stem) = density_stem(name) {
            if counts(stem).is_none() {
                self.refuse_distribution(stem, span);
                return None;
            }
            self.suffixed(name, stem, span);
        } else if !is_served(name) {
            self.refuse_function(name, span);
            return None;
        }
        let kinds: Vec<Type> = parts.iter().map(|part| part.kind).collect::<Option<_>>()?;
        let found = given(name, &kinds);
        if found.is_none() {
            self.mismatched(name, &kinds, span);
        }
        if name == "to_int" && parts.iter().any(|part| part.varies) {
            let fix = "compute it in transformed data or generated quantities";
            self.find(Code::Type, span, "`to_int` takes data", fix);
        }
        found.map(|found| found.kind)
    }

    /// `_lpdf` belongs to densities, `_lpmf` to counts.
    fn suffixed(&mut self, name: &str, stem: &str, span: Span) {
        let is_mass = name.ends_with("mf");
        if counts(stem).is_some_and(|is_count| is_count != is_mass) {
            let right = if is_mass { name.replace("mf", "df") } else { name.replace("df", "mf") };
            let kind = if is_mass { "is of real numbers" } else { "is of counts" };
            let message = format!("`{stem}` {kind}: there is no `{}`", short(name));
            self.find(Code::Type, span, message, format!("write `{right}`"));
        }
    }

    fn mismatched(&mut self, name: &str, kinds: &[Type], span: Span) {
        let met = listed(kinds.iter().copied());
        let message = match wanted(name) {
            Some(lists) => format!("`{}` takes {lists}; met {met}", short(name)),
            None => format!("`{}` takes other arguments; met {met}", short(name)),
        };
        let fix = "check the types of the arguments; to_vector, to_array_1d and ' convert";
        self.find(Code::Type, span, message, fix);
    }

    /// `outcome ~ name(..)`; the outcome stands first among the parts.
    pub(super) fn distributed(&mut self, name: &'model str, parts: &[Known], span: Span) {
        let kinds: Option<Vec<Type>> = parts.iter().map(|part| part.kind).collect();
        let is_whole = kinds.iter().flatten().next().is_some_and(|kind| kind.base == Base::Int);
        // whole outcomes are counts where there is a choice
        let suffixes = if is_whole { ["_lpmf", "_lpdf"] } else { ["_lpdf", "_lpmf"] };
        let of = |suffix: &str| -> Vec<&'model Function> {
            let named = |own: &&&'model Function| own.name.strip_prefix(name) == Some(suffix);
            self.functions.iter().filter(named).copied().collect()
        };
        let own = suffixes.into_iter().map(of).find(|own| !own.is_empty()).unwrap_or_default();
        if !own.is_empty() {
            let Some(kinds) = kinds else { return };
            match fitting(&own, &kinds) {
                Fit::One(function) => self.data_only(function, parts, span),
                Fit::None if density(name, &kinds).is_some() => {}
                Fit::None => self.no_fit(name, &own, &kinds, span),
                Fit::Several => self.several(name, &kinds, span),
            }
            return;
        }
        if counts(name).is_none() {
            return self.refuse_distribution(name, span);
        }
        let wanted = SCALAR_DENSITIES.iter().find(|(known, ..)| *known == name);
        let given = parts.len() - 1;
        if let Some((_, _, wanted, _)) = wanted.filter(|(_, _, wanted, _)| *wanted != given) {
            let message = format!("`{name}` takes {wanted} parameters, {given} are given");
            return self.find(Code::Type, span, message, "give each parameter once");
        }
        let Some(kinds) = kinds else { return };
        if density(name, &kinds).is_none() {
            self.misdistributed(name, &kinds, span);
        }
    }

    fn misdistributed(&mut self, name: &str, kinds: &[Type], span: Span) {
        let met = listed(kinds.iter().copied());
        let is_real = kinds.first().is_some_and(|kind| kind.base != Base::Int);
        if counts(name) == Some(true) && is_real {
            let message = format!("outcomes of `{name}` are whole numbers; met {met}");
            return self.find(Code::Type, span, message, "declare them as int");
        }
        let message = format!("`{name}` takes other outcomes or parameters; met {met}");
        let fix = "check the types: single numbers or lists; to_vector makes one of a matrix";
        self.find(Code::Type, span, message, fix);
    }

    fn refuse_distribution(&mut self, name: &str, span: Span) {
        let all = SCALAR_DENSITIES.iter().map(|(known, ..)| *known).chain(OTHER_DENSITIES);
        let fix = nearest(name, all).map_or_else(
            || "write its log density with target += in terms of functions".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("distribution `{}` is not in the supported subset", short(name));
        self.find(Code::Unsupported, span, message, fix);
    }

    fn refuse_function(&mut self, name: &str, span: Span) {
        let own = self.functions.iter().map(|function| function.name.clone());
        let all: Vec<String> = own.chain(super::super::names::all().map(str::to_owned)).collect();
        let fix = nearest(name, all.iter().map(String::as_str)).map_or_else(
            || "write it as a function in the functions block".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("function `{}` is not in the supported subset", short(name));
        self.find(Code::Unsupported, span, message, fix);
    }
}

fn listed(kinds: impl Iterator<Item = Type>) -> String {
    format!("({})", kinds.map(shown).collect::<Vec<_>>().join(", "))
}

fn is_served(name: &str) -> bool {
    if let Some((stem, _)) = mass_stem(name) {
        return Family::named(stem).is_ok();
    }
    name.strip_suffix("_rng").map_or_else(|| is_known(name), is_drawn)
}
