use proptest::prelude::*;

use super::{
    dense::{Dense, eigen},
    *,
};

fn dense(rows: &[Vec<f32>]) -> Dense {
    let mut all = Dense::zero(rows.len(), rows[0].len());
    for (index, row) in rows.iter().enumerate() {
        all.row_mut(index).copy_from_slice(row);
    }
    all
}

#[test]
fn eigenvalues_of_a_chain_are_known() {
    // The second difference of n points: 2 - 2 cos(pi k / (n + 1)).
    let size = 30u32;
    let mut matrix = vec![0.0; 900];
    for row in 0..30 {
        matrix[row * 30 + row] = 2.0;
        if row > 0 {
            matrix[row * 30 + row - 1] = -1.0;
            matrix[(row - 1) * 30 + row] = -1.0;
        }
    }
    let found = eigen(matrix, 30);
    for (number, (value, axis)) in (0..size).zip(&found) {
        let wanted = 2.0
            - 2.0 * (std::f64::consts::PI * f64::from(size - number) / f64::from(size + 1)).cos();
        assert!((value - wanted).abs() < 1e-12, "{number}: {value} for {wanted}");
        assert!((axis.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

fn matrix() -> impl Strategy<Value = Vec<Vec<f32>>> {
    (2usize..12, 2usize..40).prop_flat_map(|(columns, rows)| {
        prop::collection::vec(prop::collection::vec(-4i8..=4, columns), rows).prop_map(|rows| {
            rows.into_iter().map(|row| row.into_iter().map(f32::from).collect()).collect()
        })
    })
}

proptest! {
    #[test]
    fn columns_become_orthonormal_or_zero(rows in matrix()) {
        let mut range = dense(&rows);
        range.orthonormalise();
        let size = range.columns();
        let gram = range.gram();
        for one in 0..size {
            let length = gram[one * size + one];
            prop_assert!((length - 1.0).abs() < 1e-4 || length.abs() < 1e-4, "{}", length);
            for other in 0..one {
                prop_assert!(gram[one * size + other].abs() < 1e-4);
            }
        }
    }

    #[test]
    fn eigenvectors_give_the_matrix_back(rows in matrix()) {
        let all = dense(&rows);
        let (size, gram) = (all.columns(), all.gram());
        let found = eigen(gram.clone(), size);
        let scale = gram.iter().fold(1.0f64, |most, value| most.max(value.abs()));
        for row in 0..size {
            for column in 0..size {
                let back: f64 = found.iter().map(|(value, axis)| value * axis[row] * axis[column]).sum();
                prop_assert!((back - gram[row * size + column]).abs() < 1e-9 * scale);
            }
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].0 >= pair[1].0));
    }

    /// A byte a dimension costs little: cosines are within 0.02 of the exact ones.
    #[test]
    fn bytes_keep_the_angles(
        one in prop::collection::vec(-1.0f32..1.0, 50), other in prop::collection::vec(-1.0f32..1.0, 50),
    ) {
        let scale = length(&one) * length(&other);
        prop_assume!(scale > 0.01);
        let mut vectors = Vectors::new(50);
        vectors.push(None);
        vectors.push(Some(&one));
        let exact: f64 = one.iter().zip(&other).map(|(a, b)| f64::from(a * b)).sum::<f64>() / scale;
        let needle = Needle::new(&other);
        prop_assert!((vectors.likeness(1, &needle) / length(&one) - exact).abs() < 0.02);
        prop_assert!((needle.likeness(&one) - exact).abs() < 0.02);
        prop_assert_eq!(vectors.likeness(0, &needle).to_bits(), 0);
        vectors.clear(1);
        prop_assert_eq!(vectors.likeness(1, &needle).to_bits(), 0);
    }
}

/// Lists of 120 texts about three things that share no words, and one word that all hold.
fn lists() -> Vec<TermTexts> {
    (0..3u32)
        .flat_map(|topic| {
            (0..8u32).map(move |word| {
                let texts =
                    (0..120).filter(move |text| text % 3 == topic && (text / 3 + word) % 3 != 0);
                (
                    format!("t{topic}w{word}").into(),
                    texts.map(|text| (text, 1 + word % 2)).collect(),
                )
            })
        })
        .chain([("zz".into(), (0..120).map(|text| (text, 1)).collect())])
        .collect()
}

#[test]
fn words_that_keep_like_company_are_near() {
    let lsa = Lsa { rank: 3, ..Lsa::default() };
    let model = Model::of(&lists(), 120, lsa, &|| false).unwrap();
    assert_eq!(model.rank(), 3);
    let place = |term: &str| {
        let mut placer = Placer::new(&model);
        placer.see(term, 1);
        placer.place().unwrap()
    };
    let near = |one: &str, other: &str| Needle::new(&place(one)).likeness(&place(other));
    assert!(near("t0w0", "t0w1") > 0.9, "{}", near("t0w0", "t0w1"));
    assert!(near("t0w0", "t1w0").abs() < 0.1, "{}", near("t0w0", "t1w0"));
    let mut unknown = Placer::new(&model);
    unknown.see("never seen", 1);
    assert_eq!(unknown.place(), None);
}

/// The range found by chance holds as much of the matrix as the best one of that rank.
#[test]
fn the_space_is_the_best_of_its_rank() {
    let lists: Vec<TermTexts> = (0..60u32)
        .map(|term| {
            let texts = (0..200u32).filter(move |text| (text * 7 + term * term * 13) % 11 < 3);
            (format!("{term:03}").into(), texts.map(|text| (text, 1 + (text + term) % 3)).collect())
        })
        .collect();
    let (weights, best) = fit::tests::weights_and_spectrum(&lists, 200);
    let basis = fit::tests::basis_of(&weights, 10);
    let held: f64 = weights.times(&basis).gram().iter().step_by(11).sum();
    let most: f64 = best.iter().take(10).sum();
    assert!(held > 0.999 * most && held < 1.001 * most, "{held} of {most}");
}

#[test]
fn a_model_is_made_again_bit_by_bit_and_stops_when_told() {
    let make = || Model::of(&lists(), 120, Lsa::default(), &|| false).unwrap();
    let (one, other) = (make(), make());
    assert_eq!(one.basis, other.basis);
    assert!(one.rank() <= 25);
    assert!(Model::of(&lists(), 120, Lsa::default(), &|| true).is_none());
    assert_eq!(Model::of(&[], 0, Lsa::default(), &|| false).unwrap().rank(), 0);
    let few = Lsa { least_texts: 121, ..Lsa::default() };
    assert_eq!(Model::of(&lists(), 120, few, &|| false).unwrap().rank(), 0);
    let part = Lsa { most_texts: 40, most_terms: 5, ..Lsa::default() };
    assert!(Model::of(&lists(), 120, part, &|| false).unwrap().rank() <= 5);
}
