//! Work spread over threads.

/// Does all of the work, item `i` on thread `i % threads`. What comes out must not depend on who does it.
pub(super) fn each<T: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) + Sync) {
    let threads = threads.clamp(1, items.len().max(1));
    if threads == 1 {
        items.into_iter().for_each(work);
        return;
    }
    let mut piles: Vec<Vec<T>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, item) in items.into_iter().enumerate() {
        piles[at % threads].push(item);
    }
    let work = &work;
    std::thread::scope(|scope| {
        let own = piles.pop();
        for pile in piles {
            scope.spawn(move || pile.into_iter().for_each(work));
        }
        own.into_iter().flatten().for_each(work);
    });
}
