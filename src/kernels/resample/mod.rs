//! Images flipped, shifted and zoomed axis by axis, or turned, for each image by a draw of its own, and the gradients of that.

mod axis;
mod rotate;
mod sampling;

use super::elementwise::elementwise_cost;
use super::gate::GateKind;
use crate::plan::{Cost, Io, KernelSpec, Shader, View, constants, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
pub(crate) use axis::{Axis, Rule};
pub(crate) use rotate::{Rotate, RotateBackward, Rotation};
pub(crate) use sampling::{Fill, MAX_LEN, Sampling};
use sampling::{PIXEL, Taps};

/// The weights of `low` and of the element after it.
#[inline(always)]
fn weights<F: Real>(weight: i32) -> [F; 2] {
    [PIXEL - weight, weight].map(|weight| F::from_f64(f64::from(weight) / f64::from(PIXEL)))
}

/// `y = x` resampled. Inputs: x `[batch, shape]`; outputs: y of the same shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resample {
    pub(crate) axis: Axis,
}

impl Resample {
    #[inline(always)]
    fn resample<F: Real>(&self, y: &mut [F], x: &[F], drawn: i32) {
        let [_, len, inner] = self.axis.shape;
        let fill = F::from_f64(self.axis.outside());
        let row = |at: i32| usize::try_from(at).ok().filter(|at| *at < len).map(|at| &x[at * inner..][..inner]);
        for (position, y) in y.chunks_exact_mut(inner).enumerate() {
            let Taps { low, weight } = self.axis.taps(position, drawn);
            match row(low) {
                Some(x) => y.copy_from_slice(x),
                None => y.fill(fill),
            }
            if weight > 0 {
                let [a, b] = weights::<F>(weight);
                match row(low + 1) {
                    Some(x) => y.iter_mut().zip(x).for_each(|(y, x)| *y = *y * a + *x * b),
                    None => y.iter_mut().for_each(|y| *y = *y * a + fill * b),
                }
            }
        }
    }
}

impl KernelSpec for Resample {
    fn shader(&self) -> Shader {
        let fill = self.axis.outside() as f32;
        self.axis.shader(&[wgsl!("resample.wgsl")], constants! { FILL: fill, OUT: 1u32 })
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.axis.count(), 10.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.axis.for_each_slab(&mut io, |y, x, drawn, _| self.resample(y, x, drawn));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.axis.for_each_slab(&mut io, |y, x, drawn, _| compiled!(level, self.resample(y, x, drawn)));
    }
}

/// The gradient w.r.t. x of [`Resample`], then the gate. Inputs: dy `[batch, shape]`, what the gate reads; outputs: dx of the same
/// shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResampleBackward {
    pub(crate) axis: Axis,
    pub(crate) gate: GateKind,
}

impl ResampleBackward {
    #[inline(always)]
    fn spread<F: Real>(&self, dx: &mut [F], dy: &[F], drawn: i32, gate_input: View<'_, F>, first: usize) {
        let [_, len, inner] = self.axis.shape;
        dx.fill(F::ZERO);
        for (position, dy) in dy.chunks_exact(inner).enumerate() {
            let Taps { low, weight } = self.axis.taps(position, drawn);
            for (at, share) in [low, low + 1].into_iter().zip(weights::<F>(weight)) {
                if let Some(at) = usize::try_from(at).ok().filter(|at| *at < len && share > F::ZERO) {
                    dx[at * inner..][..inner].iter_mut().zip(dy).for_each(|(dx, dy)| *dx += *dy * share);
                }
            }
        }
        self.gate.apply(dx, gate_input, first);
    }
}

