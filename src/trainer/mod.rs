//! Training, evaluation and prediction: one loop over batches, a session with a device, and the settings of a run.

mod augmented;
mod checkpoint;
mod checkpoint_every;
mod class_scores;
mod config;
mod config_check;
mod config_resume;
mod config_text;
mod epochs;
mod evaluation;
mod events;
mod layer_outputs;
mod max_time;
mod metrics;
mod not_finite;
mod origin;
mod pacer;
mod pass;
mod plateau;
mod queue;
mod range_test;
mod schedule;
mod session;
mod state;
mod stopping;
mod tta;
mod validation;
mod views;

#[cfg(feature = "cli")]
pub(crate) use crate::layers::WrittenWeights;
pub use augmented::augmented;
pub use checkpoint::{Checkpoint, CheckpointState};
pub use checkpoint_every::CheckpointEvery;
pub use class_scores::{ClassScore, Evaluation, Mistake, Ratios};
pub use config::RunConfig;
pub use epochs::Fit;
pub use events::{Event, Flow, History, Stopped};
pub use layer_outputs::{LayerOutput, layer_outputs};
pub use max_time::MaxTime;
pub use metrics::{BestEpoch, FitStart, Progress, Score};
pub use not_finite::{NotFinite, Origin};
pub use plateau::Plateau;
pub use range_test::{RangePoint, steepest};
pub use schedule::Schedule;
pub use state::Trainer;
pub use tta::Tta;
