//! What `--verbose` says of a run.

use crate::bench::algorithms;
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::plan::Program;
use crate::report::detail;

/// How the model runs on the device, and which files the data are.
pub(super) fn detail_run(trainer: &Trainer, data: &Dataset) {
    let plan = &trainer.session.plan;
    detail(&format!(
        "profile {}: {} dispatches a step of {} images, buffers of {:.1} MB",
        plan.profile.name,
        plan.dispatch_ids(&Program::TRAIN).len(),
        plan.batch,
        plan.size_bytes() as f64 / 1e6
    ));
    for (pass, algorithm) in algorithms(plan) {
        detail(&format!("{pass}: {algorithm}"));
    }
    for (file, sha256) in &data.sha256 {
        detail(&format!("{file}: sha256 {sha256}"));
    }
}
