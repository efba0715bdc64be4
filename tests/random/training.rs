//! Random losses, optimizers and what goes with them.

use gpu_cnn::internals::layers::{LossSettings, UpdateSettings};
use gpu_cnn::internals::verify::Case;
use gpu_cnn::{Activation, ClassWeights, Dense, Loss, Optimizer};
use proptest::option;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;

/// How a model is trained, and so what it ends in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Training {
    loss: Loss,
    loss_settings: LossSettings,
    optimizer: Optimizer,
    update: UpdateSettings,
}

impl Training {
    /// The last layer of a model that is trained so: of three classes, or of two in one output.
    pub(super) fn end(&self) -> Dense {
        let (units, activation) = match self.loss {
            Loss::SparseCategoricalCrossentropy => (3, Activation::Softmax),
            Loss::BinaryCrossentropy => (1, Activation::Sigmoid),
        };
        Dense::new(units).activation(if self.loss_settings.from_logits { Activation::Linear } else { activation })
    }

    /// Images that a batch has at least, such that it has several outputs.
    pub(super) fn min_images(&self) -> usize {
        if self.loss == Loss::BinaryCrossentropy { 4 } else { 1 }
    }

    pub(super) fn of(&self, case: Case) -> Case {
        let Self { loss, loss_settings, optimizer, update } = self.clone();
        Case { loss, loss_settings, optimizer, update, ..case }
    }
}

fn losses() -> impl Strategy<Value = (Loss, LossSettings)> {
    let weights = option::of([0.0..3.0f64, 0.0..3.0]);
    (any::<[bool; 2]>(), option::of(0.01..0.9f64), weights).prop_map(|([binary, from_logits], smoothing, weights)| {
        let loss = if binary { Loss::BinaryCrossentropy } else { Loss::SparseCategoricalCrossentropy };
        let class_weight = weights.map(|[a, b]| ClassWeights::new([(0, a), (1, b)]));
        (loss, LossSettings { label_smoothing: smoothing.unwrap_or(0.0), from_logits, class_weight })
    })
}

/// Every optimizer, with settings that it takes; gradients are clipped by value, by their norm or not at all.
fn updates() -> impl Strategy<Value = (Optimizer, UpdateSettings)> {
    let clip = option::of((any::<bool>(), 0.01..1.0f64));
    let momentum = (option::of(0.1..0.95f64), any::<bool>());
    let others = (option::of(0.0..0.2f64), any::<bool>(), option::of(0.0..0.99f64));
    (select(Optimizer::NAMES.to_vec()), momentum, clip, others).prop_map(
        |(name, (momentum, nesterov), clip, (weight_decay, accumulates, ema))| {
            let momentum = momentum.filter(|_| ["sgd", "rmsprop"].contains(&name));
            let update = UpdateSettings {
                momentum: momentum.unwrap_or(0.0),
                nesterov: nesterov && momentum.is_some() && name == "sgd",
                weight_decay,
                clip_value: clip.filter(|(by_value, _)| *by_value).map(|(_, bound)| bound),
                clip_norm: clip.filter(|(by_value, _)| !*by_value).map(|(_, bound)| bound),
                accumulates,
                ema,
                ..UpdateSettings::default()
            };
            (Optimizer::named(name).unwrap(), update)
        },
    )
}

pub(super) fn trainings() -> impl Strategy<Value = Training> {
    (losses(), updates()).prop_map(|((loss, loss_settings), (optimizer, update))| Training {
        loss,
        loss_settings,
        optimizer,
        update,
    })
}
