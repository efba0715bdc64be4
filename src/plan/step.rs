//! What changes from step to step.

/// All that changes from step to step: 32 bytes, written by the host, read by the kernels that ask for it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Step {
    /// Which batch of the upload this step takes, and where its metrics and predictions go.
    pub batch_index: u32,
    /// Images of the batch that count; the rest of a last, short batch is ignored.
    pub images: u32,
    /// Images of the batch over all ranks: the divisor of the loss. Equal to `images` in a run of one process.
    pub global_images: u32,
    /// Number of this update, from 1; 0 in evaluation.
    pub update: u32,
    /// Seed of the run, folded to 32 bits; kernels that draw random numbers combine it with `update`.
    pub seed: u32,
    /// Learning rate of this update.
    pub learning_rate: f32,
    /// What the optimizer derives from the learning rate and the update number on the host.
    pub scalars: [f32; 2],
}

impl Step {
    /// The step that evaluates `images` images of batch `batch_index`.
    pub fn evaluate(batch_index: usize, images: usize) -> Self {
        let images = images as u32;
        Self { batch_index: batch_index as u32, images, global_images: images, ..Self::default() }
    }

    /// A run's seed as a step has it.
    pub fn seed_of(seed: u64) -> u32 {
        (seed ^ (seed >> 32)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_32_bytes_as_the_shaders_declare_it() {
        assert_eq!(size_of::<Step>(), 32);
        assert_eq!(std::mem::offset_of!(Step, learning_rate), 20);
        assert_eq!(std::mem::offset_of!(Step, scalars), 24);
    }
}
