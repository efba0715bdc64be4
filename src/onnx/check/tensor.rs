//! Tensors, and what gives their elements another order.

use crate::error::{Result, usage};
use crate::real::Real;

/// No tensor may have more elements.
const MAX_ELEMENTS: usize = 1 << 29;

/// The number of elements of a shape.
///
/// # Errors
/// If they are more than fit.
pub(super) fn size(shape: &[usize]) -> Result<usize> {
    let size = shape.iter().try_fold(1usize, |product, n| product.checked_mul(*n)).filter(|n| *n <= MAX_ELEMENTS);
    size.ok_or_else(|| usage!("a tensor of {shape:?} is more than {MAX_ELEMENTS} numbers"))
}

/// A tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor<F> {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<F>,
}

impl<F: Real> Tensor<F> {
    /// `f` of each element.
    pub(super) fn map(&self, f: impl Fn(F) -> F) -> Self {
        Self { shape: self.shape.clone(), values: self.values.iter().map(|x| f(*x)).collect() }
    }

    /// The same elements under another shape.
    pub(super) fn reshaped(&self, shape: Vec<usize>) -> Result<Self> {
        match size(&shape)? == self.values.len() {
            true => Ok(Self { shape, values: self.values.clone() }),
            false => Err(usage!("{:?} cannot have the shape {shape:?}", self.shape)),
        }
    }

    /// Distances between neighbours along each axis.
    fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            strides[axis - 1] = strides[axis] * self.shape[axis];
        }
        strides
    }

    /// The axes `perm` of this tensor, in that order.
    pub(super) fn transposed(&self, perm: &[i64]) -> Result<Self> {
        let perm: Vec<usize> = perm.iter().map(|axis| usize::try_from(*axis).unwrap_or(usize::MAX)).collect();
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..self.shape.len()) {
            return Err(usage!("perm is {perm:?} of {:?}", self.shape));
        }
        let (shape, strides) = (&self.shape, self.strides());
        let shape: Vec<usize> = perm.iter().map(|axis| shape[*axis]).collect();
        let strides: Vec<usize> = perm.iter().map(|axis| strides[*axis]).collect();
        let values = Positions::new(&shape, [&strides]).map(|[at]| self.values[at]).collect();
        Ok(Self { shape, values })
    }

    /// `f` of the elements of several tensors. Axes count from the last; those of 1, and missing ones, are broadcast.
    pub(super) fn zipped<const K: usize>(tensors: [&Self; K], f: impl Fn([F; K]) -> F) -> Result<Self> {
        let rank = tensors.iter().map(|tensor| tensor.shape.len()).max().unwrap_or(0);
        let mut shape = vec![1; rank];
        for tensor in tensors {
            for (extent, own) in shape.iter_mut().rev().zip(tensor.shape.iter().rev()) {
                match (*extent, *own) {
                    (a, b) if a == b || b == 1 => {}
                    (1, b) => *extent = b,
                    _ => return Err(usage!("{:?} does not fit {shape:?}", tensor.shape)),
                }
            }
        }
        size(&shape)?;
        let strides = tensors.map(|tensor| {
            let own = tensor.strides().into_iter().zip(&tensor.shape);
            let own = own.map(|(stride, extent)| if *extent == 1 { 0 } else { stride });
            vec![0; rank - tensor.shape.len()].into_iter().chain(own).collect::<Vec<_>>()
        });
        let positions = Positions::new(&shape, strides.each_ref().map(Vec::as_slice));
        let values = positions.map(|at| f(std::array::from_fn(|k| tensors[k].values[at[k]]))).collect();
        Ok(Self { shape, values })
    }

    /// The tensors one after the other along `axis`.
    pub(super) fn concatenated(tensors: &[&Self], axis: usize) -> Result<Self> {
        let [first, others @ ..] = tensors else { return Err(usage!("no tensors to join")) };
        let mut shape = first.shape.clone();
        for other in others {
            let is_like = other.shape.len() == shape.len() && {
                let mut axes = other.shape.iter().zip(&shape).enumerate();
                axes.all(|(i, (a, b))| i == axis || a == b)
            };
            if !is_like {
                return Err(usage!("{:?} cannot be joined to {shape:?} along axis {axis}", other.shape));
            }
            shape[axis] += other.shape[axis];
        }
        let rows: usize = shape[..axis].iter().product();
        let mut values = Vec::with_capacity(size(&shape)?);
        for row in 0..rows {
            for tensor in tensors {
                let len = tensor.values.len() / rows;
                values.extend_from_slice(&tensor.values[row * len..][..len]);
            }
        }
        Ok(Self { shape, values })
    }

    /// With as many zeros before and after each axis as `pads` says: all numbers before, then all after.
    pub(super) fn padded(&self, pads: &[i64]) -> Result<Self> {
        let rank = self.shape.len();
        let pads: Option<Vec<usize>> = pads.iter().map(|n| usize::try_from(*n).ok()).collect();
        let Some(pads) = pads.filter(|pads| pads.len() == 2 * rank && pads.iter().all(|n| *n < 1 << 30)) else {
            return Err(usage!("pads do not fit {:?}", self.shape));
        };
        let (before, after) = pads.split_at(rank);
        let sides = self.shape.iter().zip(before).zip(after);
        let shape: Vec<usize> = sides.map(|((extent, before), after)| before + extent + after).collect();
        let mut padded = Self { values: vec![F::ZERO; size(&shape)?], shape };
        let strides = padded.strides();
        let start: usize = before.iter().zip(&strides).map(|(pad, stride)| pad * stride).sum();
        for ([at], value) in Positions::new(&self.shape, [&strides]).zip(&self.values) {
            padded.values[start + at] = *value;
        }
        Ok(padded)
    }
}

