//! Cases of optimizers, each over a small network; the other cases have Adam.

use super::case::{Case, case, images};
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::{Conv2D, Dense, Flatten, Moments, Optimizer, UpdateSettings};

pub(super) fn optimizers() -> Vec<Case> {
    let model =
        || images(3, 4, 1).add(Flatten {}).add(Dense::new(5).activation(Relu)).add(Dense::new(3).activation(Softmax));
    let with = |name: &'static str, optimizer: &str, update: UpdateSettings| {
        let optimizer = Optimizer::named(optimizer).expect("one of Optimizer::NAMES");
        Case { optimizer, update, ..case(name, 4, model()) }
    };
    // Enough parameters for every workgroup of the norm, and one of them short.
    let large = || {
        images(12, 12, 1).add(Flatten {}).add(Dense::new(500).activation(Relu)).add(Dense::new(3).activation(Softmax))
    };
    // Matrices with more rows than columns, more columns than rows, and sides that four does and does not divide.
    let matrices = || {
        let conv = images(4, 4, 1).add(Conv2D::new(3, 2)).add(Flatten {});
        conv.add(Dense::new(40))
            .add(Dense::new(66).activation(Relu))
            .add(Dense::new(8))
            .add(Dense::new(3).activation(Softmax))
    };
    let plain = UpdateSettings::default();
    let momentum = UpdateSettings { momentum: 0.9, ..plain };
    // So that it is of consequence where epsilon stands and which decay is taken.
    let of = |name: &'static str, optimizer| Case { optimizer, ..case(name, 4, model()) };
    vec![
        with("sgd", "sgd", UpdateSettings { weight_decay: Some(0.1), ..plain }),
        with("sgd with momentum", "sgd", momentum),
        with("sgd with Nesterov's momentum", "sgd", UpdateSettings { nesterov: true, ..momentum }),
        with("adam, clipped", "adam", UpdateSettings { clip_value: Some(0.02), ..plain }),
        with("adam, clipped by the norm", "adam", UpdateSettings { clip_norm: Some(0.1), ..plain }),
        Case {
            model: large().into(),
            ..with("sgd, a large arena clipped by the norm", "sgd", UpdateSettings { clip_norm: Some(0.1), ..plain })
        },
        with("sgd, a norm below the bound", "sgd", UpdateSettings { clip_norm: Some(1e4), ..plain }),
        with("several batches an update", "sgd", UpdateSettings { accumulates: true, ..plain }),
        with(
            "a sum of batches clipped by the norm",
            "adam",
            UpdateSettings { accumulates: true, clip_norm: Some(0.1), ..plain },
        ),
        with("moving average", "adam", UpdateSettings { ema: Some(0.9), ..plain }),
        Case { model: matrices().into(), ..with("muon", "muon", plain) },
        Case {
            model: matrices().into(),
            ..with("muon, clipped", "muon", UpdateSettings { clip_value: Some(0.01), ..plain })
        },
        Case { model: large().into(), ..with("muon, a large matrix", "muon", plain) },
        of("adagrad with a large epsilon", Optimizer::Adagrad { initial_accumulator_value: 0.0, epsilon: 0.01 }),
        of("lion with other decays", Optimizer::Lion { beta_1: 0.5, beta_2: 0.9 }),
        of("nadam with a large epsilon", Optimizer::Nadam(Moments { epsilon: 0.1, ..Moments::default() })),
        with("adamw", "adamw", plain),
        with("rmsprop", "rmsprop", plain),
        with("rmsprop with momentum", "rmsprop", momentum),
        with("adagrad", "adagrad", plain),
        with("nadam", "nadam", plain),
        with("lion", "lion", UpdateSettings { weight_decay: Some(0.1), ..plain }),
    ]
}
