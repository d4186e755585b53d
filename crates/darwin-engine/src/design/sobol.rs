//! Sobol's sequence: Antonov & Saleev (1979) in Gray-code order, with the direction numbers of Joe &
//! Kuo (2008), "Constructing Sobol sequences with better two-dimensional projections".

use std::sync::LazyLock;

/// Dimensions there are numbers for.
pub(super) const MAX_DIMENSION: usize = 256;
const BITS: usize = 32;

/// Direction numbers of each dimension.
static DIRECTIONS: LazyLock<Vec<[u32; BITS]>> = LazyLock::new(|| {
    let first = std::array::from_fn(|k| 1 << (BITS - 1 - k));
    let others = include_str!("joe-kuo.txt").lines().map(|line| {
        let numbers: Vec<u32> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        match numbers.as_slice() {
            [degree, polynomial, initial @ ..] => {
                directions(*degree as usize, *polynomial, initial)
            }
            _ => first,
        }
    });
    std::iter::once(first).chain(others).collect()
});

fn directions(degree: usize, polynomial: u32, initial: &[u32]) -> [u32; BITS] {
    let mut all = [0_u32; BITS];
    for k in 0..BITS {
        if k < degree {
            all[k] = initial.get(k).copied().unwrap_or(1) << (BITS - 1 - k);
            continue;
        }
        all[k] = all[k - degree] ^ (all[k - degree] >> degree);
        for j in 1..degree {
            if polynomial >> (degree - 1 - j) & 1 == 1 {
                all[k] ^= all[k - j];
            }
        }
    }
    all
}

/// Coordinate of a point, each bit flipped where `shift` has one.
pub(super) fn coordinate(point: u32, dimension: usize, shift: u32) -> f64 {
    let gray = point ^ (point >> 1);
    let Some(directions) = DIRECTIONS.get(dimension) else { return 0.5 };
    let bits = directions
        .iter()
        .enumerate()
        .filter(|(k, _)| gray >> k & 1 == 1)
        .fold(shift, |sum, (_, direction)| sum ^ direction);
    f64::from(bits) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_those_of_scipy() {
        assert_eq!(DIRECTIONS.len(), MAX_DIMENSION);
        // scipy 1.17.1, qmc.Sobol(256, scramble=False).random(64)
        for (point, dimension, expected) in [
            (0, 3, 0.0),
            (1, 0, 0.5),
            (5, 1, 0.875),
            (17, 7, 0.343_75),
            (33, 40, 0.953_125),
            (63, 255, 0.046_875),
            (50, 100, 0.640_625),
        ] {
            let seen = coordinate(point, dimension, 0);
            assert!((seen - expected).abs() < f64::EPSILON, "{point} {dimension}: {seen}");
        }
    }

    #[test]
    fn every_power_of_two_fills_its_cells_whatever_the_shift() {
        for dimension in [0, 1, 17, 255] {
            for shift in [0, 0x9e37_79b9] {
                let mut seen = [false; 64];
                for point in 0..64 {
                    let x = coordinate(point, dimension, shift);
                    let cell = (0..64_u32).find(|k| x < f64::from(k + 1) / 64.0).unwrap();
                    assert!(!std::mem::replace(&mut seen[cell as usize], true));
                }
            }
        }
    }
}
