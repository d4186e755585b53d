//! Rows from elsewhere taken in.

use super::Writer;
use crate::{
    Error,
    knowledge::import::{Bundle, Intake, Judge, Verdict},
    record::{Incoming, Record},
    store::{Change, Op, Store},
};

impl<S: Store> Writer<'_, S> {
    /// Take rows in, in one change or several.
    pub(super) async fn import(&mut self, rows: Vec<Incoming>) -> Result<Intake, Error> {
        let mut intake = Intake { seq: self.shared.read().seq, ..Intake::default() };
        let mut judge = Judge::new(self.shared.now(&self.shared.read()));
        let mut bundle = Bundle::default();
        let mut taken = Vec::new();
        for row in rows {
            // A merge is judged by all that is said of its entities.
            let is_merge = matches!(row.record, Record::Merge(_));
            if bundle.is_full() || (is_merge && !bundle.is_empty()) {
                self.write(std::mem::take(&mut bundle), &mut intake).await?;
                taken.drain(..).for_each(|(row, verdict)| intake.note(&row, verdict));
            }
            let (verdict, seq) = {
                let state = self.shared.read();
                (judge.judge(&state, &row), state.seq + 1)
            };
            let noted = Incoming { chunks: Vec::new(), ..row.clone() };
            if verdict == Ok(Verdict::New) {
                bundle.push(row, seq);
            }
            taken.push((noted, verdict));
        }
        if !bundle.is_empty() {
            self.write(bundle, &mut intake).await?;
        }
        taken.drain(..).for_each(|(row, verdict)| intake.note(&row, verdict));
        Ok(intake)
    }

    async fn write(&mut self, bundle: Bundle, intake: &mut Intake) -> Result<(), Error> {
        let at = self.next_moment();
        let seq = self.shared.read().seq + 1;
        let last_id = self.last_id.max(bundle.last_id);
        let Bundle { memories: insert, graph, documents, .. } = bundle;
        let change = Change { insert, graph, documents, ..self.change(seq, at, Op::Import) };
        self.last_id = last_id;
        self.commit(change, true).await?;
        intake.seq = seq;
        Ok(())
    }
}
