//! What a kernel is: its shader, its cost, and the same sums on the CPU.

use super::{Profile, Shader, Step};
use crate::real::Real;
use crate::simd::SimdLevel;
use std::fmt::Debug;

/// Work of one dispatch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Floating-point operations done.
    pub flops: f64,
    /// Those that the layer's plain equation takes; a pass of several dispatches names them at one of these.
    pub dense_flops: f64,
    /// Bytes read and written if each element moved once.
    pub bytes: f64,
}

impl Cost {
    /// With `share` of the operations, if the plan is for the CPU, whose vector kernels do no more.
    pub(crate) fn scaled_for_cpu(self, profile: Profile, share: f64) -> Self {
        if profile == Profile::CPU { Self { flops: self.flops * share, ..self } } else { self }
    }
}

/// A read-only slot on the CPU.
#[derive(Debug, Clone, Copy)]
pub enum View<'a, F> {
    /// Floats.
    Float(&'a [F]),
    /// Words.
    U32(&'a [u32]),
}

/// A writable slot on the CPU.
#[derive(Debug)]
pub enum ViewMut<'a, F> {
    /// Floats.
    Float(&'a mut [F]),
    /// Words.
    U32(&'a mut [u32]),
}

/// The slots of one dispatch on the CPU, in the order of the dispatch's inputs and outputs.
#[derive(Debug)]
pub struct Io<'a, F> {
    /// This step.
    pub step: Step,
    /// Whether the backward pass follows, which reads the index of a pool and the gradient of the loss: else they may be
    /// left as they are.
    pub trains: bool,
    /// Read-only slots.
    pub inputs: Vec<View<'a, F>>,
    /// Writable slots; [`Io::output`] takes one out.
    pub outputs: Vec<Option<ViewMut<'a, F>>>,
}

impl<'a, F> Io<'a, F> {
    /// Input `i`, which holds floats.
    pub fn input(&self, i: usize) -> &'a [F] {
        match self.inputs[i] {
            View::Float(data) => data,
            View::U32(_) => panic!("input {i} holds words, the kernel wants floats"),
        }
    }

    /// Input `i`, which holds words.
    pub fn input_u32(&self, i: usize) -> &'a [u32] {
        match self.inputs[i] {
            View::U32(data) => data,
            View::Float(_) => panic!("input {i} holds floats, the kernel wants words"),
        }
    }

    /// Output `i`, which holds floats; each can be taken once.
    pub fn output(&mut self, i: usize) -> &'a mut [F] {
        match self.outputs[i].take() {
            Some(ViewMut::Float(data)) => data,
            other => panic!("output {i}: the kernel wants floats that it has not taken yet, found {}", other.is_some()),
        }
    }

    /// Output `i`, which holds words; each can be taken once.
    pub fn output_u32(&mut self, i: usize) -> &'a mut [u32] {
        match self.outputs[i].take() {
            Some(ViewMut::U32(data)) => data,
            other => panic!("output {i}: the kernel wants words that it has not taken yet, found {}", other.is_some()),
        }
    }
}

/// A kernel as its author writes it: a small struct whose fields are its sizes.
pub trait KernelSpec: Debug + Send + Sync + 'static {
    /// The WGSL with its constants and grid.
    fn shader(&self) -> Shader;
    /// Operations and bytes.
    fn cost(&self) -> Cost;
    /// The CPU twin, which reads as the shader does.
    fn run<F: Real>(&self, io: Io<'_, F>);
    /// The same sums by vector instructions, where the kernel has a form for them.
    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        let _ = level;
        self.run(io);
    }
}

/// A kernel as a backend sees it. Implemented for every [`KernelSpec`].
pub trait Kernel: Debug + Send + Sync {
    /// The WGSL with its constants and grid.
    fn shader(&self) -> Shader;
    /// Operations and bytes.
    fn cost(&self) -> Cost;
    /// The CPU twin in single precision.
    fn run_f32(&self, io: Io<'_, f32>);
    /// As [`Self::run_f32`], by vector instructions where the kernel has a form for them.
    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>);
    /// The CPU twin in double precision, the reference of the gradient tests.
    fn run_f64(&self, io: Io<'_, f64>);
}

impl<K: KernelSpec> Kernel for K {
    fn shader(&self) -> Shader {
        KernelSpec::shader(self)
    }
    fn cost(&self) -> Cost {
        KernelSpec::cost(self)
    }
    fn run_f32(&self, io: Io<'_, f32>) {
        self.run(io);
    }
    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        KernelSpec::run_simd(self, level, io);
    }
    fn run_f64(&self, io: Io<'_, f64>) {
        self.run(io);
    }
}
