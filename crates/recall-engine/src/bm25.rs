//! BM25 in Lucene's form.

/// Parameters of BM25.
///
/// `idf = ln(1 + (N - n + 0.5) / (n + 0.5))` and, per term of the query,
/// `idf * tf / (tf + k1 (1 - b + b len / mean))`: Robertson and Zaragoza, "The Probabilistic
/// Relevance Framework" (2009), section 3.4, without the constant factor `k1 + 1` and with the
/// idf that Lucene uses, which is never negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25 {
    /// How soon repeats of a term stop to count, >= 0.
    pub k1: f64,
    /// How much long texts are held back, 0-1.
    pub b: f64,
    /// Weight of neighbouring word pairs beside words, >= 0.
    pub pairs: f64,
}

impl Default for Bm25 {
    /// `k1` 1.2, `b` 0.75, pairs 0.2.
    fn default() -> Self {
        Self { k1: 1.2, b: 0.75, pairs: 0.2 }
    }
}

impl Bm25 {
    /// Weight of a term that `containing` of `total` texts contain.
    pub fn idf(total: u32, containing: u32) -> f64 {
        let (total, containing) = (f64::from(total), f64::from(containing));
        (1.0 + (total - containing + 0.5) / (containing + 0.5)).ln()
    }

    /// Share of the idf that `frequency` occurrences earn in a text of `length` units, where texts
    /// have `mean` units on average: in [0, 1).
    pub fn saturation(self, frequency: u32, length: u32, mean: f64) -> f64 {
        let frequency = f64::from(frequency);
        let relative = if mean > 0.0 { f64::from(length) / mean } else { 1.0 };
        frequency / (frequency + self.k1 * (1.0 - self.b + self.b * relative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idf_is_never_negative_and_falls() {
        let all: Vec<f64> = (0..=10).map(|containing| Bm25::idf(10, containing)).collect();
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
        assert!(all[10] > 0.0);
        assert!((Bm25::idf(10, 3) - (1.0f64 + 7.5 / 3.5).ln()).abs() < 1e-15);
    }

    #[test]
    fn saturation_is_bounded() {
        let bm25 = Bm25::default();
        assert!(bm25.saturation(0, 10, 10.0).abs() < 1e-15);
        assert!((bm25.saturation(1, 10, 10.0) - 1.0 / 2.2).abs() < 1e-15);
        assert!(bm25.saturation(u32::MAX, 1, 1.0) < 1.0);
        assert!(bm25.saturation(1, 0, 0.0).is_finite());
    }
}
