//! The number type of the CPU twins: `f32` to train with, `f64` as the reference that tests compare with.

use crate::functions::Functions;
use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A matrix operand: element (row, column) is `data[row * row_stride + column * col_stride]`.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a, F> {
    /// The elements, among others that the view skips.
    pub data: &'a [F],
    /// Distance between two rows, in elements.
    pub row_stride: usize,
    /// Distance between two columns, in elements.
    pub col_stride: usize,
}

impl<'a, F> Strided<'a, F> {
    /// A row-major matrix with `cols` columns.
    pub fn rows(data: &'a [F], cols: usize) -> Self {
        Self { data, row_stride: cols, col_stride: 1 }
    }

    /// The transpose of a row-major matrix with `cols` columns.
    pub fn transposed(data: &'a [F], cols: usize) -> Self {
        Self { data, row_stride: 1, col_stride: cols }
    }

    /// Minimum length of `data` for a `rows` x `cols` view.
    fn extent(&self, rows: usize, cols: usize) -> usize {
        if rows == 0 || cols == 0 { 0 } else { (rows - 1) * self.row_stride + (cols - 1) * self.col_stride + 1 }
    }
}

/// Sizes of `C[m, n] = A[m, k] B[k, n]`.
#[derive(Debug, Clone, Copy)]
pub struct MatMul {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
}

/// A floating-point type that the CPU twins are generic over.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + Functions
    + 'static
{
    /// Additive identity, 0.
    const ZERO: Self;
    /// Multiplicative identity, 1.
    const ONE: Self;
    /// `value` rounded to the nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The value as `f64`.
    fn to_f64(self) -> f64;
    /// The exponential, e to the power of `self`.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// Rounds to the nearest value whose mantissa bits in `mask` (the lowest ones) are zero, then stores `low` in those
    /// bits. Tagged gradients carry their window offset this way.
    fn with_low_bits(self, mask: u32, low: u32) -> Self;
    /// The inverse of [`Self::with_low_bits`]: the value with the bits of `mask` cleared, and those bits.
    fn split_low_bits(self, mask: u32) -> (Self, u32);

    /// Computes `c = a b`, or `c += a b` if `add`, where `c` is a row-major `m` x `n` matrix, on up to `threads`
    /// threads. The summation order does not depend on the number of threads.
    ///
    /// # Panics
    /// If `a`, `b` or `c` is shorter than `size` requires.
    fn matmul(size: MatMul, a: Strided<'_, Self>, b: Strided<'_, Self>, add: bool, c: &mut [Self], threads: usize) {
        let MatMul { m, k, n } = size;
        assert!(a.data.len() >= a.extent(m, k), "A holds {} elements, {size:?} needs more", a.data.len());
        assert!(b.data.len() >= b.extent(k, n), "B holds {} elements, {size:?} needs more", b.data.len());
        assert!(c.len() >= m * n, "C holds {} elements, {size:?} needs more", c.len());
        #[cfg(target_family = "wasm")]
        {
            debug_assert_eq!(threads, 1, "there are no threads");
            multiply_in_blocks(size, a, b, add, c);
        }
        #[cfg(not(target_family = "wasm"))]
        multiply_by_gemm(size, a, b, add, c, threads);
    }
}

macro_rules! real {
    ($t:ty, $bits:ty) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn exp(self) -> Self {
                Self::exp(self)
            }
            fn ln(self) -> Self {
                Self::ln(self)
            }
            fn sqrt(self) -> Self {
                Self::sqrt(self)
            }
            fn with_low_bits(self, mask: u32, low: u32) -> Self {
                // Rounding could carry a NaN whose mantissa is full into zero, and clearing bits make one an infinity.
                let bits = if self.is_nan() { Self::NAN.to_bits() } else { self.to_bits() };
                let rounded = bits.wrapping_add(<$bits>::from(mask.div_ceil(2)));
                Self::from_bits(rounded & !<$bits>::from(mask) | <$bits>::from(low))
            }
            fn split_low_bits(self, mask: u32) -> (Self, u32) {
                let bits = self.to_bits();
                (Self::from_bits(bits & !<$bits>::from(mask)), bits as u32 & mask)
            }
        }
    };
}

real!(f32, u32);
real!(f64, u64);

