//! Namespaces: who may enter which, and what each holds.
//!
//! Each has a directory and in it a store of its own: rows, journal, index, statistics, backups. So
//! neither a score nor a raw read can tell anything of another, and restore and vacuum touch one
//! alone. [`Spaces::enter`] is the only way in.

mod name;
mod rights;
mod sheet;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use mcp_core::{
    Principal,
    cursor::{Cursor, Pages},
    prelude::{StartContext, StartError},
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};

use self::sheet::Sheet;
use crate::{
    Config, Error,
    backup::Backups,
    error::Quota,
    knowledge::{Knowledge, Limits},
    moment::Moment,
    store::{OpenError, SurrealStore},
};

pub use rights::Access;
pub use sheet::Allowance;

pub(crate) use name::{Name, RULE};
pub(crate) use rights::{Rights, is_alone};

/// Most MiB of the write buffer, and of the cache, of a namespace that is not the default one: the
/// least that holds the largest write.
const SMALL_MIB: u32 = 16;
/// Raw reads of one namespace at a time.
const RAW_READS: usize = 2;
/// A namespace that nobody used for this long is closed; the next call opens it again.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Namespaces below a home that is not the operator's own.
const BELOW: usize = 50;

/// One namespace, open.
#[derive(Debug)]
pub(crate) struct Space {
    name: Name,
    knowledge: Knowledge<SurrealStore>,
    backups: Backups,
    /// Turns of raw reads, which may be heavy.
    raw_reads: Semaphore,
    used_at: Mutex<Instant>,
}

impl Space {
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn knowledge(&self) -> &Knowledge<SurrealStore> {
        &self.knowledge
    }

    pub(crate) fn backups(&self) -> &Backups {
        &self.backups
    }

    pub(crate) fn raw_reads(&self) -> &Semaphore {
        &self.raw_reads
    }

    /// Whether nobody has been here for this long, and nothing goes on.
    fn is_idle(self: &Arc<Self>, since: Duration) -> bool {
        let alone = Arc::strong_count(self) == 1 && self.knowledge.is_at_rest();
        alone && self.used_at().elapsed() >= since
    }

    fn used_at(&self) -> Instant {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The cursors of a listing for a caller, of no use in another namespace.
    pub(crate) fn pages(&self, listing: &Cursor, caller: &Principal) -> Pages {
        let bound = format!("{}\0{}", caller.id(), self.name);
        listing.of(Principal::new(bound, None, None))
    }
}

/// All namespaces of a state directory. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Spaces(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: PathBuf,
    backups: PathBuf,
    config: Config,
    rights: Rights,
    context: StartContext,
    /// Those that were made.
    sheets: RwLock<BTreeMap<Name, Sheet>>,
    slots: Mutex<HashMap<Name, Arc<Slot>>>,
}

/// The place of an open namespace.
#[derive(Debug, Default)]
struct Slot {
    held: RwLock<Option<Arc<Space>>>,
    /// Held while it is opened or closed.
    turn: tokio::sync::Mutex<()>,
}

/// A namespace that a caller may enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) name: Name,
    pub(crate) access: Access,
    pub(crate) is_home: bool,
}

/// A namespace that was made, or was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) name: Name,
    pub(crate) is_new: bool,
    pub(crate) created_at: String,
    /// The bounds that count.
    pub(crate) quota: Allowance,
}

impl Spaces {
    /// Look at the namespaces of a state directory; open the default one.
    pub(crate) async fn open(
        state: PathBuf,
        config: Config,
        context: StartContext,
    ) -> Result<(Self, Arc<Space>), StartError> {
        let rights = Rights::of(&config)?;
        let sheets = sheet::read_all(&state).map_err(|error| {
            let message = format!("the namespaces in {} cannot be read: {error}", state.display());
            StartError::unavailable(message).with_hint("check the owner of the directory")
        })?;
        let backups =
            config.backup_dir.as_ref().map_or_else(|| state.join("backups"), PathBuf::from);
        let (sheets, slots) = (RwLock::new(sheets), Mutex::default());
        let inner = Inner { state, backups, config, rights, context, sheets, slots };
        let spaces = Self(Arc::new(inner));
        let home = Name::default_one();
        let slot = spaces.slot(&home);
        let _turn = slot.turn.lock().await;
        let space = spaces.start(home).await.map_err(|error| spaces.not_open(&error))?;
        *slot.write() = Some(Arc::clone(&space));
        let tended = spaces.clone();
        spaces.0.context.spawn("namespaces", async move { tended.tend().await });
        Ok((spaces, space))
    }

