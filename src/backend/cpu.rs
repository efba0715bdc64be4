//! Replays a plan on the CPU: SIMD kernels, or the reference implementations. The bits do not depend on the number of threads.

use super::info::DeviceInfo;
use super::interface::{Answer, Backend, Clock, KernelTimes, median};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::plan::{
    BufferId, BufferSlice, Dispatch, DispatchId, Element, Io, Kernel, MAX_BINDINGS, Plan, Program, Step, View, ViewMut,
};
use crate::real::Real;
use crate::simd::{Aligned, SimdLevel};
use crate::threads::{install, pool};
use aligned_vec::AVec;
use std::sync::Arc;

/// A plan on the CPU, in `f32` to train or in `f64` as a reference.
#[derive(Debug)]
pub struct Cpu<F> {
    info: DeviceInfo,
    plan: Arc<Plan>,
    buffers: Vec<Data<F>>,
    /// None where threads cannot be started, as in a browser: the work runs on the calling thread.
    pool: Option<rayon::ThreadPool>,
}

#[derive(Debug)]
enum Data<F> {
    Float(Aligned<F>),
    U32(Aligned<u32>),
}

/// A float type that a backend can run kernels in.
pub trait CpuFloat: Real {
    /// Runs the kernel in this type, by its SIMD variant for `level` if it has one.
    fn run(kernel: &dyn Kernel, level: Option<SimdLevel>, io: Io<'_, Self>);
}

impl CpuFloat for f32 {
    fn run(kernel: &dyn Kernel, level: Option<SimdLevel>, io: Io<'_, Self>) {
        match level {
            Some(level) => kernel.run_simd(level, io),
            None => kernel.run_f32(io),
        }
    }
}

impl CpuFloat for f64 {
    fn run(kernel: &dyn Kernel, _: Option<SimdLevel>, io: Io<'_, Self>) {
        kernel.run_f64(io);
    }
}

impl<F: CpuFloat> Cpu<F> {
    /// Allocates the buffers of `plan`, whose profile says which kernels run; `threads` 0 means one per core.
    ///
    /// # Errors
    /// Out of memory, by the buffer's name; threads that cannot be started.
    pub fn load(plan: Arc<Plan>, threads: usize) -> Result<Self> {
        let pool = pool(threads)?;
        let mut buffers = Vec::with_capacity(plan.buffers.len());
        for buffer in &plan.buffers {
            let out_of_memory = || {
                let bytes = buffer.len * size_of::<F>();
                Error::device(format!("out of memory: buffer `{}` takes {bytes} bytes", buffer.label))
                    .advise([plan.advice(&buffer.label, plan.batch / 2)])
            };
            buffers.push(match buffer.element {
                Element::F32 => Data::Float(zeros(buffer.len).ok_or_else(out_of_memory)?),
                Element::U32 => Data::U32(zeros(buffer.len).ok_or_else(out_of_memory)?),
            });
        }
        let threads = pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads);
        let info = DeviceInfo::cpu(threads, plan.profile.simd());
        Ok(Self { info, plan, buffers, pool })
    }

    /// Runs one dispatch of the plan.
    pub fn run_dispatch(&mut self, id: DispatchId, step: Step) {
        self.run_all(&[id], &[step]);
    }

    /// Runs the dispatches once for each step.
    fn run_all(&mut self, ids: &[DispatchId], steps: &[Step]) {
        let Self { plan, buffers, pool, .. } = self;
        install(pool.as_ref(), || {
            for step in steps {
                ids.iter().for_each(|id| run(plan.dispatch(*id), buffers, plan.profile.simd(), *step));
            }
        });
    }

    /// The floats of a buffer.
    ///
    /// # Panics
    /// If it holds u32 elements.
    pub fn values(&mut self, buffer: BufferId) -> &mut [F] {
        match &mut self.buffers[buffer.0] {
            Data::Float(values) => values,
            Data::U32(_) => panic!("buffer {} holds u32 elements", buffer.0),
        }
    }

    /// As [`Backend::read`], without waiting.
    pub fn content(&self, buffer: BufferId, len: usize) -> Vec<u32> {
        match &self.buffers[buffer.0] {
            Data::U32(elements) => elements[..len].to_vec(),
            Data::Float(values) => {
                let mask = self.plan.buffer(buffer).tag_mask;
                values[..len].iter().map(|value| to_bits(*value, mask)).collect()
            }
        }
    }
}

