//! Images turned around their centres, each by an angle of its own, and the gradient of that. Twin of `shaders/rotation.wgsl`.

use super::sampling::{PIXEL, SAMPLING_FILE, Sampling, Spread, Taps};
use super::weights;
use crate::kernels::elementwise::{elementwise_cost, lanes_shader};
use crate::kernels::gate::GateKind;
use crate::kernels::random::{RANDOM_FILE, draw, random_key};
use crate::plan::{Constants, Cost, Io, KernelSpec, STEP_FILE, Shader, constants, wgsl};
use crate::real::Real;
use rayon::prelude::*;

/// A turn in the unit of drawn angles.
const TURN: f64 = (1 << 24) as f64;

/// Angles of which the tangents are 1, 1/2, 1/4, ..., as 2^-32 of a turn.
const ANGLES: [i32; 24] = [
    536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245, 2670163, 1335087, 667544, 333772,
    166886, 83443, 41722, 20861, 10430, 5215, 2608, 1304, 652, 326, 163, 81,
];

/// The length, times 2^29, of a vector that has the length 1 after it was turned by each of [`ANGLES`].
const START: i32 = 326016437;

/// Cosine and sine of an angle in 2^-24 of a turn, times [`PIXEL`]: a vector is turned by each of [`ANGLES`], to the one or the other side (J.
/// Volder's CORDIC, 1959). All of it is whole numbers, so that all devices agree.
fn cosine_and_sine(angle: i32) -> [i32; 2] {
    let mut rest = angle << 8;
    let backwards = rest.cast_unsigned().wrapping_add(1 << 30) >= 1 << 31;
    if backwards {
        rest = rest.wrapping_add(i32::MIN);
    }
    let mut at = [START, 0];
    for (i, turn) in ANGLES.into_iter().enumerate() {
        let side = if rest >= 0 { 1 } else { -1 };
        at = [at[0] - side * (at[1] >> i), at[1] + side * (at[0] >> i)];
        rest -= side * turn;
    }
    at.map(|along| if backwards { -((along + 4096) >> 13) } else { (along + 4096) >> 13 })
}

/// A batch whose images are turned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    pub(crate) batch: usize,
    /// Height, width, channels.
    pub(crate) image: [usize; 3],
    /// The angle, counterclockwise, as a share of a turn: [lowest, highest] from -1 to 1.
    pub(crate) turns: [f64; 2],
    pub(crate) sampling: Sampling,
    /// What tells the layer's draws from those of others.
    pub(crate) stream: u32,
}

impl Rotation {
    /// Elements of an image.
    fn len(&self) -> usize {
        self.image.iter().product()
    }

    fn spread(&self) -> Spread {
        Spread::between(self.turns, TURN)
    }

    /// The rows and the columns that the pixel at `place` is made of.
    #[inline(always)]
    fn corners(&self, place: usize, [cosine, sine]: [i32; 2]) -> [Taps; 2] {
        let [height, width, _] = self.image.map(|n| n as i32);
        let [v, u] = [2 * (place as i32 / width) - (height - 1), 2 * (place as i32 % width) - (width - 1)];
        let row = (sine * u + cosine * v + (height - 1) * PIXEL) >> 1;
        let column = (cosine * u - sine * v + (width - 1) * PIXEL) >> 1;
        [self.sampling.taps(row, height), self.sampling.taps(column, width)]
    }

    /// Calls `each` with the first element of what the pixel at `place` is made of, if that is inside of the image, and with its weight.
    #[inline(always)]
    fn for_each_corner<F: Real>(&self, place: usize, turn: [i32; 2], mut each: impl FnMut(Option<usize>, F)) {
        let [height, width, channels] = self.image;
        let [rows, columns] = self.corners(place, turn);
        for (row, of_row) in [rows.low, rows.low + 1].into_iter().zip(weights::<F>(rows.weight)) {
            for (column, of_column) in [columns.low, columns.low + 1].into_iter().zip(weights::<F>(columns.weight)) {
                let weight = of_row * of_column;
                if weight > F::ZERO {
                    let inside = (0..height as i32).contains(&row) && (0..width as i32).contains(&column);
                    each(inside.then(|| (row as usize * width + column as usize) * channels), weight);
                }
            }
        }
    }

    /// Calls `each(output, input, cosine and sine, index of the first element)` for each image in parallel.
    fn for_each_image<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], [i32; 2], usize) + Sync) {
        let (key, len, spread) = (random_key(self.stream, &io.step), self.len(), self.spread());
        let images = io.output(0).par_chunks_mut(len).zip(io.input(0).par_chunks(len)).enumerate();
        images.for_each(|(image, (to, from))| {
            each(to, from, cosine_and_sine(spread.number(draw(key, image as u32))), image * len);
        });
    }

    fn files(&self) -> [&'static str; 4] {
        [STEP_FILE, RANDOM_FILE, SAMPLING_FILE, wgsl!("rotation.wgsl")]
    }

    fn constants(&self) -> Constants {
        let [height, width, channels] = self.image;
        let own = constants! { HEIGHT: height, WIDTH: width, CHANNELS: channels, STREAM: self.stream };
        own.and(self.sampling.constants(self.spread()))
    }
}

/// `y = x` turned. Inputs: x `[batch, image]`; outputs: y of the same shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotate {
    pub(crate) rotation: Rotation,
}

