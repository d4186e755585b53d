//! Directions that are spread evenly over all trade-offs: Das & Dennis (1998), in two layers for
//! many objectives as in Deb & Jain (2014).

/// At most `size` directions, each of sum 1, and never fewer than the objectives.
pub(super) fn directions(size: usize, objectives: usize) -> Vec<Vec<f64>> {
    let parts =
        (1..=size).take_while(|parts| count(*parts, objectives) <= size).last().unwrap_or(1);
    let mut all = layer(parts, objectives);
    if parts >= objectives || objectives < 4 {
        return all;
    }
    // No direction of the outer layer lies inside: a smaller one does.
    let left = size.saturating_sub(all.len());
    let inner = (1..=parts).take_while(|parts| count(*parts, objectives) <= left).last();
    let middle = 1.0 / real(objectives);
    for direction in inner.into_iter().flat_map(|parts| layer(parts, objectives)) {
        all.push(direction.iter().map(|part| f64::midpoint(*part, middle)).collect());
    }
    all
}

/// Ways to share `parts` out among the objectives.
fn count(parts: usize, objectives: usize) -> usize {
    let mut ways: usize = 1;
    for k in 1..objectives {
        // Each is a whole number: a binomial coefficient.
        ways = ways.saturating_mul(parts + k) / k;
        if ways > 1_000_000 {
            return usize::MAX;
        }
    }
    ways
}

fn layer(parts: usize, objectives: usize) -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    let mut shares = vec![0; objectives];
    fill(&mut all, &mut shares, 0, parts);
    let whole = real(parts);
    all.into_iter()
        .map(|shares: Vec<usize>| shares.into_iter().map(|share| real(share) / whole).collect())
        .collect()
}

fn fill(all: &mut Vec<Vec<usize>>, shares: &mut Vec<usize>, place: usize, left: usize) {
    if place + 1 == shares.len() {
        shares[place] = left;
        all.push(shares.clone());
        return;
    }
    for share in 0..=left {
        shares[place] = share;
        fill(all, shares, place + 1, left - share);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_paper() {
        for (size, objectives, expected) in
            [(100, 2, 100), (91, 3, 91), (100, 3, 91), (210, 5, 210), (156, 8, 156), (4, 15, 15)]
        {
            let all = directions(size, objectives);
            assert_eq!(all.len(), expected, "{size} {objectives}");
            for direction in &all {
                assert!((direction.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                assert!(direction.iter().all(|part| *part >= 0.0));
            }
        }
    }
}
