//! Options that several subcommands share.

use super::environment::device_request;
use crate::backend::{Device, DeviceInfo};
use crate::blocking;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{Initializer, Model, ModelFile, Preset};
use crate::hint::did_you_mean;
use crate::report::note;
use crate::trainer::RunConfig;
use clap::ValueEnum;
use std::path::Path;

/// Output format of a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Human-readable text
    #[default]
    Text,
    /// One JSON document
    Json,
}

/// Finds the device that the settings name and prints its name to stderr, with a notice about the choice where there is one.
pub(super) fn find_device(config: &RunConfig) -> Result<Device> {
    let found = blocking::find_device(&device_request(&config.adapter, config.threads.map_or(0, usize::from))?)?;
    if let Some(notice) = found.notice {
        note(&notice);
    }
    note(&format!("adapter: {}", describe_device(&found.device.info())));
    Ok(found.device)
}

/// The model that `--model` names.
pub(super) enum ModelChoice {
    /// A network of the program, which is built for the image size and the classes of the data.
    Preset(Preset),
    /// The content of a file, and its path for messages.
    File(ModelFile, String),
}

impl ModelChoice {
    /// A preset by its name; any other name is the path of a file, which is read.
    pub(super) fn read(name: &str) -> Result<Self> {
        match Preset::named(name) {
            Some(preset) => Ok(Self::Preset(preset)),
            None if !Path::new(name).exists() => {
                let presets = Preset::ALL.map(Preset::name);
                let hint = did_you_mean(name, presets);
                Err(Error::Usage(format!("no such model file: {name}; built in are {}{hint}", presets.join(", "))))
            }
            None => Ok(Self::File(ModelFile::read(Path::new(name))?, name.to_owned())),
        }
    }

    /// How tensors are filled at the start, where a file asks for other values than Keras's defaults.
    pub(super) fn initializers(&self) -> Vec<(String, Initializer)> {
        match self {
            Self::Preset(_) => Vec::new(),
            Self::File(file, _) => file.initializers.clone(),
        }
    }

    /// Each layer of an inner model, with the layer of the outer model that holds it.
    pub(super) fn inner(&self) -> Vec<(String, String)> {
        match self {
            Self::Preset(_) => Vec::new(),
            Self::File(file, _) => file.inner.clone(),
        }
    }

    /// Builds the model for images of shape `input`, [h, w, c].
    ///
    /// # Errors
    /// If the model of a file has fewer outputs than `classes`.
    pub(super) fn for_data(self, input: [usize; 3], classes: usize) -> Result<Model> {
        match self {
            Self::Preset(preset) => Ok(preset.build(input, classes)),
            Self::File(file, name) => {
                let model = file.build(input)?;
                match model.graph()?.classes() {
                    2 if classes > 2 && model.graph()?.outputs() == 1 => Err(Error::Usage(format!(
                        "the model `{name}` has one output, for two classes, the data has {classes}; \
                         --only-classes takes two of them"
                    ))),
                    units if units < classes => Err(Error::Usage(format!(
                        "the model `{name}` ends in {units} units, the data has {classes} classes"
                    ))),
                    _ => Ok(model),
                }
            }
        }
    }
}

/// A line such as `llvmpipe (LLVM 15.0.6, 256 bits) (vulkan, software), driver llvmpipe Mesa 22.3.6`
fn describe_device(info: &DeviceInfo) -> String {
    match info.backend.as_str() {
        "cpu" => info.adapter.clone(),
        backend => format!("{} ({backend}, {}), driver {}", info.adapter, info.device_type, info.driver),
    }
}

/// A line such as `fashion-mnist, 60000 training and 10000 test images of 28x28x1, 10 classes, from FOLDER`
pub(super) fn describe_data(data: &Dataset) -> String {
    let [h, w, c] = data.train.image;
    let (train, test, classes) = (data.train.len(), data.test.len(), data.classes);
    let source = if data.name == data.source { String::new() } else { format!(", {}", data.source) };
    format!("{}, {train} training and {test} test images of {h}x{w}x{c}, {classes} classes{source}", data.name)
}
