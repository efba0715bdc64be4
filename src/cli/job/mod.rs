//! The job that this process is a rank of, where a launcher of MPI such as `mpirun` has started several.

#[cfg(feature = "mpi")]
mod mpi;
mod place;

use super::environment::launched_ranks;
use super::interrupt;
use super::ran_on::RanOn;
use crate::backend::DeviceInfo;
use crate::blocking::Trainer;
use crate::digest::sha256_hex;
#[cfg(not(feature = "mpi"))]
use crate::error::usage;
use crate::error::{Error, Result};
use crate::ranks::{Alone, Ranks, any, check_agreement, gather};
use crate::report::note;
use crate::trainer::RunConfig;
use place::Place;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Not set where the process is alone.
static PLACE: OnceLock<Place> = OnceLock::new();

/// Whether the error that this process ends with is one of all ranks.
static TOGETHER: AtomicBool = AtomicBool::new(false);

/// Settings in which ranks may differ: they are of the machine, of what rank 0 alone writes, or names of what is compared itself.
const OWN: [&str; 8] = ["adapter", "threads", "data", "data_dir", "model", "weights", "out", "overwrite"];

/// Joins the job, if there is one.
///
/// # Errors
/// [`Error::Usage`] if this program is built without MPI; what MPI says.
pub(super) fn join() -> Result<()> {
    match launched_ranks() {
        #[cfg(feature = "mpi")]
        Some(_) => mpi::join().map(|place| PLACE.set(place).unwrap_or_default()),
        #[cfg(not(feature = "mpi"))]
        Some(size) if size > 1 => Err(usage!(
            "started as one of {size} processes; this gpu-cnn is built without MPI and would train each by itself\nhint: `cargo install gpu-cnn \
             --features mpi` builds it with MPI; that needs Open MPI or MPICH, with its headers, and libclang"
        )),
        _ => Ok(()),
    }
}

/// Whether this process leaves it to rank 0 to say and to write what there is.
pub(super) fn follows() -> bool {
    PLACE.get().is_some_and(|place| place.rank > 0)
}

/// Ranks of the job.
pub(super) fn size() -> usize {
    PLACE.get().map_or(1, |place| place.size)
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
        TOGETHER.store(true, Ordering::Relaxed);
    }
}

/// Whether all ranks have failed in the same way, so that each ends by itself, and one says so.
pub(super) fn fails_together() -> bool {
    TOGETHER.load(Ordering::Relaxed)
}

/// `error` with the rank that it is of.
pub(super) fn of_rank(error: &str) -> String {
    match PLACE.get().filter(|place| place.size > 1) {
        Some(Place { rank, host, .. }) => format!("rank {rank} on {host}: {error}"),
        None => error.to_owned(),
    }
}

/// The ranks, to exchange with.
fn ranks() -> Box<dyn Ranks> {
    match PLACE.get() {
        #[cfg(feature = "mpi")]
        Some(place) => Box::new(mpi::World { rank: place.rank, size: place.size }),
        _ => Box::new(Alone),
    }
}

