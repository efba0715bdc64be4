//! Losses as values: their settings, and which ends of a model they take.

use super::args::{Activation, named};
use super::class_weights::ClassWeights;
use crate::error::{Number, Result, usage};
use serde::{Deserialize, Serialize};

/// What training minimises: a mean over the images. The softmax or sigmoid at the model's end is fused with it, so that both are computed
/// from the logits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// -ln(probability of the label's class); the model ends in a softmax, or in logits.
    #[default]
    SparseCategoricalCrossentropy,
    /// -ln(probability of the label), of labels 0 and 1; the model ends in one sigmoid, the probability of label 1, or in its logit.
    BinaryCrossentropy,
}

/// What goes with a loss.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LossSettings {
    /// Share of the label's certainty that is spread over all classes, at least 0 and below 1 (Szegedy et al. 2016, section 7): the targets
    /// are `onehot (1 - s) + s / classes`. Part of the loss of evaluations, too, as in Keras.
    pub label_smoothing: f64,
    /// Whether the model ends in logits, with no softmax or sigmoid.
    pub from_logits: bool,
    /// Factor of the loss of each class's images, in training alone.
    pub class_weight: Option<ClassWeights>,
}

impl Loss {
    /// The names of all losses.
    pub const NAMES: [&str; 2] = ["sparse_categorical_crossentropy", "binary_crossentropy"];

    /// The loss of this name.
    pub fn named(name: &str) -> Option<Self> {
        named(name)
    }

    /// Keras's name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The loss that a model takes whose last layer ends in `activation` and `outputs` numbers, and whether these are logits.
    pub(crate) fn of_end(activation: Activation, outputs: usize) -> (Self, bool) {
        let loss = if outputs == 1 { Self::BinaryCrossentropy } else { Self::SparseCategoricalCrossentropy };
        (loss, !matches!(activation, Activation::Softmax | Activation::Sigmoid))
    }

    /// Whether a model whose last layer, a `kind`, ends in `activation` and `outputs` numbers has the end that the loss takes.
    ///
    /// # Errors
    /// What does not fit, and what would.
    pub(crate) fn check_end(self, from_logits: bool, kind: &str, activation: Activation, outputs: usize) -> Result<()> {
        let name = self.name();
        match (self, outputs) {
            (Self::SparseCategoricalCrossentropy, 1) => {
                return Err(usage!(
                    "the model has one output, {name} takes one for each class; the loss for one output is binary_crossentropy"
                ));
            }
            (Self::BinaryCrossentropy, n) if n != 1 => {
                return Err(usage!("the model has {n} outputs, {name} takes one: Dense with units = 1"));
            }
            _ => {}
        }
        let own = match self {
            Self::SparseCategoricalCrossentropy => Activation::Softmax,
            Self::BinaryCrossentropy => Activation::Sigmoid,
        };
        // As in a model file, in quotes.
        let [own_name, found] =
            [own, activation].map(|activation| serde_json::to_string(&activation).unwrap_or_default());
        match (from_logits, activation) {
            (true, Activation::Softmax | Activation::Sigmoid) => Err(usage!(
                "the last layer is {kind} with activation = {found}, whose outputs are no logits; leave out from_logits, or the activation"
            )),
            (false, activation) if activation != own => Err(usage!(
                "the last layer is {kind} with activation = {found}; for {name} it must be {own_name}, or the setting from_logits = true if \
                 its outputs are logits"
            )),
            _ => Ok(()),
        }
    }
}

impl LossSettings {
    /// Whether the settings are in range.
    ///
    /// # Errors
    /// The first that is not, with its value.
    pub(crate) fn check(&self) -> Result<()> {
        if !(0.0..1.0).contains(&(self.label_smoothing as f32)) {
            return Err(usage!(
                "a label_smoothing of {}; it must be at least 0 and below 1",
                Number(self.label_smoothing)
            ));
        }
        self.class_weight.as_ref().map_or(Ok(()), ClassWeights::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_a_loss() {
        assert!(Loss::NAMES.into_iter().all(|name| Loss::named(name).expect(name).name() == name));
        assert!(Loss::named("hinge").is_none());
    }

    #[test]
    fn ends_that_do_not_fit_are_refused_with_the_ways_out() {
        use Activation::{Linear, Relu, Sigmoid, Softmax};
        let categorical = Loss::SparseCategoricalCrossentropy;
        let cases = [
            (categorical, false, Softmax, 10, &[][..]),
            (categorical, true, Linear, 10, &[]),
            (categorical, true, Relu, 10, &[]),
            (
                categorical,
                false,
                Linear,
                10,
                &["Dense with activation = \"linear\"", "be \"softmax\"", "from_logits = true"],
            ),
            (categorical, false, Sigmoid, 10, &["softmax"]),
            (categorical, true, Softmax, 10, &["leave out from_logits"]),
            (categorical, false, Softmax, 1, &["binary_crossentropy"]),
            (Loss::BinaryCrossentropy, false, Sigmoid, 1, &[]),
            (Loss::BinaryCrossentropy, true, Linear, 1, &[]),
            (Loss::BinaryCrossentropy, true, Sigmoid, 1, &["leave out from_logits"]),
            (Loss::BinaryCrossentropy, false, Linear, 1, &["be \"sigmoid\"", "from_logits = true"]),
            (Loss::BinaryCrossentropy, false, Softmax, 2, &["2 outputs", "units = 1"]),
        ];
        for (loss, from_logits, activation, outputs, words) in cases {
            let found = loss.check_end(from_logits, "Dense", activation, outputs);
            assert_eq!(found.is_ok(), words.is_empty(), "{found:?}");
            let text = found.err().map_or_else(String::new, |error| error.to_string());
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        }
    }

    #[test]
    fn the_loss_of_an_end_takes_it() {
        use Activation::{Linear, Relu, Sigmoid, Softmax};
        for (activation, outputs) in [(Softmax, 10), (Linear, 10), (Relu, 2), (Sigmoid, 1), (Linear, 1)] {
            let (loss, from_logits) = Loss::of_end(activation, outputs);
            assert!(loss.check_end(from_logits, "Dense", activation, outputs).is_ok(), "{activation:?}, {outputs}");
        }
    }
}
