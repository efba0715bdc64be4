//! `bench`: the same model from the same weights on several devices, interleaved round by round.

mod agreement;
mod kernels;
mod results;
mod run;

pub use agreement::disagreement;
pub use results::{BenchOptions, Benched, KernelRow, Peak};
#[cfg(feature = "cli")]
pub(crate) use run::algorithms;
pub use run::bench;
