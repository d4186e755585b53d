//! What can be said of a front: how much it dominates, how far it reaches, how evenly it is filled.

use crate::{Sense, hypervolume};

/// Points and objectives up to which the volume is computed: beyond, its exact cost grows too fast.
const AFFORDABLE: [usize; 9] = [0, 10_000, 10_000, 2000, 300, 120, 60, 40, 30];

/// What a front is like. Objectives are costs: a maximised one with its sign turned.
#[derive(Debug, Clone, PartialEq)]
pub struct Indicators {
    /// Places of the points that none dominates, each value once, by the first objective.
    pub front: Vec<usize>,
    /// Volume dominated up to the reference point; absent where its exact computation would take too
    /// long.
    pub hypervolume: Option<f64>,
    /// The reference point, in the user's terms.
    pub reference: Vec<f64>,
    /// Points of the front that do not dominate the reference point, and add no volume.
    pub beyond: usize,
    /// Deviation of the distances to the nearest neighbours, by the sum of scaled differences (Schott
    /// 1995): 0 for an even front.
    pub spacing: Option<f64>,
    /// Range of each objective over the front.
    pub extent: Vec<f64>,
    /// Unevenness of a front of two objectives (Deb et al. 2002, without known ends): 0 when all gaps
    /// are equal.
    pub spread: Option<f64>,
    /// The point farthest from the straight line, or plane, through the ends.
    pub knee: Option<usize>,
    /// Mean distance from each point of a given front to what this one leaves undone (Ishibuchi et al.
    /// 2015).
    pub igd_plus: Option<f64>,
}

/// Look at points by their objective values. `reference` is where the volume ends (by default a tenth
/// of the front's range beyond its worst values), `ideal` a front to compare with.
pub fn indicators(
    points: &[Vec<f64>],
    senses: &[Sense],
    reference: Option<&[f64]>,
    ideal: Option<&[Vec<f64>]>,
) -> Indicators {
    let costs = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let cost = |row: &Vec<f64>| row.iter().zip(senses).map(|(f, s)| s.cost(*f)).collect();
        rows.iter().map(cost).collect()
    };
    let all = costs(points);
    let front = undominated(&all);
    let kept: Vec<&Vec<f64>> = front.iter().map(|one| &all[*one]).collect();
    let ends: Vec<(f64, f64)> = (0..senses.len()).map(|k| range(&kept, k)).collect();
    let corner: Vec<f64> = match reference {
        Some(given) => given.iter().zip(senses).map(|(f, sense)| sense.cost(*f)).collect(),
        None if front.is_empty() => vec![0.0; senses.len()],
        None => ends.iter().map(|(lo, hi)| hi + 0.1 * width(*lo, *hi)).collect(),
    };
    let inside = |point: &&&Vec<f64>| point.iter().zip(&corner).all(|(p, r)| p < r);
    let most = AFFORDABLE.get(senses.len()).copied().unwrap_or(0);
    let volume = (kept.len() <= most).then(|| {
        let rows: Vec<Vec<f64>> = kept.iter().map(|row| (*row).clone()).collect();
        hypervolume(&rows, &corner)
    });
    let scaled: Vec<Vec<f64>> = kept
        .iter()
        .map(|row| row.iter().zip(&ends).map(|(f, (lo, hi))| (f - lo) / width(*lo, *hi)).collect())
        .collect();
    Indicators {
        hypervolume: volume,
        beyond: kept.len() - kept.iter().filter(inside).count(),
        reference: corner.iter().zip(senses).map(|(f, sense)| sense.cost(*f)).collect(),
        spacing: spacing(&scaled),
        extent: ends.iter().map(|(lo, hi)| (hi - lo).max(0.0)).collect(),
        spread: spread(&scaled),
        knee: knee(&scaled).map(|place| front[place]),
        igd_plus: ideal.map(|ideal| igd_plus(&costs(ideal), &kept)),
        front,
    }
}

fn width(lo: f64, hi: f64) -> f64 {
    if hi > lo { hi - lo } else { lo.abs().max(1.0) }
}

fn range(points: &[&Vec<f64>], k: usize) -> (f64, f64) {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    points.iter().fold(ends, |(lo, hi), point| (lo.min(point[k]), hi.max(point[k])))
}

/// Places of what none dominates, each value once, by the first objective.
fn undominated(costs: &[Vec<f64>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|a, b| {
        let mut orders = costs[*a].iter().zip(&costs[*b]).map(|(a, b)| a.total_cmp(b));
        orders.find(|one| one.is_ne()).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(b))
    });
    let mut kept: Vec<usize> = Vec::new();
    for one in order {
        // In this order only an earlier point can dominate a later one, or equal it.
        let covers = |other: &usize| costs[*other].iter().zip(&costs[one]).all(|(o, p)| o <= p);
        if !kept.iter().any(covers) {
            kept.push(one);
        }
    }
    kept
}

