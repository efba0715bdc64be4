//! `gpu-cnn adapters --doctor`: what was tried to find adapters, and why none or too few were found; each problem with the next command.

mod drivers;
mod machine;
#[cfg(test)]
mod tests;

use super::environment;
use super::options::Format;
use crate::backend::DeviceRequest;
use crate::backend::gpu::{Listing, Listings};
use crate::blocking;
use crate::error::{Error, Result};
use crate::graph::{Preset, RecordOptions};
use crate::plan::Profile;
use crate::report::{print, print_json, wrapped};
use machine::{Finding, Machine, ok, problem};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Prints what was found; an error where no adapter can be used.
pub(super) fn run(format: Format) -> Result<()> {
    // Whatever the environment narrows: all that there are.
    let Listings { adapters, .. } = blocking::list_adapters(&DeviceRequest::default())?;
    let mut findings = match cfg!(target_os = "linux") {
        true => Machine { root: PathBuf::from("/"), environment: environment::all() }.examine(),
        false => Vec::new(),
    };
    for adapter in &adapters {
        findings.extend(about(adapter)?);
    }
    let usable = adapters.iter().any(|adapter| adapter.unusable.is_none());
    if !usable {
        let next = "what the problems above say, then gpu-cnn adapters; or gpu-cnn train --adapter cpu, which needs no adapter";
        findings.push(problem("there is no adapter that can compute", next));
    }
    match format {
        Format::Json => {
            let findings: Vec<Value> = findings.iter().map(Finding::as_json).collect();
            print_json(&json!({ "findings": findings, "adapters": adapters }))?;
        }
        Format::Text => {
            print(&wrapped(&findings.iter().map(Finding::describe).collect::<String>(), environment::columns()))?
        }
    }
    match usable {
        true => Ok(()),
        false => Err(Error::NoAdapter("no adapter can be used".into())),
    }
}

/// Whether an adapter can be used, and for which of the built-in models.
fn about(adapter: &Listing) -> Result<Vec<Finding>> {
    const BATCH: usize = 32;
    let info = &adapter.info;
    let name = format!("{} ({}, {}), driver {}", info.adapter, info.backend, info.device_type, info.driver);
    if let Some(reason) = &adapter.unusable {
        let next = "dmesg says what is wrong with the card; update its driver, or remove what lists it";
        return Ok(vec![problem(format!("adapter {name}: {reason}"), next)]);
    }
    let limit = adapter.max_buffer_size.min(adapter.max_storage_buffer_binding_size);
    let mut found = vec![match info.device_type == "software" || info.adapter.contains("llvmpipe") {
        false => ok(format!("adapter {name}")),
        true => problem(
            format!("adapter {name}: it runs on the CPU, slower than the CPU backend, and `auto` does not take it"),
            "gpu-cnn train --adapter cpu; for a graphics card, see the other findings",
        ),
    }];
    let profile = Profile::named(adapter.profile).unwrap_or(Profile::INTEGRATED);
    for preset in Preset::ALL {
        let graph = preset.build([28, 28, 1], 10).graph()?;
        let plan = graph.record(&RecordOptions::new(BATCH, profile))?;
        let largest = plan.buffers.iter().map(|buffer| buffer.len as u64 * 4).max().unwrap_or(0);
        if largest > limit {
            let fitting = (BATCH as u64 * limit / largest).max(1);
            found.push(problem(
                format!(
                    "{}: {} in batches of {BATCH} takes a buffer of {largest} bytes, the adapter's limit is {limit}",
                    info.adapter,
                    preset.name()
                ),
                format!("gpu-cnn train --model {} --batch-size {fitting}, or --adapter cpu", preset.name()),
            ));
        }
    }
    Ok(found)
}
