//! Measures, in a separate process per device, the time from process start to the end of the first training step, and
//! the peak memory.

use crate::backend::Device;
use crate::blocking::Trainer;
use crate::data::synthetic;
use crate::error::{Error, Result};
use crate::graph::Model;
use crate::report::{Probe, print_json};
use crate::trainer::{Flow, RunConfig};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the child process writes to stdout as JSON.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Answer {
    /// When the first step ended, in seconds since the Unix epoch.
    first_step_at: f64,
    /// Peak resident memory in MB (10^6 bytes).
    peak_rss_mb: Option<f64>,
}

/// Training steps of the child process; the peak memory is that of all of them.
const STEPS: usize = 20;

/// Environment variables that disable the drivers' caches of compiled shaders: Mesa's and NVIDIA's.
const NO_SHADER_CACHE: [(&str, &str); 2] = [("MESA_SHADER_CACHE_DISABLE", "true"), ("__GL_SHADER_DISK_CACHE", "0")];

/// Runs this program with `arguments`, once with the driver's shader cache disabled and once with it enabled. `backend`
/// is the graphics API to use (`WGPU_BACKEND`), none for the CPU.
///
/// # Errors
/// If the program cannot be started, or does not report.
pub(super) fn ask(arguments: &[String], backend: Option<&str>) -> Result<Probe> {
    let (cold, _) = start(arguments, backend, &NO_SHADER_CACHE)?;
    let (warm, peak_rss_mb) = start(arguments, backend, &[])?;
    Ok(Probe { first_step_s: Some(cold), first_step_warm_s: Some(warm), peak_rss_mb })
}

/// Runs the child process; returns the seconds to the end of its first step, and its peak memory in MB.
fn start(arguments: &[String], backend: Option<&str>, env: &[(&str, &str)]) -> Result<(f64, Option<f64>)> {
    let failed = |e: &dyn std::fmt::Display| Error::Usage(format!("cannot run this program as a child process: {e}"));
    let program = std::env::current_exe().map_err(|e| failed(&e))?;
    let started = now();
    let mut command = Command::new(program);
    command.args(arguments).envs(env.iter().copied()).stderr(Stdio::null());
    if let Some(backend) = backend {
        command.env("WGPU_BACKEND", backend).env_remove("WGPU_ADAPTER_NAME");
    }
    let output = command.output().map_err(|e| failed(&e))?;
    let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|e| failed(&e))?;
    Ok((answer.first_step_at - started, answer.peak_rss_mb))
}

/// The child process: trains [`STEPS`] steps over synthetic images and writes an [`Answer`] to stdout.
pub(super) fn answer(model: Model, device: &Device, config: RunConfig) -> Result<()> {
    let batch = config.batch_size as usize;
    let graph = model.graph()?;
    let ((loss, from_logits), input, classes) = (graph.loss_of_end(), model.input(), graph.classes());
    let mut data = synthetic::generate(synthetic::DEFAULT_SEED, [STEPS * batch.min(64), 1]).train;
    let image_len: usize = input.iter().product();
    if data.image != input {
        data.pixels = data.pixels.iter().copied().cycle().take(data.len() * image_len).collect();
        data.image = input;
    }
    data.labels.iter_mut().for_each(|label| *label = (usize::from(*label) % classes) as u8);
    let config = RunConfig { shuffle: false, epochs: STEPS as u64, loss, from_logits, ..config };
    let mut trainer = Trainer::new(model, device, config)?;
    let mut first_step_at = None;
    trainer.fit_with(&data, &mut |trainer, _| {
        first_step_at.get_or_insert_with(now);
        Ok(if trainer.progress().updates >= STEPS as u64 { Flow::Stop } else { Flow::Continue })
    })?;
    let first_step_at = first_step_at.ok_or_else(|| Error::Usage("no step was trained".into()))?;
    print_json(&Answer { first_step_at, peak_rss_mb: peak_rss_mb() })
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Peak resident memory of this process in MB (10^6 bytes); only known on Linux, from `/proc/self/status`.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}
