//! Every gradient of the CPU twins against central differences of the loss, in double precision.
#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN has to fail")]

use crate::cases::cases;
use crate::support::{filled, step};
use gpu_cnn::backend::{Backend, Cpu};
use gpu_cnn::plan::{Phase, Plan, Profile, Step};

/// Half the distance between the two points of a difference.
const H: f64 = 1e-6;
/// Parameters of a tensor that are tried; spread over it.
const SAMPLES: usize = 24;

fn loss(cpu: &mut Cpu<f64>, plan: &Plan, step: Step) -> f64 {
    cpu.run(Phase::Evaluate, &[step]).unwrap();
    cpu.values(plan.ports.metrics)[0]
}

#[test]
fn gradients_of_every_parameter_agree_with_finite_differences() {
    let mut failures = Vec::new();
    let profiles = [false, true].map(|fuse| Profile { fuse, ..Profile::CPU });
    for (case, profile) in cases().iter().flat_map(|case| profiles.map(|profile| (case, profile))) {
        // Pixels of few levels make windows tie, where the loss has a corner and no derivative.
        if case.levels < 256 {
            continue;
        }
        let (plan, mut cpu) = filled::<f64>(case, profile);
        let step = step(case.images);
        cpu.run(Phase::Gradients, &[step]).unwrap();
        let gradients = cpu.values(plan.ports.grads).to_vec();
        let scale = gradients.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        assert!(scale > 1e-3, "{}: gradients vanish", case.name);
        for tensor in case.model.layout().unwrap().tensors {
            let stride = tensor.size().div_ceil(SAMPLES);
            for i in (0..tensor.size()).step_by(stride).map(|i| tensor.offset + i) {
                let at = |cpu: &mut Cpu<f64>, delta: f64| {
                    let whole = cpu.values(plan.ports.params)[i];
                    cpu.values(plan.ports.params)[i] = whole + delta;
                    let loss = loss(cpu, &plan, step);
                    cpu.values(plan.ports.params)[i] = whole;
                    loss
                };
                let difference = (at(&mut cpu, H) - at(&mut cpu, -H)) / (2.0 * H);
                if !((difference - gradients[i]).abs() <= 1e-7 * scale.max(1.0)) {
                    failures.push(format!(
                        "{}: {}[{}]: {:.9} but {difference:.9} by differences",
                        case.name,
                        tensor.name,
                        i - tensor.offset,
                        gradients[i]
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} gradients:\n{}", failures.len(), failures.join("\n"));
}
