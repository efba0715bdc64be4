//! How losses are recorded.

use super::loss::{Loss, LossSettings};
use crate::kernels::binary_loss::{Sigmoid, SigmoidCrossEntropy};
use crate::kernels::loss::SoftmaxCrossEntropy;
use crate::kernels::softmax::Softmax;
use crate::plan::{BufferSlice, Mode, Recorder};

/// What a loss is recorded over: logits [batch, outputs], and the predictions [batches_per_upload, batch, outputs].
#[derive(Debug, Clone, Copy)]
pub(crate) struct LossSite {
    /// Images in a batch.
    pub(crate) batch: usize,
    /// Outputs of the model.
    pub(crate) outputs: usize,
    pub(crate) logits: BufferSlice,
    /// [batches_per_upload, batch].
    pub(crate) targets: BufferSlice,
    /// [batches_per_upload, 2].
    pub(crate) metrics: BufferSlice,
    pub(crate) predictions: BufferSlice,
}

impl Loss {
    /// Records loss and metrics with the gradient w.r.t. the logits.
    pub(crate) fn record_training(
        self,
        r: &mut Recorder,
        settings: &LossSettings,
        site: &LossSite,
        gradient: BufferSlice,
    ) {
        self.record(r, settings, site, Mode::Train, gradient);
    }

    /// Records loss and metrics with the predictions.
    pub(crate) fn record_evaluation(self, r: &mut Recorder, settings: &LossSettings, site: &LossSite) {
        self.record(r, settings, site, Mode::Infer, site.predictions);
    }

    fn record(self, r: &mut Recorder, settings: &LossSettings, site: &LossSite, mode: Mode, rows: BufferSlice) {
        let LossSite { batch, outputs, logits, targets, metrics, .. } = *site;
        let label_smoothing = settings.label_smoothing;
        let weights = settings.class_weight.as_ref().filter(|_| mode == Mode::Train);
        let class_weights = |classes| weights.map_or_else(Vec::new, |weights| weights.of(classes));
        let (inputs, outputs_of) = ([logits, targets], [rows, metrics]);
        match self {
            Self::SparseCategoricalCrossentropy => {
                let class_weights = class_weights(outputs);
                let kernel = SoftmaxCrossEntropy { batch, classes: outputs, mode, label_smoothing, class_weights };
                r.dispatch("loss", kernel, &inputs, &outputs_of);
            }
            Self::BinaryCrossentropy => {
                let kernel = SigmoidCrossEntropy { batch, mode, label_smoothing, class_weights: class_weights(2) };
                r.dispatch("loss", kernel, &inputs, &outputs_of);
            }
        }
    }

    /// Records the predictions alone.
    pub(crate) fn record_predictions(self, r: &mut Recorder, site: &LossSite) {
        let LossSite { batch, outputs, logits, predictions, .. } = *site;
        match self {
            Self::SparseCategoricalCrossentropy => {
                let kernel = Softmax { rows: batch, cols: outputs, of_upload: true };
                r.dispatch("softmax", kernel, &[logits], &[predictions]);
            }
            Self::BinaryCrossentropy => {
                r.dispatch("sigmoid", Sigmoid { batch }, &[logits], &[predictions]);
            }
        }
    }
}
