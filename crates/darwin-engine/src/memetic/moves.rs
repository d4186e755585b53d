//! Orders, and what can be done to them.

use crate::{
    Result,
    codec::{Reader, Writer},
    space::items,
    stream::Stream,
};

/// Kinds of moves of an item: reversal up to another place, the segments of one, two and three items
/// that begin with it moved elsewhere, swap.
pub(super) const MOVES: usize = 5;
/// A disturbance stays within so many places, so that little has to be repaired.
const WINDOW: usize = 50;

/// Permutations, one behind the other; items are numbered through all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tour {
    /// Items by place.
    items: Vec<usize>,
    /// Places by item.
    places: Vec<usize>,
    /// First place behind each permutation.
    ends: Vec<usize>,
}

impl Tour {
    pub(super) fn empty() -> Self {
        Self { items: Vec::new(), places: Vec::new(), ends: Vec::new() }
    }

    fn new(items: Vec<usize>, ends: Vec<usize>) -> Self {
        let mut places = vec![0; items.len()];
        for (place, item) in items.iter().enumerate() {
            places[*item] = place;
        }
        Self { items, places, ends }
    }

    pub(super) fn random(lengths: &[usize], stream: &mut Stream) -> Self {
        let (mut items, mut ends) = (Vec::new(), Vec::new());
        for length in lengths {
            let from = items.len();
            items.extend(from..from + length);
            for left in (1..*length).rev() {
                items.swap(from + left, from + index(stream, left + 1));
            }
            ends.push(items.len());
        }
        Self::new(items, ends)
    }

    /// The order that keys stand for.
    pub(super) fn read(lengths: &[usize], keys: &[f64]) -> Self {
        let (mut order, mut ends) = (Vec::new(), Vec::new());
        for length in lengths {
            let from = order.len();
            let own = keys.get(from..from + length).unwrap_or_default();
            order.extend(items(own).into_iter().map(|item| from + item));
            ends.push(order.len());
        }
        Self::new(order, ends)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn lengths(&self) -> Vec<usize> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        self.ends.iter().zip(starts).map(|(end, start)| end - start).collect()
    }

    /// First place of a place's permutation, and the first behind it.
    fn bounds(&self, place: usize) -> (usize, usize) {
        let number = self.ends.partition_point(|end| *end <= place);
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        (start, self.ends.get(number).copied().unwrap_or(start))
    }

    /// Items of the permutation that an item is of.
    pub(super) fn span(&self, item: usize) -> usize {
        let (start, end) = self.bounds(self.places[item]);
        end - start
    }

    /// Keys that a permutation variable decodes to this order.
    pub(super) fn write(&self, rows: &mut Vec<f64>) {
        let from = rows.len();
        rows.resize(from + self.len(), 0.0);
        let mut start = 0;
        for end in &self.ends {
            #[expect(clippy::cast_precision_loss, reason = "lengths are small")]
            let length = (end - start) as f64;
            for place in start..*end {
                #[expect(clippy::cast_precision_loss, reason = "places are small")]
                let key = ((place - start) as f64 + 0.5) / length;
                rows[from + self.items[place]] = key;
            }
            start = *end;
        }
    }

    /// Items with another neighbour than in `other`.
    pub(super) fn changed(&self, other: &Self) -> Vec<usize> {
        let changed = |item: &usize| self.neighbours(*item) != other.neighbours(*item);
        self.items.iter().copied().filter(changed).collect()
    }

    /// Neighbours of an item, the smaller first: orders are closed, and have no direction.
    fn neighbours(&self, item: usize) -> (usize, usize) {
        let place = self.places[item];
        let (start, end) = self.bounds(place);
        let before = self.items[if place == start { end - 1 } else { place - 1 }];
        let after = self.items[if place + 1 == end { start } else { place + 1 }];
        (before.min(after), before.max(after))
    }

    /// The order after a move of an item, numbered below [`MOVES`] times its span.
    pub(super) fn moved(&self, item: usize, number: usize) -> Self {
        let place = self.places[item];
        let (start, end) = self.bounds(place);
        let (kind, to) = (number / (end - start), start + number % (end - start));
        let mut items = self.items.clone();
        match kind {
            0 => items[place.min(to)..=place.max(to)].reverse(),
            1..=3 => shift(&mut items[start..end], place - start, kind, to - start),
            _ => items.swap(place, to),
        }
        Self::new(items, self.ends.clone())
    }

