//! A run that is asked for.

use crate::graph::ModelFile;
use crate::report::Found;
use crate::trainer::RunConfig;
use std::collections::BTreeMap;
use std::path::Path;

/// The file of settings that is read where it lies in the working folder and no other is named.
pub(super) const FILE: &str = "gpu-cnn.toml";

/// A run: its configuration is the defaults, then a file, then single options.
#[derive(Debug, Clone, Default)]
pub(super) struct RunRequest {
    pub(super) config: RunConfig,
    /// The model of an earlier run, in place of the file that it was read from and that may have changed since.
    pub(super) model: Option<ModelFile>,
    /// Whether that model stands in the file of the settings.
    pub(super) is_own_model: bool,
    /// The run to go on with.
    pub(super) resume: Option<Box<Resumed>>,
    /// Where each setting is from that is not the default.
    pub(super) sources: BTreeMap<String, String>,
    /// Keys of the file of settings, and what it is called.
    pub(super) of_file: (Vec<String>, String),
    /// Whether that file is a recipe.
    pub(super) is_recipe: bool,
}

/// A run to go on with.
#[derive(Debug, Clone)]
pub(super) struct Resumed {
    pub(super) run: Found,
    /// Whether an option names the model, so that it has to be compared.
    pub(super) names_model: bool,
}

impl RunRequest {
    /// The file of settings that was read although no option names it.
    pub(super) fn found_file(&self) -> Option<&str> {
        Some(self.of_file.1.as_str()).filter(|name| *name == FILE)
    }

    /// Whether there is such a file, which is not read, as a recipe is in its place.
    pub(super) fn leaves_file(&self) -> bool {
        self.is_recipe && is_file_there()
    }
}

/// Whether there is such a file, which then has to be readable.
pub(super) fn is_file_there() -> bool {
    Path::new(FILE).symlink_metadata().is_ok()
}
