//! One arm against the control: distribution of the difference and of the ratio.

use super::curve::{Curve, NEGLIGIBLE, WIDEST, fitting};
use super::{Lift, Question};
use crate::interval::equal_tails;
use crate::quadrature;
use crate::special::{Mass, Tails, Unit, normal_score};

/// Mass that no interval's end feels.
const NOTHING: f64 = 1e-19;
/// Probability below which the mixing density is followed down to where it underflows.
const TINY: f64 = 1e-5;

pub(super) fn lift(control: &Curve, arm: &Curve, p_better: f64, question: &Question) -> Lift {
    let difference = Difference::new(control, arm);
    let ratio = Ratio::new(control, arm);
    let ends = equal_tails(question.level);
    let (n, a) = (control.a + control.b, control.a);
    Lift {
        p_better,
        difference: arm.mean() - control.mean(),
        difference_interval: ends.map(|mass| difference.quantile(mass)),
        relative: (a > 1.0).then(|| arm.mean() * ((n - 1.0) / (a - 1.0)) - 1.0),
        relative_interval: ends.map(|mass| ratio.quantile(mass)),
        p_in_rope: question.rope.map(|rope| p_in_rope(control, arm, rope)),
    }
}

/// A point where the mixing density has mass, with that mass.
struct Node {
    at: Unit,
    mass: f64,
}

/// The open part of 0..1 between two cuts, in a variable in which both lie at infinity.
///
/// There the other distribution's clamped ends, where it is not smooth, do no harm.
struct Segment {
    low: Unit,
    high: Unit,
    width: f64,
}

/// A point of a segment: the rate, its distances to both ends, and `dx/dv`.
struct Place {
    at: Unit,
    below: f64,
    above: f64,
    slope: f64,
}

impl Segment {
    fn new(low: Unit, high: Unit) -> Self {
        let width = if low.x < 0.5 { high.x - low.x } else { low.y - high.y };
        Self { low, high, width }
    }

    fn place(&self, v: f64) -> Place {
        let share = Unit::from_logit(v);
        let (below, above) = (self.width * share.x, self.width * share.y);
        let at = Unit { x: self.low.x + below, y: self.high.y + above };
        Place { at, below, above, slope: below * share.y }
    }

    /// Range of `v` in which a density with these edges (log odds) has mass.
    fn range(&self, [left, right]: [f64; 2]) -> Option<[f64; 2]> {
        if self.low.x <= 0.0 && self.high.y <= 0.0 {
            return Some([left.max(-700.0), right.min(700.0)]);
        }
        let [left, right] = [left, right].map(Unit::from_logit);
        if right.x <= self.low.x || left.x >= self.high.x || self.width <= 0.0 {
            return None;
        }
        let inside = |at: Unit| ((at.x - self.low.x) / (self.high.x - at.x)).ln();
        // at a true end the density may be infinite, at a cut it is not
        let reach = |is_true_end| if is_true_end { 700.0 } else { NEGLIGIBLE };
        let start = if left.x > self.low.x { inside(left) } else { -NEGLIGIBLE };
        let end = if right.x < self.high.x { inside(right) } else { NEGLIGIBLE };
        Some([start.max(-reach(self.low.x <= 0.0)), end.min(reach(self.high.y <= 0.0))])
    }

    /// Calls `visit(place, mass)` where the density has mass above `floor` a panel.
    fn integrate(
        &self,
        density: &Curve,
        edges: [f64; 2],
        floor: f64,
        mut visit: impl FnMut(&Place, f64),
    ) {
        let Some([mut v, end]) = self.range(edges) else { return };
        let per_v = |place: &Place| {
            (density.ln_density(place.at) - place.at.x.ln() - place.at.y.ln()).exp() * place.slope
        };
        let mut here = self.place(v);
        while v < end {
            // the density's own scale, in v: du/dv = dx/dv / (x (1 - x))
            let length = |offset: f64| {
                let place = self.place(v + offset);
                density.smooth(place.at) * (place.at.x * place.at.y).max(1e-300) / place.slope
            };
            // far from the bend of the logistic function only exponentials are left
            let limit = WIDEST.max(0.5 * (v.abs() - 6.0));
            let next = (v + fitting(limit, length)).min(end);
            let there = self.place(next);
            // the density is log-concave and no panel is wide enough to hide a peak
            if per_v(&here).max(per_v(&there)) > floor {
                quadrature::panel(v, next, |v, weight| {
                    let place = self.place(v);
                    let mass = per_v(&place) * weight;
                    visit(&place, mass);
                });
            }
            (v, here) = (next, there);
        }
    }
}

