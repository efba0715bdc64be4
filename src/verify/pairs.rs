//! Dispatches that are launched in pairs, beside the same ones launched alone.

use super::case::Case;
use super::training::{FINDINGS, Finding};
use crate::backend::{Cpu, Device};
use crate::error::Result;
use crate::graph::Model;
use crate::plan::{BufferId, Plan, Program};
use std::sync::Arc;

/// Images of a batch.
const BATCH: usize = 8;

/// Makes an update of `model` with the launches that training has on `device`, pairs among them, and with a launch for each dispatch:
/// gradients, loss and state have the same bits. No buffers share memory here.
///
/// # Errors
/// If the model cannot be loaded, or the device is lost.
pub async fn pairs(device: &Device, model: &Model) -> Result<Finding> {
    compare_launches(device, &Case::new(FINDINGS[3], BATCH, model.clone()), Plan::pair_dispatches).await
}

/// As [`pairs`], of `case` and with the launches that `change` makes.
///
/// # Errors
/// As there.
pub async fn compare_launches(device: &Device, case: &Case, change: impl FnOnce(Plan) -> Plan) -> Result<Finding> {
    let (plan, cpu) = case.filled::<f32>(device.profile())?;
    let changed = Arc::new(change(Plan::clone(&plan)));
    let alone = update(device, case, &plan, &cpu).await?;
    let together = update(device, case, &changed, &cpu).await?;
    let differing = alone.iter().zip(&together).find(|(a, b)| a.1 != b.1);
    let detail = match (differing, changed.pairs.len()) {
        (Some(((buffer, a), (_, b))), _) => {
            let count = a.iter().zip(b).filter(|(a, b)| a != b).count();
            format!("{count} numbers of `{buffer}` differ from those of dispatches that are launched alone")
        }
        (None, 0) => "no two dispatches are launched together on this device".to_owned(),
        (None, count) => format!("{count} pairs of dispatches, the same gradients and weights to the bit as alone"),
    };
    Ok(Finding { name: FINDINGS[3], holds: differing.is_none(), detail })
}

/// What an update by `plan` leaves, from the state and the batch of `cpu`: buffers by their labels.
async fn update(device: &Device, case: &Case, plan: &Arc<Plan>, cpu: &Cpu<f32>) -> Result<Vec<(String, Vec<u32>)>> {
    let mut backend = device.load(Arc::clone(plan)).await?;
    let persistent: Vec<BufferId> = plan.persistent_buffers().map(|(id, _)| id).collect();
    for id in persistent.iter().copied().chain(plan.host.uploaded()) {
        backend.write(id, 0, &cpu.content(id, plan.buffer(id).len))?;
    }
    backend.run(&Program::TRAIN, &[case.step()])?;
    let mut left = Vec::new();
    for id in persistent.into_iter().chain([plan.host.gradients, plan.host.metrics]) {
        let buffer = plan.buffer(id);
        left.push((buffer.label.clone(), backend.read(id, buffer.len).await?));
    }
    Ok(left)
}