/// The positions of all elements of a shape, in row-major order, in `K` arrays with these strides.
struct Positions<'a, const K: usize> {
    shape: &'a [usize],
    strides: [&'a [usize]; K],
    index: Vec<usize>,
    at: [usize; K],
    left: usize,
}

impl<'a, const K: usize> Positions<'a, K> {
    fn new(shape: &'a [usize], strides: [&'a [usize]; K]) -> Self {
        Self { shape, strides, index: vec![0; shape.len()], at: [0; K], left: shape.iter().product() }
    }
}

impl<const K: usize> Iterator for Positions<'_, K> {
    type Item = [usize; K];

    fn next(&mut self) -> Option<[usize; K]> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            for (at, strides) in self.at.iter_mut().zip(&self.strides) {
                *at += strides[axis];
            }
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.index[axis] = 0;
            for (at, strides) in self.at.iter_mut().zip(&self.strides) {
                *at -= strides[axis] * self.shape[axis];
            }
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Tensor<f64> {
        Tensor { shape: shape.to_vec(), values: (0..shape.iter().product()).map(|i: usize| i as f64).collect() }
    }

    #[test]
    fn elements_are_where_the_definitions_put_them() {
        let x = counted(&[2, 3]);
        assert_eq!(x.transposed(&[1, 0]).expect("axes").values, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(x.transposed(&[0, 0]).is_err() && x.transposed(&[0, 1, 2]).is_err());
        let padded = x.padded(&[0, 1, 1, 0]).expect("pads");
        assert_eq!((padded.shape, padded.values.len()), (vec![3, 4], 12));
        assert_eq!(padded.values[..9], [0.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0, 5.0, 0.0]);
        let joined = Tensor::concatenated(&[&x, &counted(&[2, 1])], 1).expect("alike");
        assert_eq!(joined.values, [0.0, 1.0, 2.0, 0.0, 3.0, 4.0, 5.0, 1.0]);
        assert!(Tensor::concatenated(&[&x, &counted(&[3, 1])], 1).is_err());
        let sum = Tensor::zipped([&x, &counted(&[2, 1])], |[a, b]| a + b).expect("broadcast");
        assert_eq!(sum.values, [0.0, 1.0, 2.0, 4.0, 5.0, 6.0]);
        let outer = Tensor::zipped([&counted(&[2, 1]), &counted(&[3])], |[a, b]| 10.0 * a + b).expect("broadcast");
        assert_eq!((outer.shape, outer.values), (vec![2, 3], vec![0.0, 1.0, 2.0, 10.0, 11.0, 12.0]));
        assert!(Tensor::zipped([&x, &counted(&[2])], |[a, b]| a + b).is_err());
        assert!(x.reshaped(vec![4]).is_err() && size(&[usize::MAX, 2]).is_err());
    }
}
