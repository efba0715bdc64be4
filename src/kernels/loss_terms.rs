//! What the losses share: sums over the images of a batch in a fixed order, weights of classes.

use crate::plan::{Constants, constants, wgsl};
use crate::real::Real;

/// The shader's file with the loop over the images, around the file of a loss.
pub(super) const LOSS_FILE: &str = wgsl!("loss.wgsl");

/// Invocations of the shaders' one workgroup; the twins add up in the same order.
pub(super) const LANES: usize = 64;

/// Loss and correct predictions (0 or 1) of each image of a batch.
pub(super) struct LossTerms<F>(pub(super) Vec<(F, F)>);

impl<F: Real> LossTerms<F> {
    /// Writes the mean loss, with `share` one over the images of all ranks, and the number of correct predictions.
    pub(super) fn write(self, metrics: &mut [F], share: F) {
        let mut partial = [(F::ZERO, F::ZERO); LANES];
        for (n, (loss, correct)) in self.0.into_iter().enumerate() {
            let lane = &mut partial[n % LANES];
            *lane = (lane.0 + loss, lane.1 + correct);
        }
        let (mut loss, mut correct) = (F::ZERO, F::ZERO);
        for (l, c) in partial {
            loss += l;
            correct += c;
        }
        metrics[0] = loss * share;
        metrics[1] = correct;
    }
}

/// The file with `weight_of`, a label's weight, and its constants; without weights they are 1.
pub(super) fn weights_file(weights: &[f32]) -> (&'static str, Constants) {
    match weights {
        [] => (wgsl!("class_weights_none.wgsl"), Constants::new()),
        _ => (wgsl!("class_weights.wgsl"), constants! { CLASS_WEIGHTS: weights.to_vec() }),
    }
}