#[expect(clippy::cast_precision_loss, reason = "points are few")]
fn spacing(scaled: &[Vec<f64>]) -> Option<f64> {
    if scaled.len() < 3 {
        return None;
    }
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>();
    let nearest: Vec<f64> = (0..scaled.len())
        .map(|one| {
            let others = (0..scaled.len()).filter(|other| *other != one);
            others.map(|other| apart(&scaled[one], &scaled[other])).fold(f64::INFINITY, f64::min)
        })
        .collect();
    let count = nearest.len() as f64;
    let mean = nearest.iter().sum::<f64>() / count;
    let squares: f64 = nearest.iter().map(|one| (one - mean) * (one - mean)).sum();
    Some(libm::sqrt(squares / (count - 1.0)))
}

/// Of two objectives, by the first.
#[expect(clippy::cast_precision_loss, reason = "points are few")]
fn spread(scaled: &[Vec<f64>]) -> Option<f64> {
    if scaled.len() < 3 || scaled.first().is_none_or(|point| point.len() != 2) {
        return None;
    }
    let gap = |pair: &[Vec<f64>]| libm::hypot(pair[0][0] - pair[1][0], pair[0][1] - pair[1][1]);
    let gaps: Vec<f64> = scaled.windows(2).map(gap).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let off: f64 = gaps.iter().map(|gap| (gap - mean).abs()).sum();
    Some(off / (gaps.len() as f64 * mean))
}

/// The point with the least sum of scaled objectives, where that gains on the ends: the farthest from
/// the plane through the points that are best in one objective each.
fn knee(scaled: &[Vec<f64>]) -> Option<usize> {
    if scaled.len() < 3 {
        return None;
    }
    let sum = |point: &Vec<f64>| point.iter().sum::<f64>();
    let (mut best, mut least) = (None, f64::INFINITY);
    for (place, point) in scaled.iter().enumerate() {
        if sum(point) < least {
            (best, least) = (Some(place), sum(point));
        }
    }
    // An end of the front is no knee, nor is a point of the plane itself.
    best.filter(|best| scaled[*best].iter().all(|part| *part > 0.0) && least < 1.0 - 1e-9)
}

#[expect(clippy::cast_precision_loss, reason = "points are few")]
fn igd_plus(ideal: &[Vec<f64>], front: &[&Vec<f64>]) -> f64 {
    let lack = |wanted: &Vec<f64>, point: &&Vec<f64>| {
        let squares = wanted.iter().zip(point.iter()).map(|(w, p)| (p - w).max(0.0));
        libm::sqrt(squares.map(|d| d * d).sum())
    };
    let nearest = |wanted: &Vec<f64>| {
        front.iter().map(|point| lack(wanted, point)).fold(f64::INFINITY, f64::min)
    };
    ideal.iter().map(nearest).sum::<f64>() / ideal.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: [Sense; 2] = [Sense::Min, Sense::Min];

    #[test]
    fn a_straight_even_front_is_even_and_has_no_knee() {
        let line: Vec<Vec<f64>> =
            (0..11).map(|k| vec![f64::from(k) / 10.0, 1.0 - f64::from(k) / 10.0]).collect();
        let seen = indicators(&line, &MIN, Some(&[1.0, 1.0]), Some(&line));
        assert_eq!(seen.front.len(), 11);
        // Ten stairs of a tenth: half of the square less half of the steps.
        assert!((seen.hypervolume.unwrap() - 0.45).abs() < 1e-12);
        assert!(seen.spacing.unwrap() < 1e-12 && seen.spread.unwrap() < 1e-12);
        assert_eq!((seen.igd_plus, seen.beyond), (Some(0.0), 2));
        let bent = [vec![0.0, 1.0], vec![0.1, 0.2], vec![1.0, 0.0], vec![0.5, 0.9]];
        let seen = indicators(&bent, &MIN, None, None);
        assert_eq!((seen.front.as_slice(), seen.knee), (&[0, 1, 2][..], Some(1)));
        assert!((seen.reference[0] - 1.1).abs() < 1e-12 && seen.beyond == 0);
        assert!(seen.spread.unwrap() > 0.0);
    }

    #[test]
    fn maximised_objectives_are_turned() {
        let points = [vec![1.0, 0.0], vec![0.0, 1.0], vec![0.2, 0.1]];
        let senses = [Sense::Max, Sense::Max];
        let seen = indicators(&points, &senses, Some(&[-1.0, -1.0]), Some(&[vec![1.0, 1.0]]));
        // By the first cost, its largest value first.
        assert_eq!(seen.front, [0, 2, 1]);
        assert!((seen.igd_plus.unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_empty_or_equal_has_no_figures() {
        let seen = indicators(&[], &MIN, None, None);
        assert_eq!((seen.front.len(), seen.knee, seen.spacing), (0, None, None));
        let same = vec![vec![1.0, 2.0]; 5];
        let seen = indicators(&same, &MIN, None, None);
        assert_eq!((seen.front.as_slice(), seen.spread), (&[0][..], None));
        assert!(seen.hypervolume.unwrap() > 0.0);
        let many: Vec<Vec<f64>> =
            (0..40).map(|k| (0..8).map(|j| f64::from((k * 7 + j * 3) % 11)).collect()).collect();
        assert!(indicators(&many, &[Sense::Min; 8], None, None).front.len() <= 40);
    }
}
