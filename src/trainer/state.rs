//! A model on a device, and how far its training has come.

use super::config::RunConfig;
use super::events::Stopped;
use super::metrics::Progress;
use super::not_finite::NotFinite;
use super::pacer::Pace;
use super::pass::Pass;
use super::session::Session;
use crate::backend::{Device, DeviceInfo};
use crate::data::{Batches, Split};
use crate::error::{Error, Result, usage};
use crate::graph::{Graph, ImagesInfo, Model, load_weights, save_weights, weights_of};
use crate::layers::ClassWeights;
use crate::plan::{BufferId, Profile, Program, SkipBuffers};
use std::path::Path;

/// A model on a device, ready to train. All that waits for the device is async; [`crate::blocking::Trainer`] is the same for
/// callers that wait.
#[derive(Debug)]
pub struct Trainer {
    pub(super) model: Model,
    pub(super) graph: Graph,
    pub(crate) session: Session,
    pub(super) progress: Progress,
    pub(super) config: RunConfig,
    pub(super) not_finite: Option<NotFinite>,
    pub(super) stopped: Option<Stopped>,
    /// Of the best epoch, where training may end early.
    pub(super) best_weights: Option<Vec<f32>>,
    pub(super) images: ImagesInfo,
}

impl Trainer {
    /// Records `model`, loads it on `device` and gives it its initial weights. Of `config` it takes what training is about: batch
    /// size, optimizer, learning rate, seed, epochs, shuffling.
    ///
    /// # Errors
    /// If the layers do not fit each other, a setting is out of range, or the device cannot hold the model.
    pub async fn new(model: impl Into<Model>, device: &Device, config: RunConfig) -> Result<Self> {
        let model = model.into();
        let graph = model.graph()?;
        config.check()?;
        if let Some(class) = config.class_weight.as_ref().and_then(ClassWeights::last).filter(|&c| c >= graph.classes())
        {
            return Err(usage!("a class_weight for class {class}; the model has {} classes", graph.classes()));
        }
        if config.class_weight.as_ref().is_some_and(|weights| weights.are_zero(graph.classes())) {
            return Err(usage!("a class_weight of 0 for every class; no image would count"));
        }
        let mut session = Session::load(config.recorded(&graph, device.profile())?.share_buffers(), device).await?;
        session.synchronizes = config.synchronizes();
        let (progress, images) = (Progress::default(), ImagesInfo::default());
        let mut trainer = Self {
            model,
            graph,
            session,
            progress,
            config,
            not_finite: None,
            stopped: None,
            best_weights: None,
            images,
        };
        trainer.set_weights(&trainer.graph.initial_weights(trainer.config.seed))?;
        let initial = trainer.config.optimizer.initial_state();
        if initial != 0.0 {
            let arena = vec![initial; trainer.graph.parameters_len];
            for buffer in trainer.session.plan.host.optimizer_state.clone() {
                trainer.session.backend.write_f32(buffer, 0, &arena)?;
            }
        }
        Ok(trainer)
    }

    /// The model as it was described.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model's layers, shapes and parameters.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The settings.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// What its plan was recorded for.
    pub(crate) fn profile(&self) -> Profile {
        self.session.plan.profile
    }

    /// What it runs on.
    pub fn device(&self) -> &DeviceInfo {
        self.session.backend.info()
    }

    /// Loses the device, where there is one that can be lost: for tests of what happens then.
    #[doc(hidden)]
    pub fn lose_device(&mut self) {
        self.session.backend.lose();
    }

    /// How far training has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// All weights that training updates, parameters and state of layers, [`Graph::weights_len`] floats; [`Graph::weights`] says where
    /// each tensor is.
    pub async fn weights(&mut self) -> Result<Vec<f32>> {
        self.weights_with(self.session.plan.host.parameters).await
    }

    /// The weights that evaluation and prediction take: with the parameters' moving average in a run with [`RunConfig::ema`], else
    /// those of [`Self::weights`].
    pub async fn inference_weights(&mut self) -> Result<Vec<f32>> {
        let host = &self.session.plan.host;
        self.weights_with(host.average.unwrap_or(host.parameters)).await
    }

    /// The parameters in `arena`, then the state of layers.
    async fn weights_with(&mut self, arena: BufferId) -> Result<Vec<f32>> {
        let mut weights = self.session.floats(arena).await?;
        weights.extend(self.session.layer_state().await?);
        Ok(weights)
    }

    /// The weights of inference ([`Self::inference_weights`]) as a safetensors file, named and laid out as in Keras, with the model's
    /// description.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a weight is not a finite number, so that no file of such weights replaces a good one.
    pub async fn to_safetensors(&mut self) -> Result<Vec<u8>> {
        let weights = self.inference_weights().await?;
        self.check_finite(&weights)?;
        save_weights(&self.model, &self.graph, &weights, &self.images)
    }

    /// What the files that are written from now on say of the training images: the names of the classes, among others.
    ///
    /// # Errors
    /// If there are more names than classes.
    pub fn set_images_info(&mut self, images: ImagesInfo) -> Result<()> {
        images.check(self.graph.classes())?;
        self.images = images;
        Ok(())
    }

    /// How long the device works without a pause: shorter where it draws a screen, too. Results do not depend on it.
    pub fn set_pace(&mut self, pace: Pace) {
        self.session.pacer.set_pace(pace);
    }

