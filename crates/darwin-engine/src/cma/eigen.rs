//! Eigenvectors of a symmetric matrix: Householder's reduction to three diagonals, then QL steps
//! with implicit shifts (Golub & Van Loan, "Matrix Computations", 8.3). Plain loops in a fixed
//! order, so that equal matrices give equal bits everywhere.

#![expect(clippy::many_single_char_names, reason = "the letters of the literature")]

/// Most QL steps for one eigenvalue.
const MAX_STEPS: usize = 60;

/// Replace the rows of `a` (n x n, symmetric) by its eigenvectors, as columns, and give the
/// eigenvalues; `None` when the steps do not end, which finite numbers do not cause.
pub(super) fn decompose(a: &mut [f64], n: usize) -> Option<Vec<f64>> {
    let (mut d, mut e) = (vec![0.0; n], vec![0.0; n]);
    reduce(a, &mut d, &mut e, n);
    ql(a, &mut d, &mut e, n)?;
    Some(d)
}

/// To tridiagonal form: diagonal `d`, below it `e[1..]`; `a` becomes the product of reflections.
fn reduce(a: &mut [f64], d: &mut [f64], e: &mut [f64], n: usize) {
    for i in (1..n).rev() {
        let scale: f64 = (0..i).map(|k| a[i * n + k].abs()).sum();
        let mut h = 0.0;
        if i == 1 || scale == 0.0 {
            e[i] = a[i * n + i - 1];
        } else {
            for k in 0..i {
                a[i * n + k] /= scale;
                h += a[i * n + k] * a[i * n + k];
            }
            let f = a[i * n + i - 1];
            let g = if f >= 0.0 { -h.sqrt() } else { h.sqrt() };
            e[i] = scale * g;
            h -= f * g;
            a[i * n + i - 1] = f - g;
            reflect(a, e, i, h, n);
        }
        d[i] = h;
    }
    d[0] = 0.0;
    e[0] = 0.0;
    for i in 0..n {
        if d[i] != 0.0 {
            for j in 0..i {
                let g: f64 = (0..i).map(|k| a[i * n + k] * a[k * n + j]).sum();
                for k in 0..i {
                    a[k * n + j] -= g * a[k * n + i];
                }
            }
        }
        d[i] = a[i * n + i];
        a[i * n + i] = 1.0;
        for j in 0..i {
            a[j * n + i] = 0.0;
            a[i * n + j] = 0.0;
        }
    }
}

/// Apply the reflection of row `i` to the leading block.
fn reflect(a: &mut [f64], e: &mut [f64], i: usize, h: f64, n: usize) {
    let mut total = 0.0;
    for j in 0..i {
        a[j * n + i] = a[i * n + j] / h;
        let upper: f64 = (0..=j).map(|k| a[j * n + k] * a[i * n + k]).sum();
        let lower: f64 = (j + 1..i).map(|k| a[k * n + j] * a[i * n + k]).sum();
        e[j] = (upper + lower) / h;
        total += e[j] * a[i * n + j];
    }
    let half = total / (h + h);
    for j in 0..i {
        let f = a[i * n + j];
        let g = e[j] - half * f;
        e[j] = g;
        for k in 0..=j {
            a[j * n + k] -= f * e[k] + g * a[i * n + k];
        }
    }
}

fn ql(z: &mut [f64], d: &mut [f64], e: &mut [f64], n: usize) -> Option<()> {
    e.rotate_left(1);
    e[n - 1] = 0.0;
    for l in 0..n {
        let mut steps = 0;
        loop {
            let small = |m: usize| {
                let size = d[m].abs() + d[m + 1].abs();
                e[m].abs() <= f64::EPSILON * size
            };
            let m = (l..n - 1).find(|m| small(*m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            steps += 1;
            if steps > MAX_STEPS {
                return None;
            }
            step(z, d, e, l, m, n);
        }
    }
    d.iter().all(|value| value.is_finite()).then_some(())
}

/// One QL step on the rows `l..=m`.
fn step(z: &mut [f64], d: &mut [f64], e: &mut [f64], l: usize, m: usize, n: usize) {
    let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let r = libm::hypot(g, 1.0);
    g = d[m] - d[l] + e[l] / (g + if g >= 0.0 { r } else { -r });
    let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (s * e[i], c * e[i]);
        let r = libm::hypot(f, g);
        e[i + 1] = r;
        if r == 0.0 {
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        let r = (d[i] - g) * s + 2.0 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        for k in 0..n {
            let (left, right) = (z[k * n + i], z[k * n + i + 1]);
            z[k * n + i + 1] = s * left + c * right;
            z[k * n + i] = c * left - s * right;
        }
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn vectors_are_orthonormal_and_rebuild_the_matrix(
            n in 1_usize..24,
            numbers in prop::collection::vec(-10.0..10.0_f64, 576),
            spread in 0_i32..12,
        ) {
            let mut matrix = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..=i {
                    let scale = libm::exp10(f64::from(spread) * -0.5 * numbers[i].abs() / 10.0);
                    matrix[i * n + j] = numbers[i * n + j] * scale;
                    matrix[j * n + i] = matrix[i * n + j];
                }
            }
            let mut vectors = matrix.clone();
            let values = decompose(&mut vectors, n).unwrap();
            let size = matrix.iter().fold(1e-300_f64, |most, x| most.max(x.abs()));
            for i in 0..n {
                for j in 0..n {
                    let dot: f64 = (0..n).map(|k| vectors[k * n + i] * vectors[k * n + j]).sum();
                    prop_assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-12);
                    let entry: f64 =
                        (0..n).map(|k| vectors[i * n + k] * values[k] * vectors[j * n + k]).sum();
                    prop_assert!((entry - matrix[i * n + j]).abs() < 1e-12 * size * 24.0);
                }
            }
        }
    }

    #[test]
    fn a_known_matrix() {
        let mut a = vec![2.0, 1.0, 1.0, 2.0];
        let mut values = decompose(&mut a, 2).unwrap();
        values.sort_by(f64::total_cmp);
        assert!((values[0] - 1.0).abs() < 1e-15 && (values[1] - 3.0).abs() < 1e-15);
    }
}
