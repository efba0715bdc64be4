//! The sixteen matrix products, on the tiles of the other matrix kernels.

use super::{A, PLANES, transform};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::tile::{TileShader, Tiles};
use crate::plan::{Cost, Io, KernelSpec, Profile, Shader};
use crate::real::{MatMul, Real, Strided};
use rayon::prelude::*;

/// `m[p] = v[p] u[p]`; inputs: v [planes, windows, c_in], u [planes, c_in, c_out]; outputs: m [planes, windows, c_out].
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub(super) dims: Dims,
    pub(super) profile: Profile,
}

impl KernelSpec for Product {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = [include_str!("../../../../shaders/winograd_product.wgsl")];
        let tiles = tiles(d, d.c_out, d.c_in, self.profile);
        tiles.shader(&TileShader { files: &files, out: 2, constants: &[] })
    }

    fn cost(&self) -> Cost {
        cost(&self.dims)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (v, u, m) = (io.input(0), io.input(1), io.output(0));
        let size = MatMul { m: d.windows(), k: d.c_in, n: d.c_out };
        m.par_chunks_mut(size.m * size.n).enumerate().for_each(|(plane, m)| {
            let (v, u) = (&v[plane * size.m * size.k..], &u[plane * size.k * size.n..]);
            F::matmul(size, Strided::rows(v, size.k), Strided::rows(u, size.n), false, m, 1);
        });
    }
}

/// `dv[p] = (A ds A^T)[p] u[p]^T`, with ds from the packed gradient.
///
/// Inputs: dy [windows, c_out] packed, u [planes, c_in, c_out]; outputs: dv [planes, windows, c_in].
#[derive(Debug, Clone, Copy)]
pub(super) struct ProductBackward {
    pub(super) dims: Dims,
    pub(super) profile: Profile,
}

impl KernelSpec for ProductBackward {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = [
            include_str!("../../../../shaders/winograd_product_backward.wgsl"),
            include_str!("../../../../shaders/tagged_gradient.wgsl"),
        ];
        let constants = [("OFFSET_MASK", u64::from(d.offset_mask()))];
        let tiles = tiles(d, d.c_in, d.c_out, self.profile);
        tiles.shader(&TileShader { files: &files, out: 2, constants: &constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.dims)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (dy, u, dv) = (io.input(0), io.input(1), io.output(0));
        let size = MatMul { m: d.windows(), k: d.c_out, n: d.c_in };
        dv.par_chunks_mut(size.m * size.n).enumerate().for_each(|(plane, dv)| {
            // What an element of the gradient at each position adds to this plane.
            let factors: [F; 4] = std::array::from_fn(|window_offset| {
                let mut ds = [[F::ZERO; 2]; 2];
                ds[window_offset / 2][window_offset % 2] = F::ONE;
                transform(&A, &ds)[plane / 4][plane % 4]
            });
            let spread = |packed: &F| {
                let (value, window_offset) = packed.split_low_bits(d.offset_mask());
                value * factors[window_offset as usize]
            };
            let dm: Vec<F> = dy.iter().map(spread).collect();
            let u = Strided::transposed(&u[plane * size.k * size.n..], size.k);
            F::matmul(size, Strided::rows(&dm, size.k), u, false, dv, 1);
        });
    }
}

fn tiles(d: &Dims, cols: usize, k: usize, profile: Profile) -> Tiles {
    Tiles { batch_count: PLANES, ..Tiles::new(d.windows(), cols, k, profile) }
}

/// The pass's dense work is named here, that of its transforms is none.
fn cost(d: &Dims) -> Cost {
    let flops = 2.0 * (PLANES * d.windows() * d.c_in * d.c_out) as f64;
    let moved = d.windows() * (d.c_in + d.c_out) + d.c_in * d.c_out;
    Cost { flops, dense_flops: d.dense_flops(), bytes: 4.0 * (PLANES * moved) as f64 }
}