/// The settings of a new run as a job needs them: batches are cut.
pub(super) fn prepare(config: &mut RunConfig) {
    if PLACE.get().is_some() {
        config.cut_batches();
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

/// The settings by which this rank finds its device: its own adapter, and its share of the cores.
pub(super) fn of_device(config: &RunConfig) -> RunConfig {
    #[cfg(feature = "mpi")]
    if let Some(place) = PLACE.get() {
        return mpi::of_device(config.clone(), place);
    }
    // A run of several ranks that one process reproduces.
    let adapter = config.adapter.replace("{rank}", "0").replace("{local_rank}", "0");
    RunConfig { adapter, ..config.clone() }
}

/// Makes `trainer` train with the other ranks.
///
/// # Errors
/// If a rank would train something else.
pub(super) fn train_together(
    trainer: &mut Trainer,
    config: &RunConfig,
    data: &BTreeMap<String, String>,
    ran_on: &RanOn,
) -> Result<()> {
    let Some(place) = PLACE.get() else { return Ok(()) };
    trainer.set_ranks(ranks());
    let weights = trainer.weights()?;
    let device = trainer.device().clone();
    // First: another version may have more settings.
    check_agreement(trainer.ranks(), &[("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())])?;
    let mut facts = vec![
        ("data set".to_owned(), format!("{data:?}")),
        ("model".to_owned(), serde_json::to_string(trainer.model()).unwrap_or_default()),
    ];
    let settings = config.to_table()?.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    facts.extend(settings.map(|(name, value)| (format!("setting {name}"), value.to_string())));
    // Each makes the update for itself: on other devices they would drift apart.
    facts.push(("kind of device".to_owned(), format!("{ran_on:?}")));
    facts.push(("progress".to_owned(), format!("{:?}", trainer.progress())));
    facts.push(("set of initial weights".to_owned(), digest_of(&weights)));
    check_agreement(trainer.ranks(), &facts)?;
    warn_of_shared(trainer.ranks(), &device, place)?;
    let parts = config.micro_batch.map_or(1, |micro_batch| config.batch_size / micro_batch);
    note(&format!(
        "ranks: {}; each batch of {} images in {parts} parts of {}",
        place.size,
        config.batch_size,
        config.batch_size / parts.max(1)
    ));
    if parts < place.size as u32 {
        note(&format!(
            "warning: {parts} parts for {} ranks, so that some have nothing to do; see --micro-batch",
            place.size
        ));
    }
    Ok(())
}

/// Warns of an adapter that several ranks of a host take turns on.
fn warn_of_shared(ranks: &mut dyn Ranks, device: &DeviceInfo, place: &Place) -> Result<()> {
    let digest = sha256_hex(format!("{} {} {}", place.host, device.backend, device.adapter).as_bytes());
    let own = [u32::from_str_radix(&digest[..8], 16).unwrap_or_default(), u32::from(device.backend != "cpu")];
    let all = gather(ranks, &own, &vec![own.len(); place.size])?;
    let shares = all.iter().enumerate().any(|(i, words)| words[1] == 1 && all[..i].contains(words));
    if shares {
        note(
            "warning: ranks of one host share an adapter, and take turns on it; --adapter may hold {rank} and {local_rank}",
        );
    }
    Ok(())
}

/// Opens what may have to be downloaded: on each host one rank first, whose file the others then find.
///
/// # Errors
/// Those of `open`.
pub(super) fn one_first<T>(open: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(place) = PLACE.get().filter(|place| place.size > 1) else { return open() };
    if place.local.0 == 0 {
        let opened = open()?;
        any(ranks().as_mut(), false)?;
        return Ok(opened);
    }
    any(ranks().as_mut(), false)?;
    open()
}

/// Makes `trainer` evaluate with the other ranks.
///
/// # Errors
/// If a rank has another program, model or data set.
pub(super) fn evaluate_together(trainer: &mut Trainer, data: &BTreeMap<String, String>) -> Result<()> {
    trainer.set_ranks(ranks());
    let facts = [
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("data set", format!("{data:?}")),
        ("set of weights", digest_of(&trainer.weights()?)),
    ];
    check_agreement(trainer.ranks(), &facts.map(|(name, text)| (name.to_owned(), text)))
}

fn digest_of(weights: &[f32]) -> String {
    sha256_hex(bytemuck::cast_slice(weights))
}

/// An error once the user has asked one of the ranks to stop.
pub(super) fn check_interrupted(trainer: &mut Trainer, place: &str) -> Result<()> {
    let own = interrupt::requested().is_some();
    let is_asked = if size() > 1 { any(trainer.ranks(), own)? } else { own };
    match is_asked {
        true => Err(Error::Interrupted(format!("interrupted {place}"))),
        false => Ok(()),
    }
}
