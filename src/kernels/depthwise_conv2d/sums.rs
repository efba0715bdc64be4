//! The two sums of a depthwise convolution over one image, by SIMD: lanes are channels, taps are taken in blocks that fit the
//! registers.

use crate::simd::{load, store};
use pulp::{Simd, WithSimd};

/// `y[p, c] = act(bias[c] + sum over taps of x[pixels[p] + offsets[tap] + c] w[tap, c])`.
pub(super) struct Correlation<'a> {
    pub(super) pixels: &'a [usize],
    pub(super) offsets: &'a [usize],
    pub(super) c: usize,
    pub(super) x: &'a [f32],
    /// [taps, c].
    pub(super) w: &'a [f32],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) relu: bool,
    /// [pixels, c].
    pub(super) y: &'a mut [f32],
}

/// `sums[tap, c] += sum over p of dy[p, c] x[pixels[p] + offsets[tap] + c]`; with `bias`, the row after those of the taps is the sum of
/// dy.
pub(super) struct WeightSums<'a> {
    pub(super) pixels: &'a [usize],
    pub(super) offsets: &'a [usize],
    pub(super) c: usize,
    pub(super) x: &'a [f32],
    /// [pixels, c].
    pub(super) dy: &'a [f32],
    pub(super) bias: bool,
    /// [taps and the bias, c].
    pub(super) sums: &'a mut [f32],
}

/// The channels of a block: whole vectors, so that their number is known when compiled, or the rest.
#[derive(Clone, Copy)]
struct Channels<const WHOLE: bool> {
    first: usize,
    rest: usize,
}

impl<const WHOLE: bool> Channels<WHOLE> {
    #[inline(always)]
    fn of<S: Simd>(self, row: &[f32], at: usize) -> &[f32] {
        &row[at + self.first..][..if WHOLE { S::F32_LANES } else { self.rest }]
    }

    #[inline(always)]
    fn of_mut<S: Simd>(self, row: &mut [f32], at: usize) -> &mut [f32] {
        &mut row[at + self.first..][..if WHOLE { S::F32_LANES } else { self.rest }]
    }
}

/// Calls `$self.$block::<S, WHOLE, TAPS>(simd, channels, first tap)` for all blocks of channels and taps.
macro_rules! for_each_block {
    ($self:ident, $simd:ident, $block:ident) => {
        for first in (0..$self.c).step_by(S::F32_LANES) {
            let rest = ($self.c - first).min(S::F32_LANES);
            if rest == S::F32_LANES {
                for_each_block!($self, $simd, $block, Channels::<true> { first, rest });
            } else {
                for_each_block!($self, $simd, $block, Channels::<false> { first, rest });
            }
        }
    };
    ($self:ident, $simd:ident, $block:ident, $channels:expr) => {
        let mut tap = 0;
        while tap < $self.offsets.len() {
            tap += match $self.offsets.len() - tap {
                9.. => $self.$block::<S, _, 9>($simd, $channels, tap),
                5.. => $self.$block::<S, _, 5>($simd, $channels, tap),
                3.. => $self.$block::<S, _, 3>($simd, $channels, tap),
                _ => $self.$block::<S, _, 1>($simd, $channels, tap),
            };
        }
    };
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for_each_block!(self, simd, block);
    }
}

impl Correlation<'_> {
    /// Adds the products of `T` taps, the first of them after the bias, the last before the ReLU. Returns T.
    #[inline(always)]
    fn block<S: Simd, const WHOLE: bool, const T: usize>(
        &mut self,
        simd: S,
        channels: Channels<WHOLE>,
        tap: usize,
    ) -> usize {
        let zero = simd.splat_f32s(0.0);
        let relu = self.relu && tap + T == self.offsets.len();
        let w: [S::f32s; T] = std::array::from_fn(|t| load(simd, channels.of::<S>(self.w, (tap + t) * self.c)));
        let offsets: [usize; T] = std::array::from_fn(|t| self.offsets[tap + t]);
        let start = self.bias.map_or(zero, |bias| load(simd, channels.of::<S>(bias, 0)));
        for (pixel, y) in self.pixels.iter().zip(self.y.chunks_exact_mut(self.c)) {
            let mut sum = if tap == 0 { start } else { load(simd, channels.of::<S>(y, 0)) };
            for t in 0..T {
                let x = load(simd, channels.of::<S>(self.x, pixel + offsets[t]));
                sum = simd.mul_add_e_f32s(x, w[t], sum);
            }
            if relu {
                // NaN is not less.
                sum = simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum);
            }
            store(simd, channels.of_mut::<S>(y, 0), [sum]);
        }
        T
    }
}

impl WithSimd for WeightSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for_each_block!(self, simd, block);
    }
}

impl WeightSums<'_> {
    /// Adds the sums of `T` taps, and with the first of them that of the bias. Returns T.
    #[inline(always)]
    fn block<S: Simd, const WHOLE: bool, const T: usize>(
        &mut self,
        simd: S,
        channels: Channels<WHOLE>,
        tap: usize,
    ) -> usize {
        let offsets: [usize; T] = std::array::from_fn(|t| self.offsets[tap + t]);
        let mut sums = [simd.splat_f32s(0.0); T];
        let mut of_dy = simd.splat_f32s(0.0);
        for (pixel, dy) in self.pixels.iter().zip(self.dy.chunks_exact(self.c)) {
            let dy = load(simd, channels.of::<S>(dy, 0));
            of_dy = simd.add_f32s(of_dy, dy);
            for t in 0..T {
                let x = load(simd, channels.of::<S>(self.x, pixel + offsets[t]));
                sums[t] = simd.mul_add_e_f32s(x, dy, sums[t]);
            }
        }
        for (t, sum) in sums.into_iter().enumerate() {
            self.add(simd, channels, tap + t, sum);
        }
        if self.bias && tap == 0 {
            self.add(simd, channels, self.offsets.len(), of_dy);
        }
        T
    }

    #[inline(always)]
    fn add<S: Simd, const WHOLE: bool>(&mut self, simd: S, channels: Channels<WHOLE>, row: usize, sum: S::f32s) {
        let to = channels.of_mut::<S>(self.sums, row * self.c);
        let total = simd.add_f32s(load(simd, to), sum);
        store(simd, to, [total]);
    }
}
