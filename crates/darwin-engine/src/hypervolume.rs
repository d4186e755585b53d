//! The volume that a set of points dominates, exactly.

/// Volume between the points (smaller is better) and a reference point; points that do not lie
/// below the reference in every objective add nothing.
///
/// Two objectives are swept along the first, three along the last over a staircase of the others
/// (Beume et al. 2009); more are cut into exclusive parts of points and what is left of the others
/// beside them (While, Bradstreet & Barone 2012, "A fast way of calculating exact hypervolumes").
/// With many objectives and points the work grows exponentially: up to 100 points of 5 objectives
/// take well under a second.
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let inside = |point: &&Vec<f64>| {
        point.len() == reference.len() && point.iter().zip(reference).all(|(p, r)| p < r)
    };
    let kept: Vec<Vec<f64>> = points.iter().filter(inside).cloned().collect();
    volume(undominated(kept), reference)
}

/// What a point adds to the volume of the others. Points of three objectives are given by the last,
/// best first.
pub(crate) fn exclusive(points: &[Vec<f64>], place: usize, reference: &[f64]) -> f64 {
    let point = &points[place];
    let cut = |other: &Vec<f64>| other.iter().zip(point).map(|(a, b)| a.max(*b)).collect();
    let others = points.iter().enumerate().filter(|(other, _)| *other != place);
    let beside: Vec<Vec<f64>> = others.map(|(_, other)| cut(other)).collect();
    let shared = match reference.len() {
        3 => stairs(&beside, reference),
        _ => volume(undominated(beside), reference),
    };
    box_of(point, reference) - shared
}

fn volume(mut points: Vec<Vec<f64>>, reference: &[f64]) -> f64 {
    // Worst first in the last objective: what follows is cut to little.
    let last = reference.len().saturating_sub(1);
    points.sort_by(|a, b| b[last].total_cmp(&a[last]).then_with(|| compare(a, b)));
    match (points.as_slice(), reference) {
        ([], _) | (_, []) => 0.0,
        ([point], _) => box_of(point, reference),
        (_, [_, _]) => sweep(&points, reference),
        (_, [_, _, _]) => {
            points.reverse();
            stairs(&points, reference)
        }
        _ => (0..points.len())
            .map(|first| {
                let cut = |other: &Vec<f64>| -> Vec<f64> {
                    other.iter().zip(&points[first]).map(|(a, b)| a.max(*b)).collect()
                };
                let beside = undominated(points[first + 1..].iter().map(cut).collect());
                box_of(&points[first], reference) - volume(beside, reference)
            })
            .sum(),
    }
}

/// Points sorted by the second objective, worst first: the first objective rises.
fn sweep(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let (mut total, mut edge) = (0.0, reference[1]);
    for point in points {
        total += (reference[0] - point[0]) * (edge - point[1]);
        edge = point[1];
    }
    total
}

/// Points of three objectives sorted by the last, best first, none beyond the reference.
fn stairs(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    // The first objective rises along the steps, the second falls.
    let mut steps: Vec<(f64, f64)> = Vec::new();
    let (mut total, mut area) = (0.0, 0.0);
    let mut level = points.first().map_or(reference[2], |point| point[2]);
    for point in points {
        let (x, y) = (point[0], point[1]);
        total += area * (point[2] - level);
        level = point[2];
        let from = steps.partition_point(|step| step.0 < x);
        let mut height = from.checked_sub(1).map_or(reference[1], |before| steps[before].1);
        if height <= y || steps.get(from).is_some_and(|step| step.0 <= x && step.1 <= y) {
            continue;
        }
        let (mut edge, mut behind) = (x, from);
        while let Some(step) = steps.get(behind).filter(|step| step.1 >= y) {
            area += (step.0 - edge) * (height - y);
            (edge, height) = *step;
            behind += 1;
        }
        area += (steps.get(behind).map_or(reference[0], |step| step.0) - edge) * (height - y);
        steps.splice(from..behind, [(x, y)]);
    }
    total + area * (reference[2] - level)
}

fn box_of(point: &[f64], reference: &[f64]) -> f64 {
    point.iter().zip(reference).map(|(p, r)| r - p).product()
}

fn compare(a: &[f64], b: &[f64]) -> std::cmp::Ordering {
    let orders = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

/// Points that no other dominates, each once.
fn undominated(mut points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    points.sort_by(|a, b| compare(a, b));
    let mut kept: Vec<Vec<f64>> = Vec::new();
    for point in points {
        // In this order only an earlier point can dominate a later one.
        let covers = |other: &Vec<f64>| other.iter().zip(&point).all(|(o, p)| o <= p);
        if !kept.iter().any(covers) {
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_volumes() {
        let two = [vec![0.0, 0.5], vec![0.5, 0.0], vec![0.6, 0.6], vec![2.0, -1.0]];
        assert!((hypervolume(&two, &[1.0, 1.0]) - 0.75).abs() < 1e-15);
        let three = [vec![0.0, 0.0, 0.5], vec![0.5, 0.5, 0.0]];
        assert!((hypervolume(&three, &[1.0, 1.0, 1.0]) - 0.625).abs() < 1e-15);
        assert!(hypervolume(&[], &[1.0]).abs() < f64::EPSILON);
    }

    /// By inclusion and exclusion over all subsets.
    fn reference_volume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
        (1_u32..1 << points.len())
            .map(|subset| {
                let corner = |k: usize| {
                    let members = points.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1);
                    members.map(|(_, point)| point[k]).fold(f64::NEG_INFINITY, f64::max)
                };
                let volume: f64 =
                    (0..reference.len()).map(|k| (reference[k] - corner(k)).max(0.0)).product();
                if subset.count_ones() % 2 == 1 { volume } else { -volume }
            })
            .sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_inclusion_and_exclusion(
            objectives in 1_usize..6,
            numbers in prop::collection::vec(0.0..1.0_f64, 50),
            count in 0_usize..10,
        ) {
            let points: Vec<Vec<f64>> =
                numbers.chunks(5).take(count).map(|chunk| chunk[..objectives].to_vec()).collect();
            let reference = vec![0.9; objectives];
            let seen = hypervolume(&points, &reference);
            prop_assert!((seen - reference_volume(&points, &reference)).abs() < 1e-12);
        }

        #[test]
        fn what_a_point_adds_is_what_is_lost_without_it(
            objectives in 2_usize..5,
            numbers in prop::collection::vec(0..6_i32, 32),
            count in 1_usize..8,
            place in 0_usize..8,
        ) {
            let real = |chunk: &[i32]| chunk[..objectives].iter().map(|k| f64::from(*k) / 6.0).collect();
            let mut points: Vec<Vec<f64>> = numbers.chunks(4).take(count).map(real).collect();
            points.sort_by(|a, b| a[objectives - 1].total_cmp(&b[objectives - 1]));
            let (place, reference) = (place % count, vec![1.1; objectives]);
            let mut others = points.clone();
            others.remove(place);
            let lost = hypervolume(&points, &reference) - hypervolume(&others, &reference);
            prop_assert!((exclusive(&points, place, &reference) - lost).abs() < 1e-12);
        }
    }
}
