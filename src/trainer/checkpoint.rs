//! Checkpoints: all that training depends on, as one safetensors file.

use super::config::RunConfig;
use super::metrics::Progress;
use super::state::Trainer;
use crate::backend::{Device, DeviceInfo};
use crate::bounds::check_values;
use crate::digest::Hasher;
use crate::error::{Error, Result, usage};
use crate::graph::{ImagesInfo, Model, check_header, read_safetensors, save_weights};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The only key of the file's `__metadata__`.
const KEY: &str = "gpu_cnn.checkpoint";
/// Version of the file's format.
const FORMAT: u64 = 1;
/// Labels of the buffers of weights.
const WEIGHTS: [&str; 3] = ["parameters", "average of parameters", "layer state"];
/// Label of the weights of the best epoch, which are no buffer of the plan.
const BEST: &str = "best weights";

/// All that training depends on. Its file holds every persistent buffer as a tensor of that name, and the rest as JSON in the metadata,
/// with a SHA-256 over both.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Everything but the buffers.
    pub state: CheckpointState,
    /// Every persistent buffer of the plan by its label (see [`Trainer::persistent`]).
    pub buffers: Vec<(String, Vec<f32>)>,
}

/// What a checkpoint says beside its buffers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointState {
    /// Version of the file's format.
    format: u64,
    /// Version of the program.
    pub version: String,
    /// How far training has come.
    pub progress: Progress,
    /// The settings.
    pub config: RunConfig,
    /// The model.
    pub model: Model,
    /// Names of its classes; empty if they are not known.
    #[serde(default)]
    pub class_names: Vec<String>,
    /// Whether the training images have a bright border, as in [`ImagesInfo::bright_border`].
    #[serde(default)]
    pub bright_border: Option<bool>,
    /// What it was trained on.
    pub device: DeviceInfo,
    /// Name of the tuning profile, on which the order of sums depends.
    pub profile: String,
    /// SHA-256 of the data, as in [`crate::data::Dataset::sha256`]; the host's.
    pub data: BTreeMap<String, String>,
    /// What the host needs to go on.
    pub host: serde_json::Value,
}

/// The metadata.
#[derive(Deserialize)]
struct Metadata<'a> {
    sha256: String,
    #[serde(borrow)]
    state: &'a RawValue,
}

/// Of a state of any version.
#[derive(Deserialize)]
struct Format {
    format: u64,
    version: String,
}

/// The buffer with this label.
fn floats<'a>(buffers: &'a [(String, Vec<f32>)], label: &str) -> Option<&'a [f32]> {
    buffers.iter().find(|(known, _)| known == label).map(|(_, values)| values.as_slice())
}

/// The digest of a checkpoint: of the state's text, and of each buffer in the order of their labels.
fn digest<'a>(state: &str, buffers: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut buffers: Vec<_> = buffers.collect();
    buffers.sort_by_key(|(label, _)| *label);
    let mut hasher = Hasher::default();
    hasher.update(state.as_bytes());
    for (label, bytes) in buffers {
        hasher.update(format!("\n{label} {}\n", bytes.len()).as_bytes());
        hasher.update(bytes);
    }
    hasher.hex()
}

impl CheckpointState {
    /// The training images, as far as they are known.
    pub fn images(&self) -> ImagesInfo {
        ImagesInfo { class_names: self.class_names.clone(), bright_border: self.bright_border }
    }
}

