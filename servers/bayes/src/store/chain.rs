//! The draws of one chain as a file.

use std::{fs, io, path::Path};

use bayes_engine::{
    posterior::{Chain, Step},
    sampler::Ended,
};

use super::file::{self, FileError, Holds};

/// Deepest trajectory that can be told: 2 to this many steps is more than any run takes.
const DEEPEST: f64 = 64.0;

/// What stands in the sections, in their order.
const ENDED: usize = 0;
const LOG_DENSITY: usize = 1;
const ENERGY: usize = 2;
const DEPTH: usize = 3;
const DIVERGENT: usize = 4;
const ACCEPTANCE: usize = 5;
const NUMBERS: usize = 6;
const SECTIONS: usize = 7;

/// Name of the file of a chain in an attempt.
pub(crate) fn name(attempt: usize, number: usize) -> String {
    format!("chain-{attempt}-{number}")
}

/// Put a chain on disk, whole or not at all; its directory is not synced.
pub(crate) fn write(path: &Path, chain: &Chain) -> io::Result<()> {
    let sections = sections(chain);
    let parts: Vec<&[u8]> = sections.iter().map(Vec::as_slice).collect();
    let part = path.with_extension("part");
    file::write_new(&part, Holds::Chain, &parts)?;
    fs::rename(part, path)
}

/// A chain of draws of `width` numbers.
pub(crate) fn read(path: &Path, width: usize) -> Result<Chain, FileError> {
    decode(&file::read(path)?, width)
}

/// Draws of a chain, without reading them.
pub(crate) fn draws(path: &Path) -> Result<usize, FileError> {
    let first = file::read_first(Holds::Chain, path)?;
    let ended = floats(&first).and_then(|ended| ended.first().copied());
    ended.and_then(whole).ok_or(FileError::Damaged(0))
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn sections(chain: &Chain) -> [Vec<u8>; SECTIONS] {
    let Ended { draws, tune_divergences, gradients, step, is_complete } = chain.ended;
    let ended = [
        chain.steps.len() as f64,
        draws as f64,
        tune_divergences as f64,
        gradients as f64,
        step,
        f64::from(u8::from(is_complete)),
        chain.refused as f64,
    ];
    let of = |value: fn(&Step) -> f64| bytes(chain.steps.iter().map(value));
    [
        bytes(ended.into_iter()),
        of(|step| step.log_density),
        of(|step| step.energy),
        of(|step| step.depth as f64),
        of(|step| f64::from(u8::from(step.is_divergent))),
        of(|step| step.acceptance),
        bytes(chain.numbers.iter().copied()),
    ]
}

fn decode(bytes: &[u8], width: usize) -> Result<Chain, FileError> {
    let sections = file::decode(Holds::Chain, bytes)?;
    let read = || -> Option<Chain> {
        let lists: Option<Vec<Vec<f64>>> = sections.iter().map(|part| floats(part)).collect();
        let lists: [Vec<f64>; SECTIONS] = lists?.try_into().ok()?;
        let [count, draws, tuned, gradients, step, complete, refused] =
            *lists[ENDED].first_chunk()?;
        let count = whole(count)?;
        let per_draw = [LOG_DENSITY, ENERGY, DEPTH, DIVERGENT, ACCEPTANCE];
        if per_draw.iter().any(|place| lists[*place].len() != count)
            || count.checked_mul(width)? != lists[NUMBERS].len()
        {
            return None;
        }
        let steps = (0..count).map(|at| {
            Some(Step {
                log_density: lists[LOG_DENSITY][at],
                energy: lists[ENERGY][at],
                depth: whole(lists[DEPTH][at]).filter(|_| lists[DEPTH][at] <= DEEPEST)?,
                is_divergent: lists[DIVERGENT][at] > 0.0,
                acceptance: lists[ACCEPTANCE][at],
            })
        });
        let steps = steps.collect::<Option<Vec<_>>>()?;
        let ended = Ended {
            draws: whole(draws)?,
            tune_divergences: whole(tuned)?,
            gradients: whole(gradients)? as u64,
            step,
            is_complete: complete > 0.0,
        };
        let [.., numbers] = lists;
        Some(Chain { numbers, steps, ended, refused: whole(refused)? })
    };
    read().ok_or(FileError::Damaged(0))
}

fn bytes(values: impl Iterator<Item = f64>) -> Vec<u8> {
    values.flat_map(f64::to_le_bytes).collect()
}

/// Numbers of a section, if it holds whole ones.
fn floats(section: &[u8]) -> Option<Vec<f64>> {
    let (numbers, rest) = section.as_chunks::<8>();
    rest.is_empty().then(|| numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
}

/// A count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
fn whole(value: f64) -> Option<usize> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    ((0.0..=MOST).contains(&value) && value.fract() == 0.0).then_some(value as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn chains()(width in 0_usize..4, count in 0_usize..6)(
            numbers in proptest::collection::vec(any::<f64>(), width * count),
            steps in proptest::collection::vec(
                (any::<f64>(), any::<f64>(), 0_usize..20, any::<bool>(), 0.0..1.0), count),
            (tune_divergences, gradients, step) in (0_usize..100, 0_u64..1 << 50, 0.0..2.0),
            is_complete in any::<bool>(), refused in 0_usize..5, width in Just(width),
        ) -> (usize, Chain) {
            let steps: Vec<Step> = steps.into_iter().map(
                |(log_density, energy, depth, is_divergent, acceptance)| {
                    Step { log_density, energy, depth, is_divergent, acceptance }
                }).collect();
            let ended = Ended { draws: steps.len(), tune_divergences, gradients, step, is_complete };
            (width, Chain { numbers, steps, ended, refused })
        }
    }

    fn encoded(chain: &Chain) -> Vec<u8> {
        let sections = sections(chain);
        let parts: Vec<&[u8]> = sections.iter().map(Vec::as_slice).collect();
        file::encode(Holds::Chain, &parts)
    }

    proptest! {
        #[test]
        fn a_chain_comes_back_bit_for_bit((width, chain) in chains()) {
            let read = decode(&encoded(&chain), width).unwrap();
            let bits = |chain: &Chain| chain.numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read), bits(&chain));
            let told = |chain: &Chain| chain.steps.iter().map(|step| {
                (step.log_density.to_bits(), step.energy.to_bits(), step.depth, step.is_divergent,
                 step.acceptance.to_bits())
            }).collect::<Vec<_>>();
            prop_assert_eq!(told(&read), told(&chain));
            prop_assert_eq!((read.ended, read.refused), (chain.ended, chain.refused));
            if !chain.steps.is_empty() {
                prop_assert!(decode(&encoded(&chain), width + 1).is_err());
            }
        }

        #[test]
        fn no_sections_make_it_panic(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..9),
            width in any::<usize>(),
        ) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            drop(decode(&file::encode(Holds::Chain, &parts), width));
        }
    }

    #[test]
    fn draws_are_counted_without_reading_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name(1, 0));
        let step =
            Step { log_density: 1.0, energy: 1.0, depth: 3, is_divergent: false, acceptance: 0.9 };
        let chain = Chain {
            numbers: vec![0.5; 6],
            steps: vec![step; 3],
            ended: Ended::default(),
            refused: 0,
        };
        write(&path, &chain).unwrap();
        assert_eq!((draws(&path), read(&path, 2)), (Ok(3), Ok(chain)));
        std::fs::write(&path, b"mbayes\x01\x03").unwrap();
        assert_eq!(draws(&path), Err(FileError::Damaged(0)));
    }
}
