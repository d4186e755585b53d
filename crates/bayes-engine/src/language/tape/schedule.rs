//! From a trace to a tape: dead steps go, equal small steps of one level become one array step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::builder::{Builder, Cell, Step, Traced, index, is_constant};
use super::op::Op;
use super::run::{Input, Placed, Tape};

/// Array steps up to this size are merged with their equals.
const SMALL: usize = 8;

/// Steps between two questions whether the caller gave up.
const PAUSE: usize = 1024;

/// The tape that computes these lists of cells; none if the caller gave up.
pub(crate) fn tape(
    builder: &Builder,
    roots: &[Arc<[Cell]>],
    is_cancelled: &dyn Fn() -> bool,
) -> Option<Tape> {
    let producers = producers(builder);
    let is_alive = alive(builder, &producers, roots);
    if is_cancelled() {
        return None;
    }
    let groups = groups(builder, &producers, &is_alive);
    let mut layout = Layout {
        places: vec![0; builder.cells],
        next: builder.dim,
        constants: Constants { builder, values: Vec::new(), lists: HashMap::new() },
        pending: Vec::new(),
    };
    for cell in 0..builder.dim {
        layout.places[cell] = index(cell);
    }
    let mut placed = 0;
    for group in groups {
        if placed / PAUSE != (placed + group.len()) / PAUSE && is_cancelled() {
            return None;
        }
        placed += group.len();
        layout.place(builder, &group);
    }
    let roots = roots.iter().map(|list| layout.input(list)).collect();
    Some(layout.finish(builder.dim, roots))
}

/// The step behind every cell.
pub(super) fn producers(builder: &Builder) -> Vec<usize> {
    let mut producers = vec![usize::MAX; builder.cells];
    for (number, step) in builder.steps.iter().enumerate() {
        let start = step.out as usize;
        producers[start..start + step.count].fill(number);
    }
    producers
}

pub(super) fn alive(builder: &Builder, producers: &[usize], roots: &[Arc<[Cell]>]) -> Vec<bool> {
    let mut is_alive = vec![false; builder.steps.len()];
    let mut open: Vec<&Arc<[Cell]>> = roots.iter().collect();
    for (number, step) in builder.steps.iter().enumerate() {
        if step.step == Step::AtLeast {
            is_alive[number] = true;
            open.extend(&step.inputs);
        }
    }
    while let Some(list) = open.pop() {
        for cell in list.iter().filter(|cell| !is_constant(**cell)) {
            let number = producers[*cell as usize];
            if number != usize::MAX && !is_alive[number] {
                is_alive[number] = true;
                open.extend(&builder.steps[number].inputs);
            }
        }
    }
    is_alive
}

/// Living steps by level, equal small ones together.
fn groups(builder: &Builder, producers: &[usize], is_alive: &[bool]) -> Vec<Vec<usize>> {
    let mut levels = vec![0_usize; builder.steps.len()];
    let mut small: BTreeMap<(usize, Op), Vec<usize>> = BTreeMap::new();
    let mut large: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut last = 0;
    for (number, step) in builder.steps.iter().enumerate().filter(|(number, _)| is_alive[*number]) {
        let cells = step.inputs.iter().flat_map(|list| list.iter());
        let level = cells
            .filter(|cell| !is_constant(**cell))
            .map(|cell| producers[*cell as usize])
            .filter(|producer| *producer != usize::MAX)
            .map(|producer| levels[producer] + 1)
            .max()
            .unwrap_or(0);
        levels[number] = level;
        last = last.max(level);
        match &step.step {
            Step::Each(op) if step.count <= SMALL => {
                small.entry((level, *op)).or_default().push(number);
            }
            _ => large.entry(level).or_default().push(number),
        }
    }
    let mut groups = Vec::new();
    let mut small = small.into_iter().peekable();
    for level in 0..=last {
        while let Some((_, group)) = small.next_if(|((at, _), _)| *at == level) {
            groups.push(group);
        }
        groups.extend(large.remove(&level).into_iter().flatten().map(|number| vec![number]));
    }
    groups
}

