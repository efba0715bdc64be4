//! The job that this process is a rank of, where a launcher of MPI such as `mpirun` has started several.

#[cfg(feature = "mpi")]
mod mpi;
mod place;
mod together;
mod world;

use super::environment::launched_ranks;
use super::interrupt;
use crate::blocking::Trainer;
use crate::error::{Error, Result, usage};
use crate::ranks::{any, gather};
use crate::threads::cores;
use crate::trainer::RunConfig;
use place::{PLACE, Place};
pub(super) use place::{end_together, fails_together, follows, is_in_job, local_rank, rank, size};
pub(super) use together::{evaluate_together, gather_outcomes, note_traffic, predict_together, train_together};
use world::{agree, ranks};

/// Joins the job, if there is one.
///
/// # Errors
/// [`Error::Usage`] if this program is built without MPI, or MPI does not know the other processes; what MPI says.
pub(super) fn join() -> Result<()> {
    match launched_ranks() {
        #[cfg(feature = "mpi")]
        Some(launched) => {
            let place = mpi::join()?;
            if place.size < launched {
                return Err(usage!(
                    "started as one of {launched} processes, of which MPI sees {}: the launcher is another MPI's than the program's; with srun, \
                     `srun --mpi=list` shows what it has, such as --mpi=pmix",
                    place.size
                ));
            }
            PLACE.set(place).unwrap_or_default();
            Ok(())
        }
        #[cfg(not(feature = "mpi"))]
        Some(size) if size > 1 => Err(usage!(
            "started as one of {size} processes; this gpu-cnn is built without MPI and would train each by itself\nhint: `cargo install gpu-cnn \
             --features mpi` builds it with MPI; that needs Open MPI or MPICH, with its headers, and libclang"
        )),
        _ => Ok(()),
    }
}

/// The first rank that ends at its command line, as this one does if it `ends`: for `--help`, or as something is wrong with it. All ranks
/// have to ask.
pub(super) fn first_to_end(ends: bool) -> Result<Option<usize>> {
    let mut ranks = ranks();
    let lens = vec![1; ranks.size()];
    let all = gather(ranks.as_mut(), &[u32::from(ends)], &lens)?.concat();
    Ok(all.iter().position(|ends| *ends == 1))
}

/// Whether all ranks have the same version of this program and do the same.
///
/// # Errors
/// If one does not, on every rank.
pub(super) fn agree_on_command(command: &str) -> Result<()> {
    agree(
        &[("version", env!("CARGO_PKG_VERSION")), ("subcommand", command)]
            .map(|(name, text)| (name.into(), text.into())),
    )
}

/// The error of all ranks that they cannot do something together.
pub(super) fn refuse_all(why: &str) -> Result<()> {
    end_together();
    Err(usage!("{why}; this is one of {}", size()))
}

/// Whether it is so on every rank.
pub(super) fn all(own: bool) -> Result<bool> {
    any(ranks().as_mut(), !own).map(|any| !any)
}

/// Leaves the job after `result`, with which the process ends with `code`. A rank that fails ends the others; where all have come to the same
/// error, each ends by itself.
#[cfg(feature = "mpi")]
pub(super) fn leave(result: &Result<()>, code: u8) {
    match PLACE.get() {
        Some(place) if result.is_err() && !fails_together() && place.size > 1 => mpi::abort(code),
        Some(_) => mpi::finalize(),
        None => {}
    }
}

/// Does nothing: there is no job.
#[cfg(not(feature = "mpi"))]
pub(super) fn leave(_: &Result<()>, _: u8) {}

/// Says that the other ranks come to this error, too, if it is of the training.
pub(super) fn fail_together(error: &Error) {
    if matches!(error, Error::NotFinite(_) | Error::Interrupted(_)) {
        end_together();
    }
}

/// `error` with the rank that it is of, if others do not have it.
pub(super) fn of_rank(error: &str) -> String {
    match PLACE.get().filter(|place| place.size > 1 && !fails_together()) {
        Some(Place { rank, host, .. }) => format!("rank {rank} on {host}: {error}"),
        None => error.to_owned(),
    }
}

/// The settings of a new run as a job needs them: batches are cut.
pub(super) fn prepare(config: &mut RunConfig) {
    if is_in_job() {
        config.cut_batches(size());
    }
}

/// Whether a run with these settings can go on in the job.
///
/// # Errors
/// [`Error::Usage`] if its batches are whole, and there are several ranks.
pub(super) fn check_resumed(config: &RunConfig) -> Result<()> {
    match (size(), config.micro_batch) {
        (size, None) if size > 1 => Err(Error::Usage(format!(
            "the run has whole batches, and goes on in one process; this is one of {size}, which need --micro-batch from the start"
        ))),
        _ => Ok(()),
    }
}

/// The settings by which this rank finds its device: `{rank}` and `{local_rank}` in the adapter's name become numbers, also where one process
/// reproduces a run of several; threads, unless the settings say how many, become its share of the cores that it may run on.
pub(super) fn of_device(config: &RunConfig) -> RunConfig {
    let adapter = config.adapter.replace("{rank}", &rank().to_string());
    let adapter = adapter.replace("{local_rank}", &local_rank().to_string());
    let share = PLACE.get().and_then(|place| u16::try_from((cores() / place.sharing).max(1)).ok());
    RunConfig { adapter, threads: config.threads.or(share), ..config.clone() }
}

/// Opens what may have to be downloaded: on each host one rank first, whose file the others then find.
///
/// # Errors
/// Those of `open`.
pub(super) fn one_first<T>(open: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(place) = PLACE.get().filter(|place| place.size > 1) else { return open() };
    if place.local_rank == 0 {
        let opened = open()?;
        any(ranks().as_mut(), false)?;
        return Ok(opened);
    }
    any(ranks().as_mut(), false)?;
    open()
}

/// An error once the user has asked one of the ranks to stop, with whose exit code all end.
pub(super) fn check_interrupted(trainer: &mut Trainer, place: &str) -> Result<()> {
    let mut asked = interrupt::requested();
    if size() > 1 {
        let all = gather(trainer.ranks(), &[asked.map_or(0, u32::from)], &vec![1; size()])?.concat();
        asked = all.into_iter().find(|code| *code != 0).and_then(|code| u8::try_from(code).ok());
        asked.into_iter().for_each(interrupt::request);
    }
    match asked {
        Some(_) => Err(Error::Interrupted(format!("interrupted {place}"))),
        None => Ok(()),
    }
}
