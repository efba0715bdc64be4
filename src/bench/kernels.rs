//! Times single dispatches, and what a device can do at best.

use super::results::{KernelRow, Peak};
use crate::backend::{Device, median};
use crate::clock::Instant;
use crate::error::Result;
use crate::kernels::peak::{Copy, MultiplyAdd};
use crate::plan::{BufferSlice, Cost, DispatchId, Program, Recorder, Step};
use crate::real::{MatMul, Real, Strided};
use crate::threads::{install, pool};
use crate::trainer::Trainer;
use rayon::prelude::*;
use std::sync::Arc;

/// Rounds in which single dispatches are timed.
const ROUNDS: usize = 15;
/// Rounds before those, not counted.
const WARMUP: usize = 3;

/// Every launch of a training step of `trainer`.
pub(super) async fn kernel_rows(trainer: &mut Trainer, peak: &Peak) -> Result<Vec<KernelRow>> {
    let session = &mut trainer.session;
    let images = session.plan.batch as u32;
    let step = Step { images, global_images: images, scalars: [1e-6, 0.0], ..Step::default() };
    session.backend.time_dispatches(&Program::TRAIN, step, WARMUP).await?;
    let times = session.backend.time_dispatches(&Program::TRAIN, step, ROUNDS).await?;
    let ids = session.plan.dispatch_ids(&Program::TRAIN);
    let plan = &session.plan;
    let row = |(launch, seconds): (&[DispatchId], f64)| {
        let mut algorithms: Vec<&str> = launch.iter().filter_map(|id| plan.dispatch(*id).algorithm).collect();
        algorithms.dedup();
        let costs: Vec<Cost> = launch.iter().map(|id| plan.dispatch(*id).kernel.cost()).collect();
        let total = |amount: fn(&Cost) -> f64| costs.iter().map(amount).sum::<f64>();
        // A clock of coarse ticks can say zero.
        let per_s = |amount: f64| if seconds > 0.0 { amount / seconds / 1e9 } else { 0.0 };
        let (gflop_per_s, gb_per_s) = (per_s(total(|cost| cost.flops)), per_s(total(|cost| cost.bytes)));
        KernelRow {
            label: plan.launch_label(launch),
            algorithm: Some(algorithms.join(" + ")).filter(|names| !names.is_empty()),
            clock: times.clock,
            ms: seconds * 1e3,
            gflop_per_s,
            gb_per_s,
            share_of_peak: (gflop_per_s / peak.gflop_per_s).max(gb_per_s / peak.gb_per_s),
        }
    };
    Ok(plan.launches(&ids).into_iter().zip(times.seconds.iter().copied()).map(row).collect())
}

/// Elements that are copied: more than caches hold.
const COPIED: usize = 1 << 24;

/// Measures what `device` can do.
pub(super) async fn peak(device: &Device) -> Result<Peak> {
    let mut r = Recorder::new(device.profile());
    let large = device.info().device_type == "discrete";
    let chains = if large { 1 << 18 } else { 1 << 12 };
    let [from, to] = ["from", "to"].map(|label| r.floats(label, COPIED));
    r.dispatch("copy", Copy { count: COPIED }, &[from], &[to]);
    if let Device::Gpu(_) = device {
        let part = |slice| BufferSlice { len: chains, ..slice };
        r.dispatch("multiply-add", MultiplyAdd { count: chains }, &[part(from)], &[part(to)]);
    }
    let plan = Arc::new(r.into_plan());
    let mut backend = device.load(Arc::clone(&plan)).await?;
    backend.time_dispatches(&[Program::Gradients], Step::default(), 2).await?;
    let seconds = backend.time_dispatches(&[Program::Gradients], Step::default(), 7).await?.seconds;
    let cost = |i: usize| plan.dispatches[i].kernel.cost();
    let gflop_per_s = match device {
        Device::Cpu { threads, .. } => cpu_gflop_per_s(*threads)?,
        Device::Gpu(_) => cost(1).flops / seconds[1].max(1e-9) / 1e9,
    };
    Ok(Peak { gflop_per_s, gb_per_s: cost(0).bytes / seconds[0].max(1e-9) / 1e9 })
}

/// A matrix product that fits the cache, on each of `threads` threads at once.
fn cpu_gflop_per_s(threads: usize) -> Result<f64> {
    const SIDE: usize = 192;
    const REPEATS: usize = 20;
    let pool = pool(threads)?;
    let started = pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads);
    let (a, size) = (vec![0.5f32; SIDE * SIDE], MatMul { m: SIDE, k: SIDE, n: SIDE });
    let mut outputs = vec![vec![0f32; SIDE * SIDE]; started];
    let mut time = || {
        let start = Instant::now();
        install(pool.as_ref(), || {
            outputs.par_iter_mut().for_each(|c| {
                for _ in 0..REPEATS {
                    f32::matmul(size, Strided::rows(&a, SIDE), Strided::rows(&a, SIDE), false, c, 1);
                }
            });
        });
        start.elapsed().as_secs_f64()
    };
    time();
    let flops = (2 * SIDE.pow(3) * REPEATS * started) as f64;
    Ok(flops / median((0..7).map(|_| time()).collect()) / 1e9)
}
