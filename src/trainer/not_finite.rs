//! Where a loss or a gradient that is not finite comes from.

use super::pass::Pass;
use super::session::Session;
use super::state::Trainer;
use crate::error::Result;
use crate::graph::Graph;
use crate::plan::{DispatchId, Element, Step};
use std::sync::Arc;

/// An update that was not made, since the loss or a gradient is infinite or NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct NotFinite {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Number of the step in the epoch, from 1.
    pub step: usize,
    /// Number of the update, from 1.
    pub update: u64,
    /// Loss of the step's batch.
    pub loss: f64,
    /// The images of the batches that share the update, by their numbers among the training images.
    pub images: Vec<u32>,
    /// Where the first number that is not finite came up when the batches were run again, a dispatch at a time; none if all were
    /// finite then.
    pub origin: Option<Origin>,
}

/// The first number that is not finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A weight had it before the step.
    Weight {
        /// Name of the tensor.
        tensor: String,
        /// The number.
        value: f32,
    },
    /// A dispatch wrote it.
    Dispatch {
        /// Label of the dispatch.
        label: String,
        /// Its layer, or the layers that it computes as one; none for the loss and for sums over batches.
        layer: Option<String>,
        /// Its kernel, such as `conv2d::forward`.
        kernel: String,
        /// The number.
        value: f32,
    },
}

impl NotFinite {
    /// A sentence for an error.
    pub(super) fn describe(&self) -> String {
        let Self { epoch, step, loss, .. } = self;
        let what = match loss.is_finite() {
            true => format!("a gradient is not finite at epoch {epoch}, step {step}, where the loss is {loss}"),
            false => format!("the loss is {loss} at epoch {epoch}, step {step}"),
        };
        match &self.origin {
            Some(Origin::Weight { tensor, value }) => format!("{what}; before the step, `{tensor}` has {value}"),
            Some(Origin::Dispatch { label, layer, kernel, value }) => {
                let layer = layer.as_ref().map(|name| format!("layer `{name}`, ")).unwrap_or_default();
                format!(
                    "{what}; the first number that is not finite is {value}, from `{label}` ({layer}kernel {kernel})"
                )
            }
            None => {
                format!("{what}; when the step was run again, every number was finite: the device may compute wrongly")
            }
        }
    }
}

impl Trainer {
    /// Where the first number that is not finite comes from in the update of batch `i` of `pass`, which was skipped: its batches are run
    /// again with the data `step`, a dispatch at a time. Nothing that training keeps is changed.
    pub(super) async fn origin(&mut self, pass: &Pass<'_>, i: usize, step: Step) -> Result<Option<Origin>> {
        let weights = self.weights().await?;
        let not_finite = |values: &[f32]| values.iter().copied().find(|value| !value.is_finite());
        let of_weights = self.graph.weights().find_map(|(tensor, range)| Some((tensor, not_finite(&weights[range])?)));
        if let Some((tensor, value)) = of_weights {
            return Ok(Some(Origin::Weight { tensor: tensor.name.clone(), value }));
        }
        // A forward pass for training changes the state of layers.
        let state = self.layer_state().await?;
        let found = pass.first_not_finite(&mut self.session, i, step).await?;
        self.set_layer_state(state)?;
        Ok(found.map(|(id, value)| {
            let dispatch = self.session.plan.dispatch(id);
            let (label, kernel) = (dispatch.label.clone(), dispatch.kernel.name());
            Origin::Dispatch { layer: self.graph.layer_of(&label), label, kernel, value }
        }))
    }
}

impl Session {
    /// The first number that is not finite among the outputs of the dispatches `ids`, which are run one at a time.
    pub(super) async fn first_not_finite(
        &mut self,
        ids: &[DispatchId],
        step: Step,
    ) -> Result<Option<(DispatchId, f32)>> {
        let plan = Arc::clone(&self.plan);
        for id in ids {
            self.backend.run_dispatches(&[*id], &[step])?;
            let outputs = plan.dispatch(*id).outputs.iter();
            for slice in outputs.filter(|slice| plan.buffer(slice.buffer).element == Element::F32) {
                let content = self.backend.read_f32(slice.buffer, slice.offset + slice.len).await?;
                if let Some(value) = content[slice.offset..].iter().find(|value| !value.is_finite()) {
                    return Ok(Some((*id, *value)));
                }
            }
        }
        Ok(None)
    }
}

impl Graph {
    /// The layer that a dispatch belongs to by its label, or the layers that it computes as one.
    pub(super) fn layer_of(&self, label: &str) -> Option<String> {
        let mut end = 0;
        loop {
            let rest = &label[end..];
            let names = self.nodes.iter().map(|node| node.name.as_str());
            let is_whole = |name: &&str| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '+']));
            end += names.filter(is_whole).map(str::len).max()?;
            match label[end..].strip_prefix('+') {
                Some(_) => end += 1,
                None => return Some(label[..end].to_owned()),
            }
        }
    }
}
