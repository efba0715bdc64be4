//! Settings of an update that several optimizers share.

use serde::{Deserialize, Serialize};

/// What goes with several optimizers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UpdateSettings {
    /// Decay of the momentum of sgd and rmsprop; 0 for none.
    pub momentum: f64,
    /// Nesterov's form of the momentum of sgd.
    pub nesterov: bool,
    /// Share of themselves, times the learning rate, that parameters lose before each update.
    pub weight_decay: Option<f64>,
    /// Bound of each element of a gradient.
    pub clip_value: Option<f64>,
    /// Bound of the norm of all gradients together.
    pub clip_norm: Option<f64>,
    /// Whether an update takes the gradients of several batches.
    pub accumulates: bool,
    /// Decay of a moving average of the parameters, which inference then takes.
    pub ema: Option<f64>,
    /// What becomes of an update where the loss or a gradient is not finite.
    pub on_nan: OnNan,
}

/// What happens where the loss or a gradient is infinite or NaN. The update is not made in either case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnNan {
    /// Training stops, with an error that says where the number came from.
    #[default]
    Stop,
    /// Training goes on with the next batch.
    Skip,
}

impl OnNan {
    /// The names of both.
    pub const NAMES: [&str; 2] = ["stop", "skip"];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        super::args::named(name)
    }
}
