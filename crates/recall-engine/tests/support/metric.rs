//! What an order of answers is worth.

/// Figures of one question, or means of many.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) ndcg_10: f64,
    pub(crate) recall_5: f64,
    pub(crate) recall_10: f64,
    pub(crate) recall_100: f64,
    /// 1 / rank of the first relevant among the first 10.
    pub(crate) mrr_10: f64,
}

impl Figures {
    /// Of a ranked list, grades 0 and 1; nDCG is discounted by log2(rank + 1).
    pub(crate) fn of(ranked: &[&str], relevant: &[String]) -> Self {
        let hit = |id: &&str| relevant.iter().any(|wanted| wanted == id);
        let recall = |k: usize| {
            count(ranked.iter().take(k).filter(|id| hit(id)).count()) / count(relevant.len())
        };
        let gains = (1u32..).zip(ranked).take(10).filter(|(_, id)| hit(id));
        let ideal: f64 = (1u32..).take(relevant.len().min(10)).map(discount).sum();
        Self {
            ndcg_10: gains.clone().map(|(rank, _)| discount(rank)).sum::<f64>() / ideal,
            recall_5: recall(5),
            recall_10: recall(10),
            recall_100: recall(100),
            mrr_10: gains.clone().next().map_or(0.0, |(rank, _)| 1.0 / f64::from(rank)),
        }
    }

    pub(crate) fn mean(all: &[Self]) -> Self {
        let mean = |value: fn(&Self) -> f64| all.iter().map(value).sum::<f64>() / count(all.len());
        Self {
            ndcg_10: mean(|figures| figures.ndcg_10),
            recall_5: mean(|figures| figures.recall_5),
            recall_10: mean(|figures| figures.recall_10),
            recall_100: mean(|figures| figures.recall_100),
            mrr_10: mean(|figures| figures.mrr_10),
        }
    }
}

fn discount(rank: u32) -> f64 {
    1.0 / f64::from(rank + 1).log2()
}

pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