    /// Takes the weights of a file that holds exactly this model's tensors (see [`load_weights`]).
    pub fn load(&mut self, path: &Path) -> Result<()> {
        let weights = weights_of(&load_weights(path)?, &self.graph, path)?;
        self.set_weights(&weights)
    }

    /// Replaces all weights, parameters and state of layers, laid out as [`Graph::weights`] says, and the parameters' moving average if
    /// there is one.
    ///
    /// # Errors
    /// If there are not [`Graph::weights_len`] floats.
    pub fn set_weights(&mut self, weights: &[f32]) -> Result<()> {
        if weights.len() != self.graph.weights_len() {
            return Err(usage!("{} weights, the model has {}", weights.len(), self.graph.weights_len()));
        }
        let (parameters, state) = weights.split_at(self.graph.parameters_len);
        let Session { plan, backend, .. } = &mut self.session;
        for buffer in [plan.host.parameters].into_iter().chain(plan.host.average) {
            backend.write_f32(buffer, 0, parameters)?;
        }
        self.session.set_layer_state(state)
    }

    /// Replaces the optimizer's state, each slot laid out as the parameters, after so many updates.
    ///
    /// # Errors
    /// If there are not as many slots as the optimizer has, or not as many floats as parameters.
    pub fn set_optimizer_state(&mut self, state: &[Vec<f32>], updates: u64) -> Result<()> {
        let Session { plan, backend, .. } = &mut self.session;
        let buffers = &plan.host.optimizer_state;
        if buffers.len() != state.len() || state.iter().any(|slot| slot.len() != self.graph.parameters_len) {
            return Err(usage!("{} slots of state, the optimizer has {}", state.len(), buffers.len()));
        }
        for (buffer, slot) in buffers.iter().zip(state) {
            backend.write_f32(*buffer, 0, slot)?;
        }
        // A checkpoint that is written before the first step says where `fit` begins, too.
        (self.progress.updates, self.progress.fit_start.updates) = (updates, updates);
        Ok(())
    }

    /// Every persistent buffer by its label: parameters, optimizer state, layer state, and in runs that have them the accumulated
    /// gradients and the average of the parameters. With [`Self::progress`] and the configuration, all that training depends on.
    pub async fn persistent(&mut self) -> Result<Vec<(String, Vec<f32>)>> {
        let plan = std::sync::Arc::clone(&self.session.plan);
        let mut buffers = Vec::new();
        for (id, buffer) in plan.persistent_buffers() {
            buffers.push((buffer.label.clone(), self.session.floats(id).await?));
        }
        Ok(buffers)
    }

    /// Gradients of the first batch of `data`, as an arena; nothing is updated.
    pub async fn gradients(&mut self, data: &Split) -> Result<Vec<f32>> {
        self.check(data)?;
        let batches = Batches::in_order(data, self.session.plan.batch);
        let step = self
            .config
            .step(&self.config.learning_rate(batches.len() as u64, &self.progress.plateau), self.progress.updates + 1);
        // A forward pass for training changes the state of layers.
        let state = self.session.layer_state().await?;
        Pass::new(batches, &[Program::Gradients], 1).next(&mut self.session, |_| step).await?;
        self.session.set_layer_state(&state)?;
        let buffer = self.session.plan.host.gradients;
        self.session.backend.read_f32(buffer, self.graph.parameters_len).await
    }

    /// Updates are made again after one was skipped.
    pub(super) fn clear_skips(&mut self) -> Result<()> {
        self.not_finite = None;
        match self.session.plan.host.skips {
            Some(SkipBuffers { flag, .. }) => self.session.backend.write_f32(flag.buffer, flag.offset, &[0.0]),
            None => Ok(()),
        }
    }

    /// The update at which training stopped, since the loss or a gradient is not finite; none if it did not. Parameters and optimizer
    /// are as before that update.
    pub fn not_finite(&self) -> Option<&NotFinite> {
        self.not_finite.as_ref()
    }

    /// Trains on the first `steps` batches of `data` in order, outside any epoch, and adds their losses to `losses`; the
    /// device is idle on return.
    pub(crate) async fn train_in_order(&mut self, data: &Split, steps: usize, losses: &mut Vec<f64>) -> Result<()> {
        let batches = Batches::in_order(data, self.session.plan.batch);
        let mut pass = Pass::training(batches, steps, 1);
        let (config, first) = (&self.config, self.progress.updates + 1);
        let rate = config.learning_rate(steps as u64, &self.progress.plateau);
        while let Some(report) = pass.next(&mut self.session, |i| config.step(&rate, first + i as u64)).await? {
            self.progress.updates += report.tallies.len() as u64;
            losses.extend(report.tallies.iter().map(|tally| tally.loss));
        }
        Ok(())
    }

    /// Whether the model can take `data`.
    pub(super) fn check(&self, data: &Split) -> Result<()> {
        let (input, classes) = (self.graph.input, self.graph.classes());
        if data.image != input {
            return Err(usage!("the model takes images of {input:?}, the data has {:?}", data.image));
        }
        if data.pixels.len() != data.len() * data.image_len() {
            let (pixels, images) = (data.pixels.len(), data.len());
            return Err(Error::Data(format!("{pixels} bytes of pixels for {images} images of {:?}", data.image)));
        }
        match data.labels.iter().position(|l| usize::from(*l) >= classes) {
            Some(i) => Err(Error::Data(format!(
                "label {} of image {i} is out of range: the model has {classes} classes",
                data.labels[i]
            ))),
            None if data.is_empty() => Err(Error::Data("no images".into())),
            None => Ok(()),
        }
    }
}