impl Rotate {
    fn turn_image<F: Real>(&self, y: &mut [F], x: &[F], turn: [i32; 2]) {
        let fill = F::from_f64(self.rotation.sampling.outside());
        for (place, y) in y.chunks_exact_mut(self.rotation.image[2]).enumerate() {
            y.fill(F::ZERO);
            self.rotation.for_each_corner::<F>(place, turn, |first, weight| match first {
                Some(first) => y.iter_mut().zip(&x[first..]).for_each(|(y, x)| *y += *x * weight),
                None => y.iter_mut().for_each(|y| *y += fill * weight),
            });
        }
    }
}

impl KernelSpec for Rotate {
    fn shader(&self) -> Shader {
        let Rotation { batch, image, sampling, .. } = self.rotation;
        let files = [&self.rotation.files()[..], &[wgsl!("rotate.wgsl")]].concat();
        let own = self.rotation.constants().with("FILL", sampling.outside() as f32).with("OUT", 1u32);
        let shader = lanes_shader(batch * self.rotation.len(), image[2].is_multiple_of(4), &files, own);
        Shader { uses_step: true, ..shader }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.rotation.batch * self.rotation.len(), 20.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.rotation.for_each_image(&mut io, |y, x, turn, _| self.turn_image(y, x, turn));
    }
}

/// The gradient w.r.t. x of [`Rotate`], then the gate. Inputs: dy `[batch, image]`, what the gate reads; outputs: dx of the same shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RotateBackward {
    pub(crate) rotation: Rotation,
    pub(crate) gate: GateKind,
}

impl KernelSpec for RotateBackward {
    fn shader(&self) -> Shader {
        let Rotation { batch, image: [height, width, channels], .. } = self.rotation;
        // An invocation writes and gates single elements, none of them as vectors.
        let own = self.gate.constants(1, 1).with("OUT", 1 + self.gate.bindings());
        let kernel = [wgsl!("rotate_backward.wgsl"), self.gate.file()];
        let files = [&self.rotation.files()[..], &kernel].concat();
        let shader = lanes_shader(batch * channels, false, &files, self.rotation.constants().and(own));
        Shader { uses_step: true, iterations: 3 * height * width, ..shader }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.rotation.batch * self.rotation.len(), 20.0, 2 + self.gate.bindings())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let gate_input = io.inputs[1];
        self.rotation.for_each_image(&mut io, |dx, dy, turn, first_of_image| {
            dx.fill(F::ZERO);
            for (place, dy) in dy.chunks_exact(self.rotation.image[2]).enumerate() {
                self.rotation.for_each_corner::<F>(place, turn, |first, weight| {
                    if let Some(first) = first {
                        dx[first..].iter_mut().zip(dy).for_each(|(dx, dy)| *dx += *dy * weight);
                    }
                });
            }
            self.gate.apply(dx, gate_input, first_of_image);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fill;
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn the_angles_are_those_of_their_tangents_and_the_start_makes_up_for_the_lengths() {
        let mut length = 1.0;
        for (i, angle) in ANGLES.into_iter().enumerate() {
            let tangent = 0.5f64.powi(i as i32);
            assert_eq!(angle, (tangent.atan() / TAU * 2f64.powi(32)).round() as i32);
            length *= 1.0 + tangent * tangent;
        }
        assert_eq!(START, (2f64.powi(29) / f64::sqrt(length)).round() as i32);
    }

    /// As Keras turns 1 to 20 in four rows by a tenth of a turn, by JAX.
    #[test]
    fn images_are_turned_as_in_keras() {
        let x: Vec<f32> = (1u8..=20).map(f32::from).collect();
        let inner = [
            [2.2636, 3.0727, 5.3141, 9.0620, 12.3102],
            [1.6759, 5.0234, 8.7714, 12.5193, 16.2672],
            [4.7328, 8.4807, 12.2286, 15.9766, 19.3241],
            [8.6898, 11.9380, 15.6860, 17.9273, 18.7364],
        ];
        let outer = [
            [8.2529, 4.8586, 5.3141, 9.0620, 10.6561],
            [2.2624, 5.0234, 8.7714, 12.5193, 16.2672],
            [4.7328, 8.4807, 12.2286, 15.9766, 18.4974],
            [8.8448, 11.9380, 15.6860, 15.2374, 10.0798],
        ];
        for (fill, expected) in [(Fill::Constant(9.0), outer), (Fill::Nearest, inner), (Fill::Reflect, inner)] {
            let sampling = Sampling { fill, nearest: false };
            let rotation = Rotation { batch: 1, image: [4, 5, 1], turns: [0.1; 2], sampling, stream: 7 };
            let mut y = vec![0.0f32; 20];
            let turn = cosine_and_sine(rotation.spread().number(0));
            Rotate { rotation }.turn_image(&mut y, &x, turn);
            for (found, expected) in y.iter().zip(expected.as_flattened()) {
                assert!((found - expected).abs() < 2e-4, "{fill:?}: {found}, not {expected}");
            }
        }
    }

    #[test]
    fn cosines_and_sines_are_exact_to_a_unit_and_at_quarter_turns() {
        let turn = TURN as i32;
        for (quarter, expected) in [[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0], [0, 1]].into_iter().enumerate() {
            assert_eq!(cosine_and_sine(quarter as i32 * (turn / 4)), expected.map(|along| along * PIXEL), "{quarter}");
        }
        for angle in (-turn..=turn).step_by(9973) {
            let (sine, cosine) = (f64::from(angle) / TURN * TAU).sin_cos();
            let expected = [cosine, sine].map(|along| along * f64::from(PIXEL));
            for (found, expected) in cosine_and_sine(angle).into_iter().zip(expected) {
                assert!((f64::from(found) - expected).abs() <= 0.6, "{angle}: {found}, not {expected}");
            }
        }
    }
}
