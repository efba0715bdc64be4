//! What `--verbose` says of a run.

use crate::bench::algorithms;
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::plan::Program;
use crate::report::detail;

/// How the model runs on the device, and which files the data are.
pub(super) fn detail_run(trainer: &Trainer, data: &Dataset) {
    let plan = &trainer.session.plan;
    detail(|| {
        let of_plan = format!(
            "profile {}: {} dispatches a step of {} images, buffers of {:.1} MB",
            plan.profile.name,
            plan.dispatch_ids(&Program::TRAIN).len(),
            plan.batch,
            plan.size_bytes() as f64 / 1e6
        );
        let of_passes = algorithms(plan).into_iter().map(|(pass, algorithm)| format!("{pass}: {algorithm}"));
        let of_files = data.sha256.iter().map(|(file, sha256)| format!("{file}: sha256 {sha256}"));
        [of_plan].into_iter().chain(of_passes).chain(of_files).collect::<Vec<_>>().join("\n")
    });
}
