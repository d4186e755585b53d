//! Crossover and mutation of orders.

use crate::stream::Stream;

/// How two orders become two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderCrossover {
    /// A piece of one, the others in the order of the other: Davis (1985).
    #[default]
    Ox,
    /// A piece exchanged, clashes resolved by what it maps to: Goldberg & Lingle (1985).
    Pmx,
    /// Every place has the item of one parent: Oliver, Smith & Holland (1987).
    Cx,
    /// Neighbours of either parent: Whitley, Starkweather & Fuquay (1989).
    Erx,
}

/// How an order changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderMutation {
    /// A piece is reversed.
    #[default]
    Inversion,
    /// Two items change places.
    Swap,
    /// An item moves elsewhere.
    Insert,
    /// A piece is shuffled.
    Scramble,
}

impl OrderCrossover {
    /// Two children of two orders of the same items.
    pub(crate) fn apply(self, stream: &mut Stream, a: &[usize], b: &[usize]) -> [Vec<usize>; 2] {
        match self {
            Self::Ox | Self::Pmx => {
                let (from, to) = piece(stream, a.len());
                let child = if self == Self::Ox { ox } else { pmx };
                [child(a, b, from, to), child(b, a, from, to)]
            }
            Self::Cx => cx(a, b),
            Self::Erx => [erx(stream, a, b), erx(stream, b, a)],
        }
    }
}

impl OrderMutation {
    /// Change at least two places.
    pub(crate) fn apply(self, stream: &mut Stream, items: &mut [usize]) {
        let n = items.len();
        if n < 2 {
            return;
        }
        let a = index(stream, n);
        let b = (a + 1 + index(stream, n - 1)) % n;
        let (low, high) = (a.min(b), a.max(b));
        match self {
            Self::Swap => items.swap(a, b),
            Self::Inversion => items[low..=high].reverse(),
            Self::Insert if a < b => items[a..=b].rotate_left(1),
            Self::Insert => items[b..=a].rotate_right(1),
            Self::Scramble => {
                let piece = &mut items[low..=high];
                let before = piece.to_vec();
                for left in (1..piece.len()).rev() {
                    piece.swap(left, index(stream, left + 1));
                }
                if *piece == *before {
                    piece.rotate_left(1);
                }
            }
        }
    }
}

fn index(stream: &mut Stream, n: usize) -> usize {
    stream.index(u32::try_from(n).unwrap_or(u32::MAX))
}

/// First place and the one behind the last, of a piece that is neither empty nor all.
fn piece(stream: &mut Stream, n: usize) -> (usize, usize) {
    let (a, b) = (index(stream, n), index(stream, n));
    let (from, to) = (a.min(b), a.max(b) + 1);
    if to - from == n { (from, to - 1) } else { (from, to) }
}

fn ox(a: &[usize], b: &[usize], from: usize, to: usize) -> Vec<usize> {
    let n = a.len();
    let mut kept = vec![false; n];
    for item in &a[from..to] {
        kept[*item] = true;
    }
    let mut child = a.to_vec();
    let mut others = (0..n).map(|k| b[(to + k) % n]).filter(|item| !kept[*item]);
    for k in 0..n - (to - from) {
        if let Some(item) = others.next() {
            child[(to + k) % n] = item;
        }
    }
    child
}

fn pmx(a: &[usize], b: &[usize], from: usize, to: usize) -> Vec<usize> {
    // Where an item stands in the piece.
    let mut within = vec![usize::MAX; a.len()];
    for (place, item) in a.iter().enumerate().take(to).skip(from) {
        within[*item] = place;
    }
    let mut child = a.to_vec();
    for place in (0..from).chain(to..a.len()) {
        let mut item = b[place];
        while within[item] != usize::MAX {
            item = b[within[item]];
        }
        child[place] = item;
    }
    child
}

fn cx(a: &[usize], b: &[usize]) -> [Vec<usize>; 2] {
    let n = a.len();
    let mut places = vec![0; n];
    for (place, item) in a.iter().enumerate() {
        places[*item] = place;
    }
    let (mut one, mut two) = (a.to_vec(), b.to_vec());
    let mut seen = vec![false; n];
    let mut exchange = false;
    for start in 0..n {
        if seen[start] {
            continue;
        }
        let mut place = start;
        while !seen[place] {
            seen[place] = true;
            if exchange {
                std::mem::swap(&mut one[place], &mut two[place]);
            }
            place = places[b[place]];
        }
        exchange = !exchange;
    }
    [one, two]
}

