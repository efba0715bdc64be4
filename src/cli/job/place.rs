//! Which of the processes of a job this is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The place of this process in its job.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) rank: usize,
    pub(super) size: usize,
    /// Among the ranks of this host.
    pub(super) local_rank: usize,
    /// Ranks of this host that may run on the same cores.
    pub(super) sharing: usize,
    pub(super) host: String,
}

/// Not set where the process is alone.
pub(super) static PLACE: OnceLock<Place> = OnceLock::new();

/// Whether the error that this process ends with is one of all ranks.
static TOGETHER: AtomicBool = AtomicBool::new(false);

/// Says that the other ranks come to the same end from here on.
pub(crate) fn end_together() {
    TOGETHER.store(true, Ordering::Relaxed);
}

/// Whether all ranks have failed in the same way, so that each ends by itself, and one says so.
pub(crate) fn fails_together() -> bool {
    TOGETHER.load(Ordering::Relaxed)
}

/// Whether a launcher of MPI has started this process.
pub(crate) fn is_in_job() -> bool {
    PLACE.get().is_some()
}

/// Ranks of the job.
pub(crate) fn size() -> usize {
    PLACE.get().map_or(1, |place| place.size)
}

/// The number of this rank.
pub(crate) fn rank() -> usize {
    PLACE.get().map_or(0, |place| place.rank)
}

/// The number of this rank among those of its host.
pub(crate) fn local_rank() -> usize {
    PLACE.get().map_or(0, |place| place.local_rank)
}

/// Whether this process leaves it to rank 0 to say and to write what there is.
pub(crate) fn follows() -> bool {
    rank() > 0
}
