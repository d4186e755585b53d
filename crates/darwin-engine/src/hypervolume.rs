//! The volume that a set of points dominates, exactly.

/// Volume between the points (smaller is better) and a reference point; points that do not lie
/// below the reference in every objective add nothing.
///
/// Two objectives are swept; more are cut into exclusive parts of points and what is left of the
/// others beside them (While, Bradstreet & Barone 2012, "A fast way of calculating exact
/// hypervolumes"). With many objectives and points the work grows exponentially: up to 100 points
/// of 5 objectives take well under a second.
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let inside = |point: &&Vec<f64>| {
        point.len() == reference.len() && point.iter().zip(reference).all(|(p, r)| p < r)
    };
    let kept: Vec<Vec<f64>> = points.iter().filter(inside).cloned().collect();
    volume(undominated(kept), reference)
}

fn volume(mut points: Vec<Vec<f64>>, reference: &[f64]) -> f64 {
    // Worst first in the last objective: what follows is cut to little.
    let last = reference.len().saturating_sub(1);
    points.sort_by(|a, b| b[last].total_cmp(&a[last]).then_with(|| compare(a, b)));
    match (points.as_slice(), reference) {
        ([], _) | (_, []) => 0.0,
        ([point], _) => box_of(point, reference),
        (_, [_, _]) => sweep(&points, reference),
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
    }
}
