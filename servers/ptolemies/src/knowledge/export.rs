//! Rows on their way out, page by page: joined, the pages are the file.

use mcp_core::prelude::{CancellationToken, ToolError};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::{Knowledge, Moments, Seen};
use crate::{
    Error,
    graph::{Direction, Lens},
    moment::Moment,
    record::{self, Record, Table},
    store::Store,
    text::{json_len, window},
};

/// Rows read at a time.
const READ: usize = 64;

/// Where an export goes on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Resume {
    /// What was known then is exported, whatever was written since.
    known_at: i64,
    /// Tables, or parts, that are done.
    part: usize,
    /// Key of the last row that is done.
    after: Option<String>,
    /// Characters of the next line that are done, and its key.
    from: usize,
    begun: Option<String>,
    /// Of all lines that are done.
    digest: String,
    lines: usize,
}

/// One page.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) seq: u64,
    pub(crate) known_at: Moment,
    pub(crate) text: String,
    /// Lines up to the end of this page.
    pub(crate) lines: usize,
    pub(crate) next: Option<Resume>,
    /// Of all lines, see [`chain`].
    pub(crate) digest: String,
}

/// A page being filled.
struct Sheet {
    text: String,
    room: usize,
    used: usize,
    place: Resume,
}

impl Resume {
    fn start(known_at: Moment) -> Self {
        Self {
            known_at: known_at.millis(),
            part: 0,
            after: None,
            from: 0,
            begun: None,
            digest: "0".repeat(64),
            lines: 0,
        }
    }
}

/// The digest of lines up to this one: SHA-256 of the digest before, in hexadecimal digits, and the
/// line with its end. It begins with 64 zeros. A page can go on with it, as it cannot inside SHA-256.
pub(crate) fn chain(before: &str, line: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(before);
    digest.update(line);
    hex::encode(digest.finalize())
}

impl Sheet {
    /// Put a line in; whether there is room for more.
    fn put(&mut self, key: String, line: &str) -> bool {
        if self.place.begun.take().is_some_and(|begun| begun != key) {
            // The row that was cut has been purged since: its line ends here, and says nothing.
            self.text.push('\n');
            self.used += 2;
            self.place.from = 0;
        }
        let left = self.room.saturating_sub(self.used);
        let fresh = self.place.from == 0;
        if fresh && !self.text.is_empty() && json_len(line) > left && json_len(line) <= self.room {
            return false;
        }
        let (part, next) = window(line, self.place.from, left);
        self.text.push_str(part);
        self.used += json_len(part);
        if let Some(next) = next {
            self.place.from = next;
            self.place.begun = Some(key);
            return false;
        }
        self.place.digest = chain(&self.place.digest, line);
        self.place.lines += 1;
        self.pass(key);
        true
    }

    /// Go on behind a row.
    fn pass(&mut self, key: String) {
        self.place.after = Some(key);
        self.place.from = 0;
    }

    fn done(self, seq: u64, ended: bool) -> Export {
        Export {
            seq,
            known_at: Moment::from_millis(self.place.known_at),
            text: self.text,
            lines: self.place.lines,
            digest: self.place.digest.clone(),
            next: (!ended).then_some(self.place),
        }
    }
}

impl<S: Store> Knowledge<S> {
    /// Rows of tables as they were known at a time, as much as fits into `room` characters of JSON.
    pub(crate) async fn export(
        &self,
        tables: &[Table],
        resume: Option<Resume>,
        known_at: Option<Moment>,
        room: usize,
    ) -> Result<Export, Error> {
        self.ready().await?;
        let (seq, now, place) = self.resumed(resume, known_at)?;
        let then = Moment::from_millis(place.known_at);
        let store = self.shared.store();
        let mut sheet = Sheet { text: String::new(), room, used: 0, place };
        while let Some(table) = tables.get(sheet.place.part) {
            let rows = store.records(*table, sheet.place.after.as_deref(), READ).await?;
            if rows.is_empty() {
                sheet.place = Resume { part: sheet.place.part + 1, after: None, ..sheet.place };
                continue;
            }
            for row in rows {
                let key = row.key();
                let shown = self.shown(row, then, now);
                match shown.map(|row| format!("{}\n", record::write(&row))) {
                    Some(line) if !sheet.put(key.clone(), &line) => {
                        return Ok(sheet.done(seq, false));
                    }
                    Some(_) => {}
                    None => sheet.pass(key),
                }
            }
        }
        Ok(sheet.done(seq, true))
    }

