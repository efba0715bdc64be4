//! Pools of threads, of fewer threads where the system allows no more. The global pool, which panics there, is not used.

use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::time::Duration;

/// A pool of up to `threads` threads; 0 means one per core. None where threads do not exist, as in a browser.
///
/// # Errors
/// [`Error::Device`] if not a single thread can be started.
pub(crate) fn pool(threads: usize) -> Result<Option<ThreadPool>> {
    if cfg!(target_family = "wasm") {
        return Ok(None);
    }
    let wanted = if threads == 0 { cores() } else { threads };
    pool_by(wanted, &mut |count| ThreadPoolBuilder::new().num_threads(count).build()).map(Some)
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tries half as many threads after each failure, and one several times.
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

#[cfg(test)]
mod tests {
    use super::*;

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
