//! What a page asks of a model: one function that takes calls, as JSON with bytes. The page of `web/` has it in a Web Worker, the command
//! `view` serves it to the same page.
//!
//! | call | what it does |
//! | --- | --- |
//! | `start` | a model, its images and a device: `settings` as run.json has them, `images` (how many), `text` (TOML) or a preset, `data`: `synthetic`, `own` or `run` |
//! | `train` | trains for about 100 ms |
//! | `look` | what each layer makes of a picture, and the probabilities; a drawing is cropped, scaled and centred with `frame` |
//! | `layer`, `first_filters` | a layer's arguments and weights |
//! | `evaluate`, `samples` | the confusion matrix and the worst pictures; a picture of each class |
//! | `describe` | layers, shapes and parameters of a text, or its error with the line |
//! | `shaders` | SHA-256 of the shaders by which adapters train the model |
//! | `other` | how fast the other device is |
//! | `download`, `load` | the model as a file, and from a file |
//! | `idx`, `pictures` | images of the user's, for the next `start` with `data` = `own` |
//! | `move_to_cpu` | goes on after a device was lost |
//!
//! Floats in bytes are little-endian f32; what the JSON calls an offset counts them.

mod describe;
mod framing;
mod images;
mod load;
mod looks;
mod reply;
mod training;

#[cfg(feature = "cli")]
pub(crate) use images::names as class_names;
pub use load::safetensors_of;
#[cfg(feature = "cli")]
pub(crate) use looks::{Looks, describe_text, samples};
pub use reply::Reply;
#[cfg(feature = "cli")]
pub(crate) use training::description;

use crate::data::Dataset;
use crate::data::synthetic::DEFAULT_COUNTS;
use crate::error::{Error, Result, usage};
use crate::graph::{Model, Preset};
use crate::trainer::RunConfig;
use images::Images;
use serde_json::{Value, json};
use training::Training;

/// Images and classes that a text is described for before there are any.
const USUAL_IMAGE: [usize; 3] = [28, 28, 1];
const USUAL_CLASSES: usize = 10;
/// Training images where a call does not say how many.
const USUAL_IMAGES: u64 = 1600;

/// A model that was trained elsewhere, to be looked into and trained on.
#[derive(Debug, Clone)]
pub struct Run {
    /// For the page.
    pub name: String,
    /// The model.
    pub model: Model,
    /// As [`crate::Graph::weights`] lays them out.
    pub weights: Vec<f32>,
    /// Of its training.
    pub settings: RunConfig,
    /// What it was trained on.
    pub data: Dataset,
    /// Loss and accuracy of each step, as far as they are known.
    pub scores: Vec<[Option<f64>; 2]>,
    /// Loss and accuracy over other images: objects of `steps`, `loss` and `accuracy`.
    pub tests: Vec<Value>,
}

/// What answers a page's calls.
#[derive(Debug, Default)]
pub struct Page {
    training: Option<Training>,
    /// The user's images.
    own: Option<Dataset>,
    run: Option<Run>,
    /// The device where a page leaves it to the host; none for the best.
    adapter: Option<String>,
    /// Threads of the CPU backend, where settings do not say how many.
    threads: Option<u16>,
}

impl Page {
    /// A page that begins with `run`, if there is one, and that means `adapter` by `auto`; with so many threads of the CPU backend, or one
    /// per core.
    pub fn new(adapter: &str, threads: Option<u16>, run: Option<Run>) -> Self {
        Self { run, adapter: Some(adapter.to_owned()), threads, ..Self::default() }
    }

    /// The answer to the call `head`, a JSON object whose key `call` says which, with the bytes that go with it.
    ///
    /// # Errors
    /// What cannot be done, and why; what was there before stays. The message of a device that was lost in training begins with `device: `.
    pub async fn call(&mut self, head: &str, bytes: Vec<u8>) -> Result<Reply> {
        self.answer(head, bytes).await.map_err(|error| match (&error, &self.training) {
            (Error::Device(_), Some(training)) if training.trainer.device().backend != "cpu" => {
                Error::device(format!("device: {error}"))
            }
            _ => error,
        })
    }

    async fn answer(&mut self, head: &str, bytes: Vec<u8>) -> Result<Reply> {
        let head: Value = serde_json::from_str(head).map_err(|e| usage!("a call that is not JSON: {e}"))?;
        match head["call"].as_str().unwrap_or_default() {
            "hello" => {
                let run = self.run.as_ref().map(|Run { name, scores, tests, .. }| {
                    json!({ "name": name, "is_live": false, "scores": scores.concat(), "tests": tests })
                });
                Ok(Reply::of(json!({ "run": run })))
            }
            "start" => {
                self.training = Some(self.start(&head).await?);
                self.training()?.started()
            }
            "idx" => self.take(images::of_idx(files(&head, bytes)?)?),
            "pictures" => {
                let image = serde_json::from_value(head["image"].clone()).map_err(|e| usage!("image: {e}"))?;
                let labels = serde_json::from_value(head["labels"].clone()).map_err(|e| usage!("labels: {e}"))?;
                let classes = serde_json::from_value(head["classes"].clone()).map_err(|e| usage!("classes: {e}"))?;
                self.take(images::of_pictures(image, bytes, labels, classes)?)
            }
            "describe" => {
                let (image, classes) = match &self.training {
                    Some(Training { images, .. }) => (images.train.image, images.class_names.len()),
                    None => (USUAL_IMAGE, USUAL_CLASSES),
                };
                looks::describe_text(&head, image, classes)
            }
            "train" => self.training()?.train().await,
            "evaluate" => {
                let Training { trainer, images, .. } = self.training()?;
                let names = images.class_names.clone();
                looks::evaluate(trainer, images.test(), &names).await
            }
            "samples" => {
                let images = &mut self.training()?.images;
                let names = images.class_names.clone();
                Ok(looks::samples(images.test(), &names))
            }
            "other" => self.training()?.time_other().await,
            "load" => self.load(&head, bytes).await,
            "move_to_cpu" => {
                self.training = Some(self.training()?.move_to_cpu().await?);
                self.training()?.started()
            }
            #[cfg(any(test, target_family = "wasm"))]
            "lose_device" => {
                self.training()?.trainer.lose_device();
                Ok(Reply::of(Value::Null))
            }
            _ => {
                let Training { trainer, images, looks, .. } = self.training()?;
                looks.call(trainer, &images.train, &head, &bytes).await
            }
        }
    }

