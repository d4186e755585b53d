//! Reading memories back.

use std::collections::HashMap;

use ulid::Ulid;

use super::{Knowledge, State};
use crate::{
    Error,
    catalog::{Entry, Filter},
    memory::Memory,
    moment::Moment,
    store::Store,
    text::{clean, json_len, window},
};

/// Characters of text in one page, as JSON: an answer stays under the server's cap.
const PAGE_ROOM: usize = 30_000;

/// Which memories to list.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) selection: Selection,
    pub(crate) filter: Filter,
    /// What was known then; now when absent.
    pub(crate) known_at: Option<Moment>,
    /// Most memories in a page.
    pub(crate) limit: usize,
    pub(crate) after: Option<Place>,
    /// Characters of each text to skip.
    pub(crate) text_from: usize,
}

/// Where a listing goes on: behind a memory, all pages showing what was known at the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) after: Ulid,
    pub(crate) known_at: Moment,
}

/// Which memories.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selection {
    /// These versions.
    Ids(Vec<Ulid>),
    /// The versions of these keys.
    Keys(Vec<String>),
    /// All, newest first.
    All,
}

/// One page.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) seq: u64,
    pub(crate) pages: Vec<Page>,
    /// Positions in the list of ids or keys for which nothing is visible.
    pub(crate) missing: Vec<usize>,
    pub(crate) next: Option<Place>,
}

/// A memory, its text clean and cut to what has room.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) memory: Memory,
    /// The character to go on from, if the text was cut.
    pub(crate) next_char: Option<usize>,
}

impl<S: Store> Knowledge<S> {
    /// List what is visible, newest first; ids and keys in the order they were given.
    pub(crate) async fn list(&self, query: &Query) -> Result<Listing, Error> {
        self.ready().await?;
        let (seq, mut ids, missing, known_at) = {
            let state = self.shared.read();
            let now = self.shared.now(&state);
            let known_at = self.known_at(query, now)?;
            let (chosen, missing) = state.choose(query, known_at, now);
            (state.seq, chosen, missing, known_at)
        };
        let all = query.selection == Selection::All;
        let mut more = all && ids.len() > query.limit;
        if all {
            ids.truncate(query.limit);
        }
        let rows = self.shared.store().rows(&ids).await?;
        let mut rows: HashMap<Ulid, Memory> = rows.into_iter().map(|row| (row.id, row)).collect();
        let mut pages = Vec::new();
        let mut used = 0;
        for id in &ids {
            let Some(mut memory) = rows.remove(id) else { continue };
            let text = clean(&memory.text);
            let (mut part, mut next_char) = window(&text, query.text_from, PAGE_ROOM);
            if used + json_len(part) > PAGE_ROOM && !pages.is_empty() {
                if all {
                    more = true;
                    break;
                }
                // Named memories all answer; the text of those without room is for the next call.
                (part, next_char) = ("", Some(query.text_from));
            }
            used += json_len(part);
            part.clone_into(&mut memory.text);
            pages.push(Page { memory, next_char });
        }
        let next = if more { pages.last().map(|page| page.memory.id) } else { None };
        let next = next.map(|after| Place { after, known_at });
        Ok(Listing { seq, pages, missing, next })
    }

    /// Numbers of memories by the value of a property, largest first.
    pub(crate) async fn count(
        &self,
        query: &Query,
        values: impl Fn(&Entry) -> Vec<String>,
    ) -> Result<(u64, Vec<(String, usize)>), Error> {
        self.ready().await?;
        let state = self.shared.read();
        let now = self.shared.now(&state);
        let known_at = self.known_at(query, now)?;
        let mut counts: HashMap<String, usize> = HashMap::new();
        for (_, entry) in state.catalog.newest(None) {
            if entry.is_visible(known_at, now) && query.filter.accepts(entry) {
                for value in values(entry) {
                    *counts.entry(value).or_default() += 1;
                }
            }
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts.truncate(query.limit);
        Ok((state.seq, counts))
    }

    /// The moment an answer is about. Writes that come later are recorded later.
    fn known_at(&self, query: &Query, now: Moment) -> Result<Moment, Error> {
        let pinned = query.after.map(|place| place.known_at);
        let known_at = pinned.or(query.known_at).unwrap_or(now);
        if known_at > now {
            return Err(Error::invalid(
                "/known_at",
                format!("must not lie in the future: it is {now}"),
            ));
        }
        self.shared.answer_for(known_at);
        Ok(known_at)
    }
}

impl State {
    /// Ids in the order of the answer, one more than asked for if there are more; positions for
    /// which there is nothing.
    fn choose(&self, query: &Query, known_at: Moment, now: Moment) -> (Vec<Ulid>, Vec<usize>) {
        let visible = |id: &Ulid| {
            self.catalog
                .get(*id)
                .is_some_and(|entry| entry.is_visible(known_at, now) && query.filter.accepts(entry))
        };
        let named: Vec<Option<Ulid>> = match &query.selection {
            Selection::Ids(ids) => ids.iter().copied().map(Some).collect(),
            Selection::Keys(keys) => {
                keys.iter().map(|key| self.catalog.version_at(key, known_at, now)).collect()
            }
            Selection::All => {
                let after = query.after.map(|place| place.after);
                let ids = self.catalog.newest(after).map(|(id, _)| id).filter(visible);
                return (ids.take(query.limit + 1).collect(), Vec::new());
            }
        };
        let (mut chosen, mut missing) = (Vec::new(), Vec::new());
        for (position, id) in named.into_iter().enumerate() {
            match id.filter(visible) {
                Some(id) => chosen.push(id),
                None => missing.push(position),
            }
        }
        (chosen, missing)
    }
}
