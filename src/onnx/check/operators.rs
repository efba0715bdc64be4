//! What each operator computes.

use super::attributes::{Attributes, axis};
use super::sums::{batch_normalized, layer_normalized, mean, product, softmax};
use super::tensor::{Tensor, size};
use super::windows::{average_pool, convolution, global_pool, max_pool};
use crate::error::{Result, usage};
use crate::real::{Real, is_nan};

/// The inputs of a node: tensors of floats, and lists of whole numbers, each in their order.
pub(super) struct Inputs<'a, F> {
    pub(super) floats: Vec<&'a Tensor<F>>,
    pub(super) ints: Vec<&'a [i64]>,
}

/// Tensors that a node has to have, and one that it may have.
type AndOptional<'a, F, const N: usize> = ([&'a Tensor<F>; N], Option<&'a Tensor<F>>);

impl<'a, F: Real> Inputs<'a, F> {
    /// The tensors, `N` of them and nothing else.
    fn floats<const N: usize>(&self) -> Result<[&'a Tensor<F>; N]> {
        let all = <[_; N]>::try_from(&self.floats[..]).ok().filter(|_| self.ints.is_empty());
        all.ok_or_else(|| usage!("{} inputs; expected {N}", self.floats.len() + self.ints.len()))
    }

    /// A tensor and a list.
    fn with_list(&self) -> Result<(&'a Tensor<F>, &'a [i64])> {
        match (&self.floats[..], &self.ints[..]) {
            ([x], [list]) => Ok((x, list)),
            (floats, ints) => Err(usage!("{} inputs; expected a tensor and a list", floats.len() + ints.len())),
        }
    }

    /// `N` tensors, and one more if there is one.
    fn with_optional<const N: usize>(&self) -> Result<AndOptional<'a, F, N>> {
        let (first, rest) = self.floats.split_at_checked(N).unwrap_or_default();
        match (<[_; N]>::try_from(first), rest, self.ints.is_empty()) {
            (Ok(first), [], true) => Ok((first, None)),
            (Ok(first), [last], true) => Ok((first, Some(last))),
            _ => Err(usage!("{} inputs; expected {N} or one more", self.floats.len() + self.ints.len())),
        }
    }
}

