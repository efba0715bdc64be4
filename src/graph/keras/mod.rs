//! Models as Keras's `model.to_json()` writes them, Keras 3 and the Keras 2 before it.
//!
//! Sequential and Functional models are read, also inside one another, with one input and one output each. Layers keep Keras's names;
//! those of an inner model, too, unless a name occurs twice: then they are `outer/inner`. An argument is taken over, or it has no
//! effect here (`seed`, since draws follow from the seed of the run, `autocast`, what is null, what is Keras's default where it cannot be otherwise), or the model is refused.
//! `compile_config` is not read: the settings of a run say what it says. Nothing in a file is ever executed.

mod activation;
mod archive;
mod arguments;
mod connections;
mod expand;
mod export;
mod hdf5;
mod initializer;
mod input;
mod layout;
mod npz;
mod object;
mod optimizer;

use crate::bounds::check_values;
use crate::error::{Result, usage};
pub(super) use archive::{Archive, is_hdf5, is_zip};
pub use archive::{load_optimizer, parse_optimizer};
pub(super) use expand::Architecture;
pub use export::{to_archive, to_json, to_weights_h5};
pub use hdf5::{Stored, Tensor};
pub use initializer::Initializer;
pub(super) use initializer::read as read_initializer;
pub use layout::Layout;
pub use npz::to_npz;
use object::Object;
pub use optimizer::SavedOptimizer;
use serde_json::Value;

/// Reads the text of `model.to_json()`.
///
/// # Errors
/// What is no such text, or what of it is not supported, with the layer, the argument and its value.
pub(super) fn read(text: &str) -> Result<Architecture> {
    check_values(text)?;
    let value: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| usage!("not JSON: {e}"))?;
    object::check_version(value["keras_version"].as_str(), text)?;
    let Some(model) = Object::of(&value) else {
        return Err(usage!("no `class_name` and `config`, as `model.to_json()` writes them"));
    };
    expand::expand(&model)
}
