//! Work spread over threads.

/// Does all of the work, item `i` on thread `i % threads`, and gives the results in the order of the items. What
/// comes out must not depend on who does it.
pub(crate) fn each<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let threads = threads.clamp(1, items.len().max(1));
    if threads == 1 {
        return items.into_iter().map(work).collect();
    }
    let count = items.len();
    let mut piles: Vec<Vec<T>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, item) in items.into_iter().enumerate() {
        piles[at % threads].push(item);
    }
    let do_pile = |pile: Vec<T>| pile.into_iter().map(&work).collect::<Vec<R>>();
    let done: Vec<Vec<R>> = std::thread::scope(|scope| {
        let own = piles.remove(0);
        let others: Vec<_> = piles
            .into_iter()
            .map(|pile| scope.spawn(|| do_pile(pile)))
            .collect();
        let own = do_pile(own);
        let others = others.into_iter().map(|thread| {
            let end = thread.join();
            end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        std::iter::once(own).chain(others).collect()
    });
    let mut done: Vec<_> = done.into_iter().map(Vec::into_iter).collect();
    (0..count)
        .filter_map(|at| done[at % threads].next())
        .collect()
}

/// Threads that the machine can run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_whoever_did_them() {
        for threads in [0, 1, 2, 3, 20] {
            let doubled = each(threads, (0..11).collect(), |i| 2 * i);
            assert!(doubled.into_iter().eq((0..11).map(|i| 2 * i)), "{threads}");
        }
        assert!(each(2, Vec::<()>::new(), |()| ()).is_empty());
    }
}
