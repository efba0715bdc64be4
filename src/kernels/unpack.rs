//! Bytes to floats: `x = byte / 255`, on the device, so that pixels travel as the bytes they are.

use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, elementwise_grid};
use crate::real::Real;
use rayon::prelude::*;

/// Inputs: pixels [window, words] u32; outputs: x `[count]`.
#[derive(Debug, Clone, Copy)]
pub struct Unpack {
    /// Pixels of a batch.
    pub count: usize,
    /// 32-bit words that they take.
    pub words: usize,
}

impl KernelSpec for Unpack {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.words);
        Shader {
            files: vec![STEP_FILE, include_str!("../../shaders/unpack.wgsl")],
            constants: vec![("COUNT", self.count as u64), ("WORDS", self.words as u64), grid_x],
            grid,
            iterations: 0,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let count = self.count as f64;
        Cost { flops: count, dense_flops: count, bytes: 5.0 * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let words = &io.input_words(0)[io.step.slot as usize * self.words..][..self.words];
        let x = io.output(0);
        x.par_chunks_mut(4096).zip(words.par_chunks(1024)).for_each(|(x, words)| {
            for (x, byte) in x.iter_mut().zip(words.iter().flat_map(|w| w.to_le_bytes())) {
                *x = F::from_f64(f64::from(byte)) / F::from_f64(255.0);
            }
        });
    }
}
