use gpu_cnn::{Preset, backend::{Backend, gpu}, plan::*};
fn main() {
    let adapter = gpu::find("llvmpipe").unwrap().unwrap();
    let plan = std::sync::Arc::new(Preset::Cnn.build([28, 28, 1], 10).record(32, 1, adapter.profile()).unwrap());
    let t = std::time::Instant::now();
    let mut e = pollster::block_on(gpu::Engine::load(&adapter, plan.clone(), 0)).unwrap();
    println!("load {:.3}", t.elapsed().as_secs_f64());
    let step = Step { slot: 0, images: 32, rate: 1e-3, padding: 0 };
    for &p in plan.phase(Phase::Train) {
        let t = std::time::Instant::now();
        e.run_dispatches(&[p], &[step]).unwrap();
        e.read(plan.ports.metrics, 2).unwrap();
        println!("{:.3} {} {}", t.elapsed().as_secs_f64(), plan.dispatches[p].label, plan.dispatches[p].kernel.shader().text(plan.profile).len());
    }
}
