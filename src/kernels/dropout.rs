//! Dropout: a mask that is a function of seed, update, layer and element, the same on every device.

use super::elementwise::{CHUNK, elementwise_cost, elementwise_shader};
use super::gate::GateKind;
use super::random::{RANDOM_FILE, draw, random_key};
use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, View, constants, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// `y = x / (1 - rate)` where an element is kept, else 0; then the gate. Forward of x, and backward of dy by the same mask.
/// Inputs: x `[count]`, what the gate reads; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout {
    pub(crate) count: usize,
    /// Share of the elements that are dropped, at least 0 and below 1.
    pub(crate) rate: f64,
    /// What tells the layer's draws from those of others.
    pub(crate) stream: u32,
    /// Pixels and channels of an image, of which whole channels are kept or dropped; none for single elements.
    pub(crate) channels: Option<[usize; 2]>,
    pub(crate) gate: GateKind,
}

impl KernelSpec for Dropout {
    fn shader(&self) -> Shader {
        let [pixels, channels] = self.channels.unwrap_or([1, 1]);
        let own = constants! {
            STREAM: self.stream,
            DROPPED_BELOW: self.threshold(),
            SCALE: self.scale() as f32,
            CHANNELS: channels,
            IMAGE: pixels * channels,
            WHOLE_CHANNELS: self.channels.is_some(),
            OUT: 1 + self.gate.bindings(),
        };
        let files = [STEP_FILE, RANDOM_FILE, wgsl!("dropout.wgsl"), self.gate.file()];
        let shader = elementwise_shader(self.count, &files, own.and(self.gate.constants(1, self.count)));
        Shader { uses_step: true, ..shader }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, 10.0, 2 + self.gate.bindings())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let key = random_key(self.stream, &io.step);
        self.for_each_chunk(&mut io, |y, x, gate_input, first| self.mask(key, y, x, gate_input, first));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let key = random_key(self.stream, &io.step);
        self.for_each_chunk(&mut io, |y, x, gate_input, first| {
            compiled!(level, self.mask(key, y, x, gate_input, first));
        });
    }
}

impl Dropout {
    /// Draws below this are dropped.
    fn threshold(&self) -> u32 {
        (self.rate * 4_294_967_296.0) as u32
    }

    fn scale(&self) -> f64 {
        1.0 / (1.0 - self.rate)
    }

    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], View<'_, F>, usize) + Sync) {
        let (x, y, gate_input) = (io.input(0), io.output(0), io.inputs[1]);
        let chunks = y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).enumerate();
        chunks.for_each(|(i, (y, x))| each(y, x, gate_input, i * CHUNK));
    }

    #[inline(always)]
    fn mask<F: Real>(&self, key: u32, y: &mut [F], x: &[F], gate_input: View<'_, F>, first: usize) {
        let (scale, threshold) = (F::from_f64(self.scale()), self.threshold());
        match self.channels {
            None => {
                for (i, (y, x)) in y.iter_mut().zip(x).enumerate() {
                    let element = (first as u32).wrapping_add(i as u32);
                    *y = if draw(key, element) < threshold { F::ZERO } else { *x * scale };
                }
            }
            Some([pixels, channels]) => {
                for (i, (y, x)) in y.iter_mut().zip(x).enumerate() {
                    let index = first + i;
                    let element = (index / (pixels * channels) * channels + index % channels) as u32;
                    *y = if draw(key, element) < threshold { F::ZERO } else { *x * scale };
                }
            }
        }
        self.gate.apply(y, gate_input, first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;

    #[test]
    fn the_share_of_dropped_elements_is_the_rate_and_each_update_draws_anew() {
        const COUNT: u32 = 100_000;
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let kernel = Dropout { count: 4, rate, stream: 7, channels: None, gate: GateKind::None };
            let dropped = |seed, update| {
                let key = random_key(kernel.stream, &Step { seed, update, ..Step::default() });
                (0..COUNT).map(|i| draw(key, i) < kernel.threshold()).collect::<Vec<_>>()
            };
            let first = dropped(1, 1);
            let share = |mask: &[bool]| mask.iter().filter(|dropped| **dropped).count() as f64 / f64::from(COUNT);
            // Five standard deviations.
            let bound = 5.0 * (rate * (1.0 - rate) / f64::from(COUNT)).sqrt() + 1e-12;
            assert!((share(&first) - rate).abs() <= bound, "{rate}: {}", share(&first));
            for other in [dropped(1, 2), dropped(2, 1)] {
                let both: Vec<bool> = first.iter().zip(&other).map(|(a, b)| *a && *b).collect();
                assert!((share(&both) - rate * rate).abs() <= 2.0 * bound, "{rate}: {}", share(&both));
            }
        }
    }
}
