//! Which of the processes of a job this is.

/// The place of this process in its job.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) rank: usize,
    pub(super) size: usize,
    /// Among the ranks of this host.
    pub(super) local: (usize, usize),
    pub(super) host: String,
}
