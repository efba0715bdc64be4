//! Replays a plan on the CPU: by vector instructions, or with the plain twins. The bits do not depend on the number of threads.

use super::{Backend, Clock, DeviceInfo, KernelTimes, median};
use crate::error::{Error, Result, usage};
use crate::plan::{BufferId, BufferSlice, Dispatch, Element, Io, Kernel, Phase, Plan, Step, View, ViewMut};
use crate::real::Real;
use crate::simd::{Aligned, SimdLevel};
use aligned_vec::AVec;
use std::sync::Arc;
use std::time::Instant;

/// A plan on the CPU, in `f32` to train or in `f64` as a reference.
#[derive(Debug)]
pub struct Cpu<F> {
    info: DeviceInfo,
    plan: Arc<Plan>,
    buffers: Vec<Data<F>>,
    threads: rayon::ThreadPool,
    level: Option<SimdLevel>,
}

#[derive(Debug)]
enum Data<F> {
    Float(Aligned<F>),
    U32(Aligned<u32>),
}

/// A float type that a backend can run kernels in.
pub trait CpuFloat: Real {
    /// Runs the kernel in this type; by `vectors` if it has a form for them, else its plain twin.
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
    /// The plain twins on the buffers of `plan`, which are allocated here; `threads` 0 means one a core.
    pub fn load(plan: Arc<Plan>, threads: usize) -> Result<Self> {
        Self::load_for(plan, threads, None)
    }

    /// As [`Self::load`], with the forms of the kernels for `vectors`.
    pub fn load_for(plan: Arc<Plan>, threads: usize, level: Option<SimdLevel>) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let threads = pool.map_err(|e| usage!("cannot start {threads} threads: {e}"))?;
        let mut buffers = Vec::with_capacity(plan.buffers.len());
        for buffer in &plan.buffers {
            let out_of_memory = || {
                let bytes = buffer.len * size_of::<F>();
                Error::Device(format!(
                    "out of memory: buffer `{}` takes {bytes} bytes; try a smaller batch size",
                    buffer.label
                ))
            };
            buffers.push(match buffer.element {
                Element::F32 => Data::Float(zeros(buffer.len).ok_or_else(out_of_memory)?),
                Element::U32 => Data::U32(zeros(buffer.len).ok_or_else(out_of_memory)?),
            });
        }
        let info = DeviceInfo::cpu(threads.current_num_threads(), level);
        Ok(Self { info, plan, buffers, threads, level })
    }

    /// Runs dispatch `id` of the plan, as in training.
    pub fn run_dispatch(&mut self, id: usize, step: Step) {
        self.run_dispatches(&[id], &[step], true);
    }

    /// Runs the dispatches of `dispatch_ids` once for each step, all on the pool's threads.
    fn run_dispatches(&mut self, dispatch_ids: &[usize], steps: &[Step], trains: bool) {
        let Self { plan, buffers, threads, level, .. } = self;
        threads.install(|| {
            for step in steps {
                for id in dispatch_ids {
                    run(&plan.dispatches[*id], buffers, *level, *step, trains);
                }
            }
        });
    }

    /// The floats of a buffer.
    ///
    /// # Panics
    /// If it holds words.
    pub fn values(&mut self, buffer: BufferId) -> &mut [F] {
        match &mut self.buffers[buffer.0] {
            Data::Float(values) => values,
            Data::U32(_) => panic!("buffer {} holds words", buffer.0),
        }
    }
}

fn run<F: CpuFloat>(dispatch: &Dispatch, buffers: &mut [Data<F>], level: Option<SimdLevel>, step: Step, trains: bool) {
    // Outputs are moved out, so that they can be written while the inputs are read: no buffer is both.
    let mut taken: Vec<Data<F>> = dispatch
        .outputs
        .iter()
        .map(|slot| std::mem::replace(&mut buffers[slot.buffer.0], Data::U32(AVec::new(0))))
        .collect();
    let io = Io {
        step,
        trains,
        inputs: dispatch.inputs.iter().map(|slot| view(&buffers[slot.buffer.0], *slot)).collect(),
        outputs: dispatch.outputs.iter().zip(&mut taken).map(|(slot, data)| Some(view_mut(data, *slot))).collect(),
    };
    F::run(dispatch.kernel.as_ref(), level, io);
    for (slot, data) in dispatch.outputs.iter().zip(taken) {
        buffers[slot.buffer.0] = data;
    }
}

/// `len` zeros, or none if there is no memory for them.
fn zeros<T: Default + Clone>(len: usize) -> Option<Aligned<T>> {
    let mut data = AVec::new(0);
    data.try_reserve_exact(len).ok()?;
    data.resize(len, T::default());
    Some(data)
}

fn view<F>(data: &Data<F>, slot: BufferSlice) -> View<'_, F> {
    match data {
        Data::Float(values) => View::Float(&values[slot.offset..][..slot.len]),
        Data::U32(words) => View::U32(&words[slot.offset..][..slot.len]),
    }
}

fn view_mut<F>(data: &mut Data<F>, slot: BufferSlice) -> ViewMut<'_, F> {
    match data {
        Data::Float(values) => ViewMut::Float(&mut values[slot.offset..][..slot.len]),
        Data::U32(words) => ViewMut::U32(&mut words[slot.offset..][..slot.len]),
    }
}

impl<F: CpuFloat> Backend for Cpu<F> {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn write(&mut self, buffer: BufferId, offset: usize, words: &[u32]) -> Result<()> {
        match &mut self.buffers[buffer.0] {
            Data::U32(data) => data[offset..][..words.len()].copy_from_slice(words),
            Data::Float(data) => {
                for (value, bits) in data[offset..][..words.len()].iter_mut().zip(words) {
                    *value = F::from_f64(f64::from(f32::from_bits(*bits)));
                }
            }
        }
        Ok(())
    }

    fn run(&mut self, phase: Phase, steps: &[Step]) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        self.run_dispatches(plan.phase(phase), steps, matches!(phase, Phase::Train | Phase::Gradients));
        Ok(())
    }

    fn read(&mut self, buffer: BufferId, len: usize) -> Result<Vec<u32>> {
        Ok(match &self.buffers[buffer.0] {
            Data::U32(words) => words[..len].to_vec(),
            Data::Float(values) => values[..len].iter().map(|v| (v.to_f64() as f32).to_bits()).collect(),
        })
    }

    fn time_dispatches(&mut self, phase: Phase, step: Step, rounds: usize) -> Result<KernelTimes> {
        let plan = Arc::clone(&self.plan);
        let dispatch_ids = plan.phase(phase);
        let mut samples = vec![Vec::with_capacity(rounds); dispatch_ids.len()];
        let Self { buffers, threads, level, .. } = self;
        threads.install(|| {
            for _ in 0..rounds {
                for (id, samples) in dispatch_ids.iter().zip(&mut samples) {
                    let started = Instant::now();
                    run(&plan.dispatches[*id], buffers, *level, step, true);
                    samples.push(started.elapsed().as_secs_f64());
                }
            }
        });
        Ok(KernelTimes { clock: Clock::Wall, seconds: samples.into_iter().map(median).collect() })
    }
}
