//! The ranks of the job, to exchange with.

#[cfg(feature = "mpi")]
use super::mpi;
#[cfg(feature = "mpi")]
use super::place::PLACE;
use super::place::end_together;
use crate::error::Result;
use crate::ranks::{Alone, Ranks, check_agreement};

/// Whether all ranks have the same of everything that `facts` names.
///
/// # Errors
/// If one has not, on every rank.
pub(super) fn agree(facts: &[(String, String)]) -> Result<()> {
    check_agreement(ranks().as_mut(), facts).inspect_err(|_| end_together())
}

/// All ranks of the job; this process alone where there is none.
pub(super) fn ranks() -> Box<dyn Ranks> {
    #[cfg(feature = "mpi")]
    if let Some(place) = PLACE.get() {
        return Box::new(mpi::World::new(place.rank, place.size));
    }
    Box::new(Alone)
}
