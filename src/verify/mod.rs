//! Verification: the table of cases, and how they are compared. Tests use it, and so can any user on their own adapter.

mod activations;
mod augmentations;
mod case;
mod cases;
mod compare;
mod convolutions;
mod graphs;
mod joins;
mod losses;
mod norms;
mod optimizers;
mod pooled;

pub use case::Case;
pub use cases::{cases, presets, wide};
pub use compare::{Outcome, PROGRAMS, check_adapter, check_gradients};
