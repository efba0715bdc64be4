//! What a run's plan is recorded for, and the shaders that come of it.

use super::config::RunConfig;
use crate::digest::sha256_hex;
use crate::error::{Result, usage};
use crate::graph::{Graph, RecordOptions};
use crate::plan::{Plan, Profile};
use serde::Serialize;

/// Batches that one upload holds, at most.
const BATCHES_PER_UPLOAD: usize = 32;
/// Bytes of pixels that one upload may hold, and of the predictions over it, unless a single batch has more.
const UPLOAD_BYTES: usize = 16 << 20;
/// Bytes of pixels that a batch may have.
const MAX_BATCH_BYTES: usize = 1 << 30;

impl RunConfig {
    /// What `graph` is recorded for, to be trained by these settings.
    ///
    /// # Errors
    /// If a batch has too many pixels.
    pub(super) fn record_options(&self, graph: &Graph, profile: Profile) -> Result<RecordOptions> {
        let batch = self.plan_batch();
        let batch_bytes = graph.input.iter().product::<usize>().saturating_mul(batch);
        if batch_bytes > MAX_BATCH_BYTES {
            return Err(usage!("a batch of {batch} images is {batch_bytes} bytes of pixels; try a smaller batch size"));
        }
        let prediction_bytes = batch * graph.outputs() * size_of::<f32>();
        let batches_per_upload = (UPLOAD_BYTES / batch_bytes.max(prediction_bytes)).clamp(1, BATCHES_PER_UPLOAD);
        let (loss, optimizer, augment) = (self.loss, self.optimizer, self.augment.unwrap_or_default());
        let (loss_settings, update) = (self.loss_settings(), self.update_settings());
        Ok(RecordOptions { batch, batches_per_upload, profile, loss, loss_settings, augment, optimizer, update })
    }

    /// Whether the parts of a batch share the statistics of its normalisations.
    pub(super) fn synchronizes(&self) -> bool {
        self.sync_bn && self.micro_batch.is_some()
    }

    /// The plan by which a device of `profile` trains `graph`, before buffers share memory.
    ///
    /// # Errors
    /// If the settings or the layers do not go together.
    pub(super) fn recorded(&self, graph: &Graph, profile: Profile) -> Result<Plan> {
        let plan = graph.record(&self.record_options(graph, profile)?)?;
        // Parts that share statistics stop between dispatches, where a launch of two cannot.
        Ok(if self.synchronizes() { plan } else { plan.pair_dispatches() })
    }
}

/// A shader of a plan, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ShaderDigest {
    /// What it is launched for first.
    pub(crate) name: String,
    /// SHA-256 of its WGSL text, in hexadecimal, without indentation, empty lines and lines that are comments, which not every host has.
    pub(crate) sha256: String,
}

/// The distinct shaders by which an adapter of `profile` trains `graph` with the settings `config`, in the order of the plan.
///
/// # Errors
/// If the settings or the layers do not go together.
pub(crate) fn shader_digests(graph: &Graph, config: &RunConfig, profile: Profile) -> Result<Vec<ShaderDigest>> {
    config.check()?;
    let plan = config.recorded(graph, profile)?;
    let mut digests: Vec<ShaderDigest> = Vec::new();
    for launch in plan.all_launches() {
        let sha256 = sha256_hex(bare(&plan.shader_of(&launch).text).as_bytes());
        if digests.iter().all(|known| known.sha256 != sha256) {
            digests.push(ShaderDigest { name: plan.launch_label(&launch), sha256 });
        }
    }
    Ok(digests)
}

fn bare(text: &str) -> String {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Preset;

    #[test]
    fn digests_do_not_depend_on_comments_and_indentation() {
        let text = "// What it does.\n\nfn f() {\n    // Why.\n    g(); // now\n}\n";
        assert_eq!(bare(text), "fn f() {\ng(); // now\n}\n");
        assert_eq!(bare(&bare(text)), bare(text));
        let graph = Preset::Cnn.build([28, 28, 1], 10).graph().expect("a valid model");
        let digests = |profile| shader_digests(&graph, &RunConfig::default(), profile).expect("recorded");
        let integrated = digests(Profile::INTEGRATED);
        assert!(integrated.len() > 10 && integrated.iter().all(|shader| shader.sha256.len() == 64));
        assert_ne!(integrated, digests(Profile::DISCRETE));
        let other = RunConfig { batch_size: 64, ..RunConfig::default() };
        assert_ne!(integrated, shader_digests(&graph, &other, Profile::INTEGRATED).expect("recorded"));
    }
}
