//! What the bits of a run depend on beside its settings and its data.

use crate::backend::{Device, DeviceInfo};
use crate::trainer::CheckpointState;
use serde_json::Value;

/// Adapter, driver, tuning profile and version of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RanOn([String; 4]);

const NAMES: [&str; 4] = ["adapter", "driver", "profile", "version of gpu-cnn"];

impl RanOn {
    /// What this process computes on.
    pub(super) fn now(device: &Device) -> Self {
        Self::new(&device.info(), device.profile().name, env!("CARGO_PKG_VERSION"))
    }

    pub(super) fn of_checkpoint(state: &CheckpointState) -> Self {
        Self::new(&state.device, &state.profile, &state.version)
    }

    /// Of a run's description, or of one of the times that it was resumed; none where that does not say it.
    pub(super) fn of_description(part: &Value) -> Option<Self> {
        let device: DeviceInfo = serde_json::from_value(part["device"].clone()).ok()?;
        Some(Self::new(&device, part["profile"].as_str()?, part["versions"]["gpu-cnn"].as_str()?))
    }

    fn new(device: &DeviceInfo, profile: &str, version: &str) -> Self {
        // The number of threads makes no difference.
        let adapter = if device.backend == "cpu" { "cpu" } else { &device.adapter };
        Self([adapter, &device.driver, profile, version].map(String::from))
    }

    /// A sentence for each in which this is not as `before`.
    pub(super) fn differences(&self, before: &Self) -> Vec<String> {
        let differs = |((name, now), before): ((&&str, &String), &String)| {
            (now != before).then(|| format!("the {name} is {now}, it was {before}"))
        };
        NAMES.iter().zip(&self.0).zip(&before.0).filter_map(differs).collect()
    }
}
