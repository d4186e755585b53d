//! Counts the operations of one evaluation, and checks every index on the way.

use super::{
    Fault, MAX_OPERATIONS, Op, Place,
    index::{Counters, MAX_LOOPS},
};

/// Deepest stack of blocks: 256 KiB for 64 lanes.
const MAX_STACK: usize = 512;

/// Operations of one evaluation, those `before` this code included, and its deepest stack.
pub(super) fn walk(code: &[Op], before: u64) -> Result<(u64, usize), Fault> {
    let mut walk = Walk { counters: [0; MAX_LOOPS], ends: [0; MAX_LOOPS], operations: before };
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(op) = code.get(at) {
        depth = depth.saturating_add_signed(effect(op));
        deepest = deepest.max(depth);
        if deepest > MAX_STACK {
            let reason = format!("needs more than {MAX_STACK} intermediate values at once");
            return Err(Fault::limit(0, reason));
        }
        walk.count(op)?;
        at = match op {
            Op::Loop { slot, lo, hi, body, offset, .. } => {
                let ends = (lo.value(&walk.counters), hi.value(&walk.counters));
                let (Some(lo), Some(hi)) = ends else {
                    let reason = "has an index beyond 2^63, or divided by zero".to_owned();
                    return Err(Fault::syntax(*offset, reason));
                };
                let slot = usize::from(*slot);
                (walk.counters[slot], walk.ends[slot]) = (lo, hi);
                if lo > hi { at + body + 1 } else { at + 1 }
            }
            Op::Next { slot, body, .. } => {
                let slot = usize::from(*slot);
                if walk.counters[slot] < walk.ends[slot] {
                    walk.counters[slot] += 1;
                    at - body + 1
                } else {
                    at + 1
                }
            }
            _ => at + 1,
        };
    }
    Ok((walk.operations, deepest))
}

struct Walk {
    counters: Counters,
    ends: Counters,
    operations: u64,
}

impl Walk {
    fn count(&mut self, op: &Op) -> Result<(), Fault> {
        if let Op::Load(place) | Op::WithLoad(_, place) = op {
            self.check(place)?;
        }
        let cost = match op {
            Op::Sum { length, .. } | Op::Dot { length, .. } => *length as u64,
            _ => 1,
        };
        self.operations += cost;
        if self.operations > MAX_OPERATIONS {
            let reason = format!("needs more than {MAX_OPERATIONS} operations per evaluation");
            return Err(Fault::limit(0, reason));
        }
        Ok(())
    }

    fn check(&self, place: &Place) -> Result<(), Fault> {
        let Some(index) = place.index.value(&self.counters) else {
            let reason = "has an index beyond 2^63, or divided by zero".to_owned();
            return Err(Fault::syntax(place.offset, reason));
        };
        if usize::try_from(index).is_ok_and(|index| index < place.length) {
            return Ok(());
        }
        let reason = format!("reads index {index} of 0..={}", place.length.saturating_sub(1));
        Err(Fault::syntax(place.offset, reason))
    }
}

/// Change of the stack's depth.
fn effect(op: &Op) -> isize {
    match op {
        Op::Const(_)
        | Op::Load(_)
        | Op::Counter(_)
        | Op::Let(_)
        | Op::Sum { .. }
        | Op::Dot { .. }
        | Op::Loop { .. }
        | Op::Text(_) => 1,
        Op::Unary(_) | Op::WithConst(..) | Op::WithLoad(..) | Op::Table(_, false) => 0,
        Op::Binary(_) | Op::Table(_, true) | Op::Next { .. } | Op::SetLet(_) | Op::Output(_) => -1,
        Op::Clamp | Op::Select => -2,
    }
}
