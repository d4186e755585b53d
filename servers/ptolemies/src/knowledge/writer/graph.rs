//! Writes into the graph.

use ulid::Ulid;

use super::{Part, Writer, next_id, other_call, record};
use crate::{
    Error,
    graph::{Delta, Doomed, Draft, Rows},
    knowledge::{GraphDone, GraphWork, WriteId},
    store::{Answer, Change, Op, Store},
};

impl<S: Store> Writer<'_, S> {
    pub(super) async fn graph(
        &mut self,
        work: GraphWork,
        write: Option<WriteId>,
    ) -> Result<GraphDone, Error> {
        let at = self.next_moment();
        let digest = write.as_ref().map(|write| self.digest(write));
        if let Some(known) = self.repeated(write.as_ref(), digest.as_deref(), at)? {
            let same_kind = matches!(
                (&work, &known.answer),
                (GraphWork::Entities(_), Answer::Entities(_))
                    | (GraphWork::Facts { .. }, Answer::Facts(..))
                    | (GraphWork::Merge { .. } | GraphWork::Undo(_), Answer::Merged(_))
            );
            if !same_kind {
                return Err(other_call());
            }
            return Ok(GraphDone { seq: known.seq, answer: known.answer, repeated: true });
        }
        let seq = self.shared.read().seq + 1;
        let mut last_id = self.last_id;
        let (answer, delta) = {
            let state = self.shared.read();
            let mut new_id = || next_id(&mut last_id, at);
            let mut draft = Draft::new(&state.graph, at, seq, &mut new_id);
            let answer = draft.work(work)?;
            (answer, draft.finish())
        };
        if delta.is_empty() && write.is_none() {
            return Ok(GraphDone { seq: seq - 1, answer, repeated: false });
        }
        let repeatable = write.is_some();
        let write = record(write, digest, seq, at, || answer.clone());
        let change = Change { graph: delta, write, ..self.change(seq, at, Op::Store) };
        self.last_id = last_id;
        self.commit(change, repeatable).await?;
        Ok(GraphDone { seq, answer, repeated: false })
    }
}

impl Draft<'_> {
    /// Take a work in.
    pub(in crate::knowledge) fn work(&mut self, work: GraphWork) -> Result<Answer, Error> {
        Ok(match work {
            GraphWork::Entities(items) => Answer::Entities(self.upsert_entities(items)?),
            GraphWork::Facts { items, create_missing, rules } => {
                let (outcomes, made) = self.upsert_facts(rules, items, create_missing)?;
                Answer::Facts(outcomes, made)
            }
            GraphWork::Merge { keep, merge } => Answer::Merged(self.merge(&keep, &merge)?),
            GraphWork::Undo(id) => Answer::Merged(self.undo(id)?),
        })
    }
}

/// Changes that forget rows of the graph: facts and observations before the entities they are
/// about, so that what is left after a crash hangs together.
pub(super) fn parts(doomed: &Doomed, size: usize, retract: bool) -> Vec<Part> {
    fn rows<T>(ids: &[Ulid], retract: bool) -> Rows<T> {
        let ids = ids.to_vec();
        if retract {
            Rows { retract: ids, ..Rows::default() }
        } else {
            Rows { delete: ids, ..Rows::default() }
        }
    }
    let facts = doomed.facts.chunks(size);
    let facts = facts.map(|ids| Delta { facts: rows(ids, retract), ..Delta::default() });
    let observations = doomed.observations.chunks(size);
    let observations =
        observations.map(|ids| Delta { observations: rows(ids, retract), ..Delta::default() });
    let entities = doomed.entities.chunks(size);
    let entities = entities.map(|ids| Delta { entities: rows(ids, retract), ..Delta::default() });
    // Retracted entities stay merged: what was known of them is read as it was.
    let merges = doomed.merges.chunks(size).filter(|_| !retract);
    let merges = merges.map(|ids| Delta { merges: rows(ids, false), ..Delta::default() });
    let deltas = facts.chain(observations).chain(entities).chain(merges);
    deltas.map(|graph| Part { graph, ..Part::default() }).collect()
}
