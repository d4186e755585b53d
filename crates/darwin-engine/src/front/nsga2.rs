//! NSGA-II: Deb, Pratap, Agarwal & Meyarivan (2002), "A fast and elitist multiobjective genetic
//! algorithm: NSGA-II", with constrained domination.

use super::{
    Individual, Selection,
    sort::{crowding, fronts},
    take, tournaments,
};
use crate::{
    Result,
    codec::{Reader, Writer},
    stream::Stream,
};

/// Whole fronts live on; of the one that does not fit, those with most room.
#[derive(Debug)]
pub(super) struct Nsga2 {
    size: usize,
    /// Front and room of each member.
    ranks: Vec<(usize, f64)>,
}

impl Nsga2 {
    pub(super) fn new(size: usize) -> Self {
        Self { size, ranks: Vec::new() }
    }
}

impl Selection for Nsga2 {
    fn size(&self) -> usize {
        self.size
    }

    /// By front, then by room.
    fn mates(&self, members: &[Individual], _child: usize, stream: &mut Stream) -> [usize; 2] {
        tournaments(members.len(), stream, |b, a| {
            let ((front_a, room_a), (front_b, room_b)) = (self.ranks[a], self.ranks[b]);
            front_b < front_a || front_b == front_a && room_b > room_a
        })
    }

    fn survive(
        &mut self,
        members: Vec<Individual>,
        _parents: usize,
        _stream: &mut Stream,
    ) -> Vec<Individual> {
        let mut chosen = Vec::with_capacity(self.size);
        self.ranks.clear();
        for (number, front) in fronts(&members).into_iter().enumerate() {
            if chosen.len() >= self.size {
                break;
            }
            let mut rooms: Vec<(usize, f64)> =
                front.iter().copied().zip(crowding(&members, &front)).collect();
            let left = self.size - chosen.len();
            if rooms.len() > left {
                rooms.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                rooms.truncate(left);
            }
            for (individual, room) in rooms {
                chosen.push(individual);
                self.ranks.push((number, room));
            }
        }
        take(members, &chosen)
    }

    fn save(&self, writer: &mut Writer) {
        for (front, room) in &self.ranks {
            writer.size(*front);
            writer.real(*room);
        }
    }

    fn load(&mut self, members: usize, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..members {
            self.ranks.push((reader.size()?, reader.real()?));
        }
        Ok(())
    }
}
