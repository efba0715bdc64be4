//! Initial values of an arena.

use super::ArenaTensor;
use crate::layers::Init;
use crate::rng::{Purpose, Rng};

/// An arena of `len` floats at the start: each tensor a function of (`seed`, its index), zero between the tensors.
pub fn initial_values(tensors: &[ArenaTensor], len: usize, seed: u64) -> Vec<f32> {
    let mut arena = vec![0.0; len];
    for (i, tensor) in tensors.iter().enumerate() {
        if let Init::GlorotUniform { fan_in, fan_out } = tensor.init {
            let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
            let mut rng = Rng::new(seed, Purpose::Weights, i as u64);
            for w in &mut arena[tensor.offset..][..tensor.size()] {
                *w = rng.range(-limit, limit);
            }
        }
    }
    arena
}
