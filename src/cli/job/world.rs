//! The ranks of the job, to exchange with.

#[cfg(feature = "mpi")]
use super::mpi;
#[cfg(feature = "mpi")]
use super::place::PLACE;
use crate::ranks::{Alone, Ranks};

/// All ranks of the job; this process alone where there is none.
pub(super) fn ranks() -> Box<dyn Ranks> {
    #[cfg(feature = "mpi")]
    if let Some(place) = PLACE.get() {
        return Box::new(mpi::World::new(place.rank, place.size));
    }
    Box::new(Alone)
}
