//! Sorting by domination, and the room around a point of a front.

use super::Individual;

/// Whether `a` is better: feasible where `b` is not, less infeasible, or nowhere worse and
/// somewhere better.
pub(super) fn dominates(a: &Individual, b: &Individual) -> bool {
    if a.violation > 0.0 || b.violation > 0.0 {
        return a.violation < b.violation;
    }
    let pairs = || a.costs.iter().zip(&b.costs);
    pairs().all(|(a, b)| a <= b) && pairs().any(|(a, b)| a < b)
}

/// Numbers of the individuals, front after front, each in ascending order.
pub(super) fn fronts(all: &[Individual]) -> Vec<Vec<usize>> {
    let (feasible, mut broken): (Vec<usize>, Vec<usize>) =
        (0..all.len()).partition(|one| all[*one].is_feasible());
    let two = feasible.first().is_some_and(|one| all[*one].costs.len() == 2);
    let mut fronts = if two { swept(all, feasible) } else { peeled(all, &feasible) };
    broken.sort_by(|a, b| all[*a].violation.total_cmp(&all[*b].violation).then(a.cmp(b)));
    let alike = |a: &usize, b: &usize| all[*a].violation.total_cmp(&all[*b].violation).is_eq();
    fronts.extend(broken.chunk_by(alike).map(<[usize]>::to_vec));
    fronts
}

/// Two objectives: in the order of the first, a point belongs to the first front whose last point
/// does not dominate it. After Jensen (2003).
fn swept(all: &[Individual], mut feasible: Vec<usize>) -> Vec<Vec<usize>> {
    let cost = |one: usize, k: usize| all[one].costs[k];
    feasible.sort_by(|a, b| {
        let by = |k| cost(*a, k).total_cmp(&cost(*b, k));
        by(0).then(by(1)).then(a.cmp(b))
    });
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for one in feasible {
        let dominated =
            |front: &Vec<usize>| front.last().is_some_and(|last| dominates(&all[*last], &all[one]));
        let place = fronts.partition_point(dominated);
        match fronts.get_mut(place) {
            Some(front) => front.push(one),
            None => fronts.push(vec![one]),
        }
    }
    for front in &mut fronts {
        front.sort_unstable();
    }
    fronts
}

/// Any number of objectives: front after front is taken away.
fn peeled(all: &[Individual], feasible: &[usize]) -> Vec<Vec<usize>> {
    let mut beaten_by = vec![0_u32; all.len()];
    let mut beats: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (place, i) in feasible.iter().enumerate() {
        for j in &feasible[place + 1..] {
            let (winner, loser) = match compare(&all[*i].costs, &all[*j].costs) {
                (true, false) => (i, j),
                (false, true) => (j, i),
                _ => continue,
            };
            beats[*winner].push(*loser);
            beaten_by[*loser] += 1;
        }
    }
    let mut current: Vec<usize> =
        feasible.iter().copied().filter(|one| beaten_by[*one] == 0).collect();
    let mut fronts = Vec::new();
    while !current.is_empty() {
        let mut next = Vec::new();
        for i in &current {
            for j in &beats[*i] {
                beaten_by[*j] -= 1;
                if beaten_by[*j] == 0 {
                    next.push(*j);
                }
            }
        }
        next.sort_unstable();
        fronts.push(std::mem::replace(&mut current, next));
    }
    fronts
}

/// Whether the first is somewhere better, and the second.
fn compare(a: &[f64], b: &[f64]) -> (bool, bool) {
    let (mut first, mut second) = (false, false);
    for (a, b) in a.iter().zip(b) {
        first |= a < b;
        second |= b < a;
    }
    (first, second)
}

/// Room around each point of a front: the distance of its neighbours, summed over the objectives;
/// infinite at the ends.
pub(super) fn crowding(all: &[Individual], front: &[usize]) -> Vec<f64> {
    let mut rooms = vec![0.0; front.len()];
    let objectives = front.first().map_or(0, |one| all[*one].costs.len());
    for k in 0..objectives {
        let cost = |place: usize| all[front[place]].costs[k];
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|a, b| cost(*a).total_cmp(&cost(*b)).then(a.cmp(b)));
        let (Some(first), Some(last)) = (order.first(), order.last()) else { continue };
        let span = cost(*last) - cost(*first);
        rooms[*first] = f64::INFINITY;
        rooms[*last] = f64::INFINITY;
        if span > 0.0 && span.is_finite() {
            for triple in order.windows(3) {
                rooms[triple[1]] += (cost(triple[2]) - cost(triple[0])) / span;
            }
        }
    }
    rooms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn individuals(points: &[(f64, f64, f64)]) -> Vec<Individual> {
        let one = |(a, b, violation): &(f64, f64, f64)| Individual {
            genes: Vec::new(),
            costs: vec![*a, *b],
            violation: *violation,
        };
        points.iter().map(one).collect()
    }

    #[test]
    fn fronts_of_a_small_set() {
        let all = individuals(&[
            (1.0, 1.0, 0.0),
            (0.0, 2.0, 0.0),
            (2.0, 2.0, 0.0),
            (0.0, 0.0, 0.5),
            (9.0, 9.0, 0.1),
        ]);
        assert_eq!(fronts(&all), [vec![0, 1], vec![2], vec![4], vec![3]]);
        let rooms = crowding(
            &individuals(&[(0.0, 4.0, 0.0), (1.0, 1.0, 0.0), (4.0, 0.0, 0.0)]),
            &[0, 1, 2],
        );
        assert!(rooms[0].is_infinite() && rooms[2].is_infinite());
        assert!((rooms[1] - 2.0).abs() < 1e-15);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fronts_of_three_objectives_are_those_of_peeling(
            points in prop::collection::vec((0..4_i32, 0..4_i32, 0..4_i32), 0..40),
        ) {
            let one = |(a, b, c): &(i32, i32, i32)| Individual {
                genes: Vec::new(),
                costs: vec![f64::from(*a), f64::from(*b), f64::from(*c)],
                violation: 0.0,
            };
            let all: Vec<Individual> = points.iter().map(one).collect();
            let mut left: Vec<usize> = (0..all.len()).collect();
            for front in fronts(&all) {
                let free = |i: &usize| !left.iter().any(|j| dominates(&all[*j], &all[*i]));
                let best: Vec<usize> = left.iter().copied().filter(free).collect();
                prop_assert_eq!(&front, &best);
                left.retain(|i| !front.contains(i));
            }
            prop_assert!(left.is_empty());
        }

        #[test]
        fn fronts_are_those_of_peeling(points in prop::collection::vec((0..6_i32, 0..6_i32, 0..2_i32), 0..40)) {
            let as_reals: Vec<_> =
                points.iter().map(|(a, b, v)| (f64::from(*a), f64::from(*b), f64::from(*v))).collect();
            let all = individuals(&as_reals);
            let mut left: Vec<usize> = (0..all.len()).collect();
            for front in fronts(&all) {
                let best: Vec<usize> = left
                    .iter()
                    .copied()
                    .filter(|i| !left.iter().any(|j| dominates(&all[*j], &all[*i])))
                    .collect();
                prop_assert_eq!(&front, &best);
                left.retain(|i| !front.contains(i));
            }
            prop_assert!(left.is_empty());
        }
    }
}
