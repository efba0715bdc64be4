//! The batch of 16 matrix products, forward and backward, on the tiled matrix product of the other kernels.

use super::matrices::{A, TILE_LEN, transform};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::tile::{TileShader, Tiles};
use crate::plan::{Constants, Cost, Io, KernelSpec, Profile, Shader, constants, wgsl};
use crate::real::{MatMul, Real, Strided};
use rayon::prelude::*;

/// `m[e] = v[e] u[e]` for each element e of the 4x4 tile. Inputs: v [16, windows, c_in], u [16, c_in, c_out]; output:
/// m [16, windows, c_out].
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub(super) dims: Dims,
    pub(super) profile: Profile,
}

impl KernelSpec for Product {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = [wgsl!("winograd_product.wgsl")];
        let tiles = tiles(d, d.c_out, d.c_in, self.profile);
        tiles.shader(TileShader { files: &files, out: 2, constants: Constants::new() })
    }

    fn cost(&self) -> Cost {
        cost(&self.dims)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (v, u, m) = (io.input(0), io.input(1), io.output(0));
        let size = MatMul { m: d.windows(), k: d.c_in, n: d.c_out };
        m.par_chunks_mut(size.m * size.n).enumerate().for_each(|(element, m)| {
            let (v, u) = (&v[element * size.m * size.k..], &u[element * size.k * size.n..]);
            F::matmul(size, Strided::rows(v, size.k), Strided::rows(u, size.n), false, m, 1);
        });
    }
}

/// `dv[e] = (A ds A^T)[e] u[e]^T` for each element e of the 4x4 tile; ds is zero except for dy at the argmax.
///
/// Inputs: dy [windows, c_out], the tagged gradient; u [16, c_in, c_out]. Output: dv [16, windows, c_in].
#[derive(Debug, Clone, Copy)]
pub(super) struct ProductBackward {
    pub(super) dims: Dims,
    pub(super) profile: Profile,
}

impl KernelSpec for ProductBackward {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = [wgsl!("winograd_product_backward.wgsl"), wgsl!("tagged_gradient.wgsl")];
        let constants = constants! { OFFSET_MASK: d.offset_mask() };
        let tiles = tiles(d, d.c_in, d.c_out, self.profile);
        tiles.shader(TileShader { files: &files, out: 2, constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.dims)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (dy, u, dv) = (io.input(0), io.input(1), io.output(0));
        let size = MatMul { m: d.windows(), k: d.c_out, n: d.c_in };
        dv.par_chunks_mut(size.m * size.n).enumerate().for_each(|(element, dv)| {
            // (A ds A^T)[element] for a unit gradient at each window offset.
            let factors: [F; 4] = std::array::from_fn(|window_offset| {
                let mut ds = [[F::ZERO; 2]; 2];
                ds[window_offset / 2][window_offset % 2] = F::ONE;
                transform(&A, &ds)[element / 4][element % 4]
            });
            let scale_by_factor = |tagged: &F| {
                let (value, window_offset) = tagged.split_low_bits(d.offset_mask());
                value * factors[window_offset as usize]
            };
            let dm: Vec<F> = dy.iter().map(scale_by_factor).collect();
            let u = Strided::transposed(&u[element * size.k * size.n..], size.k);
            F::matmul(size, Strided::rows(&dm, size.k), u, false, dv, 1);
        });
    }
}

fn tiles(d: &Dims, cols: usize, k: usize, profile: Profile) -> Tiles {
    Tiles { batch_count: TILE_LEN, ..Tiles::new(d.windows(), cols, k, profile) }
}

/// All dense flops of the pass are attributed to the products; the transforms report none.
fn cost(d: &Dims) -> Cost {
    let flops = 2.0 * (TILE_LEN * d.windows() * d.c_in * d.c_out) as f64;
    let moved = d.windows() * (d.c_in + d.c_out) + d.c_in * d.c_out;
    Cost { flops, dense_flops: d.dense_flops(), bytes: 4.0 * (TILE_LEN * moved) as f64 }
}
