//! Places between the pixels of an axis: which pixels a value is made of, and what stands outside.

use crate::plan::{Constants, constants, wgsl};

/// 1 pixel in the unit of places and shifts: whole numbers, so that all devices agree on them.
pub(super) const PIXEL: i32 = 1 << 16;

/// An axis may be no longer, so that twice its length in 1/65536 of a pixel fits 31 bits.
pub(crate) const MAX_LEN: usize = 8192;

/// What stands outside of an image.
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

/// The elements that a value is made of: `low` with the weight `1 - weight / PIXEL`, and the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taps {
    pub(super) low: i32,
    pub(super) weight: i32,
}

/// How a value is read at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampling {
    pub(crate) fill: Fill,
    /// The nearer of two pixels, not their weighted mean.
    pub(crate) nearest: bool,
}

impl Sampling {
    /// What is at `source` on an axis of `len` elements.
    #[inline(always)]
    pub(super) fn taps(self, source: i32, len: i32) -> Taps {
        let (last, whole) = ((len - 1) * PIXEL, len * PIXEL);
        let source = match self.fill {
            Fill::Constant(_) => source,
            Fill::Nearest => source.clamp(0, last),
            // Periods are counted by len - 1, as TensorFlow does.
            Fill::Wrap if source < 0 => {
                source.wrapping_add(whole.wrapping_mul(-source / last.max(1) + 1)).clamp(0, last)
            }
            Fill::Wrap if source > last => source.wrapping_sub(whole.wrapping_mul(source / last.max(1))).clamp(0, last),
            Fill::Wrap => source,
            Fill::Reflect => {
                let within = source.rem_euclid(2 * whole);
                (if within < whole { within } else { 2 * whole - PIXEL - within }).clamp(0, last)
            }
        };
        match self.nearest {
            // Of two, the one farther from zero.
            true if source < 0 => Taps { low: -((PIXEL / 2 - source) >> 16), weight: 0 },
            true => Taps { low: (source + PIXEL / 2) >> 16, weight: 0 },
            false => Taps { low: source >> 16, weight: source & (PIXEL - 1) },
        }
    }

    /// The constant that stands outside, or 0 where the image itself goes on.
    pub(super) fn outside(self) -> f64 {
        match self.fill {
            Fill::Constant(value) => value,
            _ => 0.0,
        }
    }

    /// The constants of [`SAMPLING_FILE`].
    pub(super) fn constants(self, spread: Spread) -> Constants {
        let mode: u32 = match self.fill {
            Fill::Constant(_) => 0,
            Fill::Nearest => 1,
            Fill::Reflect => 2,
            Fill::Wrap => 3,
        };
        constants! {
            LOWEST: spread.lowest.cast_unsigned(),
            RANGE_HIGH: spread.range.cast_unsigned() >> 16,
            RANGE_LOW: spread.range.cast_unsigned() & 0xffff,
            FILL_MODE: mode,
            NEAREST: self.nearest,
        }
    }
}

/// The file with `spread_draw` and `taps_at`.
pub(super) const SAMPLING_FILE: &str = wgsl!("resample_sampling.wgsl");

/// Uniform whole numbers from `lowest` to below `lowest + range`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    lowest: i32,
    range: i32,
}

impl Spread {
    /// From `ends[0]` to `ends[1]`, which count `unit`.
    pub(super) fn between(ends: [f64; 2], unit: f64) -> Self {
        let [lowest, highest] = ends.map(|end| (end * unit).round() as i32);
        Self { lowest, range: highest - lowest }
    }

    /// The number of a draw of 32 bits.
    #[inline(always)]
    pub(super) fn number(self, bits: u32) -> i32 {
        self.lowest + ((u64::from(bits >> 16) * self.range as u64) >> 16) as i32
    }
}
