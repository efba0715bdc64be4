//! One axis of images: from which elements each output is made, for each image by its own draw.

use super::sampling::{PIXEL, SAMPLING_FILE, Sampling, Spread, Taps};
use crate::kernels::elementwise::rows_shader;
use crate::kernels::random::{RANDOM_FILE, draw, random_key};
use crate::plan::{Constants, Io, STEP_FILE, Shader, constants, wgsl};
use crate::real::Real;
use rayon::prelude::*;

/// From where an output takes its values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// From the other end, in half of the images.
    Flip,
    /// From `shift` before, which is uniform in `shares` of the axis, [lowest, highest].
    Shift { shares: [f64; 2], sampling: Sampling },
    /// From `zoom` times as far from the centre, which is uniform in [lowest, highest], of at most 2.
    Zoom { zooms: [f64; 2], sampling: Sampling },
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

    /// What is drawn from for each image, and how its values are read.
    fn spread(&self) -> Option<(Spread, Sampling)> {
        match self.rule {
            Rule::Flip => None,
            Rule::Shift { shares, sampling } => {
                Some((Spread::between(shares, self.shape[1] as f64 * f64::from(PIXEL)), sampling))
            }
            Rule::Zoom { zooms, sampling } => Some((Spread::between(zooms, f64::from(PIXEL)), sampling)),
        }
    }

    /// The value of what is outside.
    pub(super) fn outside(&self) -> f64 {
        self.spread().map_or(0.0, |(_, sampling)| sampling.outside())
    }

    /// The draw of an image: its shift, its zoom, or 1 if it is flipped.
    #[inline(always)]
    pub(super) fn drawn(&self, key: u32, image: usize) -> i32 {
        let bits = draw(key, (image as u32).wrapping_mul(2).wrapping_add(self.draw));
        match self.spread() {
            None => i32::from(bits < 1 << 31),
            Some((spread, _)) => spread.number(bits),
        }
    }

    #[inline(always)]
    pub(super) fn taps(&self, position: usize, drawn: i32) -> Taps {
        let (len, position) = (self.shape[1] as i32, position as i32);
        match self.rule {
            Rule::Flip => Taps { low: if drawn == 1 { len - 1 - position } else { position }, weight: 0 },
            Rule::Shift { sampling, .. } => sampling.taps(position * PIXEL - drawn, len),
            Rule::Zoom { sampling, .. } => {
                sampling.taps(((2 * position - (len - 1)) * drawn + (len - 1) * PIXEL) >> 1, len)
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
        let rule = match self.rule {
            Rule::Flip => vec![wgsl!("resample_flip.wgsl")],
            Rule::Shift { .. } => vec![SAMPLING_FILE, wgsl!("resample_shift.wgsl")],
            Rule::Zoom { .. } => vec![SAMPLING_FILE, wgsl!("resample_zoom.wgsl")],
        };
        let constants = self.spread().map_or_else(Constants::new, |(spread, sampling)| sampling.constants(spread));
        let files = [&[STEP_FILE, RANDOM_FILE], &*rule, files].concat();
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
