//! One axis of images: from which elements each output is made, for each image by its own draw.

use crate::kernels::elementwise::rows_shader;
use crate::kernels::random::{RANDOM_FILE, draw, random_key};
use crate::plan::{Constants, Io, STEP_FILE, Shader, constants};
use crate::real::Real;
use rayon::prelude::*;

/// 1 pixel in the unit of positions and shifts: whole numbers, so that all devices agree on them.
pub(super) const PIXEL: i32 = 1 << 16;

/// An axis may be no longer, so that twice its length in 1/65536 of a pixel fits 31 bits.
pub(crate) const MAX_LEN: usize = 8192;

/// What stands outside of a shifted image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fill {
    /// A constant.
    Constant(f64),
    /// The pixel at the edge.
    Nearest,
    /// The image reflected at the edge: dcba|abcd|dcba.
    Reflect,
    /// The image again.
    Wrap,
}

/// From where an output takes its values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// From the other end, in half of the images.
    Flip,
    /// From `shift` before, which is uniform in `shares` of the axis, [lowest, highest].
    Shift { shares: [f64; 2], fill: Fill, nearest: bool },
}

/// One axis of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) batch: usize,
    /// Elements of an image before the axis, along it, and after it.
    pub(crate) shape: [usize; 3],
    pub(crate) rule: Rule,
    /// What tells the layer's draws from those of others.
    pub(crate) stream: u32,
    /// Which of an image's two draws is used.
    pub(crate) draw: u32,
}

/// The elements that an output is made of: `low` with the weight `1 - weight / PIXEL`, and the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taps {
    pub(super) low: i32,
    pub(super) weight: i32,
}

impl Axis {
    fn image(&self) -> usize {
        self.shape.iter().product()
    }

    fn slab(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    pub(super) fn count(&self) -> usize {
        self.batch * self.image()
    }

    /// The lowest shift and the width of the range.
    fn shifts(&self, shares: [f64; 2]) -> [i32; 2] {
        let [low, high] = shares.map(|share| (share * self.shape[1] as f64 * f64::from(PIXEL)).round() as i32);
        [low, high - low]
    }

    /// The draw of an image: its shift, or 1 if it is flipped.
    #[inline(always)]
    pub(super) fn drawn(&self, key: u32, image: usize) -> i32 {
        let bits = draw(key, (image as u32).wrapping_mul(2).wrapping_add(self.draw));
        match self.rule {
            Rule::Flip => i32::from(bits < 1 << 31),
            Rule::Shift { shares, .. } => {
                let [lowest, range] = self.shifts(shares);
                lowest + ((u64::from(bits >> 16) * range as u64) >> 16) as i32
            }
        }
    }

    #[inline(always)]
    pub(super) fn taps(&self, position: usize, drawn: i32) -> Taps {
        let (len, position) = (self.shape[1] as i32, position as i32);
        match self.rule {
            Rule::Flip => Taps { low: if drawn == 1 { len - 1 - position } else { position }, weight: 0 },
            Rule::Shift { fill, nearest, .. } => {
                let (source, last, whole) = (position * PIXEL - drawn, (len - 1) * PIXEL, len * PIXEL);
                let source = match fill {
                    Fill::Constant(_) => source,
                    Fill::Nearest => source.clamp(0, last),
                    // Periods are counted by len - 1, as TensorFlow does.
                    Fill::Wrap if source < 0 => {
                        source.wrapping_add(whole.wrapping_mul(-source / last.max(1) + 1)).clamp(0, last)
                    }
                    Fill::Wrap if source > last => {
                        source.wrapping_sub(whole.wrapping_mul(source / last.max(1))).clamp(0, last)
                    }
                    Fill::Wrap => source,
                    Fill::Reflect => {
                        let within = source.rem_euclid(2 * whole);
                        (if within < whole { within } else { 2 * whole - PIXEL - within }).clamp(0, last)
                    }
                };
                match nearest {
                    // Of two, the one farther from zero.
                    true if source < 0 => Taps { low: -((PIXEL / 2 - source) >> 16), weight: 0 },
                    true => Taps { low: (source + PIXEL / 2) >> 16, weight: 0 },
                    false => Taps { low: source >> 16, weight: source & (PIXEL - 1) },
                }
            }
        }
    }

    /// The shader of `files` after the draws and the taps.
    pub(super) fn shader(&self, files: &[&'static str], own: Constants) -> Shader {
        let common = constants! {
            LEN: self.shape[1],
            INNER: self.shape[2],
            IMAGE: self.image(),
            STREAM: self.stream,
            AXIS: self.draw,
        };
        let (rule, constants) = match self.rule {
            Rule::Flip => (include_str!("../../../shaders/resample_flip.wgsl"), Constants::new()),
            Rule::Shift { shares, fill, nearest } => {
                let [lowest, range] = self.shifts(shares);
                let mode: u32 = match fill {
                    Fill::Constant(_) => 0,
                    Fill::Nearest => 1,
                    Fill::Reflect => 2,
                    Fill::Wrap => 3,
                };
                let constants = constants! {
                    LOWEST: lowest.cast_unsigned(),
                    RANGE_HIGH: range.cast_unsigned() >> 16,
                    RANGE_LOW: range.cast_unsigned() & 0xffff,
                    FILL_MODE: mode,
                    NEAREST: nearest,
                };
                (include_str!("../../../shaders/resample_shift.wgsl"), constants)
            }
        };
        let files = [&[STEP_FILE, RANDOM_FILE, rule], files].concat();
        let shader = rows_shader(self.count(), self.shape[2], &files, common.and(constants).and(own));
        Shader { uses_step: true, ..shader }
    }

    /// Calls `each(output, input, draw, index of the first element)` for each slab [len, inner] in parallel.
    pub(super) fn for_each_slab<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], i32, usize) + Sync) {
        // Elements of a task.
        const TASK: usize = 4096;
        let (key, len) = (random_key(self.stream, &io.step), self.slab());
        let slabs = io.output(0).par_chunks_mut(len).zip(io.input(0).par_chunks(len)).enumerate();
        slabs.with_min_len(TASK.div_ceil(len)).for_each(|(slab, (to, from))| {
            each(to, from, self.drawn(key, slab / self.shape[0]), slab * len);
        });
    }
}
