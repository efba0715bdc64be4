//! A border of zeros around images, and its gradient.

use super::gate::GateKind;
use crate::plan::{
    Constants, Cost, Io, KernelSpec, LANES_FILE, Shader, constants, elementwise_grid, output_file, wgsl,
};
use crate::real::Real;
use rayon::prelude::*;

/// Sizes of a batch of images and of their border.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Border {
    pub(crate) batch: usize,
    /// Height, width and channels without the border.
    pub(crate) input: [usize; 3],
    /// Pixels at the top, bottom, left and right.
    pub(crate) pixels: [usize; 4],
}

impl Border {
    /// Height and width with the border.
    pub(crate) fn output(&self) -> [usize; 2] {
        let [top, bottom, left, right] = self.pixels;
        [self.input[0] + top + bottom, self.input[1] + left + right]
    }

    /// Calls `each(index in the image without border, index in the image with it)` for each row of pixels.
    fn for_each_row(&self, mut each: impl FnMut(usize, usize)) {
        let ([h, w, c], [_, width]) = (self.input, self.output());
        (0..h).for_each(|y| each(y * w * c, ((y + self.pixels[0]) * width + self.pixels[2]) * c));
    }

    fn row(&self) -> usize {
        self.input[1] * self.input[2]
    }

    /// Elements of an image without and with the border.
    fn images(&self) -> [usize; 2] {
        let ([h, w, c], [height, width]) = (self.input, self.output());
        [h * w * c, height * width * c]
    }

    fn shader(&self, file: &'static str, gate: &'static str, count: usize, own: Constants) -> Shader {
        let ([h, w, c], [height, width]) = (self.input, self.output());
        let by_4 = c.is_multiple_of(4);
        let lanes: usize = if by_4 { 4 } else { 1 };
        let (grid, grid_x) = elementwise_grid(count / lanes);
        let constants = constants! {
            COUNT: count,
            H: h,
            W: w,
            C: c,
            OH: height,
            OW: width,
            TOP: self.pixels[0],
            LEFT: self.pixels[2],
            LANES: lanes,
            BY_4: by_4,
        };
        let files = vec![LANES_FILE, file, gate, output_file(by_4)];
        Shader { files, constants: constants.and(grid_x).and(own), grid, iterations: 0, uses_step: false }
    }

    fn cost(&self) -> Cost {
        let [inner, outer] = self.images();
        Cost { flops: 0.0, dense_flops: 0.0, bytes: 4.0 * (self.batch * (inner + outer)) as f64 }
    }
}

/// Inputs: x [n, h, w, c]; outputs: y [n, oh, ow, c].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pad2d {
    pub(crate) border: Border,
}

impl KernelSpec for Pad2d {
    fn shader(&self) -> Shader {
        let count = self.border.batch * self.border.images()[1];
        let none = wgsl!("gate_none.wgsl");
        self.border.shader(wgsl!("pad2d.wgsl"), none, count, constants! { OUT: 1u32 })
    }

    fn cost(&self) -> Cost {
        self.border.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let [inner, outer] = self.border.images();
        io.output(0).par_chunks_mut(outer).zip(io.input(0).par_chunks(inner)).for_each(|(y, x)| {
            y.fill(F::ZERO);
            let row = self.border.row();
            self.border.for_each_row(|from, to| y[to..][..row].copy_from_slice(&x[from..][..row]));
        });
    }
}

/// Inputs: dy [n, oh, ow, c], what the gate reads [n, h, w, c]; outputs: dx [n, h, w, c].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pad2dBackward {
    pub(crate) border: Border,
    pub(crate) gate: GateKind,
}

impl KernelSpec for Pad2dBackward {
    fn shader(&self) -> Shader {
        let (count, c) = (self.border.batch * self.border.images()[0], self.border.input[2]);
        let own = self.gate.constants(1, c).with("OUT", 1 + self.gate.bindings());
        self.border.shader(wgsl!("pad2d_backward.wgsl"), self.gate.file(), count, own)
    }

    fn cost(&self) -> Cost {
        self.border.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let [inner, outer] = self.border.images();
        let (gate_input, row) = (io.inputs[1], self.border.row());
        let images = io.output(0).par_chunks_mut(inner).zip(io.input(0).par_chunks(outer)).enumerate();
        images.for_each(|(image, (dx, dy))| {
            self.border.for_each_row(|from, to| dx[from..][..row].copy_from_slice(&dy[to..][..row]));
            self.gate.apply(dx, gate_input, image * inner);
        });
    }
}
