//! A convergence history of bounded length.

use crate::{
    Result,
    codec::{Reader, Writer},
};

/// Best so far after a generation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Generation; 0 is the initial sample.
    pub generation: u64,
    /// Evaluations so far.
    pub evals: u64,
    /// Best objective value so far; `None` while no value was finite.
    pub f: Option<f64>,
}

/// Keeps every `stride`-th generation and doubles the stride when full, so that it holds between
/// half and all of its points, evenly spread, whatever the length of the run.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    points: Vec<Point>,
    limit: usize,
    stride: u64,
    last: Option<Point>,
}

impl Trace {
    /// At most `limit` points, at least two.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.max(2);
        Self { points: Vec::with_capacity(limit), limit, stride: 1, last: None }
    }

    pub(crate) fn record(&mut self, point: Point) {
        self.last = Some(point);
        if !point.generation.is_multiple_of(self.stride) {
            return;
        }
        // The last place stays free for the last generation.
        if self.points.len() + 1 == self.limit {
            self.stride *= 2;
            let stride = self.stride;
            self.points.retain(|kept| kept.generation.is_multiple_of(stride));
            if !point.generation.is_multiple_of(stride) {
                return;
            }
        }
        self.points.push(point);
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        writer.int(self.stride);
        let points: Vec<Point> = self.points.iter().copied().chain(self.last).collect();
        writer.size(points.len());
        for Point { generation, evals, f } in points {
            writer.int(generation);
            writer.int(evals);
            // No finite value is written as one that is not a number.
            writer.real(f.unwrap_or(f64::NAN));
        }
    }

    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.stride = reader.int()?;
        let count = reader.size()?;
        reader.check(self.stride > 0 && count <= self.limit + 1)?;
        for _ in 0..count {
            let (generation, evals, f) = (reader.int()?, reader.int()?, reader.real()?);
            self.points.push(Point { generation, evals, f: Some(f).filter(|f| !f.is_nan()) });
        }
        self.last = self.points.pop();
        Ok(())
    }

    /// The points, the last generation among them.
    pub(crate) fn finish(&self) -> Vec<Point> {
        let mut points = self.points.clone();
        if let Some(last) = self.last
            && points.last() != Some(&last)
        {
            points.push(last);
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(limit: usize, generations: u64) -> Vec<u64> {
        let mut trace = Trace::new(limit);
        for generation in 0..generations {
            trace.record(Point { generation, evals: generation, f: Some(0.0) });
        }
        trace.finish().iter().map(|point| point.generation).collect()
    }

    #[test]
    fn keeps_ends_and_bound() {
        for limit in 2..40 {
            for generations in 1..200 {
                let kept = trace(limit, generations);
                assert!(kept.len() <= limit, "{limit} {generations} {kept:?}");
                assert_eq!(kept.first(), Some(&0));
                assert_eq!(kept.last(), Some(&(generations - 1)));
                assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }
    }

    #[test]
    fn short_runs_are_kept_whole() {
        assert_eq!(trace(20, 5), [0, 1, 2, 3, 4]);
        assert!(trace(20, 1000).len() >= 10);
        assert!(trace(3, 0).is_empty());
    }
}