impl KernelSpec for ResampleBackward {
    fn shader(&self) -> Shader {
        let own = self.gate.constants(1, self.axis.shape[2]).with("OUT", 1 + self.gate.bindings());
        let files = [wgsl!("resample_backward.wgsl"), self.gate.file()];
        Shader { iterations: self.axis.shape[1], ..self.axis.shader(&files, own) }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.axis.count(), 10.0, 2 + self.gate.bindings())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let gate_input = io.inputs[1];
        self.axis.for_each_slab(&mut io, |dx, dy, drawn, first| self.spread(dx, dy, drawn, gate_input, first));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let gate_input = io.inputs[1];
        self.axis.for_each_slab(&mut io, |dx, dy, drawn, first| {
            compiled!(level, self.spread(dx, dy, drawn, gate_input, first));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(rule: Rule) -> Axis {
        Axis { batch: 1, shape: [1, 4, 1], rule, stream: 7, draw: 0 }
    }

    /// As Keras's `affine_transform` on TensorFlow has [1, 2, 3, 4].
    #[test]
    fn shifts_fill_and_interpolate_as_in_keras() {
        for (fill, shift, bilinear, closest) in [
            (Fill::Constant(9.0), 0.25, [3.0, 1.75, 2.75, 3.75], [1.0, 2.0, 3.0, 4.0]),
            (Fill::Constant(9.0), -0.25, [1.25, 2.25, 3.25, 5.25], [1.0, 2.0, 3.0, 4.0]),
            (Fill::Constant(9.0), 1.5, [9.0, 5.0, 1.5, 2.5], [9.0, 9.0, 2.0, 3.0]),
            (Fill::Constant(9.0), -1.75, [2.75, 3.75, 7.75, 9.0], [3.0, 4.0, 9.0, 9.0]),
            (Fill::Constant(9.0), 3.25, [9.0, 9.0, 9.0, 3.0], [9.0, 9.0, 9.0, 1.0]),
            (Fill::Constant(9.0), -3.25, [5.25, 9.0, 9.0, 9.0], [4.0, 9.0, 9.0, 9.0]),
            (Fill::Nearest, 0.25, [1.0, 1.75, 2.75, 3.75], [1.0, 2.0, 3.0, 4.0]),
            (Fill::Nearest, -0.25, [1.25, 2.25, 3.25, 4.0], [1.0, 2.0, 3.0, 4.0]),
            (Fill::Nearest, 1.5, [1.0, 1.0, 1.5, 2.5], [1.0, 1.0, 2.0, 3.0]),
            (Fill::Nearest, -1.75, [2.75, 3.75, 4.0, 4.0], [3.0, 4.0, 4.0, 4.0]),
            (Fill::Nearest, 3.25, [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]),
            (Fill::Nearest, -3.25, [4.0, 4.0, 4.0, 4.0], [4.0, 4.0, 4.0, 4.0]),
            (Fill::Reflect, 0.25, [1.0, 1.75, 2.75, 3.75], [1.0, 2.0, 3.0, 4.0]),
            (Fill::Reflect, -0.25, [1.25, 2.25, 3.25, 4.0], [1.0, 2.0, 3.0, 4.0]),
            (Fill::Reflect, 1.5, [1.5, 1.0, 1.5, 2.5], [2.0, 1.0, 2.0, 3.0]),
            (Fill::Reflect, -1.75, [2.75, 3.75, 4.0, 3.25], [3.0, 4.0, 4.0, 3.0]),
            (Fill::Reflect, 3.25, [3.25, 2.25, 1.25, 1.0], [3.0, 2.0, 1.0, 1.0]),
            (Fill::Reflect, -3.25, [4.0, 3.75, 2.75, 1.75], [4.0, 4.0, 3.0, 2.0]),
            (Fill::Wrap, 0.25, [4.0, 1.75, 2.75, 3.75], [4.0, 2.0, 3.0, 4.0]),
            (Fill::Wrap, -0.25, [1.25, 2.25, 3.25, 1.0], [1.0, 2.0, 3.0, 1.0]),
            (Fill::Wrap, 1.5, [3.5, 4.0, 1.5, 2.5], [4.0, 4.0, 2.0, 3.0]),
            (Fill::Wrap, -1.75, [2.75, 3.75, 1.0, 1.75], [3.0, 4.0, 1.0, 2.0]),
            (Fill::Wrap, 3.25, [4.0, 2.75, 3.75, 4.0], [4.0, 3.0, 4.0, 4.0]),
            (Fill::Wrap, -3.25, [1.0, 1.25, 2.25, 1.0], [1.0, 1.0, 2.0, 1.0]),
        ] {
            for (nearest, expected) in [(false, bilinear), (true, closest)] {
                let kernel =
                    Resample { axis: axis(Rule::Shift { shares: [-1.0, 1.0], sampling: Sampling { fill, nearest } }) };
                let mut y = [0f32; 4];
                kernel.resample(&mut y, &[1.0, 2.0, 3.0, 4.0], (shift * f64::from(PIXEL)) as i32);
                assert_eq!(y, expected, "{fill:?}, {shift}, nearest {nearest}");
            }
        }
    }

    /// As Keras has [1, 2, 3, 4, 5], by JAX.
    #[test]
    fn zooms_fill_and_interpolate_as_in_keras() {
        for (fill, zoom, bilinear, closest) in [
            (Fill::Constant(9.0), 1.5, [9.0, 1.5, 3.0, 4.5, 9.0], [9.0, 2.0, 3.0, 5.0, 9.0]),
            (Fill::Nearest, 1.5, [1.0, 1.5, 3.0, 4.5, 5.0], [1.0, 2.0, 3.0, 5.0, 5.0]),
            (Fill::Reflect, 1.5, [1.0, 1.5, 3.0, 4.5, 5.0], [1.0, 2.0, 3.0, 5.0, 5.0]),
            (Fill::Constant(9.0), 1.25, [5.0, 1.75, 3.0, 4.25, 7.0], [9.0, 2.0, 3.0, 4.0, 9.0]),
            (Fill::Reflect, 0.5, [2.0, 2.5, 3.0, 3.5, 4.0], [2.0, 3.0, 3.0, 4.0, 4.0]),
        ] {
            for (nearest, expected) in [(false, bilinear), (true, closest)] {
                let rule = Rule::Zoom { zooms: [0.5, 1.5], sampling: Sampling { fill, nearest } };
                let kernel = Resample { axis: Axis { shape: [1, 5, 1], ..axis(rule) } };
                let mut y = [0f32; 5];
                kernel.resample(&mut y, &[1.0, 2.0, 3.0, 4.0, 5.0], (zoom * f64::from(PIXEL)) as i32);
                assert_eq!(y, expected, "{fill:?}, {zoom}, nearest {nearest}");
            }
        }
    }

    #[test]
    fn half_of_the_images_are_flipped_and_shifts_are_uniform() {
        use crate::kernels::random::random_key;
        use crate::plan::Step;
        const IMAGES: usize = 20_000;
        let flip = axis(Rule::Flip);
        let shift =
            axis(Rule::Shift { shares: [-0.5, 0.25], sampling: Sampling { fill: Fill::Nearest, nearest: false } });
        let key = |update| random_key(7, &Step { seed: 3, update, ..Step::default() });
        let flips = |key| (0..IMAGES).filter(|image| flip.drawn(key, *image) == 1).count() as f64 / IMAGES as f64;
        for update in [1, 2] {
            let share = flips(key(update));
            // Five standard deviations.
            assert!((share - 0.5).abs() < 5.0 * 0.5 / (IMAGES as f64).sqrt(), "{share}");
            let shifts: Vec<f64> =
                (0..IMAGES).map(|image| f64::from(shift.drawn(key(update), image)) / f64::from(PIXEL)).collect();
            let mean = shifts.iter().sum::<f64>() / IMAGES as f64;
            assert!((mean + 0.5).abs() < 5.0 * 3.0 / (12.0 * IMAGES as f64).sqrt(), "{mean}");
            let [low, high] = shifts.iter().fold([0.0f64; 2], |[low, high], s| [s.min(low), s.max(high)]);
            assert!((-2.0..-1.99).contains(&low) && (0.99..1.0).contains(&high), "{low} {high}");
        }
        let same = (0..IMAGES).filter(|image| flip.drawn(key(1), *image) == flip.drawn(key(2), *image)).count();
        assert!((same as f64 / IMAGES as f64 - 0.5).abs() < 0.02, "{same}");
    }
}
