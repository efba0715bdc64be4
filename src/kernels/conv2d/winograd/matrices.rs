//! The transform matrices of Winograd's F(2x2, 3x3).

use crate::real::Real;

/// Elements of a transformed 4x4 tile, and so the number of matrix products in the batch.
pub(super) const TILE_LEN: usize = 16;

// The transform matrices of F(2x2, 3x3), in the notation of Lavin and Gray.
pub(super) const B_T: [[f64; 4]; 4] = [[1., 0., -1., 0.], [0., 1., 1., 0.], [0., -1., 1., 0.], [0., 1., 0., -1.]];
pub(super) const B: [[f64; 4]; 4] = [[1., 0., 0., 0.], [0., 1., -1., 1.], [-1., 1., 1., 0.], [0., 0., 0., -1.]];
pub(super) const G: [[f64; 3]; 4] = [[1., 0., 0.], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0., 0., 1.]];
pub(super) const A_T: [[f64; 4]; 2] = [[1., 1., 1., 0.], [0., 1., -1., -1.]];
pub(super) const A: [[f64; 2]; 4] = [[1., 0.], [1., 1.], [1., -1.], [0., -1.]];

/// `m d m^T`.
pub(super) fn transform<F: Real, const R: usize, const C: usize>(m: &[[f64; C]; R], d: &[[F; C]; C]) -> [[F; R]; R] {
    let dot = |row: &[f64; C], element: &dyn Fn(usize) -> F| {
        let terms = row.iter().enumerate().filter(|(_, m)| **m != 0.0);
        terms.map(|(i, m)| F::from_f64(*m) * element(i)).sum::<F>()
    };
    let half: [[F; C]; R] = std::array::from_fn(|r| std::array::from_fn(|c| dot(&m[r], &|i| d[i][c])));
    std::array::from_fn(|r| std::array::from_fn(|c| dot(&m[c], &|i| half[r][i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On one window, the forward pass equals the convolution and the backward pass equals the convolution's adjoint.
    #[test]
    fn transforms_compute_a_convolution_and_its_adjoint() {
        let d: [[f64; 4]; 4] = std::array::from_fn(|r| std::array::from_fn(|c| ((r * 7 + c * 3) % 5) as f64 - 1.5));
        let g: [[f64; 3]; 3] = std::array::from_fn(|r| std::array::from_fn(|c| ((r * 4 + c * 5) % 7) as f64 - 2.5));
        let (u, v) = (transform(&G, &g), transform(&B_T, &d));
        let times = |a: &[[f64; 4]; 4], b: &[[f64; 4]; 4]| -> [[f64; 4]; 4] {
            std::array::from_fn(|r| std::array::from_fn(|c| a[r][c] * b[r][c]))
        };
        let s = transform(&A_T, &times(&u, &v));
        for oy in 0..2 {
            for ox in 0..2 {
                let taps = (0..9).map(|t| d[oy + t / 3][ox + t % 3] * g[t / 3][t % 3]);
                assert!((taps.sum::<f64>() - s[oy][ox]).abs() < 1e-12);
                let mut ds = [[0.0; 2]; 2];
                ds[oy][ox] = 1.0;
                let dd = transform(&B, &times(&u, &transform(&A, &ds)));
                for (i, value) in dd.as_flattened().iter().enumerate() {
                    let tap = (i / 4).checked_sub(oy).zip((i % 4).checked_sub(ox)).filter(|(y, x)| *y < 3 && *x < 3);
                    assert!((value - tap.map_or(0.0, |(y, x)| g[y][x])).abs() < 1e-12);
                }
            }
        }
    }
}
