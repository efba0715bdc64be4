//! Bytes to floats: `x = byte / 255`, on the device, so that pixels travel as the bytes they are.

use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, elementwise_grid};
use crate::real::Real;
use crate::simd::SimdLevel;
use pulp::{Simd, WithSimd};
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
        let words = &io.input_u32(0)[io.step.batch_index as usize * self.words..][..self.words];
        let x = io.output(0);
        x.par_chunks_mut(4 * CHUNK).zip(words.par_chunks(CHUNK)).for_each(|(x, words)| {
            for (x, byte) in x.iter_mut().zip(words.iter().flat_map(|w| w.to_le_bytes())) {
                *x = F::from_f64(f64::from(byte)) / F::from_f64(255.0);
            }
        });
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let words = &io.input_u32(0)[io.step.batch_index as usize * self.words..][..self.words];
        let x = io.output(0);
        let chunks = x.par_chunks_mut(4 * CHUNK).zip(words.par_chunks(CHUNK));
        chunks.for_each(|(x, words)| level.run(Chunk { x, words }));
    }
}

/// Words that a thread takes at a time.
const CHUNK: usize = 1024;

/// Some of the words, by vector instructions.
struct Chunk<'a> {
    x: &'a mut [f32],
    words: &'a [u32],
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // The words hold their first byte lowest, and so does the memory of every machine with vectors here.
        for (x, byte) in self.x.iter_mut().zip(bytemuck::cast_slice::<u32, u8>(self.words)) {
            *x = f32::from(*byte) / 255.0;
        }
    }
}
