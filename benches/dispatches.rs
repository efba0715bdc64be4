//! Time of each dispatch of a training step of the tutorial's CNN, on an adapter and on the CPU.
//!
//! `cargo bench --bench dispatches [-- ADAPTER]` (default: llvmpipe). Medians of seven rounds; a round repeats one dispatch
//! until it has taken a while, so that the figure holds no waiting for the device.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and stops at the first surprise")]

use gpu_cnn::Preset;
use gpu_cnn::backend::gpu::{self, Engine};
use gpu_cnn::backend::{Backend, Cpu};
use gpu_cnn::model::initial_weights;
use gpu_cnn::plan::{Phase, Plan, Profile, Step};
use std::sync::Arc;
use std::time::Instant;

const BATCH: usize = 32;
const ROUNDS: usize = 7;
const ROUND_SECS: f64 = 0.02;

fn main() {
    let name = std::env::args().skip(1).find(|a| !a.starts_with("--")).unwrap_or_else(|| "llvmpipe".into());
    let model = Preset::Cnn.build([28, 28, 1], 10);
    let adapter = gpu::find(&name).unwrap().expect("an adapter");
    let plan = |profile: Profile| Arc::new(model.record(BATCH, 1, profile).unwrap());
    let (on_gpu, on_cpu) = (plan(adapter.profile()), plan(Profile::CPU));
    let mut engine = pollster::block_on(Engine::load(&adapter, Arc::clone(&on_gpu), 0)).unwrap();
    let mut cpu = Cpu::<f32>::load(Arc::clone(&on_cpu), 0).unwrap();
    let weights = initial_weights(&model.layout().unwrap(), 0);
    engine.write_f32(on_gpu.ports.params, 0, &weights).unwrap();
    cpu.write_f32(on_cpu.ports.params, 0, &weights).unwrap();
    let step = Step { slot: 0, images: BATCH as u32, rate: 1e-5, padding: 0 };
    engine.run(Phase::Train, &[step]).unwrap();
    cpu.run(Phase::Train, &[step]).unwrap();

    println!("{} and {}, cnn, batch {BATCH}", engine.info().adapter, cpu.info().adapter);
    let (metrics, mut total) = (on_gpu.ports.metrics, 0.0);
    for &place in on_gpu.phase(Phase::Train) {
        let ms = median_ms(|n| {
            for _ in 0..n {
                engine.run_dispatches(&[place], &[step]).unwrap();
            }
            engine.read(metrics, 2).unwrap();
        });
        total += ms;
        row("gpu", &on_gpu, place, ms);
    }
    println!("gpu  {total:8.3} ms  all");
    total = 0.0;
    for &place in on_cpu.phase(Phase::Train) {
        let ms = median_ms(|n| (0..n).for_each(|_| cpu.run_dispatch(place, step)));
        total += ms;
        row("cpu", &on_cpu, place, ms);
    }
    println!("cpu  {total:8.3} ms  all");
}

fn row(side: &str, plan: &Plan, place: usize, ms: f64) {
    let dispatch = &plan.dispatches[place];
    let cost = dispatch.kernel.cost();
    println!(
        "{side}  {ms:8.3} ms  {:7.1} GFLOP/s  {:6.1} GB/s  {}",
        cost.flops / ms / 1e6,
        cost.bytes / ms / 1e6,
        dispatch.label
    );
}

/// `run(n)` repeats the work n times.
fn median_ms(mut run: impl FnMut(usize)) -> f64 {
    let mut time = |n: usize| {
        let started = Instant::now();
        run(n);
        started.elapsed().as_secs_f64()
    };
    time(1);
    let n = ((ROUND_SECS / time(1)) as usize).clamp(1, 500);
    let mut rounds = [0.0; ROUNDS].map(|_: f64| time(n) / n as f64 * 1e3);
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
