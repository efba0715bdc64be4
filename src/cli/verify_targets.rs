//! What `gpu-cnn verify` checks on: a device by tuning profile, with wgpu's runtime checks and without, or the CPU by SIMD level.

use crate::backend::Device;
use crate::backend::gpu::Adapter;
use crate::blocking::wait;
use crate::error::Result;
use crate::plan::{DispatchId, Profile};
use crate::report::note;
use crate::simd::{self, SimdLevel};
use crate::verify::{Case, Check, Forms, all_of, check_cpu_kernels, check_kernels};
use std::collections::HashSet;

/// Forms of a kernel that are checked as training takes it; elsewhere one is. Lavapipe takes a tenth of a second to compile each.
const USUAL_FORMS: usize = 3;

/// What the user asked for.
pub(super) struct Choice {
    /// This profile alone.
    pub(super) profile: Option<Profile>,
    /// Runtime checks, or none.
    pub(super) runtime_checks: Option<bool>,
    /// All there is.
    pub(super) full: bool,
    /// One case, as the adapter is used where nothing else is said.
    pub(super) alone: bool,
}

/// A device with the kernels of one profile.
pub(super) enum Target {
    /// The adapter, and whether it is as training takes it.
    Adapter {
        adapter: Adapter,
        is_usual: bool,
    },
    Cpu {
        level: Option<SimdLevel>,
        threads: usize,
    },
}

impl Target {
    pub(super) fn check(&self, case: &Case, ids: &HashSet<DispatchId>) -> Result<Vec<Check>> {
        match self {
            Self::Adapter { adapter, .. } => wait(check_kernels(adapter, case, ids)),
            Self::Cpu { level, threads } => check_cpu_kernels(*level, *threads, case, ids),
        }
    }

    fn profile(&self) -> Profile {
        match self {
            Self::Adapter { adapter, .. } => adapter.profile(),
            Self::Cpu { level, .. } => Profile::cpu(*level),
        }
    }

    /// The dispatches of `case` that are checked: all, or those of a few forms of each kernel. On the CPU all, where it takes no time and
    /// the algorithm depends on the sizes.
    pub(super) fn ids(&self, case: &Case, whole: bool, forms: &mut Forms) -> Result<HashSet<DispatchId>> {
        match self {
            Self::Adapter { adapter, is_usual } if !whole => {
                forms.new_in(case, adapter.profile(), adapter.is_checked(), if *is_usual { USUAL_FORMS } else { 1 })
            }
            _ => all_of(case, self.profile()),
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Adapter { adapter, .. } => {
                let checks = if adapter.is_checked() { "with" } else { "without" };
                format!("profile {}, {checks} runtime checks", adapter.profile().name)
            }
            Self::Cpu { level, .. } => format!("SIMD level {}", level.map_or(simd::PLAIN, SimdLevel::name)),
        }
    }

    /// The options that ask for this target.
    pub(super) fn options(&self) -> String {
        match self {
            Self::Adapter { adapter, .. } => {
                format!(" --profile {} --runtime-checks {}", adapter.profile().name, adapter.is_checked())
            }
            Self::Cpu { .. } => String::new(),
        }
    }
}

/// The device by profile, and with runtime checks or without.
pub(super) fn targets(device: &Device, choice: &Choice) -> Result<Vec<Target>> {
    let adapter = match device {
        Device::Cpu { threads, simd } => {
            if choice.profile.is_some() || choice.runtime_checks.is_some() {
                note("warning: --profile and --runtime-checks are for adapters; the device is the CPU");
            }
            let plain = (choice.full && simd.is_some()).then_some(None);
            let levels = [*simd].into_iter().chain(plain);
            return Ok(levels.map(|level| Target::Cpu { level, threads: *threads }).collect());
        }
        Device::Gpu(adapter) => adapter,
    };
    let own = adapter.profile();
    let profiles: Vec<Profile> = match choice.profile {
        Some(profile) => vec![profile],
        // One case is checked as the adapter is used.
        None if choice.alone => vec![own],
        None => [own].into_iter().chain(Profile::CHECKED.into_iter().filter(|profile| *profile != own)).collect(),
    };
    let mut targets = Vec::new();
    for profile in profiles {
        match adapter.with_profile(profile) {
            Ok(with) => {
                let both = choice.full || (profile == own && !choice.alone);
                let checks =
                    choice.runtime_checks.map_or(if both { vec![true, false] } else { vec![true] }, |one| vec![one]);
                for checked in checks {
                    let adapter = if checked { with.clone() } else { with.without_checks() };
                    targets.push(Target::Adapter { adapter, is_usual: checked && profile == own });
                }
            }
            Err(error) if choice.profile.is_some() => return Err(error),
            Err(error) => note(&format!("not checked: {error}")),
        }
    }
    Ok(targets)
}
