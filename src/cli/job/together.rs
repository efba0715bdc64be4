//! What ranks do together, once they have found that it is the same.

use super::place::{PLACE, Place, is_in_job, size};
use super::world::{agree, ranks};
use crate::backend::Device;
use crate::blocking::Trainer;
use crate::cli::ran_on::RanOn;
use crate::digest::sha256_hex;
use crate::error::{Error, Result, count_of};
use crate::ranks::{Ranks, Traffic, gather, gather_bytes};
use crate::report::note;
use crate::trainer::RunConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Settings in which ranks may differ: they are of the machine, of what rank 0 alone writes, or names of what is compared itself.
const OWN: [&str; 8] = ["adapter", "threads", "data", "data_dir", "model", "weights", "out", "overwrite"];

/// Makes `trainer` train with the other ranks.
///
/// # Errors
/// If a rank would train something else.
pub(crate) fn train_together(trainer: &mut Trainer, config: &RunConfig, data: &BTreeMap<String, String>) -> Result<()> {
    let Some(place) = PLACE.get() else { return Ok(()) };
    trainer.set_ranks(ranks());
    let weights = trainer.weights()?;
    let device = trainer.session.device.clone();
    let mut facts = facts_of(trainer, config)?;
    facts.extend([
        ("data set".to_owned(), format!("{data:?}")),
        ("model".to_owned(), serde_json::to_string(trainer.model()).unwrap_or_default()),
        ("progress".to_owned(), format!("{:?}", trainer.progress())),
        ("set of initial weights".to_owned(), digest_of(&weights)),
    ]);
    let state: Vec<f32> = trainer.persistent()?.into_iter().flat_map(|(_, values)| values).collect();
    facts.push(("state of the training".to_owned(), digest_of(&state)));
    agree(&facts)?;
    warn_of_shared(trainer.ranks(), &device, place)?;
    let parts = config.micro_batch.map_or(1, |micro_batch| config.batch_size / micro_batch);
    note(&format!(
        "ranks: {}; each batch of {} in {} of {}",
        place.size,
        count_of(config.batch_size, "image"),
        count_of(parts, "part"),
        config.batch_size / parts.max(1)
    ));
    if parts < place.size as u32 {
        note(&format!(
            "warning: {} for {} ranks, so that some have nothing to do; see --micro-batch",
            count_of(parts, "part"),
            place.size
        ));
    }
    Ok(())
}

/// Warns of an adapter that several ranks of a host take turns on.
fn warn_of_shared(ranks: &mut dyn Ranks, device: &Device, place: &Place) -> Result<()> {
    let digest = sha256_hex(format!("{} {}", place.host, device.unit()).as_bytes());
    let own = [u32::from_str_radix(&digest[..8], 16).unwrap_or_default(), u32::from(matches!(device, Device::Gpu(_)))];
    let all = gather(ranks, &own, &vec![own.len(); place.size])?;
    let shares = all.iter().enumerate().any(|(i, words)| words[1] == 1 && all[..i].contains(words));
    if shares {
        note(
            "warning: ranks of one host share an adapter, and take turns on it; --adapter may hold {rank} and {local_rank}",
        );
    }
    Ok(())
}

/// Makes `trainer` evaluate with the other ranks.
///
/// # Errors
/// If a rank has other weights, settings or data, or another device.
pub(crate) fn evaluate_together(
    trainer: &mut Trainer,
    config: &RunConfig,
    data: &BTreeMap<String, String>,
) -> Result<()> {
    if !is_in_job() {
        return Ok(());
    }
    trainer.set_ranks(ranks());
    let mut facts = facts_of(trainer, config)?;
    facts.push(("data set".to_owned(), format!("{data:?}")));
    facts.push(("set of weights".to_owned(), digest_of(&trainer.weights()?)));
    agree(&facts)
}

/// The settings in which ranks must not differ, and what they compute on: on other devices they would drift apart.
fn facts_of(trainer: &Trainer, config: &RunConfig) -> Result<Vec<(String, String)>> {
    let settings = config.to_table()?.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let settings = settings.map(|(name, value)| (format!("setting {name}"), value.to_string()));
    let ran_on = RanOn::now(&trainer.session.device);
    Ok(settings.chain([("kind of device".to_owned(), format!("{ran_on:?}"))]).collect())
}

/// Whether the ranks predict the same pictures by the same weights.
///
/// # Errors
/// If a rank has other weights, settings or pictures, or another device.
pub(crate) fn predict_together(
    trainer: &mut Trainer,
    config: &RunConfig,
    pictures: &[&Path],
    invert: &str,
) -> Result<()> {
    if !is_in_job() {
        return Ok(());
    }
    let mut facts = facts_of(trainer, config)?;
    facts.extend([
        ("set of weights".to_owned(), digest_of(&trainer.weights()?)),
        ("list of pictures".to_owned(), format!("{pictures:?}")),
        ("way to invert pictures".to_owned(), invert.to_owned()),
    ]);
    agree(&facts)
}

/// What all ranks have made of their shares, in the order of the ranks; `own` is this one's.
pub(crate) fn gather_outcomes<T: Serialize + DeserializeOwned>(own: Vec<T>) -> Result<Vec<T>> {
    if size() == 1 {
        return Ok(own);
    }
    let unreadable = |e: serde_json::Error| Error::Usage(format!("what the ranks exchange: {e}"));
    let bytes = serde_json::to_vec(&own).map_err(unreadable)?;
    let mut all = Vec::new();
    for bytes in gather_bytes(ranks().as_mut(), &bytes)? {
        all.extend(serde_json::from_slice::<Vec<T>>(&bytes).map_err(unreadable)?);
    }
    Ok(all)
}

/// Says what the ranks have exchanged in `steps` steps, which took `seconds`; returns the same for `run.json`.
pub(crate) fn note_traffic(traffic: Traffic, steps: u64, seconds: f64) -> Option<Value> {
    let ranks = PLACE.get().map(|place| place.size).filter(|size| *size > 1 && steps > 0)?;
    let [elapsed_ms, exchange_ms] = [seconds, traffic.seconds].map(|seconds| seconds * 1e3 / steps as f64);
    let sent = traffic.sent as f64 / steps as f64;
    note(&format!(
        "ranks: for each step {exchange_ms:.2} ms of exchange and waiting for others, of {elapsed_ms:.2} with all that the run did; rank 0 sent {:.3} MB",
        sent / 1e6
    ));
    Some(json!({
        "ranks": ranks,
        "elapsed_ms_per_step": elapsed_ms,
        "exchange_ms_per_step": exchange_ms,
        "bytes_sent_per_step": sent,
    }))
}

fn digest_of(weights: &[f32]) -> String {
    sha256_hex(bytemuck::cast_slice(weights))
}