    /// A piece of an order moved behind the piece after it, near a random place.
    pub(super) fn disturbed(&self, stream: &mut Stream) -> Self {
        let (start, end) = self.bounds(index(stream, self.len()));
        let window = WINDOW.min(end - start);
        let from = start + index(stream, end - start - window + 1);
        let mut cuts = [0; 3].map(|_| from + index(stream, window + 1));
        cuts.sort_unstable();
        let mut items = self.items.clone();
        items[cuts[0]..cuts[2]].rotate_left(cuts[1] - cuts[0]);
        Self::new(items, self.ends.clone())
    }

    /// Order crossover (Davis 1985): a piece of this order, the rest as in the other.
    pub(super) fn crossed(&self, other: &Self, stream: &mut Stream) -> Self {
        let mut items = self.items.clone();
        let mut start = 0;
        for end in &self.ends {
            let length = end - start;
            let mut cuts = [0; 2].map(|_| start + index(stream, length + 1));
            cuts.sort_unstable();
            let kept = |item: usize| (cuts[0]..cuts[1]).contains(&self.places[item]);
            // From the end of the piece on, round the permutation.
            let round = (0..length).map(|k| start + (cuts[1] - start + k) % length);
            let rest = round.clone().map(|place| other.items[place]).filter(|item| !kept(*item));
            for (place, item) in round.zip(rest) {
                items[place] = item;
            }
            start = *end;
        }
        Self::new(items, self.ends.clone())
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        for item in &self.items {
            writer.size(*item);
        }
    }

    pub(super) fn load(lengths: &[usize], reader: &mut Reader<'_>) -> Result<Self> {
        let (mut items, mut ends) = (Vec::new(), Vec::new());
        for length in lengths {
            let from = items.len();
            for _ in 0..*length {
                items.push(reader.size()?);
            }
            let mut sorted = items.get(from..).unwrap_or_default().to_vec();
            sorted.sort_unstable();
            reader.check(sorted.into_iter().eq(from..from + length))?;
            ends.push(items.len());
        }
        Ok(Self::new(items, ends))
    }
}

/// Move `count` items from `from` on so that the first stands at `to`, as far as there is room.
fn shift(items: &mut [usize], from: usize, count: usize, to: usize) {
    let count = count.min(items.len() - from);
    let to = to.min(items.len() - count);
    if to < from {
        items[to..from + count].rotate_right(count);
    } else {
        items[from..to + count].rotate_left(count);
    }
}

fn index(stream: &mut Stream, n: usize) -> usize {
    stream.index(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn is_order(tour: &Tour, lengths: &[usize]) -> bool {
        let mut from = 0;
        lengths.iter().all(|length| {
            let mut part = tour.items[from..from + length].to_vec();
            part.sort_unstable();
            let fine = part.into_iter().eq(from..from + length);
            from += length;
            fine
        }) && tour.items.iter().enumerate().all(|(place, item)| tour.places[*item] == place)
    }

    #[test]
    fn every_move_gives_an_order() {
        let lengths = [7, 2, 9];
        let mut stream = Stream::new(Seed::new(1).unwrap(), 0, 0);
        let (one, two) = (Tour::random(&lengths, &mut stream), Tour::random(&lengths, &mut stream));
        for item in 0..one.len() {
            for number in 0..MOVES * one.span(item) {
                let moved = one.moved(item, number);
                assert!(is_order(&moved, &lengths), "{item} {number} {moved:?}");
            }
        }
        for _ in 0..200 {
            assert!(is_order(&one.crossed(&two, &mut stream), &lengths));
            assert!(is_order(&one.disturbed(&mut stream), &lengths));
        }
        assert!(one.changed(&one).is_empty());
        assert_eq!(one.lengths(), lengths);
        let mut whole = one.clone();
        whole.items[..7].reverse();
        let turned = Tour::new(whole.items, one.ends.clone());
        assert!(turned.changed(&one).is_empty(), "an order has no direction");
    }

    #[test]
    fn a_segment_comes_to_stand_where_it_is_wanted() {
        let mut items = [0, 1, 2, 3, 4, 5];
        shift(&mut items, 1, 2, 3);
        assert_eq!(items, [0, 3, 4, 1, 2, 5]);
        shift(&mut items, 3, 2, 0);
        assert_eq!(items, [1, 2, 0, 3, 4, 5]);
        shift(&mut items, 5, 3, 5);
        assert_eq!(items, [1, 2, 0, 3, 4, 5]);
    }
}