/// [`Real::matmul`] after its assertions.
#[cfg(not(target_family = "wasm"))]
#[expect(unsafe_code, reason = "gemm takes raw pointers; the extents are asserted before")]
fn multiply_by_gemm<F: Real>(
    MatMul { m, k, n }: MatMul,
    a: Strided<'_, F>,
    b: Strided<'_, F>,
    add: bool,
    c: &mut [F],
    threads: usize,
) {
    let parallelism = match threads {
        1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    };
    // gemm computes `c = alpha c + beta a b`, with beta = 1 here.
    let alpha = if add { F::ONE } else { F::ZERO };
    let [(a, a_cols, a_rows), (b, b_cols, b_rows)] =
        [a, b].map(|x| (x.data.as_ptr(), x.col_stride as isize, x.row_stride as isize));
    let (c, c_rows) = (c.as_mut_ptr(), n as isize);
    // SAFETY: every element that the call reads or writes lies inside the three slices, as the caller asserts, and `c` is
    // borrowed mutably, so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c,
            1,
            c_rows,
            add,
            a,
            a_cols,
            a_rows,
            b,
            b_cols,
            b_rows,
            alpha,
            F::ONE,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The same without gemm, whose code is more than a page needs: it has no threads, and small networks.
#[cfg(any(test, target_family = "wasm"))]
fn multiply_in_blocks<F: Real>(
    MatMul { m, k, n }: MatMul,
    a: Strided<'_, F>,
    b: Strided<'_, F>,
    add: bool,
    c: &mut [F],
) {
    // Rows of C that stay in a cache while those of B pass by.
    const BLOCK: usize = 16;
    if m == 0 || n == 0 {
        return;
    }
    let mut packed = Vec::new();
    let b = if b.col_stride == 1 && b.row_stride == n {
        &b.data[..k * n]
    } else {
        let row = |i: usize| (0..n).map(move |col| b.data[i * b.row_stride + col * b.col_stride]);
        packed.extend((0..k).flat_map(row));
        &packed[..]
    };
    for (block, c) in c[..m * n].chunks_mut(BLOCK * n).enumerate() {
        if !add {
            c.fill(F::ZERO);
        }
        for (i, b) in b.chunks(4 * n).enumerate() {
            for (row, c) in c.chunks_exact_mut(n).enumerate() {
                let first = (block * BLOCK + row) * a.row_stride + 4 * i * a.col_stride;
                let factor = |i: usize| a.data[first + i * a.col_stride];
                if b.len() == 4 * n {
                    let [w, x, y, z] = std::array::from_fn(factor);
                    let [p, q, r, s] = std::array::from_fn(|i| &b[i * n..][..n]);
                    for (j, c) in c.iter_mut().enumerate() {
                        *c = *c + w * p[j] + x * q[j] + y * r[j] + z * s[j];
                    }
                } else {
                    for (i, b) in b.chunks_exact(n).enumerate() {
                        let factor = factor(i);
                        c.iter_mut().zip(b).for_each(|(c, b)| *c += factor * *b);
                    }
                }
            }
        }
    }
}

/// Whether `value` replaces `best` in a running maximum: the first of equals stays, and the first NaN is the maximum.
#[inline(always)]
pub(crate) fn is_better<F: Real>(value: F, best: F) -> bool {
    value > best || (is_nan(value) && !is_nan(best))
}

#[inline(always)]
pub(crate) fn is_nan<F: Real>(value: F) -> bool {
    // No order: NaN alone is not equal to itself.
    value.partial_cmp(&value).is_none()
}

/// Index of the maximum, the first of equals or of NaN; 0 of no values.
pub(crate) fn argmax<F: Real>(values: impl IntoIterator<Item = F>) -> usize {
    let better = |best: (usize, F), next: (usize, F)| if is_better(next.1, best.1) { next } else { best };
    values.into_iter().enumerate().reduce(better).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_multiplies_as_gemm_does() {
        let values = |len: usize| (0..len).map(|i| (i * 7 % 11) as f64 - 5.0).collect::<Vec<_>>();
        for (m, k, n) in [(1, 1, 1), (5, 3, 9), (4, 8, 16), (7, 0, 3), (0, 2, 2)] {
            let (size, a, b) = (MatMul { m, k, n }, values(m * k), values(k * n));
            for add in [false, true] {
                for (a, b) in [
                    (Strided::rows(&a, k), Strided::rows(&b, n)),
                    (Strided::transposed(&a, m), Strided::transposed(&b, k)),
                ] {
                    let [mut by_gemm, mut in_blocks] = [values(m * n), values(m * n)];
                    multiply_by_gemm(size, a, b, add, &mut by_gemm, 1);
                    multiply_in_blocks(size, a, b, add, &mut in_blocks);
                    assert_eq!(by_gemm, in_blocks, "{size:?} {add}");
                }
            }
        }
    }

    #[test]
    fn a_tag_keeps_nan_whatever_its_bits() {
        for bits in [0x7fff_ffff, 0xffff_ffff, 0x7f80_0001, 0x7fc0_0000] {
            let (value, tag) = f32::from_bits(bits).with_low_bits(31, 17).split_low_bits(31);
            assert!(value.is_nan() && tag == 17, "{bits:x}: {value} {tag}");
        }
        assert_eq!(f32::INFINITY.with_low_bits(3, 2).split_low_bits(3), (f32::INFINITY, 2));
    }
}