    /// Enter a namespace, the home of the caller when none is named. The only door: what a caller may
    /// not enter is for it not there, with the very words for what is not.
    ///
    /// # Errors
    /// `not_found`; `namespace_read_only`.
    pub(crate) async fn enter(
        &self,
        caller: &Principal,
        asked: Option<&str>,
        need: Access,
    ) -> Result<Arc<Space>, Error> {
        self.enter_named(caller, asked, need, "/namespace").await
    }

    /// The same with the place of the name among the arguments.
    pub(crate) async fn enter_named(
        &self,
        caller: &Principal,
        asked: Option<&str>,
        need: Access,
        field: &str,
    ) -> Result<Arc<Space>, Error> {
        let rights = &self.0.rights;
        let name = match asked {
            Some(asked) => Name::parse(asked).ok_or_else(|| unknown(field))?,
            None => rights.home(caller),
        };
        let granted = rights.access(caller, &name).ok_or_else(|| unknown(field))?;
        if !self.is_there(&name) && !rights.is_given(caller, &name) {
            return Err(unknown(field));
        }
        if granted < need {
            return Err(Error::NamespaceReadOnly {
                field: field.to_owned(),
                name: name.to_string(),
            });
        }
        self.get(name).await
    }

    /// Namespaces that a caller may enter, its home first.
    pub(crate) fn granted(&self, caller: &Principal) -> Vec<Granted> {
        let rights = &self.0.rights;
        let home = rights.home(caller);
        let mut names: Vec<Name> = self.sheets().keys().cloned().collect();
        names.extend(rights.granted(caller).cloned());
        if is_alone(caller) || rights.access(caller, &Name::default_one()).is_some() {
            names.push(Name::default_one());
        }
        names.push(home.clone());
        names.sort_by(|one, other| (*one != home, one).cmp(&(*other != home, other)));
        names.dedup();
        let names = names.into_iter().filter_map(|name| {
            let access = rights.access(caller, &name)?;
            Some(Granted { is_home: name == home, access, name })
        });
        names.collect()
    }

    /// Make a namespace below the home of a caller, or set the quota of one that is there.
    ///
    /// # Errors
    /// `not_found` for a name that is not the caller's; `quota_exceeded`.
    pub(crate) async fn create(
        &self,
        caller: &Principal,
        asked: &str,
        quota: Option<Allowance>,
    ) -> Result<Made, Error> {
        let name = Name::parse(asked)
            .ok_or_else(|| Error::invalid("/name", format!("{RULE}, below your home")))?;
        if !self.0.rights.may_create(caller, &name) {
            let home = self.0.rights.home(caller);
            return Err(Error::invalid("/name", format!("must lie below your home: {home}/...")));
        }
        let is_new = !self.is_there(&name);
        if is_new {
            self.room_below(caller, &name)?;
        }
        let made = self.write_sheet(&name, quota)?;
        let space = self.get(name.clone()).await?;
        let limits = self.limits(&name);
        space.knowledge.bound(limits);
        Ok(Made { is_new, created_at: made.created_at, quota: limits.allowance, name })
    }

    /// How much a namespace may hold.
    fn limits(&self, name: &Name) -> Limits {
        let config = &self.0.config;
        let given = |name: &str| config.quotas.get(name).copied().unwrap_or_default();
        let set = self.sheets().get(name).map(|sheet| sheet.quota).unwrap_or_default();
        // The operator's word for this one, else the one for all; its maker may only narrow it.
        let given = if config.quotas.contains_key(name.as_str()) {
            given(name.as_str())
        } else {
            given("*")
        };
        Limits {
            memories: config.max_memories,
            graph_bytes: usize::try_from(config.max_graph_mib).unwrap_or(usize::MAX) << 20,
            chunks: config.max_chunks,
            allowance: given.within(set),
        }
    }

