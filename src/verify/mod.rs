//! Verification: the table of cases, and how they are compared. Tests use it, and so can any user on their own adapter.

mod activations;
mod augmentations;
mod case;
mod cases;
mod compare;
mod convolutions;
mod graphs;
mod joins;
mod kernels;
mod losses;
mod norms;
mod optimizers;
mod pairs;
mod pooled;
mod training;

pub use case::Case;
pub use cases::{cases, presets, wide};
pub use compare::{Outcome, check_adapter, check_gradients};
pub use kernels::{Check, Forms, all_of, check_cpu_kernels, check_kernels};
pub use pairs::{compare_launches, pairs};
pub use training::{FINDINGS, Finding, batch_invariance, golden_steps, same_seed, usual_model};
