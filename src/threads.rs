//! Pools of threads, of fewer threads where the system allows no more. The global pool, which panics there, is not used.

#[cfg(not(target_family = "wasm"))]
use crate::error::Error;
use crate::error::Result;
use rayon::ThreadPool;
#[cfg(feature = "cli")]
use rayon::prelude::*;
#[cfg(not(target_family = "wasm"))]
use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};
#[cfg(feature = "cli")]
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
#[cfg(not(target_family = "wasm"))]
use std::time::Duration;

/// None: there are no threads in a browser.
#[cfg(target_family = "wasm")]
pub(crate) fn pool(_: usize) -> Result<Option<ThreadPool>> {
    Ok(None)
}

/// A pool of up to `threads` threads; 0 means one per core. None where threads do not exist, as in a browser.
///
/// # Errors
/// [`Error::Device`] if not a single thread can be started.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn pool(threads: usize) -> Result<Option<ThreadPool>> {
    let wanted = if threads == 0 { cores() } else { threads };
    pool_by(wanted, &mut |count| ThreadPoolBuilder::new().num_threads(count).build()).map(Some)
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tries half as many threads after each failure, and one several times.
#[cfg(not(target_family = "wasm"))]
fn pool_by<P>(wanted: usize, build: &mut dyn FnMut(usize) -> Result<P, ThreadPoolBuildError>) -> Result<P> {
    const LAST_TRIES: usize = 5;
    let halves = std::iter::successors(Some(wanted), |count| (*count > 1).then_some(count / 2));
    let mut failure = None;
    for count in halves.chain([1; LAST_TRIES]) {
        match build(count) {
            Ok(pool) => return Ok(pool),
            Err(error) => failure = Some(error),
        }
        // The threads of the failed pool are about to end.
        std::thread::sleep(Duration::from_millis(10));
    }
    let why = failure.map(|error| error.to_string()).unwrap_or_default();
    Err(Error::device(format!(
        "cannot start a thread: {why}; raise the limit of processes (`ulimit -u`, or the cgroup's pids) or of memory (`ulimit -v`)"
    )))
}

/// Runs `f` where its parallel loops use the threads of `pool`.
pub(crate) fn install<R: Send>(pool: Option<&ThreadPool>, f: impl FnOnce() -> R + Send) -> R {
    match pool {
        Some(pool) => pool.install(f),
        None => f(),
    }
}

/// `f` of each item, on up to `threads` threads, each of which has a pool of its own for the parallel loops of `f`. In one pool a thread
/// whose loop waits would take up the next item meanwhile, and that the next: as deep as there are items.
///
/// # Errors
/// [`Error::Device`] if not a single thread can be started.
#[cfg(feature = "cli")]
pub(crate) fn map<T: Sync, R: Send>(threads: usize, items: &[T], f: impl Fn(&T) -> R + Sync) -> Result<Vec<R>> {
    let threads = threads.clamp(1, items.len().max(1));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let work = |pool: Option<ThreadPool>| {
        install(pool.as_ref(), || {
            while let Some(i) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < items.len()) {
                let result = (i, f(&items[i]));
                results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
            }
        });
    };
    let of_thread = (cores() / threads).max(1);
    let own = pool(of_thread)?;
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system allows no more, those there are do all.
            let Ok(pool) = pool(of_thread) else { break };
            let started = std::thread::Builder::new().spawn_scoped(scope, || work(pool));
            if started.is_err() {
                break;
            }
        }
        work(own);
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(i, _)| *i);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// `f` of each item, in order, on the threads of `pool`, and what `beside` returns, which runs on this thread meanwhile.
#[cfg(feature = "cli")]
pub(crate) fn map_beside<T: Sync, R: Send, S>(
    pool: Option<&ThreadPool>,
    items: &[T],
    f: impl Fn(&T) -> R + Sync + Send,
    beside: impl FnOnce() -> S,
) -> (Vec<R>, S) {
    let Some(pool) = pool else { return (items.iter().map(f).collect(), beside()) };
    let mut mapped = Vec::new();
    let result = pool.in_place_scope(|scope| {
        scope.spawn(|_| mapped = items.par_iter().map(f).collect());
        beside()
    });
    (mapped, result)
}

/// A thread beside the others.
#[cfg(feature = "cli")]
pub(crate) struct Background(std::thread::JoinHandle<()>);

/// Calls `turn` on a thread of its own, again after each pause that it asks for, until it asks for none.
///
/// # Errors
/// [`Error::Device`] if the thread cannot be started.
#[cfg(feature = "cli")]
pub(crate) fn background(
    name: &str,
    mut turn: impl FnMut() -> Option<Duration> + Send + 'static,
) -> Result<Background> {
    let run = move || {
        while let Some(pause) = turn() {
            std::thread::park_timeout(pause);
        }
    };
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(Background).map_err(|e| Error::device(format!("cannot start a thread: {e}")))
}

#[cfg(feature = "cli")]
impl Background {
    /// Ends the present pause, and waits until the thread asks for no more.
    pub(crate) fn finish(self) {
        self.0.thread().unpark();
        // A panic of its own has been printed.
        let _ = self.0.join();
    }
}

/// Waits, on hosts where a thread can.
#[cfg(feature = "cli")]
pub(crate) fn sleep(duration: std::time::Duration) {
    std::thread::sleep(duration);
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    /// In one pool the items would be begun inside each other.
    #[test]
    fn every_item_is_mapped_once_and_none_inside_another() {
        let items: Vec<usize> = (0..300).collect();
        let inside = Mutex::new(std::collections::HashMap::new());
        let deepest = AtomicUsize::new(0);
        let sums = map(3, &items, |item| {
            let id = std::thread::current().id();
            let count = |change: isize| {
                let mut inside = inside.lock().expect("no panic");
                let depth: &mut isize = inside.entry(id).or_default();
                *depth += change;
                *depth as usize
            };
            deepest.fetch_max(count(1), Ordering::Relaxed);
            let sum = (0..1000usize).into_par_iter().map(|i| i * item).sum::<usize>();
            count(-1);
            sum
        });
        let expected: Vec<usize> = items.iter().map(|item| item * 499_500).collect();
        assert_eq!(sums.expect("threads"), expected);
        assert_eq!(deepest.into_inner(), 1);
        assert_eq!(map(8, &[0; 0], |item| *item).expect("threads"), [0; 0]);
    }

    #[test]
    fn items_are_mapped_in_order_beside_something_else() {
        let here = std::thread::current().id();
        for pool in [None, pool(3).expect("threads")] {
            let items: Vec<usize> = (0..300).collect();
            let (squares, id) = map_beside(pool.as_ref(), &items, |item| item * item, || std::thread::current().id());
            assert_eq!(squares, items.iter().map(|item| item * item).collect::<Vec<_>>());
            assert_eq!(id, here);
        }
    }

    #[test]
    fn fewer_threads_are_tried_where_the_system_refuses() {
        let refused =
            || ThreadPoolBuilder::new().num_threads(1).spawn_handler(|_| Err(std::io::Error::other("refused"))).build();
        let mut tried = Vec::new();
        let mut up_to = |limit: usize, wanted| {
            tried.clear();
            pool_by(wanted, &mut |count| {
                tried.push(count);
                if count <= limit { Ok(count) } else { Err(refused().expect_err("refused")) }
            })
        };
        assert_eq!(up_to(3, 16).expect("two"), 2);
        let error = up_to(0, 4).expect_err("no thread");
        assert!(error.exit_code() == 5 && error.to_string().contains("ulimit -u"), "{error}");
        assert_eq!(tried[..3], [4, 2, 1]);
    }
}
