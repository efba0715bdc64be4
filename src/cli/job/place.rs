//! Which of the processes of a job this is.

use std::sync::OnceLock;

/// The place of this process in its job.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) rank: usize,
    pub(super) size: usize,
    /// Among the ranks of this host.
    pub(super) local: (usize, usize),
    pub(super) host: String,
}

/// Not set where the process is alone.
pub(super) static PLACE: OnceLock<Place> = OnceLock::new();

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
    PLACE.get().map_or(0, |place| place.local.0)
}

/// Whether this process leaves it to rank 0 to say and to write what there is.
pub(crate) fn follows() -> bool {
    rank() > 0
}
