//! Initial values of an arena.

use super::ArenaTensor;
use crate::layers::Init;
use crate::rng::{Purpose, Rng};

/// An arena of `len` floats at the start: each tensor a function of (`seed`, its index), zero between the tensors.
pub(super) fn initial_values(tensors: &[ArenaTensor], len: usize, seed: u64) -> Vec<f32> {
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