    /// Entities and what holds between them now, as the memory server of the protocol's own
    /// repository keeps them.
    pub(crate) async fn export_memory_json(
        &self,
        resume: Option<Resume>,
        known_at: Option<Moment>,
        room: usize,
        token: &CancellationToken,
    ) -> Result<Export, ToolError> {
        self.ready().await?;
        let (_, _, place) = self.resumed(resume, known_at)?;
        let moments = Moments {
            as_of: Some(Moment::from_millis(place.known_at)),
            known_at: Some(Moment::from_millis(place.known_at)),
        };
        let sheet = Sheet { text: String::new(), room, used: 0, place };
        self.survey(moments, token, move |seen, _| Ok(simple(sheet, &seen))).await
    }

    fn resumed(
        &self,
        resume: Option<Resume>,
        known_at: Option<Moment>,
    ) -> Result<(u64, Moment, Resume), Error> {
        let state = self.shared.read();
        let now = self.shared.now(&state);
        let then = known_at.unwrap_or(now);
        self.pinned(then, now)?;
        Ok((state.seq, now, resume.unwrap_or_else(|| Resume::start(then))))
    }

    fn shown(&self, row: Record, then: Moment, now: Moment) -> Option<Record> {
        if let Record::Chunk(chunk) = &row {
            let state = self.shared.read();
            let (document, _) = state.documents.of_chunk(chunk.id)?;
            if document.recorded_at > then {
                return None;
            }
        }
        row.known_at(then, now)
    }
}

/// Entities, then relations, by id.
fn simple(mut sheet: Sheet, seen: &Seen<'_>) -> Export {
    let lens = Lens::new(seen.graph, seen.at, &[]);
    let mut entities: Vec<Ulid> = lens.entities();
    entities.sort_unstable();
    let name = |id: Ulid| seen.graph.name_at(id, seen.at.known_at).to_owned();
    if sheet.place.part == 0 {
        for id in &entities {
            let Some(row) = seen.graph.entity_at(*id, seen.at.known_at) else { continue };
            let key = id.to_string();
            if sheet.place.after.as_ref().is_some_and(|after| key <= *after) {
                continue;
            }
            let said = seen.graph.observations_at(*id, seen.at);
            let observations: Vec<&str> = said.iter().rev().map(|row| row.text.as_str()).collect();
            let line = serde_json::json!({
                "type": "entity",
                "name": row.name,
                "entityType": row.kind.as_deref().unwrap_or(UNTYPED),
                "observations": observations,
            });
            if !sheet.put(key, &record::line_of(&line)) {
                return sheet.done(seen.seq, false);
            }
        }
        sheet.place = Resume { part: 1, after: None, ..sheet.place };
    }
    let mut facts: Vec<(Ulid, serde_json::Value)> = Vec::new();
    for id in entities {
        for (to, fact) in lens.facts(id, Direction::Out) {
            facts.push((
                fact.id,
                serde_json::json!({"type": "relation", "from": name(id), "to": name(to),
                    "relationType": fact.kind}),
            ));
        }
    }
    facts.sort_by_key(|(id, _)| *id);
    for (id, line) in facts {
        let key = id.to_string();
        if sheet.place.after.as_ref().is_some_and(|after| key <= *after) {
            continue;
        }
        if !sheet.put(key, &record::line_of(&line)) {
            return sheet.done(seen.seq, false);
        }
    }
    sheet.done(seen.seq, true)
}

/// The type of an entity that has none: the other side asks for one.
pub(crate) const UNTYPED: &str = "entity";
