//! Threads that run the same sentences together: each computes some of the outputs of every dense layer and
//! some of the attention heads, and they hand each other what they found.
//!
//! Every thread of a team goes through the same layers in the same order. What one output is, doesn't depend on
//! who computes it, so that the bytes are the same for every number of threads.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Turns of waiting before a thread lets others run: they are on the way where the machine has a core for each.
const PATIENCE: usize = 20_000;

/// What the threads of a team share.
#[derive(Debug)]
pub(super) struct Team {
    /// A place for each member's numbers, twice: while some still read the last ones, others write the next.
    places: Vec<[Mutex<Vec<f32>>; 2]>,
    /// Members that have come to the present meeting.
    arrived: AtomicUsize,
    /// Meetings that are over.
    meetings: AtomicUsize,
    /// A member panicked, and will come to no meeting.
    broken: AtomicBool,
}

/// One thread of a team.
#[derive(Debug)]
pub(super) struct Member<'t> {
    /// Nothing for a thread by itself.
    team: Option<&'t Team>,
    rank: usize,
    turn: usize,
}

impl Team {
    /// A team of that many threads.
    pub(super) fn new(size: usize) -> Self {
        Self {
            places: (0..size).map(|_| Default::default()).collect(),
            arrived: AtomicUsize::new(0),
            meetings: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// The member of that number, counted from 0; each must be taken once.
    pub(super) fn member(&self, rank: usize) -> Member<'_> {
        Member {
            team: Some(self),
            rank,
            turn: 0,
        }
    }

    /// Waits until all have come.
    fn meet(&self) {
        let meeting = self.meetings.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.places.len() {
            self.arrived.store(0, Ordering::Relaxed);
            self.meetings.store(meeting + 1, Ordering::Release);
            return;
        }
        let mut turns = 0;
        while self.meetings.load(Ordering::Acquire) == meeting {
            assert!(
                !self.broken.load(Ordering::Relaxed),
                "a thread beside this one failed"
            );
            turns += 1;
            if turns < PATIENCE {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

impl Member<'_> {
    /// A thread by itself.
    pub(super) fn alone() -> Self {
        Self {
            team: None,
            rank: 0,
            turn: 0,
        }
    }

    /// This member's part of `count` things; the members' parts follow one another.
    pub(super) fn part(&self, count: usize) -> Range<usize> {
        self.part_of(self.rank, count)
    }

    fn part_of(&self, rank: usize, count: usize) -> Range<usize> {
        let size = self.team.map_or(1, |team| team.places.len());
        rank * count / size..(rank + 1) * count / size
    }

    /// Completes `rows`, `[rows, width]`, of which each member has computed its [`Member::part`] of the columns,
    /// in units of `unit`.
    pub(super) fn share(&mut self, rows: &mut [f32], width: usize, unit: usize) {
        let Some(team) = self.team else {
            return;
        };
        let columns = |part: Range<usize>| part.start * unit..part.end * unit;
        let turn = self.turn % 2;
        self.turn += 1;
        let mine = columns(self.part(width / unit));
        {
            // A lock can only be poisoned by a panic, which ends all members.
            let place = team.places[self.rank][turn].lock();
            let mut place = place.unwrap_or_else(PoisonError::into_inner);
            place.clear();
            for row in rows.chunks_exact(width) {
                place.extend_from_slice(&row[mine.clone()]);
            }
        }
        team.meet();
        for (rank, places) in team.places.iter().enumerate() {
            let theirs = columns(self.part_of(rank, width / unit));
            if rank == self.rank || theirs.is_empty() {
                continue;
            }
            let place = places[turn].lock().unwrap_or_else(PoisonError::into_inner);
            let parts = place.chunks_exact(theirs.len());
            for (row, part) in rows.chunks_exact_mut(width).zip(parts) {
                row[theirs.clone()].copy_from_slice(part);
            }
        }
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if let Some(team) = self.team
            && std::thread::panicking()
        {
            team.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each member writes its columns of each of many matrices; all see all.
    #[test]
    fn every_member_gets_what_the_others_computed() {
        const WIDTH: usize = 10;
        for size in [1, 2, 3, 7] {
            let team = Team::new(size);
            let work = |mut member: Member<'_>| {
                for round in 0..200 {
                    let mut rows = vec![-1.0; 3 * WIDTH];
                    for unit in member.part(WIDTH / 2) {
                        for row in rows.chunks_exact_mut(WIDTH) {
                            row[unit * 2..][..2].fill((round + unit) as f32);
                        }
                    }
                    member.share(&mut rows, WIDTH, 2);
                    for row in rows.chunks_exact(WIDTH) {
                        let expected = (0..WIDTH).map(|c| (round + c / 2) as f32);
                        assert!(row.iter().copied().eq(expected));
                    }
                }
            };
            std::thread::scope(|scope| {
                for rank in 1..size {
                    let member = team.member(rank);
                    scope.spawn(move || work(member));
                }
                work(team.member(0));
            });
        }
    }

    #[test]
    fn a_member_that_fails_keeps_nobody_waiting() {
        let team = Team::new(2);
        let failed = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let _member = team.member(1);
                panic!("on purpose");
            });
            let me = scope.spawn(|| team.member(0).share(&mut [0.0; 2], 2, 1));
            (other.join().is_err(), me.join().is_err())
        });
        assert_eq!(failed, (true, true));
    }

    #[test]
    fn one_alone_has_it_all() {
        let mut member = Member::alone();
        assert_eq!(member.part(12), 0..12);
        let mut rows = [1.0, 2.0];
        member.share(&mut rows, 2, 1);
        assert_eq!(rows, [1.0, 2.0]);
    }
}
