//! Initial values of the weights.

use super::{ArenaTensor, Graph};
use crate::layers::Init;
use crate::rng::{Purpose, Rng};

impl Graph {
    /// All weights at the start, laid out as [`Self::weights`] says, each tensor a function of (`seed`, its index).
    pub fn initial_weights(&self, seed: u64) -> Vec<f32> {
        let parameters = initial_values(&self.parameters, self.parameters_len, seed);
        [parameters, initial_values(&self.state, self.state_len, seed)].concat()
    }
}

/// An arena of `len` floats at the start: each tensor a function of (`seed`, its index), zero between the tensors.
fn initial_values(tensors: &[ArenaTensor], len: usize, seed: u64) -> Vec<f32> {
    let mut arena = vec![0.0; len];
    for (i, tensor) in tensors.iter().enumerate() {
        let values = &mut arena[tensor.offset..][..tensor.size()];
        match tensor.init {
            Init::GlorotUniform { fan_in, fan_out } => {
                let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
                let mut rng = Rng::new(seed, Purpose::Weights, i as u64);
                values.iter_mut().for_each(|w| *w = rng.range(-limit, limit));
            }
            Init::Zeros => {}
            Init::Ones => values.fill(1.0),
        }
    }
    arena
}