    fn training(&mut self) -> Result<&mut Training> {
        self.training.as_mut().ok_or_else(nothing)
    }

    fn take(&mut self, data: Dataset) -> Result<Reply> {
        let description = images::description(&data);
        self.own = Some(data);
        Ok(Reply::of(description))
    }

    async fn start(&self, head: &Value) -> Result<Training> {
        if let (Some(true), Some(run)) = (head["run"].as_bool(), &self.run) {
            let Run { model, weights, settings, data, .. } = run;
            let adapter = self.adapter.clone().unwrap_or(settings.adapter.clone());
            let threads = self.threads.or(settings.threads);
            let settings = RunConfig { adapter, threads, ..without_end(settings.clone()) };
            let images = Images::of_dataset(data, data.train.len());
            return Training::trained(model.clone(), weights, settings, images).await;
        }
        let mut config: RunConfig =
            serde_json::from_value(head["settings"].clone()).map_err(|e| usage!("settings: {e}"))?;
        if let Some(adapter) = self.adapter.as_ref().filter(|_| config.adapter == "auto") {
            config.adapter.clone_from(adapter);
        }
        config.threads = config.threads.or(self.threads);
        let count = head["images"].as_u64().unwrap_or(USUAL_IMAGES) as usize;
        let images = match (head["data"].as_str(), &self.own, &self.run) {
            (Some("own"), Some(own), _) => Images::of_dataset(own, count),
            (Some("own"), None, _) => return Err(usage!("there are no images of your own yet")),
            (Some("run"), _, Some(run)) => Images::of_dataset(&run.data, count),
            (Some("run"), _, None) => return Err(usage!("there is no run whose images could be taken")),
            _ if count > DEFAULT_COUNTS[0] => {
                return Err(usage!("{count} synthetic images; there are {} to train on", DEFAULT_COUNTS[0]));
            }
            _ => Images::synthetic(count),
        };
        let classes = images.class_names.len();
        let text = match (head["text"].as_str(), Preset::named(&config.model)) {
            (Some(text), _) => text.to_owned(),
            (None, Some(preset)) => preset.to_toml(classes),
            (None, None) => return Err(usage!("no such model: {}", config.model)),
        };
        let model = describe::model_of(&text, images.train.image, classes)?;
        Training::new(model, text, config, images).await
    }

    /// The model of a file with its weights in place of the one in training, over the same images.
    async fn load(&mut self, head: &Value, bytes: Vec<u8>) -> Result<Reply> {
        let training = self.training()?;
        let (config, images) = (training.trainer.config().clone(), training.images.clone());
        let name = head["name"].as_str().unwrap_or("model");
        let (model, weights) = load::trained(bytes, name, images.train.image, images.class_names.len())?;
        self.training = Some(Training::trained(model, &weights, config, images).await?);
        self.training()?.started()
    }
}

/// The settings of a run without what would end its training before its epochs are over.
fn without_end(settings: RunConfig) -> RunConfig {
    RunConfig { max_time: None, early_stopping: None, limit_batches: None, overfit_batches: None, ..settings }
}

fn nothing() -> Error {
    usage!("there is no model yet")
}

/// The files that the bytes are, one after the other, by their names and sizes.
fn files(head: &Value, bytes: Vec<u8>) -> Result<Vec<(String, Vec<u8>)>> {
    let names: Vec<String> = serde_json::from_value(head["names"].clone()).map_err(|e| usage!("names: {e}"))?;
    let sizes: Vec<usize> = serde_json::from_value(head["sizes"].clone()).map_err(|e| usage!("sizes: {e}"))?;
    let sum = sizes.iter().try_fold(0_usize, |sum, size| sum.checked_add(*size));
    if names.len() != sizes.len() || sum != Some(bytes.len()) {
        return Err(usage!("{} names and {} sizes for {} bytes", names.len(), sizes.len(), bytes.len()));
    }
    let mut rest = &bytes[..];
    let mut next = |size: usize| {
        let (file, others) = rest.split_at(size);
        rest = others;
        file.to_vec()
    };
    Ok(names.into_iter().zip(sizes).map(|(name, size)| (name, next(size))).collect())
}