/// Constants of the tape, each list laid out in one piece.
struct Constants<'trace> {
    builder: &'trace Builder,
    values: Vec<f64>,
    lists: HashMap<Vec<Cell>, usize>,
}

impl Constants<'_> {
    /// Where this list of constants starts among all.
    fn start(&mut self, list: Vec<Cell>) -> usize {
        let Self { builder, values, lists } = self;
        *lists.entry(list).or_insert_with_key(|list| {
            let start = values.len();
            values.extend(list.iter().map(|cell| builder.number(*cell).unwrap_or(f64::NAN)));
            start
        })
    }
}

struct Layout<'trace> {
    /// Where a traced cell lies on the tape.
    places: Vec<Cell>,
    next: usize,
    constants: Constants<'trace>,
    pending: Vec<Placed>,
}

impl Layout<'_> {
    fn place(&mut self, builder: &Builder, group: &[usize]) {
        let steps: Vec<&Traced> = group.iter().map(|number| &builder.steps[*number]).collect();
        let Some(first) = steps.first() else { return };
        let inputs = if steps.len() == 1 {
            first.inputs.iter().map(|list| self.input(list)).collect()
        } else {
            (0..first.inputs.len()).map(|argument| self.joined(&steps, argument)).collect()
        };
        let out = self.next;
        for step in &steps {
            for offset in 0..step.count {
                self.places[step.out as usize + offset] = index(self.next);
                self.next += 1;
            }
        }
        let count = steps.iter().map(|step| step.count).sum();
        let length = first.inputs.first().map_or(0, |list| list.len());
        self.pending.push(Placed { step: first.step.clone(), inputs, out, count, length });
    }

    /// One argument of several steps, one after another.
    fn joined(&mut self, steps: &[&Traced], argument: usize) -> Input {
        let mut list = Vec::new();
        for step in steps {
            let cells = &step.inputs[argument];
            match &**cells {
                [one] => list.extend(std::iter::repeat_n(*one, step.count)),
                _ => list.extend_from_slice(cells),
            }
        }
        self.input(&list)
    }

    fn input(&mut self, list: &[Cell]) -> Input {
        let Some(&first) = list.first() else { return Input::Range(0) };
        let is_one = list.iter().all(|cell| *cell == first);
        if list.iter().all(|cell| is_constant(*cell)) {
            let shown = if is_one { vec![first] } else { list.to_vec() };
            let start = self.constants.start(shown);
            return if is_one { Input::One(late(start)) } else { Input::Range(late(start)) };
        }
        let place = |layout: &mut Self, cell: Cell| {
            if is_constant(cell) {
                late(layout.constants.start(vec![cell]))
            } else {
                layout.places[cell as usize]
            }
        };
        let start = place(self, first);
        if is_one {
            return Input::One(start);
        }
        let places: Vec<Cell> = list.iter().map(|cell| place(self, *cell)).collect();
        let is_range =
            places.iter().zip(start..).all(|(place, wanted)| *place == wanted) && !is_late(start);
        if is_range { Input::Range(start) } else { Input::List(places.into()) }
    }

    /// Constants follow the cells, whose number is known only now.
    fn finish(self, dim: usize, roots: Vec<Input>) -> Tape {
        let cells = self.next;
        let settle =
            |place: Cell| if is_late(place) { index(cells) + (place & !LATE) } else { place };
        let settled = |input: Input| match input {
            Input::One(place) => Input::One(settle(place)),
            Input::Range(place) => Input::Range(settle(place)),
            Input::List(places) => Input::List(places.iter().map(|place| settle(*place)).collect()),
        };
        let steps = self.pending.into_iter().map(|placed| {
            let inputs = placed.inputs.into_iter().map(settled).collect();
            Placed { inputs, ..placed }
        });
        let steps = steps.collect();
        let roots = roots.into_iter().map(settled).collect();
        Tape { dim, cells, steps, constants: self.constants.values, roots }
    }
}

/// Marks a place counted from the first constant.
const LATE: u32 = 1 << 31;

fn late(start: usize) -> Cell {
    LATE | index(start)
}

fn is_late(place: Cell) -> bool {
    place & LATE != 0
}
