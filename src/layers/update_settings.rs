//! Settings of an update that several optimizers share.

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
}