/// `x -> gain x + shift` from the mixing arm's rate to the other's.
#[derive(Clone, Copy)]
struct Line {
    gain: f64,
    shift: f64,
}

impl Line {
    /// Where the image enters and leaves 0..1.
    fn cuts(self) -> [Unit; 2] {
        let low = (-self.shift / self.gain).clamp(0.0, 1.0);
        let high = ((1.0 - self.shift) / self.gain).clamp(0.0, 1.0);
        [Unit::new(low), Unit::new(high)]
    }
}

/// `P(other <= gain mixing + shift)` as an average over the mixing arm.
struct Mixture<'curves> {
    mixing: &'curves Curve,
    other: &'curves Curve,
    /// The mixing density where no cut falls into it: the same for every line.
    whole: Vec<Node>,
}

impl<'curves> Mixture<'curves> {
    fn new(mixing: &'curves Curve, other: &'curves Curve) -> Self {
        // The trapezoid rule: the density of the log odds is analytic and falls on both sides, so that
        // this step, half its spread, is exact to the last digits (Gauss-Legendre needs thrice the nodes).
        let step = (0.45 * mixing.spread()).min(0.24);
        let [low, high] = mixing.near.map(|edge| edge.clamp(-700.0, 700.0));
        let mut whole = Vec::with_capacity(64);
        let mut u = low;
        while u <= high {
            let at = Unit::from_logit(u);
            let mass = step * mixing.ln_density(at).exp();
            if mass > NOTHING {
                whole.push(Node { at, mass });
            }
            u += step;
        }
        Self { mixing, other, whole }
    }

    /// Both tails of the other arm's rate at the line, and its density (per rate) times
    /// `lever(mixing rate)`, averaged.
    fn average(&self, line: Line, lever: impl Fn(Unit) -> f64) -> Tails {
        let mut sum = Tails { lower: 0.0, upper: 0.0, density: 0.0 };
        let mut add = |node: &Node, image: Unit| {
            let tails = self.other.tails_at(image);
            sum.lower += node.mass * tails.lower;
            sum.upper += node.mass * tails.upper;
            if image.x > 0.0 && image.y > 0.0 {
                sum.density += node.mass * tails.density / (image.x * image.y) * lever(node.at);
            }
        };
        let [low, high] = line.cuts();
        let [left, right] = self.mixing.near.map(Unit::from_logit);
        if low.x <= left.x && right.x <= high.x {
            for node in &self.whole {
                let x = line.gain * node.at.x + line.shift;
                add(node, Unit::new(x.clamp(0.0, 1.0)));
            }
            return sum;
        }
        let start = (line.gain * low.x + line.shift).max(0.0);
        let rest = (1.0 - line.shift - line.gain * high.x).max(0.0);
        Segment::new(low, high).integrate(self.mixing, self.mixing.near, NOTHING, |place, mass| {
            let image =
                Unit { x: start + line.gain * place.below, y: rest + line.gain * place.above };
            add(&Node { at: place.at, mass }, image);
        });
        // outside the cuts the other arm's distribution is 0 or 1
        sum.upper += self.mixing.tails_at(low).lower;
        sum.lower += self.mixing.tails_at(high).upper;
        sum
    }
}

/// `arm - control`.
struct Difference<'curves> {
    mixture: Mixture<'curves>,
    /// Whether the control is the mixing arm.
    is_direct: bool,
    start: Start,
}

impl<'curves> Difference<'curves> {
    fn new(control: &'curves Curve, arm: &'curves Curve) -> Self {
        // the narrower density mixes the smoother distribution
        let is_direct = control.sd() <= arm.sd();
        let mixture =
            if is_direct { Mixture::new(control, arm) } else { Mixture::new(arm, control) };
        let spread = arm.sd().hypot(control.sd());
        let third = arm.third() - control.third();
        Self { mixture, is_direct, start: Start::new(arm.mean() - control.mean(), spread, third) }
    }

    fn tails(&self, difference: f64) -> Tails {
        let shift = if self.is_direct { difference } else { -difference };
        let tails = self.mixture.average(Line { gain: 1.0, shift }, |_| 1.0);
        oriented(tails, self.is_direct)
    }

    fn quantile(&self, mass: Mass) -> f64 {
        bracketed([-1.0, 1.0], self.start, mass, |difference| self.tails(difference))
    }
}

/// `arm / control - 1`, solved in the log of the ratio.
struct Ratio<'curves> {
    mixture: Mixture<'curves>,
    is_direct: bool,
    start: Start,
}