/// The output of operator `op`.
pub(super) fn evaluate<F: Real>(op: &str, inputs: &Inputs<'_, F>, attributes: &Attributes) -> Result<Tensor<F>> {
    let of = |name: &str| attributes.float(name).map(F::from_f64);
    let each = |f: &dyn Fn(F) -> F| inputs.floats().map(|[x]| x.map(f));
    let both = |f: &dyn Fn(F, F) -> F| inputs.floats().and_then(|both| Tensor::zipped(both, |[a, b]| f(a, b)));
    let (zero, one) = (F::ZERO, F::ONE);
    let sigmoid = |x: F| one / (one + (-x).exp());
    match op {
        "Add" => both(&|a, b| a + b),
        "Sub" => both(&|a, b| a - b),
        "Mul" => both(&|a, b| a * b),
        "Div" => both(&|a, b| a / b),
        "Min" => both(&min),
        "Max" => both(&max),
        "LessOrEqual" => both(&|a, b| if a <= b { one } else { zero }),
        "PRelu" => both(&|x, slope| if x < zero { slope * x } else { x }),
        "Where" => {
            let [condition, a, b] = inputs.floats()?;
            Tensor::zipped([condition, a, b], |[condition, a, b]| if condition == one { a } else { b })
        }
        "Clip" => {
            let [x, lower, upper] = inputs.floats()?;
            Tensor::zipped([x, lower, upper], |[x, lower, upper]| min(max(x, lower), upper))
        }
        "Identity" => each(&|x| x),
        "Neg" => each(&|x| -x),
        "Relu" => each(&|x| max(x, zero)),
        "Sigmoid" => each(&sigmoid),
        "Tanh" => each(&|x| x.tanh_each()),
        "Erf" => each(&|x| one - x.erfc_each()),
        "Softplus" => each(&|x| max(x, zero) + min(x, -x).exp().ln_1p_unit()),
        "Sqrt" => each(&|x| x.sqrt()),
        "LeakyRelu" => of("alpha").and_then(|alpha| each(&|x| if x < zero { alpha * x } else { x })),
        "Elu" => of("alpha").and_then(|alpha| each(&|x| if x < zero { alpha * (x.exp() - one) } else { x })),
        "Selu" => {
            let (alpha, gamma) = (of("alpha")?, of("gamma")?);
            each(&|x| gamma * if x > zero { x } else { alpha * (x.exp() - one) })
        }
        "HardSigmoid" => {
            let (alpha, beta) = (of("alpha")?, of("beta")?);
            each(&|x| min(max(alpha * x + beta, zero), one))
        }
        "Softmax" => {
            let [x] = inputs.floats()?;
            softmax(x, attributes.axis("axis", x.shape.len())?)
        }
        "MatMul" => {
            let [x, w] = inputs.floats()?;
            product(x, w)
        }
        "Gemm" => {
            let ([x, w], bias) = inputs.with_optional()?;
            let y = product(x, w)?;
            bias.map_or(Ok(y.clone()), |bias| Tensor::zipped([&y, bias], |[y, bias]| y + bias))
        }
        "Conv" => {
            let ([x, w], bias) = inputs.with_optional()?;
            convolution(x, w, bias, attributes)
        }
        "MaxPool" => inputs.floats().and_then(|[x]| max_pool(x, attributes)),
        "AveragePool" => inputs.floats().and_then(|[x]| average_pool(x, attributes)),
        "GlobalMaxPool" => inputs.floats().and_then(|[x]| global_pool(x, true)),
        "GlobalAveragePool" => inputs.floats().and_then(|[x]| global_pool(x, false)),
        "BatchNormalization" => batch_normalized(inputs.floats()?, attributes.float("epsilon")?),
        "LayerNormalization" => {
            let ([x, gamma], beta) = inputs.with_optional()?;
            layer_normalized(x, gamma, beta, attributes.axis("axis", x.shape.len())?, attributes.float("epsilon")?)
        }
        "ReduceMean" => {
            let [x] = inputs.floats()?;
            let axes = attributes.list("axes")?.iter().map(|n| axis(*n, x.shape.len())).collect::<Result<Vec<_>>>()?;
            match attributes.int("keepdims")? {
                1 => mean(x, &axes),
                other => Err(usage!("keepdims is {other}; only 1 is known here")),
            }
        }
        "Transpose" => inputs.floats().and_then(|[x]| x.transposed(attributes.list("perm")?)),
        "Flatten" => {
            let [x] = inputs.floats()?;
            let (outer, inner) = x.shape.split_at(attributes.axis("axis", x.shape.len())?);
            x.reshaped(vec![size(outer)?, size(inner)?])
        }
        "Reshape" => {
            let (x, shape) = inputs.with_list()?;
            x.reshaped(shape_of(x, shape)?)
        }
        "Pad" => {
            let (x, pads) = inputs.with_list()?;
            x.padded(pads)
        }
        "Concat" => {
            let rank = inputs.floats.first().map_or(0, |x| x.shape.len());
            Tensor::concatenated(&inputs.floats, attributes.axis("axis", rank)?)
        }
        other => Err(usage!("the operator {other} is not known here")),
    }
}

/// The shape that a Reshape gives: 0 is the extent of `x` on the same axis.
fn shape_of<F>(x: &Tensor<F>, shape: &[i64]) -> Result<Vec<usize>> {
    let extent = |(i, n): (usize, &i64)| match n {
        0 => x.shape.get(i).copied(),
        n => usize::try_from(*n).ok(),
    };
    let extents: Option<Vec<usize>> = shape.iter().enumerate().map(extent).collect();
    extents.ok_or_else(|| usage!("{:?} cannot have the shape {shape:?}", x.shape))
}

/// The larger of two; NaN if one is.
fn max<F: Real>(a: F, b: F) -> F {
    if a > b || is_nan(a) { a } else { b }
}

/// The smaller of two; NaN if one is.
fn min<F: Real>(a: F, b: F) -> F {
    if a < b || is_nan(a) { a } else { b }
}