impl Checkpoint {
    /// The file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let failed = |e: &dyn std::fmt::Display| Error::device(format!("cannot lay out the checkpoint: {e}"));
        let state = serde_json::to_string(&self.state).map_err(|e| failed(&e))?;
        let buffers = || self.buffers.iter().map(|(label, values)| (label.as_str(), bytemuck::cast_slice(values)));
        let sha256 = digest(&state, buffers());
        let view =
            |(label, bytes)| TensorView::new(Dtype::F32, vec![<[u8]>::len(bytes) / 4], bytes).map(|view| (label, view));
        let views: Vec<_> = buffers().map(view).collect::<Result<_, _>>().map_err(|e| failed(&e))?;
        let metadata = format!("{{\"sha256\":\"{sha256}\",\"state\":{state}}}");
        safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), metadata)]))).map_err(|e| failed(&e))
    }

    /// The weights of inference as a weights file, as [`Trainer::to_safetensors`] writes it.
    ///
    /// # Errors
    /// [`Error::Data`] if the buffers are not those of the model.
    pub fn weights(&self) -> Result<Vec<u8>> {
        let find = |label| floats(&self.buffers, label);
        let [parameters, average, state] = WEIGHTS;
        let arena = find(average).or_else(|| find(parameters)).unwrap_or_default();
        self.weights_file(&[arena, find(state).unwrap_or_default()].concat())
    }

    /// As [`Self::weights`]; of the best epoch so far where [`RunConfig::early_stopping`] keeps its weights.
    ///
    /// # Errors
    /// As there.
    pub fn best_weights(&self) -> Result<Vec<u8>> {
        match floats(&self.buffers, BEST) {
            Some(best) => self.weights_file(best),
            None => self.weights(),
        }
    }

    fn weights_file(&self, weights: &[f32]) -> Result<Vec<u8>> {
        let graph = self.state.model.graph()?;
        match weights.len() == graph.weights_len() {
            true => save_weights(&self.state.model, &graph, weights, &self.state.images()),
            false => {
                let text = format!("the checkpoint has {} weights, its model {}", weights.len(), graph.weights_len());
                Err(Error::Data(text))
            }
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is none or its version is another, [`Error::Data`] if it is no checkpoint or damaged.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_safetensors(path, "checkpoint")?, path)
    }

    /// Whether the bytes of a file say that they are a checkpoint.
    pub fn is_in(bytes: &[u8]) -> bool {
        let header = || SafeTensors::read_metadata(bytes).ok().map(|(_, header)| header);
        check_header(bytes).is_ok()
            && header().is_some_and(|header| header.metadata().as_ref().is_some_and(|keys| keys.contains_key(KEY)))
    }

    /// As [`Self::from_bytes`], with errors that name the file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        Self::from_bytes(bytes).map_err(|error| match error {
            Error::Usage(text) => usage!("{text}: {}", path.display()),
            error => Error::data(path, error),
        })
    }

    /// What the bytes of a file hold.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |e: &dyn std::fmt::Display| Error::Data(format!("not a checkpoint, or damaged ({e})"));
        check_header(bytes).map_err(|e| damaged(&e))?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e))?;
        let metadata = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = metadata.ok_or_else(|| damaged(&format!("it has no `{KEY}`; weights alone cannot be resumed")))?;
        check_values(text).map_err(|e| damaged(&e))?;
        let Metadata { sha256, state } = serde_json::from_str(text).map_err(|e| damaged(&e))?;
        let tensors = file.tensors();
        let found = digest(state.get(), tensors.iter().map(|(label, view)| (label.as_str(), view.data())));
        if found != sha256 {
            return Err(damaged(&format!("its SHA-256 is {found}, it should be {sha256}")));
        }
        let Format { format, version } = serde_json::from_str(state.get()).map_err(|e| damaged(&e))?;
        if format != FORMAT {
            return Err(usage!(
                "a checkpoint of format {format}, by gpu-cnn {version}; this program, {}, reads format {FORMAT}",
                env!("CARGO_PKG_VERSION")
            ));
        }
        let state: CheckpointState = serde_json::from_str(state.get()).map_err(|e| damaged(&e))?;
        state.config.check().map_err(|e| damaged(&e))?;
        if !state.progress.is_consistent() {
            return Err(damaged(&format!("its progress cannot be: {:?}", state.progress)));
        }
        let graph = state.model.graph().map_err(|e| damaged(&e))?;
        let mut buffers = Vec::new();
        for (label, view) in tensors {
            if view.dtype() != Dtype::F32 {
                return Err(damaged(&format!("`{label}` holds {:?}, expected F32", view.dtype())));
            }
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            buffers.push((label, values.collect()));
        }
        // The optimizer's squares may be infinite.
        let is_bad = |label: &&&str| floats(&buffers, label).unwrap_or_default().iter().any(|value| !value.is_finite());
        if let Some(label) = WEIGHTS.iter().chain([&BEST]).find(is_bad) {
            return Err(damaged(&format!("`{label}` has a number that is not finite")));
        }
        // The other buffers depend on the settings, which may change when training goes on.
        match floats(&buffers, WEIGHTS[0]).map_or(0, <[f32]>::len) {
            found if found == graph.parameters_len => Ok(Self { state, buffers }),
            found => Err(damaged(&format!("{found} parameters, its model has {}", graph.parameters_len))),
        }
    }
}

