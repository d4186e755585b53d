//! How many evaluations a caller may have us make in a second.
//!
//! Every caller has an account that fills at the rate and holds a few seconds of it. What was evaluated
//! is taken from it afterwards, so it may be overdrawn; until it is not, calls are refused with the time
//! that takes, and stored runs wait for it. What callers evaluate themselves costs nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mcp_core::prelude::*;
use tokio::time::Instant;

use crate::{Error, Server};

/// Seconds of the rate that an account holds.
const HELD_S: f64 = 2.0;
/// Accounts that are kept although they are full.
const REMEMBERED: usize = 1000;
/// The longest that a debt keeps a caller out: longer ones are forgiven.
const LONGEST: Duration = Duration::from_secs(600);

/// The accounts of all callers. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Quotas(Option<Arc<Accounts>>);

#[derive(Debug)]
struct Accounts {
    /// Evaluations in a second.
    rate: f64,
    begun: Instant,
    all: Mutex<BTreeMap<Arc<str>, Account>>,
}

/// What a caller has left, and since when.
#[derive(Debug, Clone, Copy)]
struct Account {
    balance: f64,
    at: Duration,
}

/// Takes what was evaluated from a caller's account.
#[derive(Debug, Clone)]
pub(crate) struct Spending {
    quotas: Quotas,
    owner: Arc<str>,
}

impl Account {
    fn new(rate: f64, at: Duration) -> Self {
        Self { balance: HELD_S * rate, at }
    }

    fn fill(&mut self, rate: f64, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.balance = (self.balance + passed * rate).min(HELD_S * rate);
        self.at = now;
    }

    #[expect(clippy::cast_precision_loss, reason = "evaluations are at most 1e9 a run")]
    fn take(&mut self, rate: f64, evals: u64) {
        self.balance = (self.balance - evals as f64).max(-rate * LONGEST.as_secs_f64());
    }

    /// Until it is not overdrawn; none when it is not.
    fn wait(&self, rate: f64) -> Option<Duration> {
        (self.balance < 0.0).then(|| Duration::from_secs_f64(-self.balance / rate))
    }
}

impl Quotas {
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        let accounts = |rate: u32| {
            let (begun, all) = (Instant::now(), Mutex::default());
            Arc::new(Accounts { rate: rate.into(), begun, all })
        };
        Self(per_second.map(accounts))
    }

    /// How long a caller must wait; none for most.
    pub(crate) fn owed(&self, owner: &Arc<str>) -> Option<Duration> {
        let accounts = self.0.as_ref()?;
        accounts.with(owner, |account| account.wait(accounts.rate))
    }

    /// Wait until a caller may go on.
    pub(crate) async fn settle(&self, owner: &Arc<str>) {
        while let Some(wait) = self.owed(owner) {
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    pub(crate) fn add(&self, owner: &Arc<str>, evals: u64) {
        if let Some(accounts) = &self.0 {
            accounts.with(owner, |account| account.take(accounts.rate, evals));
        }
    }
}

impl Accounts {
    fn with<T>(&self, owner: &Arc<str>, work: impl FnOnce(&mut Account) -> T) -> T {
        let now = self.begun.elapsed();
        let mut all = self.lock();
        if all.len() >= REMEMBERED && !all.contains_key(owner) {
            all.retain(|_, account| {
                account.fill(self.rate, now);
                account.balance < HELD_S * self.rate
            });
        }
        let account = all.entry(Arc::clone(owner)).or_insert_with(|| Account::new(self.rate, now));
        account.fill(self.rate, now);
        work(account)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Account>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spending {
    /// Evaluations that were made.
    pub(crate) fn add(&self, evals: u64) {
        self.quotas.add(&self.owner, evals);
    }
}

impl Server {
    /// Let a caller evaluate, unless its account is overdrawn.
    pub(crate) fn spend(&self, principal: &Principal) -> Result<Spending> {
        let (quotas, owner) = (self.quotas().clone(), principal.shared_id());
        match quotas.owed(&owner) {
            Some(wait) => Err(Error::Quota { wait }.into()),
            None => Ok(Spending { quotas, owner }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_fills_to_its_brim_and_pays_its_debts() {
        let second = Duration::from_secs;
        let mut account = Account::new(100.0, second(0));
        assert_eq!(account.wait(100.0), None);
        account.take(100.0, 500);
        assert_eq!(account.wait(100.0), Some(second(3)));
        account.fill(100.0, second(2));
        assert_eq!(account.wait(100.0), Some(second(1)));
        account.fill(100.0, second(3));
        assert_eq!(account.wait(100.0), None);
        account.fill(100.0, second(1000));
        assert!((account.balance - 200.0).abs() < 1e-9);
        account.take(100.0, u64::MAX);
        assert_eq!(account.wait(100.0), Some(LONGEST));
    }

    #[test]
    fn callers_have_accounts_of_their_own_and_full_ones_are_forgotten() {
        let quotas = Quotas::new(Some(10));
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        quotas.add(&one, 1_000_000);
        assert!(quotas.owed(&one).is_some_and(|wait| wait > Duration::from_secs(500)));
        assert_eq!(quotas.owed(&other), None);
        for number in 0..3 * REMEMBERED {
            quotas.owed(&number.to_string().into());
        }
        let accounts = quotas.0.as_ref().unwrap();
        assert!(accounts.lock().len() <= REMEMBERED + 1);
        assert!(quotas.owed(&one).is_some());
        let without = Quotas::new(None);
        without.add(&one, u64::MAX);
        assert_eq!(without.owed(&one), None);
    }
}
