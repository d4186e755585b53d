//! The store seen to, while writes wait.

use tokio::sync::watch;

use super::Writer;
use crate::{
    Error,
    backup::{self, Backups, Manifest, Reader},
    knowledge::{
        Finding, Kept, Readiness, State, Tell, Upkeep,
        import::{Bundle, Judge, Verdict},
    },
    moment::Moment,
    record::{Gather, Incoming, Record, Table},
    store::{Change, CommitError, Op, Store},
};

/// Rows read at a time.
const READ: usize = 1_000;
/// Findings that are told.
const LISTED: usize = 50;

impl<S: Store> Writer<'_, S> {
    pub(super) async fn upkeep(&mut self, upkeep: Upkeep, mut tell: Tell) -> Result<Kept, Error> {
        if let Some(doubt) = &self.doubt {
            return Err(doubt.clone());
        }
        let kept = match upkeep {
            Upkeep::Verify => self.verify(&mut tell).await?,
            Upkeep::Rebuild => self.rebuild(&mut tell).await?,
            Upkeep::Vacuum => {
                let now = self.next_moment();
                let other = self.shared.store().compacted(now).await?;
                self.shared.succeed(other, None).await?;
                Kept::default()
            }
            Upkeep::Restore { backups, manifest, replace } => {
                self.restore(&backups, *manifest, replace, &mut tell).await?
            }
        };
        Ok(Kept { seq: self.shared.read().seq, ..kept })
    }

    /// Whether every row of the store is known as it is, and nothing else.
    async fn verify(&self, tell: &mut Tell) -> Result<Kept, Error> {
        let store = self.shared.store();
        let mut kept = Kept::default();
        let mut total = 0;
        for table in Table::ALL {
            let mut after: Option<String> = None;
            loop {
                let rows = store.records(table, after.as_deref(), READ).await?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key());
                total += rows.len();
                *kept.rows.entry(table.label().to_owned()).or_default() += rows.len();
                {
                    let state = self.shared.read();
                    for row in &rows {
                        if let Some(what) = state.differs(row) {
                            kept.find(table, row.key(), what);
                        }
                    }
                }
                if !tell(total) {
                    return Err(Error::Cancelled);
                }
            }
        }
        let held = self.shared.read().counts();
        for (table, count) in held {
            let stored = kept.rows.get(table.label()).copied().unwrap_or(0);
            if stored != count {
                kept.find(table, String::new(), "the store holds another number of rows");
            }
        }
        let since = Moment::from_millis(i64::MAX / 2);
        let head = store.head(since).await?;
        let of = |tables: &[Table]| -> usize {
            tables.iter().filter_map(|table| kept.rows.get(table.label())).sum()
        };
        let graph = of(&[Table::Entity, Table::Observation, Table::Fact, Table::Merge]);
        let counted = [
            (Table::Memory, head.versions, of(&[Table::Memory])),
            (Table::Fact, head.graph, graph),
            (Table::Document, head.documents, of(&[Table::Document, Table::Chunk])),
        ];
        for (table, journal, stored) in counted {
            if journal != stored {
                kept.find(table, String::new(), "the journal counts another number of rows");
            }
        }
        Ok(kept)
    }

    /// Read the store into catalogue and index anew.
    async fn rebuild(&mut self, tell: &mut Tell) -> Result<Kept, Error> {
        let fresh = self.shared.fresh();
        let (progress, _) = watch::channel(Readiness::Building { done: 0, total: 0 });
        fresh.build(&progress).await?;
        let state = std::mem::take(&mut *fresh.write());
        let mut kept = Kept::default();
        let mut total = 0;
        for (table, count) in state.counts() {
            kept.rows.insert(table.label().to_owned(), count);
            total += count;
        }
        tell(total);
        self.shared.replace(state);
        Ok(kept)
    }

    async fn restore(
        &mut self,
        backups: &Backups,
        manifest: Manifest,
        replace: bool,
        tell: &mut Tell,
    ) -> Result<Kept, Error> {
        let is_empty = self.shared.read().is_empty();
        if !is_empty && !replace {
            return Err(Error::Conflict {
                field: "/replace".to_owned(),
                message: "must be true: the store is not empty".to_owned(),
                hint: "with replace true all that is stored gives way to the backup; a backup of it is made first",
            });
        }
        let file = backups.clone();
        let asked = manifest.clone();
        let opened = mcp_core::task::blocking(move || file.open(&asked)).await;
        let reader = opened.map_err(|_| Error::Stopping)??;
        let previous = if is_empty {
            None
        } else {
            self.shared.back_up(backups, &mut |_| true).await?.map(|manifest| manifest.id)
        };
        let store = self.shared.store().successor(self.next_moment()).await?;
        let filled = self.refill(&store, reader, &manifest, tell).await;
        let (state, kept) = match filled {
            Ok(filled) => filled,
            Err(error) => {
                store.remove().await;
                return Err(error);
            }
        };
        self.last_id = self.last_id.max(state.last_id());
        self.shared.succeed(store, Some(state)).await?;
        Ok(Kept { previous, ..kept })
    }

    /// Write the rows of a backup into an empty store.
    async fn refill(
        &self,
        store: &S,
        mut reader: Reader,
        manifest: &Manifest,
        tell: &mut Tell,
    ) -> Result<(State, Kept), Error> {
        let mut refill = Refill {
            store,
            state: State::default(),
            judge: Judge::trusting(self.shared.now(&self.shared.read())),
            bundle: Bundle::default(),
            // Positions go on, so that one that was seen never comes again.
            seq: self.shared.read().seq.max(manifest.seq),
            at: self.next_moment(),
            kept: Kept::default(),
        };
        let mut gather = Gather::default();
        loop {
            let from = reader.read;
            let read = mcp_core::task::blocking(move || {
                let lines = reader.lines(READ);
                (reader, lines)
            });
            let lines;
            (reader, lines) = read.await.map_err(|_| Error::Stopping)?;
            let lines = lines.map_err(|error| backup::invalid(error.to_string()))?;
            if lines.is_empty() {
                break;
            }
            for (number, line) in (from + 1..).zip(lines) {
                match gather.push(number, &line) {
                    Some(Ok(row)) => refill.take(row).await?,
                    Some(Err((line, refused))) => {
                        return Err(backup::invalid(format!("line {line}: {}", refused.message)));
                    }
                    None => {}
                }
            }
            if !tell(reader.read) {
                return Err(Error::Cancelled);
            }
        }
        if let Some(row) = gather.rest().next() {
            return Err(backup::invalid(format!("line {}: its chunks are missing", row.line)));
        }
        refill.finish(manifest).await
    }
}

