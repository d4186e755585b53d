//! Places of texts, a byte a dimension.

/// Places by number of text; texts without a place are like nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vectors {
    rank: usize,
    cells: Vec<i8>,
    /// What a step of a text's cells is worth; 0 without a place.
    steps: Vec<f32>,
}

/// A place to compare with.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    cells: Vec<i16>,
    step: f64,
}

/// Steps of a needle: the sum of 2^16 products still fits into 32 bits.
const FINE: f32 = 255.0;
const LANES: usize = 16;

impl Vectors {
    pub(crate) fn new(rank: usize) -> Self {
        Self { rank, cells: Vec::new(), steps: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.cells.capacity() + self.steps.capacity() * size_of::<f32>()
    }

    /// Add the place of the next text.
    pub(crate) fn push(&mut self, place: Option<&[f32]>) {
        let place = place.filter(|place| place.len() == self.rank);
        let step = place.map_or(0.0, |place| largest(place) / f32::from(i8::MAX));
        match place {
            Some(place) if step > 0.0 => {
                self.cells.extend(place.iter().map(|value| rounded(value / step)));
            }
            _ => self.cells.resize(self.cells.len() + self.rank, 0),
        }
        self.steps.push(step);
    }

    /// Forget the place of a text.
    pub(crate) fn clear(&mut self, text: usize) {
        if let Some(step) = self.steps.get_mut(text) {
            *step = 0.0;
        }
        let cells = self.cells.get_mut(text * self.rank..(text + 1) * self.rank);
        cells.unwrap_or_default().fill(0);
    }

    /// A text's place along the needle: the cosine of their angle times the length of the place; 0
    /// without a place.
    pub(crate) fn likeness(&self, text: usize, needle: &Needle) -> f64 {
        let Some(&step) = self.steps.get(text).filter(|&&step| step > 0.0) else { return 0.0 };
        let cells = self.cells.get(text * self.rank..(text + 1) * self.rank).unwrap_or_default();
        let product = product(cells, &needle.cells);
        f64::from(product) * f64::from(step) * needle.step
    }

    /// Add a text's place to a sum of places.
    pub(crate) fn add_to(&self, sum: &mut [f32], text: usize) {
        let Some(&step) = self.steps.get(text) else { return };
        let cells = self.cells.get(text * self.rank..(text + 1) * self.rank).unwrap_or_default();
        for (sum, &cell) in sum.iter_mut().zip(cells) {
            *sum += step * f32::from(cell);
        }
    }
}

impl Needle {
    /// The direction of a place.
    pub(crate) fn new(place: &[f32]) -> Self {
        let step = (largest(place) / FINE).max(f32::MIN_POSITIVE);
        #[expect(clippy::cast_possible_truncation, reason = "within the steps of a needle")]
        let cells = place.iter().map(|value| (value / step).round() as i16).collect();
        Self { cells, step: f64::from(step) / super::length(place) }
    }

    /// Cosine of the angle between this and a place of any length.
    pub(crate) fn likeness(&self, place: &[f32]) -> f64 {
        let (mut product, mut square) = (0.0f64, 0.0f64);
        for (&value, &cell) in place.iter().zip(&self.cells) {
            product += f64::from(value) * f64::from(cell);
            square += f64::from(value).powi(2);
        }
        if square > 0.0 { product * self.step / square.sqrt() } else { 0.0 }
    }
}

/// In lanes, which compilers turn into vector code.
fn product(cells: &[i8], needle: &[i16]) -> i32 {
    let (left, right) = (cells.chunks_exact(LANES), needle.chunks_exact(LANES));
    let rest = left.remainder().iter().zip(right.remainder());
    let mut sum: i32 = rest.map(|(&one, &other)| i32::from(one) * i32::from(other)).sum();
    for (one, other) in left.zip(right) {
        let pairs = one.iter().zip(other);
        sum +=
            pairs.map(|(&one, &other)| i32::from(i16::from(one)) * i32::from(other)).sum::<i32>();
    }
    sum
}

fn largest(place: &[f32]) -> f32 {
    place.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

#[expect(clippy::cast_possible_truncation, reason = "within the range of a byte by its scale")]
fn rounded(value: f32) -> i8 {
    value.round() as i8
}
