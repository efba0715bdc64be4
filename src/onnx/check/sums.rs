//! Matrix products, means, softmax and normalisations.

use super::tensor::{Tensor, size};
use crate::error::{Result, usage};
use crate::real::Real;

/// `x w`, where x has any number of rows.
pub(super) fn product<F: Real>(x: &Tensor<F>, w: &Tensor<F>) -> Result<Tensor<F>> {
    let ([rows @ .., inputs], &[outer, units]) = (&x.shape[..], &w.shape[..]) else {
        return Err(usage!("a product of {:?} and {:?}", x.shape, w.shape));
    };
    if *inputs != outer {
        return Err(usage!("a product of {:?} and {:?}", x.shape, w.shape));
    }
    let shape = [rows, &[units]].concat();
    let mut values = vec![F::ZERO; size(&shape)?];
    if outer > 0 && units > 0 {
        for (y, x) in values.chunks_exact_mut(units).zip(x.values.chunks_exact(outer)) {
            for (x, w) in x.iter().zip(w.values.chunks_exact(units)) {
                y.iter_mut().zip(w).for_each(|(y, w)| *y += *x * *w);
            }
        }
    }
    Ok(Tensor { shape, values })
}

/// The means over `axes`, which have to be neighbours, each of which becomes 1.
pub(super) fn mean<F: Real>(x: &Tensor<F>, axes: &[usize]) -> Result<Tensor<F>> {
    let (Some(&first), Some(&last)) = (axes.iter().min(), axes.iter().max()) else { return Err(usage!("no axes")) };
    if last + 1 - first != axes.len() {
        return Err(usage!("a mean over axes {axes:?}"));
    }
    let (outer, inner) = (size(&x.shape[..first])?, size(&x.shape[last + 1..])?);
    let mut shape = x.shape.clone();
    shape[first..=last].fill(1);
    let count = size(&x.shape[first..=last])?;
    let mut values = Vec::with_capacity(outer * inner);
    for o in 0..outer {
        for i in 0..inner {
            let sum: F = (0..count).map(|n| x.values[(o * count + n) * inner + i]).sum();
            values.push(sum / F::from_f64(count as f64));
        }
    }
    Ok(Tensor { shape, values })
}

/// `exp(x) / sum of exp(x)` along `axis`.
pub(super) fn softmax<F: Real>(x: &Tensor<F>, axis: usize) -> Result<Tensor<F>> {
    let (extent, inner) = (x.shape[axis], size(&x.shape[axis + 1..])?);
    let mut values = x.values.clone();
    for block in values.chunks_exact_mut((extent * inner).max(1)) {
        for i in 0..inner {
            let max = (0..extent).map(|n| block[n * inner + i]).fold(block[i], |a, b| if b > a { b } else { a });
            let sum: F = (0..extent).map(|n| (block[n * inner + i] - max).exp()).sum();
            for n in 0..extent {
                block[n * inner + i] = (block[n * inner + i] - max).exp() / sum;
            }
        }
    }
    Ok(Tensor { shape: x.shape.clone(), values })
}

/// By the moments of each channel, the second axis.
pub(super) fn batch_normalized<F: Real>(inputs: [&Tensor<F>; 5], epsilon: f64) -> Result<Tensor<F>> {
    let [x, parameters @ ..] = inputs;
    let Some(&channels) = x.shape.get(1) else { return Err(usage!("{:?} has no channels", x.shape)) };
    if let Some(other) = parameters.iter().find(|tensor| tensor.shape != [channels]) {
        return Err(usage!("{:?} for {channels} channels", other.shape));
    }
    let [gamma, beta, mean, variance] = parameters.map(|tensor| &tensor.values);
    let inner = size(&x.shape[2..])?;
    let each = x.values.iter().enumerate().map(|(i, x)| {
        let c = i / inner % channels;
        (*x - mean[c]) / (variance[c] + F::from_f64(epsilon)).sqrt() * gamma[c] + beta[c]
    });
    Ok(Tensor { shape: x.shape.clone(), values: each.collect() })
}

/// By the moments of the axes from `axis` on.
pub(super) fn layer_normalized<F: Real>(
    x: &Tensor<F>,
    gamma: &Tensor<F>,
    beta: Option<&Tensor<F>>,
    axis: usize,
    epsilon: f64,
) -> Result<Tensor<F>> {
    let axes: Vec<usize> = (axis..x.shape.len()).collect();
    let centered = Tensor::zipped([x, &mean(x, &axes)?], |[x, mean]| x - mean)?;
    let variance = mean(&centered.map(|x| x * x), &axes)?;
    let normalized = |[x, variance]: [F; 2]| x / (variance + F::from_f64(epsilon)).sqrt();
    let normalized = Tensor::zipped([&centered, &variance], normalized)?;
    let scaled = Tensor::zipped([&normalized, gamma], |[x, gamma]| x * gamma)?;
    beta.map_or(Ok(scaled.clone()), |beta| Tensor::zipped([&scaled, beta], |[x, beta]| x + beta))
}
