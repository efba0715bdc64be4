//! Bytes to floats: `x = byte / 255`, or the byte itself, computed on the device, so that the upload moves one byte per pixel value.

mod pixels;

use crate::plan::{Constants, Cost, Io, KernelSpec, STEP_FILE, Shader, Step, constants, elementwise_grid, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
pub(crate) use pixels::read_pixels;
use rayon::prelude::*;

/// The file that reads the pixels of an upload, bound at 0.
pub(super) const PIXELS_FILE: &str = wgsl!("x_pixels.wgsl");

/// Converts one batch of an upload to floats from 0 to 1, or from 0 to 255.
///
/// Inputs: pixels [batches per upload, words] u32; outputs: x `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unpack {
    /// Pixel values (bytes) of a batch.
    pub(crate) count: usize,
    /// u32 elements that hold them, four bytes each.
    pub(crate) words: usize,
    /// 255, or 1.
    pub(crate) divisor: f64,
}

impl KernelSpec for Unpack {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.words);
        Shader {
            files: vec![STEP_FILE, PIXELS_FILE, wgsl!("unpack.wgsl")],
            constants: constants! { COUNT: self.count }.and(self.pixel_constants()).and(grid_x),
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
        self.for_each_chunk(&mut io, |x, words| unpack(x, words, self.divisor));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_chunk(&mut io, |x, words| compiled!(level, unpack(x, words, self.divisor)));
    }
}

/// u32 elements of one parallel task.
const CHUNK: usize = 1024;

impl Unpack {
    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[u32]) + Sync) {
        let words = self.words_of(io.input_u32(0), io.step);
        let chunks = io.output(0).par_chunks_mut(4 * CHUNK).zip(words.par_chunks(CHUNK));
        chunks.for_each(|(x, words)| each(x, words));
    }

    /// The constants of [`PIXELS_FILE`].
    fn pixel_constants(&self) -> Constants {
        constants! { WORDS: self.words, DIVISOR: self.divisor as f32 }
    }

    /// The words of the step's batch in `pixels`.
    fn words_of<'a>(&self, pixels: &'a [u32], step: Step) -> &'a [u32] {
        &pixels[step.batch_index as usize * self.words..][..self.words]
    }

    /// Converts the step's batch in `pixels` to `x` `[count]`.
    pub(crate) fn batch<F: Real>(&self, pixels: &[u32], step: Step, x: &mut [F]) {
        unpack(x, self.words_of(pixels, step), self.divisor);
    }
}

/// `x` holds up to four floats for each element of `words`, whose lowest byte is the first.
#[inline(always)]
fn unpack<F: Real>(x: &mut [F], words: &[u32], divisor: f64) {
    let scaled = |byte: u8| F::from_f64(f64::from(byte)) / F::from_f64(divisor);
    if cfg!(target_endian = "little") {
        x.iter_mut().zip(bytemuck::cast_slice::<u32, u8>(words)).for_each(|(x, byte)| *x = scaled(*byte));
    } else {
        x.iter_mut().zip(words.iter().flat_map(|word| word.to_le_bytes())).for_each(|(x, byte)| *x = scaled(byte));
    }
}