impl<'curves> Ratio<'curves> {
    fn new(control: &'curves Curve, arm: &'curves Curve) -> Self {
        let spread = |curve: &Curve| curve.sd() / curve.mean();
        let is_direct = spread(control) <= spread(arm);
        let mixture =
            if is_direct { Mixture::new(control, arm) } else { Mixture::new(arm, control) };
        let [(mean, variance, third), (mean_0, variance_0, third_0)] =
            [arm, control].map(|curve| curve.ln_cumulants().into());
        let deviation = (variance + variance_0).sqrt().min(3.0);
        Self { mixture, is_direct, start: Start::new(mean - mean_0, deviation, third - third_0) }
    }

    fn tails(&self, ln_ratio: f64) -> Tails {
        let gain = if self.is_direct { ln_ratio.exp() } else { (-ln_ratio).exp() };
        let tails = self.mixture.average(Line { gain, shift: 0.0 }, |at| gain * at.x);
        oriented(tails, self.is_direct)
    }

    fn quantile(&self, mass: Mass) -> f64 {
        bracketed([-740.0, 740.0], self.start, mass, |ln_ratio| self.tails(ln_ratio)).exp_m1()
    }
}

/// Tails of the quantity, whichever arm mixed.
fn oriented(tails: Tails, is_direct: bool) -> Tails {
    if is_direct {
        return tails;
    }
    Tails { lower: tails.upper, upper: tails.lower, density: tails.density }
}

/// A first guess by the Cornish-Fisher expansion.
#[derive(Clone, Copy)]
struct Start {
    centre: f64,
    spread: f64,
    skewness: f64,
}

impl Start {
    fn new(centre: f64, spread: f64, third: f64) -> Self {
        Self { centre, spread, skewness: (third / (spread * spread * spread)).clamp(-1.0, 1.0) }
    }

    fn at(self, mass: Mass) -> f64 {
        let z = normal_score(mass);
        self.centre + self.spread * (z + self.skewness / 6.0 * (z * z - 1.0))
    }
}

/// Newton on the log of the smaller tail, kept inside a bracket.
fn bracketed(
    [mut low, mut high]: [f64; 2],
    start: Start,
    mass: Mass,
    tails: impl Fn(f64) -> Tails,
) -> f64 {
    let is_lower = mass.lower <= mass.upper;
    let mut at = start.at(mass).clamp(0.999 * low, 0.999 * high);
    for _ in 0..100 {
        let here = tails(at);
        let (p, target, side) =
            if is_lower { (here.lower, mass.lower, 1.0) } else { (here.upper, mass.upper, -1.0) };
        if (p < target) == is_lower {
            low = at;
        } else {
            high = at;
        }
        let step = side * (target / p).ln() * p / here.density;
        let mut next = at + step;
        if !(low < next && next < high) {
            next = 0.5 * (low + high);
        }
        let moved = (next - at).abs();
        at = next;
        // in units of the spread, the next step would about square this one
        if moved <= 1e-7 * start.spread || moved <= 1e-15 * at.abs() {
            break;
        }
    }
    at
}

/// `P(low <= arm - control <= high)`, each slice a difference of the smaller tails.
fn p_in_rope(control: &Curve, arm: &Curve, [low, high]: [f64; 2]) -> f64 {
    let is_direct = control.sd() <= arm.sd();
    let (mixing, other, [low, high]) =
        if is_direct { (control, arm, [low, high]) } else { (arm, control, [-high, -low]) };
    let mut cuts: Vec<f64> = [-low, -high, 1.0 - low, 1.0 - high]
        .into_iter()
        .chain([0.0, 1.0])
        .map(|cut| cut.clamp(0.0, 1.0))
        .collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let ordinary = in_rope(mixing, other, [low, high], &cuts, mixing.near, NOTHING);
    if ordinary > TINY {
        return ordinary.min(1.0);
    }
    in_rope(mixing, other, [low, high], &cuts, mixing.far, 0.0)
}

fn in_rope(
    mixing: &Curve,
    other: &Curve,
    rope: [f64; 2],
    cuts: &[f64],
    edges: [f64; 2],
    floor: f64,
) -> f64 {
    let mut sum = 0.0;
    for pair in cuts.windows(2) {
        let segment = Segment::new(Unit::new(pair[0]), Unit::new(pair[1]));
        segment.integrate(mixing, edges, floor, |place, mass| {
            let [lower, upper] = rope.map(|shift| {
                let x = (pair[0] + shift) + place.below;
                let y = (1.0 - pair[1] - shift) + place.above;
                other.tails_at(Unit { x: x.max(0.0), y: y.max(0.0) })
            });
            let slice = if lower.upper < lower.lower {
                lower.upper - upper.upper
            } else {
                upper.lower - lower.lower
            };
            sum += mass * slice.max(0.0);
        });
    }
    sum
}
