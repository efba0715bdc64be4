//! Bytes to floats: `x = byte / 255`, computed on the device, so that the upload moves one byte per pixel value.

use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, constants, elementwise_grid};
use crate::real::Real;
use crate::simd::SimdLevel;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Converts one batch of an upload to floats in [0, 1].
///
/// Inputs: pixels [batches per upload, words] u32; outputs: x `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unpack {
    /// Pixel values (bytes) of a batch.
    pub(crate) count: usize,
    /// u32 elements that hold them, four bytes each.
    pub(crate) words: usize,
}

impl KernelSpec for Unpack {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.words);
        Shader {
            files: vec![STEP_FILE, include_str!("../../shaders/unpack.wgsl")],
            constants: constants! { COUNT: self.count, WORDS: self.words }.and(grid_x),
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

/// u32 elements of one parallel task.
const CHUNK: usize = 1024;

/// The SIMD variant for one chunk: `x` holds up to four floats for each element of `words`.
struct Chunk<'a> {
    x: &'a mut [f32],
    words: &'a [u32],
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // The first byte is in the lowest bits of each u32, and every target with a SIMD variant is little-endian, so
        // the bytes in memory are already in order.
        for (x, byte) in self.x.iter_mut().zip(bytemuck::cast_slice::<u32, u8>(self.words)) {
            *x = f32::from(*byte) / 255.0;
        }
    }
}
