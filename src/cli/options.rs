//! Options that several subcommands share.

use super::environment::device_request;
use super::job::{local_rank, of_device};
use super::weights::load_weights;
use crate::backend::{Device, DeviceInfo, DeviceRequest};
use crate::blocking;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{
    Graph, ImagesInfo, Initializer, Layout, Model, ModelFile, Preset, Weights, from_pytorch, weights_of,
};
use crate::hint::did_you_mean;
use crate::report::{WEIGHTS, file_of_run, note};
use crate::trainer::RunConfig;
use clap::ValueEnum;
use serde_json::Value;
use std::path::{Path, PathBuf};

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
    let config = &of_device(config);
    let request = device_request(&config.adapter, config.threads.map_or(0, usize::from))?;
    // Ranks of one host spread over its equal adapters.
    let found = blocking::find_device(&DeviceRequest { number: local_rank(), ..request })?;
    found.passed.iter().chain(&found.notice).for_each(|notice| note(notice));
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
            None if has_extension(Path::new(name), &["safetensors"]) => Err(Error::Usage(format!(
                "{name} has weights, which --weights takes; --model takes a model's description, or a file of Keras's"
            ))),
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

    /// Where Keras's files have the layers' variables.
    pub(super) fn layout(&self) -> Layout {
        match self {
            Self::Preset(_) => Layout::default(),
            Self::File(file, _) => file.layout.clone(),
        }
    }

    /// The weights that the model's file has, with its path.
    pub(super) fn weights(&self) -> Option<(Weights, PathBuf)> {
        match self {
            Self::File(ModelFile { weights: Some(weights), .. }, path) => Some((Weights::clone(weights), path.into())),
            _ => None,
        }
    }

    /// Builds the model where there are no data: for Fashion-MNIST's images and classes, as far as a file does not say otherwise.
    ///
    /// # Errors
    /// If its layers do not fit each other or the images.
    pub(super) fn without_data(self) -> Result<Model> {
        match self {
            Self::Preset(preset) => Ok(preset.build(USUAL_IMAGE, 10)),
            Self::File(file, name) => {
                let input = file.input_or(USUAL_IMAGE);
                build(file, input, &name)
            }
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
                let model = build(file, input, &name)?;
                let graph = model.graph()?;
                match graph.classes() {
                    2 if classes > 2 && graph.outputs() == 1 => Err(Error::Usage(format!(
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

/// The images where a file leaves their size open: Fashion-MNIST's.
const USUAL_IMAGE: [usize; 3] = [28, 28, 1];

/// The model of `file`, whose path is `name`, over images of shape `input`.
///
/// # Errors
/// If its layers do not fit each other or the images, with the path.
pub(super) fn build(file: ModelFile, input: [usize; 3], name: &str) -> Result<Model> {
    let built = file.build(input).and_then(|model| model.graph().map(|_| model));
    built.map_err(|e| Error::Usage(format!("{e}, in {name}")))
}

/// The weights file that the user means.
pub(super) fn weights_path(run_or_file: &Path) -> Result<PathBuf> {
    let path = if run_or_file.is_dir() { file_of_run(run_or_file, WEIGHTS) } else { run_or_file.to_owned() };
    // A pipe is one, too.
    match path.exists() {
        true => Ok(path),
        false => Err(Error::Usage(format!(
            "no such weights file; name a run folder, or a .safetensors, .keras or .h5 file: {}",
            path.display()
        ))),
    }
}

/// The model of a weights file.
pub(super) enum Described {
    /// As `--model` or a file of Keras's has it.
    By(ModelChoice),
    /// As the file has it.
    Model(Model),
}

/// The model of `weights`, which were read from `path`: what `--model` names, or what the file says.
///
/// # Errors
/// If neither says it.
pub(super) fn described(model: Option<&str>, weights: &Weights, path: &Path) -> Result<Described> {
    match (model, &weights.model) {
        (Some(name), _) => Ok(Described::By(ModelChoice::read(name)?)),
        (None, Some(model)) => Ok(Described::Model(model.clone())),
        (None, None) if weights.has_model => {
            Ok(Described::By(ModelChoice::File(ModelFile::read(path)?, path.to_string_lossy().into_owned())))
        }
        (None, None) => {
            let text = format!("the file does not describe its model; name it with --model: {}", path.display());
            Err(Error::Usage(text))
        }
    }
}

/// Which trained model a command takes.
#[derive(Debug, clap::Args)]
pub(super) struct TrainedArgs {
    /// A run folder, a weights file, or a checkpoint
    pub(super) run_or_file: PathBuf,
    /// The model, for a file that does not describe it, as for `train`
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// The weights are PyTorch's: names such as features.0.weight, output channels first
    #[arg(long)]
    pub(super) from_pytorch: bool,
}

impl TrainedArgs {
    /// The model of a run, or of a file that describes it.
    pub(super) fn of(run_or_file: &Path) -> Self {
        Self { run_or_file: run_or_file.to_owned(), model: None, from_pytorch: false }
    }
}

/// A model with its weights.
pub(super) struct Trained {
    pub(super) model: Model,
    pub(super) graph: Graph,
    /// As [`Graph::weights`] lays them out.
    pub(super) weights: Vec<f32>,
    /// The training images, as far as they are known.
    pub(super) images: ImagesInfo,
    /// The weights file.
    pub(super) path: PathBuf,
    /// What a checkpoint's file says of its run.
    pub(super) checkpoint: Option<Value>,
}

/// `weights`, which were read from `path`, laid out as [`Graph::weights`] says; PyTorch's where `is_pytorch` says so, else by the places of
/// `layout`.
pub(super) fn named_weights(
    mut weights: Weights,
    layout: &Layout,
    graph: &Graph,
    path: &Path,
    is_pytorch: bool,
) -> Result<Vec<f32>> {
    if is_pytorch {
        weights = from_pytorch(weights, graph).map_err(|e| Error::Usage(format!("{e}: {}", path.display())))?;
    }
    weights.name_by_layer(layout, graph, path)?;
    weights_of(&weights, graph, path)
}

/// Reads a run folder or a weights file; `model` as `--model` names it. Where a file leaves the size of images open, it is Fashion-MNIST's.
///
/// # Errors
/// If the model is not known, or the weights are another's.
pub(super) fn read_trained(args: &TrainedArgs) -> Result<Trained> {
    let path = weights_path(&args.run_or_file)?;
    let (mut weights, checkpoint) = load_weights(&path)?;
    let images = std::mem::take(&mut weights.images);
    let (model, layout) = match described(args.model.as_deref(), &weights, &path)? {
        Described::Model(model) => (model, Layout::default()),
        Described::By(choice) => {
            let layout = choice.layout();
            (choice.without_data()?, layout)
        }
    };
    let graph = model.graph()?;
    let weights = named_weights(weights, &layout, &graph, &path, args.from_pytorch)?;
    Ok(Trained { model, graph, weights, images, path, checkpoint })
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

/// Whether the name of a file has one of these extensions, in whatever case.
pub(super) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| extensions.iter().any(|extension| found.eq_ignore_ascii_case(extension)))
}
