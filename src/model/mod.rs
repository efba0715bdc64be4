//! What the user describes: layers, their shapes and parameters, and how they become a plan. No device in here.

mod init;
mod layout;
mod record;
mod sequential;
mod summary;
mod weights;

pub use init::initial_weights;
pub use layout::{LayerInfo, Layout, Tensor};
pub use sequential::{Layer, ModelFile, Preset, Sequential};
pub use summary::{Summary, SummaryRow};
pub use weights::{Weights, load_weights, save_weights, weights_of};