/// A store being filled.
struct Refill<'a, S> {
    store: &'a S,
    state: State,
    judge: Judge,
    bundle: Bundle,
    seq: u64,
    at: Moment,
    kept: Kept,
}

impl<S: Store> Refill<'_, S> {
    async fn take(&mut self, row: Incoming) -> Result<(), Error> {
        let is_merge = matches!(row.record, Record::Merge(_));
        if self.bundle.is_full() || (is_merge && !self.bundle.is_empty()) {
            self.flush().await?;
        }
        let count = |kept: &mut Kept, table: Table, more: usize| {
            *kept.rows.entry(table.label().to_owned()).or_default() += more;
        };
        count(&mut self.kept, row.record.table(), 1);
        if !row.chunks.is_empty() {
            count(&mut self.kept, Table::Chunk, row.chunks.len());
        }
        if matches!(&row.record, Record::Memory(memory) if memory.expires_at <= self.at) {
            return Ok(());
        }
        let line = row.line;
        match self.judge.judge(&self.state, &row) {
            Ok(Verdict::New) => self.bundle.push(row, self.seq + 1),
            Ok(Verdict::Known) => {}
            Err(refused) => {
                return Err(backup::invalid(format!("line {line}: {}", refused.message)));
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let Bundle { memories: insert, graph, documents, .. } = std::mem::take(&mut self.bundle);
        self.seq += 1;
        self.at = self.at.next();
        let change = Change {
            seq: self.seq,
            at: self.at,
            op: Op::Import,
            insert,
            retract: Vec::new(),
            delete: Vec::new(),
            graph,
            documents,
            write: None,
            forget_writes: Vec::new(),
        };
        // The store is nobody's yet: whatever is in doubt, it is thrown away.
        self.store.commit(&change).await.map_err(|error| match error {
            CommitError::NotWritten(error) | CommitError::Unknown(error) => error,
            CommitError::Unconfirmed => Error::StorageFull,
        })?;
        self.state.apply(&change);
        // The state has it all now.
        self.judge = Judge::trusting(self.at);
        Ok(())
    }

    async fn finish(mut self, manifest: &Manifest) -> Result<(State, Kept), Error> {
        // Also of an empty backup: the journal stands where this one ends.
        self.flush().await?;
        if self.kept.rows != manifest.rows {
            return Err(backup::invalid("it has other rows than its manifest says"));
        }
        Ok((self.state, self.kept))
    }
}

impl Kept {
    fn find(&mut self, table: Table, id: String, what: &'static str) {
        self.wrong += 1;
        if self.findings.len() < LISTED {
            self.findings.push(Finding { table: table.label().to_owned(), id, what });
        }
    }
}
