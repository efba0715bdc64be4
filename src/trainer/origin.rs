//! Where a number that is not finite comes from: the update's batches are run again, a dispatch at a time.

use super::metrics::Progress;
use super::not_finite::Origin;
use super::pass::Pass;
use super::state::Trainer;
use crate::error::{Advice, Error, Result};
use crate::graph::Graph;
use crate::plan::Step;
use std::ops::Range;

impl Trainer {
    /// An error that names the first tensor with a weight that is not finite.
    pub(super) fn check_finite(&self, weights: &[f32]) -> Result<()> {
        let is_finite = |range: Range<usize>| weights[range].iter().all(|weight| weight.is_finite());
        match self.graph.weights().find(|(_, range)| !is_finite(range.clone())) {
            Some((tensor, _)) => {
                let Progress { epoch, batch, .. } = self.progress;
                let text =
                    format!("a weight of `{}` is not finite after epoch {}, step {batch}", tensor.name, epoch + 1);
                Err(Error::not_finite(text).advise([Advice::SmallerLearningRate]))
            }
            None => Ok(()),
        }
    }

    /// As [`Self::check_finite`], of the weights on the device.
    pub(super) async fn check_weights(&mut self) -> Result<()> {
        let weights = self.weights().await?;
        self.check_finite(&weights)
    }

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
        let state = self.session.layer_state().await?;
        let found = pass.first_not_finite(&mut self.session, i, step).await?;
        self.session.set_layer_state(&state)?;
        Ok(found.map(|(id, value)| {
            let dispatch = self.session.plan.dispatch(id);
            let (label, kernel) = (dispatch.label.clone(), dispatch.kernel.name());
            Origin::Dispatch { layer: self.graph.layer_of(&label), label, kernel, value }
        }))
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
