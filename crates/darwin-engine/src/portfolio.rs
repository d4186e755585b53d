//! What `auto` takes for real variables: one run of CMA-ES, a pass along the axes, then CMA-ES with
//! BIPOP restarts to the end of the budget. The first step loses nothing where CMA-ES succeeds; the
//! second costs about 200 evaluations for each variable and solves what is separable.

use crate::{
    Algorithm, Result, Seed,
    axis::AxisSearch,
    cma::{Cma, CmaSettings},
    codec::{Reader, Writer},
    method::Method,
};

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "portfolio",
    title: "CMA-ES, axis search, BIPOP",
    summary: "One run of CMA-ES, one pass along the axes, then CMA-ES with BIPOP restarts",
    representation: "real",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Real variables when little is known of the function: as CMA-ES, and separable \
                    functions with many minima too",
    parameters: &[],
    sources: &["Hansen (2009)", "Pošík & Baudiš (2015)", "Brent (1973)"],
    revision: 1,
};

/// The portfolio.
#[derive(Debug)]
pub(crate) struct Portfolio {
    dimension: usize,
    cma: Cma,
    best: Vec<f64>,
    best_cost: f64,
    /// Present while its pass runs.
    axes: Option<AxisSearch>,
    passed: bool,
}

impl Portfolio {
    pub(crate) fn new(dimension: usize, settings: CmaSettings, seed: Seed) -> Self {
        Self {
            dimension,
            cma: Cma::new(dimension, settings, seed),
            best: vec![0.5; dimension],
            best_cost: f64::INFINITY,
            axes: None,
            passed: false,
        }
    }
}

impl Method for Portfolio {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        match &self.axes {
            Some(axes) => axes.ask(rows),
            None => self.cma.ask(rows),
        }
    }

    fn tell(&mut self, rows: &[f64], costs: &[f64]) {
        for (row, cost) in rows.chunks_exact(self.dimension).zip(costs) {
            if *cost < self.best_cost {
                self.best_cost = *cost;
                self.best.copy_from_slice(row);
            }
        }
        if let Some(axes) = &mut self.axes {
            axes.tell(costs);
            if axes.is_finished() {
                self.axes = None;
            }
            return;
        }
        self.cma.tell(rows, costs);
        if !self.passed && self.cma.runs() > 1 {
            self.passed = true;
            self.axes = Some(AxisSearch::new(self.best.clone(), self.best_cost));
        }
    }

    fn save(&self, writer: &mut Writer) {
        writer.reals(&self.best);
        writer.real(self.best_cost);
        writer.int(u64::from(self.passed));
        writer.int(u64::from(self.axes.is_some()));
        if let Some(axes) = &self.axes {
            axes.save(writer);
        }
        self.cma.save(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.best = reader.exactly(self.dimension)?;
        self.best_cost = reader.real()?;
        self.passed = reader.int()? == 1;
        self.axes = match reader.int()? {
            1 => Some(AxisSearch::load(self.dimension, reader)?),
            _ => None,
        };
        self.cma.load(reader)
    }
}
