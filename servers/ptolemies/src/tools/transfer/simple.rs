//! The file of the reference memory server: a line for each entity and each relation.

use mcp_core::prelude::{CancellationToken, Deserialize, ToolError};

use crate::{
    Error,
    graph::{End, EntityStatus, FactStatus, NewEntity, NewFact},
    knowledge::{GraphWork, Knowledge, UNTYPED},
    record::{Refused, Table},
    store::{Answer, Store},
    tools::arguments::{label, plain_text},
};

/// Lines of one change.
const BATCH: usize = 200;
/// Bytes of an observation.
const MAX_TEXT: usize = 16 * 1024;

/// What a line says.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Entity(NewEntity),
    Relation(NewFact),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Entity {
        name: String,
        #[serde(rename = "entityType", default)]
        kind: String,
        #[serde(default)]
        observations: Vec<String>,
    },
    Relation {
        from: String,
        to: String,
        #[serde(rename = "relationType")]
        kind: String,
    },
}

/// What became of lines.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) seq: u64,
    pub(super) added: Vec<(Table, usize)>,
    pub(super) duplicates: usize,
    pub(super) refused: Vec<(usize, Refused)>,
}

pub(super) fn parse(text: &str) -> Result<Said, Refused> {
    let line: Line = serde_json::from_str(text)
        .map_err(|error| Refused::invalid(mcp_core::untrusted::line(&error.to_string(), 200)))?;
    match line {
        Line::Entity { name, kind, observations } => {
            let name = short("name", &name, 200)?;
            let kind = typed(&kind)?;
            for observation in &observations {
                plain_text("observations", observation, MAX_TEXT).map_err(refuse)?;
            }
            Ok(Said::Entity(NewEntity { name, kind, observations, ..NewEntity::default() }))
        }
        Line::Relation { from, to, kind } => Ok(Said::Relation(NewFact {
            from: End { name: short("from", &from, 200)?, kind: None },
            kind: short("relationType", &kind, 64)?,
            to: End { name: short("to", &to, 200)?, kind: None },
            ..NewFact::default()
        })),
    }
}

/// Names are trimmed: white space at their ends says nothing.
fn short(field: &str, text: &str, most: usize) -> Result<String, Refused> {
    let text = text.trim();
    label(field, text).map_err(refuse)?;
    if text.chars().count() > most {
        return Err(Refused::invalid(format!("{field} must be <= {most} characters")));
    }
    Ok(text.to_owned())
}

fn typed(kind: &str) -> Result<Option<String>, Refused> {
    let kind = kind.trim();
    if kind.is_empty() || kind == UNTYPED {
        return Ok(None);
    }
    short("entityType", kind, 64).map(Some)
}

/// Batches of lines that can be written together.
pub(super) fn batches(said: Vec<(usize, Said)>) -> Vec<Vec<(usize, Said)>> {
    let (entities, relations): (Vec<_>, Vec<_>) =
        said.into_iter().partition(|(_, said)| matches!(said, Said::Entity(_)));
    let entities = entities.chunks(BATCH).map(<[_]>::to_vec);
    entities.chain(relations.chunks(BATCH).map(<[_]>::to_vec)).collect()
}

/// Write a batch; if one of it is refused, line by line.
pub(super) async fn write<S: Store>(
    knowledge: &Knowledge<S>,
    batch: Vec<(usize, Said)>,
    tally: &mut Tally,
) -> Result<(), ToolError> {
    match upsert(knowledge, &batch, tally).await {
        Err(Error::Conflict { .. } | Error::Invalid { .. } | Error::TooLarge { .. }) => {}
        other => return Ok(other?),
    }
    for one in batch {
        let line = one.0;
        match upsert(knowledge, &[one], tally).await {
            Ok(()) => {}
            Err(
                error @ (Error::Conflict { .. } | Error::Invalid { .. } | Error::TooLarge { .. }),
            ) => {
                let error = ToolError::from(error);
                let refused = Refused { code: "conflict", message: error.message().to_owned() };
                tally.refused.push((line, refused));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn upsert<S: Store>(
    knowledge: &Knowledge<S>,
    batch: &[(usize, Said)],
    tally: &mut Tally,
) -> Result<(), Error> {
    let entities = batch.iter().filter_map(|(_, said)| match said {
        Said::Entity(entity) => Some(entity.clone()),
        Said::Relation(_) => None,
    });
    let entities: Vec<NewEntity> = entities.collect();
    let work = if entities.is_empty() {
        let facts = batch.iter().filter_map(|(_, said)| match said {
            Said::Relation(fact) => Some(fact.clone()),
            Said::Entity(_) => None,
        });
        GraphWork::Facts { items: facts.collect(), create_missing: true, rules: Vec::new() }
    } else {
        GraphWork::Entities(entities)
    };
    let done = knowledge.upsert(work, None).await?;
    tally.seq = done.seq;
    tally.note(done.answer);
    Ok(())
}

/// What lines would do, all together; nothing is written.
pub(super) async fn rehearse<S: Store>(
    knowledge: &Knowledge<S>,
    said: Vec<(usize, Said)>,
    token: &CancellationToken,
) -> Result<Tally, ToolError> {
    let (entities, relations): (Vec<_>, Vec<_>) =
        said.into_iter().partition(|(_, said)| matches!(said, Said::Entity(_)));
    let lines = entities.into_iter().chain(relations);
    let work = lines.map(|(line, said)| match said {
        Said::Entity(entity) => (line, GraphWork::Entities(vec![entity])),
        Said::Relation(fact) => {
            (line, GraphWork::Facts { items: vec![fact], create_missing: true, rules: Vec::new() })
        }
    });
    let (seq, outcomes) = knowledge.rehearse(work.collect(), token).await?;
    let mut tally = Tally { seq, ..Tally::default() };
    let (mut created, mut made_before) = (0, 0);
    for (line, outcome) in outcomes {
        match outcome {
            Ok(Answer::Facts(outcomes, made)) => {
                // What was made counts all that the rehearsal made so far.
                let fresh = made.len().saturating_sub(created + made_before);
                made_before += fresh;
                let made = made.into_iter().take(fresh).collect();
                tally.note(Answer::Facts(outcomes, made));
            }
            Ok(answer) => {
                if let Answer::Entities(outcomes) = &answer {
                    let new = outcomes.iter().filter(|one| one.status == EntityStatus::Created);
                    created += new.count();
                }
                tally.note(answer);
            }
            Err(error) => {
                let refused = Refused { code: "conflict", message: error.to_string() };
                tally.refused.push((line, refused));
            }
        }
    }
    Ok(tally)
}

impl Tally {
    fn note(&mut self, answer: Answer) {
        match answer {
            Answer::Entities(outcomes) => {
                for outcome in outcomes {
                    let is_new = outcome.status == EntityStatus::Created;
                    self.count(Table::Entity, usize::from(is_new));
                    self.count(Table::Observation, outcome.observed);
                    self.duplicates += usize::from(!is_new && outcome.observed == 0);
                }
            }
            Answer::Facts(outcomes, made) => {
                self.count(Table::Entity, made.len());
                for outcome in outcomes {
                    let is_new = outcome.status != FactStatus::Confirmed;
                    self.count(Table::Fact, usize::from(is_new));
                    self.duplicates += usize::from(!is_new);
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, table: Table, more: usize) {
        if more > 0 {
            self.added.push((table, more));
        }
    }
}

fn refuse(error: Error) -> Refused {
    match error {
        Error::Invalid { field, message } | Error::TooLarge { field, message, .. } => {
            Refused::invalid(format!("{field} {message}"))
        }
        other => Refused::invalid(other.to_string()),
    }
}