impl Trainer {
    /// The present state; [`CheckpointState::data`] and [`CheckpointState::host`] are left to the host.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a weight is not a finite number, so that no such checkpoint replaces a good one.
    pub async fn checkpoint(&mut self) -> Result<Checkpoint> {
        let mut buffers = self.persistent().await?;
        let [parameters, _, state] = WEIGHTS.map(|label| floats(&buffers, label).unwrap_or_default());
        self.check_finite(&[parameters, state].concat())?;
        let state = CheckpointState {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            progress: self.progress,
            config: self.config.clone(),
            model: self.model.clone(),
            class_names: self.images.class_names.clone(),
            bright_border: self.images.bright_border,
            device: self.device().clone(),
            profile: self.session.plan.profile.name.into(),
            data: BTreeMap::new(),
            host: serde_json::Value::Null,
        };
        buffers.extend(self.best_weights.clone().map(|weights| (BEST.to_owned(), weights)));
        Ok(Checkpoint { state, buffers })
    }

    /// The trainer of a checkpoint, on `device` and with the settings `config`, which may differ from the checkpoint's as
    /// [`RunConfig::check_resume`] says. [`Self::resume_fit`] goes on where it was written.
    ///
    /// # Errors
    /// As [`Self::new`] and [`RunConfig::check_resume`]; [`Error::Data`] if the buffers are not the model's.
    pub async fn resume(checkpoint: &Checkpoint, device: &Device, config: RunConfig) -> Result<Self> {
        let CheckpointState { config: before, model, progress, .. } = &checkpoint.state;
        config.check_resume(before, progress)?;
        let mut trainer = Self::new(model.clone(), device, config).await?;
        trainer.restore(checkpoint)?;
        Ok(trainer)
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let plan = std::sync::Arc::clone(&self.session.plan);
        let mut rest: HashMap<&str, &[f32]> =
            checkpoint.buffers.iter().map(|(label, values)| (label.as_str(), values.as_slice())).collect();
        for (id, buffer) in plan.persistent_buffers() {
            let found = rest.remove(buffer.label.as_str()).filter(|values| values.len() == buffer.len);
            let values = found.ok_or_else(|| {
                Error::Data(format!("the checkpoint has no `{}` of {} floats", buffer.label, buffer.len))
            })?;
            self.session.backend.write_f32(id, 0, values)?;
        }
        self.best_weights = rest.remove(BEST).map(<[f32]>::to_vec);
        if self.best_weights.as_ref().is_some_and(|weights| weights.len() != self.graph.weights_len()) {
            return Err(Error::Data(format!("the checkpoint's `{BEST}` are not those of the model")));
        }
        if let Some(label) = rest.keys().min() {
            return Err(Error::Data(format!("the checkpoint has `{label}`, which is no state of this training")));
        }
        self.progress = checkpoint.state.progress;
        self.set_images_info(checkpoint.state.images())
    }
}
