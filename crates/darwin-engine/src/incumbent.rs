//! The best point of a run so far.

use crate::{
    Result,
    codec::{Reader, Writer},
};

/// Genes and cost of the best point; of cost infinity while there is none.
#[derive(Debug)]
pub(crate) struct Incumbent {
    x: Vec<f64>,
    cost: f64,
}

impl Incumbent {
    pub(crate) fn new(dimension: usize) -> Self {
        Self { x: vec![0.0; dimension], cost: f64::INFINITY }
    }

    /// Coordinates of a point.
    pub(crate) fn dimension(&self) -> usize {
        self.x.len()
    }

    /// Take a point if it is better.
    pub(crate) fn meet(&mut self, row: &[f64], cost: f64) {
        if cost < self.cost {
            self.cost = cost;
            self.x.copy_from_slice(row);
        }
    }

    /// Its genes and cost.
    pub(crate) fn get(&self) -> (&[f64], f64) {
        (&self.x, self.cost)
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        writer.reals(&self.x);
        writer.real(self.cost);
    }

    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.x = reader.exactly(self.x.len())?;
        self.cost = reader.real()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_better_is_taken_and_a_checkpoint_holds_it() {
        let mut best = Incumbent::new(2);
        best.meet(&[1.0, 2.0], f64::INFINITY);
        assert!(best.get().1.is_infinite());
        best.meet(&[1.0, 2.0], 3.0);
        best.meet(&[9.0, 9.0], 3.0);
        let mut writer = Writer::new();
        best.save(&mut writer);
        let bytes = writer.finish();
        let mut other = Incumbent::new(2);
        other.load(&mut Reader::new(&bytes).unwrap()).unwrap();
        assert_eq!(other.get(), (&[1.0, 2.0][..], 3.0));
        assert!(Incumbent::new(3).load(&mut Reader::new(&bytes).unwrap()).is_err());
    }
}