/// The bits of the nearest 32-bit float; an integer in the mantissa's bits of `mask` is kept there.
fn to_bits<F: Real>(value: F, mask: u32) -> u32 {
    match mask {
        0 => (value.to_f64() as f32).to_bits(),
        _ => {
            let (value, tag) = value.split_low_bits(mask);
            (value.to_f64() as f32).with_low_bits(mask, tag).to_bits()
        }
    }
}

/// The inverse of [`to_bits`].
fn from_bits<F: Real>(bits: u32, mask: u32) -> F {
    let value = f32::from_bits(bits);
    match mask {
        0 => F::from_f64(f64::from(value)),
        _ => {
            let (value, tag) = value.split_low_bits(mask);
            F::from_f64(f64::from(value)).with_low_bits(mask, tag)
        }
    }
}

fn run<F: CpuFloat>(dispatch: &Dispatch, buffers: &mut [Data<F>], level: Option<SimdLevel>, step: Step) {
    // Outputs are moved out, so that they can be written while the inputs are read: no buffer is both.
    let mut taken: [Data<F>; MAX_BINDINGS] = std::array::from_fn(|_| Data::U32(AVec::new(0)));
    for (slice, data) in dispatch.outputs.iter().zip(&mut taken) {
        std::mem::swap(data, &mut buffers[slice.buffer.0]);
    }
    let mut inputs = [View::U32(&[]); MAX_BINDINGS];
    for (slice, view) in dispatch.inputs.iter().zip(&mut inputs) {
        *view = view_of(&buffers[slice.buffer.0], *slice);
    }
    let mut outputs = [const { None }; MAX_BINDINGS];
    for ((slice, data), view) in dispatch.outputs.iter().zip(&mut taken).zip(&mut outputs) {
        *view = Some(view_mut(data, *slice));
    }
    F::run(dispatch.kernel.as_ref(), level, Io { step, inputs, outputs });
    for (slice, data) in dispatch.outputs.iter().zip(taken) {
        buffers[slice.buffer.0] = data;
    }
}

/// `len` zeros, or none if there is no memory for them.
fn zeros<T: Default + Clone>(len: usize) -> Option<Aligned<T>> {
    let mut data = AVec::new(0);
    data.try_reserve_exact(len).ok()?;
    data.resize(len, T::default());
    Some(data)
}

fn view_of<F>(data: &Data<F>, slice: BufferSlice) -> View<'_, F> {
    match data {
        Data::Float(values) => View::Float(&values[slice.offset..][..slice.len]),
        Data::U32(elements) => View::U32(&elements[slice.offset..][..slice.len]),
    }
}

fn view_mut<F>(data: &mut Data<F>, slice: BufferSlice) -> ViewMut<'_, F> {
    match data {
        Data::Float(values) => ViewMut::Float(&mut values[slice.offset..][..slice.len]),
        Data::U32(elements) => ViewMut::U32(&mut elements[slice.offset..][..slice.len]),
    }
}

impl<F: CpuFloat> Backend for Cpu<F> {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn write(&mut self, buffer: BufferId, offset: usize, elements: &[u32]) -> Result<()> {
        match &mut self.buffers[buffer.0] {
            Data::U32(data) => data[offset..][..elements.len()].copy_from_slice(elements),
            Data::Float(data) => {
                let mask = self.plan.buffer(buffer).tag_mask;
                for (value, bits) in data[offset..][..elements.len()].iter_mut().zip(elements) {
                    *value = from_bits(*bits, mask);
                }
            }
        }
        Ok(())
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn run_dispatches(&mut self, ids: &[DispatchId], steps: &[Step]) -> Result<()> {
        self.run_all(ids, steps);
        Ok(())
    }

    fn read(&mut self, buffer: BufferId, len: usize) -> Answer<'_, Vec<u32>> {
        Box::pin(std::future::ready(Ok(self.content(buffer, len))))
    }

    fn time_dispatches(&mut self, programs: &[Program], step: Step, rounds: usize) -> Answer<'_, KernelTimes> {
        let ids = self.plan.dispatch_ids(programs);
        let mut samples = vec![Vec::with_capacity(rounds); ids.len()];
        let Self { plan, buffers, pool, .. } = self;
        install(pool.as_ref(), || {
            for _ in 0..rounds {
                for (id, samples) in ids.iter().zip(&mut samples) {
                    let started = Instant::now();
                    run(plan.dispatch(*id), buffers, plan.profile.simd(), step);
                    samples.push(started.elapsed().as_secs_f64());
                }
            }
        });
        let seconds = samples.into_iter().map(median).collect();
        Box::pin(std::future::ready(Ok(KernelTimes { clock: Clock::Wall, seconds })))
    }
}
