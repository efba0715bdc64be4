//! Cases of losses, each over a small network; the other cases have categorical cross-entropy of a softmax.

use super::case::{Case, case, images};
use crate::layers::Activation::{Relu, Sigmoid, Softmax};
use crate::layers::{ActivationLayer, ClassWeights, Conv2D, Dense, Flatten, Loss, LossSettings, ReLU};

pub(super) fn losses() -> Vec<Case> {
    let hidden = || images(3, 4, 1).add(Flatten {}).add(Dense::new(5).activation(Relu));
    let plain = LossSettings::default();
    let from_logits = LossSettings { from_logits: true, ..plain.clone() };
    let smoothed = LossSettings { label_smoothing: 0.2, ..plain.clone() };
    let weights = LossSettings { class_weight: Some(ClassWeights::new([(0, 0.3), (1, 2.5)])), ..plain.clone() };
    let categorical =
        |name, loss_settings| Case { loss_settings, ..case(name, 7, hidden().add(Dense::new(6).activation(Softmax))) };
    let binary = |name, loss_settings| Case {
        loss: Loss::BinaryCrossentropy,
        loss_settings,
        ..case(name, 7, hidden().add(Dense::new(1).activation(Sigmoid)))
    };
    vec![
        Case { images: 5, ..categorical("smoothed labels", smoothed.clone()) },
        categorical("weights of classes", weights.clone()),
        Case {
            batch: 70,
            images: 66,
            ..categorical("both", LossSettings { class_weight: weights.class_weight.clone(), ..smoothed.clone() })
        },
        Case { model: hidden().add(Dense::new(4)).into(), ..categorical("from logits", from_logits.clone()) },
        Case {
            // Of several that are at the limit the first is predicted.
            model: images(5, 5, 1)
                .add(Conv2D::new(5, 5))
                .add(Flatten {})
                .add(ReLU { max_value: Some(0.125), negative_slope: 0.0, threshold: 0.0 })
                .into(),
            ..categorical("from logits of a layer without parameters", from_logits.clone())
        },
        Case { images: 6, ..binary("binary", plain) },
        Case {
            batch: 70,
            images: 66,
            ..binary("binary, smoothed and with weights", LossSettings { label_smoothing: 0.2, ..weights })
        },
        Case { model: hidden().add(Dense::new(1)).into(), ..binary("binary from logits", from_logits) },
        Case {
            model: hidden().add(Dense::new(1)).add(ActivationLayer::new(Sigmoid)).into(),
            ..binary("binary, sigmoid as a layer", smoothed)
        },
    ]
}