    /// Finish what is queued everywhere and close all stores.
    pub(crate) async fn close(&self) {
        let slots: Vec<Arc<Slot>> = self.slots().drain().map(|(_, slot)| slot).collect();
        for slot in slots {
            let _turn = slot.turn.lock().await;
            let space = slot.write().take();
            if let Some(space) = space {
                space.knowledge.close().await;
            }
        }
    }

    /// Close what nobody uses, until the server stops.
    async fn tend(&self) {
        loop {
            tokio::select! {
                () = self.0.context.shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
            for slot in slots {
                Self::rest(&slot, IDLE).await;
            }
        }
    }

    /// Close those that were not used for longest, until so many are open, or those left are in use.
    async fn close_some(&self, most: usize) {
        let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
        let used = |slot: Arc<Slot>| {
            let at = slot.read().as_ref().map(|space| space.used_at())?;
            Some((at, slot))
        };
        let mut open: Vec<(Instant, Arc<Slot>)> = slots.into_iter().filter_map(used).collect();
        open.sort_by_key(|(at, _)| *at);
        let mut over = open.len().saturating_sub(most);
        for (_, slot) in open {
            if over == 0 {
                return;
            }
            over -= usize::from(Self::rest(&slot, Duration::ZERO).await);
        }
    }

    /// Close a namespace if nobody has used it for this long; whether it was closed.
    async fn rest(slot: &Slot, since: Duration) -> bool {
        // Who opens it again waits for the end of this. One that is being opened is not waited for: who
        // opens one may be here to close another.
        let Ok(_turn) = slot.turn.try_lock() else { return false };
        let space = {
            let mut held = slot.write();
            if held.as_ref().is_some_and(|space| space.is_idle(since)) { held.take() } else { None }
        };
        let Some(space) = space else { return false };
        space.knowledge.close().await;
        tracing::info!(name = %space.name, "a namespace that is not in use is closed");
        true
    }

    fn is_there(&self, name: &Name) -> bool {
        name.is_default() || self.sheets().contains_key(name)
    }

    /// Whether a namespace is there, or there is room for it.
    fn room_for(&self, name: &Name) -> Result<(), Error> {
        let limit = self.0.config.max_namespaces as usize;
        if !self.is_there(name) && self.sheets().len() >= limit {
            return Err(Error::QuotaExceeded(Quota::Namespaces { limit }));
        }
        Ok(())
    }

    /// Whether there is room for one more namespace below the home of a caller.
    fn room_below(&self, caller: &Principal, name: &Name) -> Result<(), Error> {
        self.room_for(name)?;
        let sheets = self.sheets();
        let home = self.0.rights.home(caller);
        let below = sheets.keys().filter(|held| home.is_above(held)).count();
        if !is_alone(caller) && home.is_above(name) && below >= BELOW {
            return Err(Error::QuotaExceeded(Quota::Below { limit: BELOW }));
        }
        Ok(())
    }

    /// Write down that a namespace is there.
    fn write_sheet(&self, name: &Name, quota: Option<Allowance>) -> Result<Sheet, Error> {
        let mut sheets = self.0.sheets.write().unwrap_or_else(PoisonError::into_inner);
        let sheet = match (sheets.get(name), quota) {
            (Some(known), None) => return Ok(known.clone()),
            (Some(known), Some(quota)) => Sheet { quota, ..known.clone() },
            (None, quota) => Sheet::new(name, Moment::now(), quota.unwrap_or_default()),
        };
        sheet::write(&self.0.state, name, &sheet)?;
        sheets.insert(name.clone(), sheet.clone());
        Ok(sheet)
    }

    /// An open namespace, opened or made if need be.
    async fn get(&self, name: Name) -> Result<Arc<Space>, Error> {
        self.room_for(&name)?;
        let slot = self.slot(&name);
        if let Some(space) = slot.read().clone() {
            space.touch();
            return Ok(space);
        }
        let (answer, wait) = oneshot::channel();
        let spaces = self.clone();
        // A task of its own: a caller who goes away leaves no store half open.
        self.0.context.spawn("namespace", async move {
            let opened = spaces.fill(&slot, name).await;
            drop(answer.send(opened));
        });
        wait.await.map_err(|_| Error::Stopping)?
    }

    async fn fill(&self, slot: &Slot, name: Name) -> Result<Arc<Space>, Error> {
        let _turn = slot.turn.lock().await;
        if let Some(space) = slot.read().clone() {
            return Ok(space);
        }
        if self.0.context.shutdown.is_cancelled() {
            return Err(Error::Stopping);
        }
        if !self.is_there(&name) {
            self.room_for(&name)?;
            self.write_sheet(&name, None)?;
        }
        let space = self.start(name.clone()).await.map_err(|error| {
            tracing::error!(%name, %error, "the store of a namespace did not open");
            Error::StoreCorrupt(
                "the store of this namespace did not open; the log says why".to_owned(),
            )
        })?;
        *slot.write() = Some(Arc::clone(&space));
        self.close_some(self.0.config.max_open_namespaces as usize).await;
        Ok(space)
    }

    async fn start(&self, name: Name) -> Result<Arc<Space>, OpenError> {
        let Inner { state, backups, config, context, .. } = &*self.0;
        let home = sheet::home_of(state, &name);
        let mut sizes = config.clone();
        if !name.is_default() {
            // The write buffer is taken whole when a store is opened, and there may be many.
            sizes.store_buffer_mib = sizes.store_buffer_mib.min(SMALL_MIB);
            sizes.store_cache_mib = sizes.store_cache_mib.min(SMALL_MIB);
        }
        let store = Box::pin(open_store(&home, &sizes)).await?;
        let limits = self.limits(&name);
        let knowledge = Knowledge::start(store, limits, Arc::new(Moment::now), context);
        let backups =
            if name.is_default() { backups.clone() } else { backups.join(name.directory()) };
        let (backups, raw_reads) = (Backups::new(backups), Semaphore::new(RAW_READS));
        let used_at = Mutex::new(Instant::now());
        Ok(Arc::new(Space { name, knowledge, backups, raw_reads, used_at }))
    }

    fn slot(&self, name: &Name) -> Arc<Slot> {
        Arc::clone(self.slots().entry(name.clone()).or_default())
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Name, Arc<Slot>>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sheets(&self) -> RwLockReadGuard<'_, BTreeMap<Name, Sheet>> {
        self.0.sheets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn not_open(&self, error: &OpenError) -> StartError {
        let message = format!("the store in {} did not open: {error}", self.0.state.display());
        match error {
            OpenError::Held => StartError::unavailable(message)
                .with_hint("stop the other process, or name another directory with --state-dir"),
            OpenError::Newer(_) => StartError::config(message)
                .with_hint("run the newer binary, or name another directory with --state-dir"),
            OpenError::Failed(_) => StartError::unavailable(message).with_hint(
                "check the disk and the owner of the directory; keep a copy of it before anything else",
            ),
        }
    }
}

impl Slot {
    fn read(&self) -> RwLockReadGuard<'_, Option<Arc<Space>>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Arc<Space>>> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of a process that was killed are closed one by one: the lock of the state directory may
/// be free a moment before the store's own.
async fn open_store(dir: &Path, config: &Config) -> Result<SurrealStore, OpenError> {
    const LONGEST: Duration = Duration::from_secs(2);
    const LOOK: Duration = Duration::from_millis(10);
    let until = Instant::now() + LONGEST;
    loop {
        match SurrealStore::open_current(dir, config, Moment::now()).await {
            Err(OpenError::Held) if Instant::now() < until => tokio::time::sleep(LOOK).await,
            opened => return opened,
        }
    }
}

fn unknown(field: &str) -> Error {
    Error::NotFound {
        field: field.to_owned(),
        message: "no namespace of this name is open to you".to_owned(),
        hint: "get_schema names those that are; leave it out for your home",
    }
}

#[cfg(test)]
mod tests;
