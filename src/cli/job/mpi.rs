//! The job of MPI.

use super::place::Place;
use crate::digest::sha256_hex;
use crate::error::{Error, Result, usage};
use crate::ranks::{Ranks, Traffic};
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives};
use mpi::{Count, Threading};
use std::sync::Mutex;
use std::time::Instant;

/// Until the process leaves the job.
static UNIVERSE: Mutex<Option<Universe>> = Mutex::new(None);

/// All ranks of the job.
#[derive(Debug)]
pub(super) struct World {
    rank: usize,
    size: usize,
    traffic: Traffic,
}

impl World {
    pub(super) fn new(rank: usize, size: usize) -> Self {
        Self { rank, size, traffic: Traffic::default() }
    }
}

/// Takes part in the job.
pub(super) fn join() -> Result<Place> {
    let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)
        .ok_or_else(|| Error::Usage("MPI has been initialised before".into()))?;
    let world = universe.world();
    let local = world.split_shared(world.rank());
    let of = |number: Count| usize::try_from(number).unwrap_or(0);
    let host = mpi::environment::processor_name().unwrap_or_else(|_| "an unnamed host".into());
    let place = Place {
        rank: of(world.rank()),
        size: of(world.size()),
        local_rank: of(local.rank()),
        sharing: sharing(&local),
        host: host.trim_end_matches('\0').to_owned(),
    };
    if let Ok(mut held) = UNIVERSE.lock() {
        *held = Some(universe);
    }
    Ok(place)
}

/// Ends all ranks.
pub(super) fn abort(code: u8) -> ! {
    SimpleCommunicator::world().abort(code.into())
}

/// Leaves the job, once all ranks do.
pub(super) fn finalize() {
    if let Ok(mut held) = UNIVERSE.lock() {
        drop(held.take());
    }
}

/// Ranks of this host that may run on the cores that this one may run on: all, unless the launcher binds each to its own.
fn sharing(local: &SimpleCommunicator) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find(|line| line.starts_with("Cpus_allowed:")).unwrap_or_default();
    let digest = sha256_hex(allowed.as_bytes());
    let own = u32::from_str_radix(&digest[..8], 16).unwrap_or_default();
    let mut all = vec![0_u32; usize::try_from(local.size()).unwrap_or(1)];
    local.all_gather_into(&own, &mut all[..]);
    all.iter().filter(|other| **other == own).count().max(1)
}

impl Ranks for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn exchange(&mut self, parts: &[&[u32]], lens: &[usize]) -> Result<Vec<Vec<u32>>> {
        let started = Instant::now();
        // Places, too, are of this type.
        let counts = |lens: &mut dyn Iterator<Item = usize>| -> Result<Vec<Count>> {
            let lens: Vec<usize> = lens.collect();
            match lens.iter().sum::<usize>() {
                all if Count::try_from(all).is_err() => {
                    Err(usage!("{all} words are too many for MPI to exchange at once"))
                }
                _ => Ok(lens.into_iter().map(|len| len as Count).collect()),
            }
        };
        let starts = |counts: &[Count]| -> Vec<Count> {
            let ends = counts.iter().scan(0, |end, count| {
                *end += count;
                Some(*end)
            });
            [0].into_iter().chain(ends).take(counts.len()).collect()
        };
        let sent = parts.concat();
        let sent_counts = counts(&mut parts.iter().map(|part| part.len()))?;
        let counts = counts(&mut lens.iter().copied())?;
        let mut received = vec![0_u32; lens.iter().sum()];
        {
            let from = Partition::new(&sent[..], sent_counts.clone(), starts(&sent_counts));
            let mut to = PartitionMut::new(&mut received[..], counts.clone(), starts(&counts));
            SimpleCommunicator::world().all_to_all_varcount_into(&from, &mut to);
        }
        let mut rest = &received[..];
        let parts = lens.iter().map(|len| {
            let (part, others) = rest.split_at(*len);
            rest = others;
            part.to_vec()
        });
        let parts = parts.collect();
        let to_others = sent.len() - sent_counts[self.rank] as usize;
        self.traffic.sent += 4 * to_others as u64;
        self.traffic.seconds += started.elapsed().as_secs_f64();
        Ok(parts)
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }
}