/// Orders are closed: the last item is a neighbour of the first.
fn erx(stream: &mut Stream, a: &[usize], b: &[usize]) -> Vec<usize> {
    let n = a.len();
    let mut near: Vec<Vec<usize>> = vec![Vec::with_capacity(4); n];
    for order in [a, b] {
        for (place, item) in order.iter().enumerate() {
            for other in [order[(place + n - 1) % n], order[(place + 1) % n]] {
                if other != *item && !near[*item].contains(&other) {
                    near[*item].push(other);
                }
            }
        }
    }
    let mut left = vec![true; n];
    let mut child = Vec::with_capacity(n);
    let mut current = a[0];
    loop {
        left[current] = false;
        child.push(current);
        if child.len() == n {
            return child;
        }
        let free = |item: &usize| near[*item].iter().filter(|other| left[**other]).count();
        let open: Vec<usize> = near[current].iter().copied().filter(|item| left[*item]).collect();
        let fewest = open.iter().map(free).min();
        let mut best: Vec<usize> =
            open.into_iter().filter(|item| Some(free(item)) == fewest).collect();
        if best.is_empty() {
            best = (0..n).filter(|item| left[*item]).collect();
        }
        current = best[index(stream, best.len())];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    const ALL: [OrderCrossover; 4] =
        [OrderCrossover::Ox, OrderCrossover::Pmx, OrderCrossover::Cx, OrderCrossover::Erx];

    fn shuffled(stream: &mut Stream, n: usize) -> Vec<usize> {
        let mut items: Vec<usize> = (0..n).collect();
        for left in (1..n).rev() {
            items.swap(left, index(stream, left + 1));
        }
        items
    }

    fn is_order(items: &[usize]) -> bool {
        let mut sorted = items.to_vec();
        sorted.sort_unstable();
        sorted.iter().copied().eq(0..items.len())
    }

    #[test]
    fn children_are_orders_and_equal_parents_have_their_own() {
        let mut stream = Stream::new(Seed::new(4).unwrap(), 0, 0);
        for n in [2, 3, 5, 9, 40] {
            for _ in 0..200 {
                let (a, b) = (shuffled(&mut stream, n), shuffled(&mut stream, n));
                for crossover in ALL {
                    let [one, two] = crossover.apply(&mut stream, &a, &b);
                    assert!(is_order(&one) && is_order(&two), "{crossover:?}");
                    if crossover != OrderCrossover::Erx {
                        let [same, _] = crossover.apply(&mut stream, &a, &a);
                        assert_eq!(same, a, "{crossover:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_mutation_changes_an_order_into_another() {
        let mut stream = Stream::new(Seed::new(6).unwrap(), 0, 0);
        for mutation in [
            OrderMutation::Inversion,
            OrderMutation::Swap,
            OrderMutation::Insert,
            OrderMutation::Scramble,
        ] {
            for n in [2, 3, 10] {
                for _ in 0..300 {
                    let before = shuffled(&mut stream, n);
                    let mut after = before.clone();
                    mutation.apply(&mut stream, &mut after);
                    assert!(is_order(&after) && after != before, "{mutation:?}");
                }
            }
        }
    }

    #[test]
    fn edges_come_from_the_parents_where_they_agree() {
        let mut stream = Stream::new(Seed::new(7).unwrap(), 0, 0);
        let a: Vec<usize> = (0..12).collect();
        let b: Vec<usize> = (0..12).map(|k| (k + 5) % 12).collect();
        let child = erx(&mut stream, &a, &b);
        let apart = |k: usize| child[k].abs_diff(child[(k + 1) % 12]);
        assert!((0..12).all(|k| matches!(apart(k), 1 | 11)), "{child:?}");
    }

    #[test]
    fn examples_by_hand() {
        // PMX: 7 stays, 6 is in the piece and maps to 3, 0 stays; behind it 8, 5 -> 2, 4 -> 1.
        let a = [8, 7, 3, 4, 5, 6, 0, 2, 1];
        let b = [7, 6, 0, 1, 2, 3, 8, 5, 4];
        assert_eq!(pmx(&a, &b, 3, 6), [7, 3, 0, 4, 5, 6, 8, 2, 1]);
        // OX: behind the piece 4 5 6 come b's others from there on: 8 7 0 1 2 3.
        assert_eq!(ox(&a, &b, 3, 6), [1, 2, 3, 4, 5, 6, 8, 7, 0]);
        // CX: the cycles are 0 1 2, 3 4 and 5 6 7; the second is exchanged.
        let a = [0, 1, 2, 3, 4, 5, 6, 7];
        let b = [1, 2, 0, 4, 3, 6, 7, 5];
        assert_eq!(cx(&a, &b)[0], [0, 1, 2, 4, 3, 5, 6, 7]);
    }
}
