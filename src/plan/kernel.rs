//! The kernel traits: a kernel has a WGSL shader, a cost, and a CPU twin that computes the same result.

use super::buffers::MAX_BINDINGS;
use super::step::Step;
use super::wgsl::Shader;
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use std::fmt::Debug;

/// The work of one dispatch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Floating-point operations executed.
    pub flops: f64,
    /// Floating-point operations of the direct algorithm for the same result. Where several dispatches compute it
    /// together, one of them carries the whole count and the others 0.
    pub dense_flops: f64,
    /// Bytes read and written, counting each element of every operand once.
    pub bytes: f64,
}

impl Cost {
    /// The same work with `share` of the operations executed.
    pub(crate) fn scaled(self, share: f64) -> Self {
        Self { flops: self.flops * share, ..self }
    }
}

/// A read-only buffer slice on the CPU.
#[derive(Debug, Clone, Copy)]
pub enum View<'a, F> {
    /// `f32` elements (`f64` in the reference of the gradient tests).
    Float(&'a [F]),
    /// `u32` elements: labels, argmax values or packed pixels.
    U32(&'a [u32]),
}

/// A writable buffer slice on the CPU.
#[derive(Debug)]
pub enum ViewMut<'a, F> {
    /// `f32` elements (`f64` in the reference of the gradient tests).
    Float(&'a mut [F]),
    /// `u32` elements: labels, argmax values or packed pixels.
    U32(&'a mut [u32]),
}

/// The buffer slices of one dispatch on the CPU, in the order of the dispatch's inputs and outputs.
#[derive(Debug)]
pub struct Io<'a, F> {
    /// Parameters of the current step.
    pub step: Step,
    /// Read-only slices; those past the dispatch's own are empty.
    pub inputs: [View<'a, F>; MAX_BINDINGS],
    /// Writable slices; [`Io::output`] and [`Io::output_u32`] move one out.
    pub outputs: [Option<ViewMut<'a, F>>; MAX_BINDINGS],
}

impl<'a, F> Io<'a, F> {
    /// Input `i`, which must hold floats.
    pub fn input(&self, i: usize) -> &'a [F] {
        match self.inputs[i] {
            View::Float(data) => data,
            View::U32(_) => panic!("input {i} holds u32 elements, the kernel expects f32"),
        }
    }

    /// Input `i`, which must hold `u32` elements.
    pub fn input_u32(&self, i: usize) -> &'a [u32] {
        match self.inputs[i] {
            View::U32(data) => data,
            View::Float(_) => panic!("input {i} holds f32 elements, the kernel expects u32"),
        }
    }

    /// Output `i`, which must hold floats; each output can be taken once.
    pub fn output(&mut self, i: usize) -> &'a mut [F] {
        match self.outputs[i].take() {
            Some(ViewMut::Float(data)) => data,
            other => panic!("output {i} must hold f32 elements and be taken once; still present: {}", other.is_some()),
        }
    }

    /// Output `i`, which must hold `u32` elements; each output can be taken once.
    pub fn output_u32(&mut self, i: usize) -> &'a mut [u32] {
        match self.outputs[i].take() {
            Some(ViewMut::U32(data)) => data,
            other => panic!("output {i} must hold u32 elements and be taken once; still present: {}", other.is_some()),
        }
    }

    /// Output `i` as [`Self::output_u32`] in `count` chunks of `len` elements; as many times none where the dispatch has no
    /// such output.
    pub fn optional_chunks_u32(&mut self, i: usize, count: usize, len: usize) -> Vec<Option<&'a mut [u32]>> {
        match self.outputs[i].is_some() {
            true => self.output_u32(i).chunks_mut(len).map(Some).collect(),
            false => (0..count).map(|_| None).collect(),
        }
    }
}

/// What a dispatch does that merges sums over chunks of a batch, where the batch is computed in parts, each by itself: sums of all parts take
/// the place of the chunks. In f64, and in the order of the parts, so that every part comes to the same.
pub trait MergeParts: Sync {
    /// The sums of a part, from the inputs of its dispatch: as many numbers for every part.
    fn of_part(&self, step: &Step, inputs: &[Vec<f32>]) -> Vec<f64>;

    /// Adds the sums of a part to `total`, which begins with zeros.
    fn add(&self, total: &mut [f64], part: &[f64]);

    /// What the dispatch of part `own` writes where all parts come to `total`: `outputs`, those of them that are state with what they held before.
    fn of_batch(&self, total: &[f64], own: usize, inputs: &[Vec<f32>], outputs: &mut [Vec<f32>]);

    /// Numbers of [`Self::of_part`].
    fn numbers(&self) -> usize;
}

/// A kernel as it is implemented: a small struct whose fields are its sizes.
pub trait KernelSpec: Debug + Send + Sync + 'static {
    /// The shader: WGSL files, constants and grid.
    fn shader(&self) -> Shader;
    /// Floating-point operations and bytes of one dispatch.
    fn cost(&self) -> Cost;
    /// The CPU twin: the scalar reference implementation, with loops in the shader's order.
    fn run<F: Real>(&self, io: Io<'_, F>);
    /// The same by SIMD kernels of `level`: the reference implementation compiled for it, unless the kernel has its own form.
    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        compiled!(level, self.run(io));
    }
    /// How the parts of a batch are merged, where this kernel ends a sum over the batch.
    fn merge_parts(&self) -> Option<&dyn MergeParts> {
        None
    }
}

/// A kernel as a backend sees it. Implemented for every [`KernelSpec`].
pub trait Kernel: Debug + Send + Sync {
    /// Where the kernel stands in `kernels`, such as `conv2d::forward::Conv2dForward`.
    fn name(&self) -> String;
    /// The shader: WGSL files, constants and grid.
    fn shader(&self) -> Shader;
    /// Floating-point operations and bytes of one dispatch.
    fn cost(&self) -> Cost;
    /// The CPU twin in single precision.
    fn run_f32(&self, io: Io<'_, f32>);
    /// As [`Self::run_f32`], with SIMD instructions of `level` if the kernel has a SIMD variant.
    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>);
    /// The CPU twin in double precision, the reference of the gradient tests.
    fn run_f64(&self, io: Io<'_, f64>);
    /// As [`KernelSpec::merge_parts`].
    fn merge_parts(&self) -> Option<&dyn MergeParts>;
}

/// Whether the CPU twins are there without SIMD and in double precision; in a page they would be much of its code.
const HAS_REFERENCE: bool = !cfg!(target_family = "wasm");

fn within_kernels(path: &str) -> String {
    path.split_once("::kernels::").map_or(path, |(_, within)| within).to_owned()
}

impl<K: KernelSpec> Kernel for K {
    fn name(&self) -> String {
        within_kernels(std::any::type_name::<K>())
    }
    fn shader(&self) -> Shader {
        KernelSpec::shader(self)
    }
    fn cost(&self) -> Cost {
        KernelSpec::cost(self)
    }
    fn run_f32(&self, io: Io<'_, f32>) {
        if !HAS_REFERENCE {
            unimplemented!("pages are compiled for simd128");
        }
        self.run(io);
    }
    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        KernelSpec::run_simd(self, level, io);
    }
    fn run_f64(&self, io: Io<'_, f64>) {
        if !HAS_REFERENCE {
            unimplemented!("nothing is verified in a page");
        }
        self.run(io);
    }
    fn merge_parts(&self) -> Option<&dyn MergeParts> {
        KernelSpec::merge_parts(self)
    }
}
