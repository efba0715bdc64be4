//! `compile`: a model on a device.

use crate::backend::{Backend, Device, DeviceInfo};
use crate::data::{Batches, Split};
use crate::error::{Error, Result, usage};
use crate::model::{Layout, Sequential, initial_weights, load_weights, save_weights, weights_of};
use crate::plan::{Phase, Plan};
use crate::queue::BatchQueue;
use std::path::Path;
use std::sync::Arc;

/// What `compile` fixes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to run.
    pub device: Device,
    /// Images in a batch.
    pub batch_size: usize,
    /// Adam's.
    pub learning_rate: f64,
    /// Of the initial weights and the shuffling.
    pub seed: u64,
}

impl Default for Settings {
    /// The CPU with one thread a core, batches of 32, 0.001, seed 9.
    fn default() -> Self {
        Self { device: Device::Cpu { threads: 0 }, batch_size: 32, learning_rate: 1e-3, seed: 9 }
    }
}

/// A model on a device, ready to train.
pub struct Model {
    pub(crate) sequential: Sequential,
    pub(crate) layout: Layout,
    pub(crate) plan: Arc<Plan>,
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) queue: BatchQueue,
    pub(crate) learning_rate: f64,
    pub(crate) seed: u64,
    /// Updates so far: Adam's t.
    pub(crate) updates: u64,
    /// Epochs so far, so that a second `fit` goes on with new orders.
    pub(crate) epochs: u64,
    /// How many steps the device takes between two reports, learned from how long they took.
    pub(crate) steps_at_once: usize,
}

/// Batches that one upload holds.
const BATCHES_PER_UPLOAD: usize = 32;
/// Bytes of pixels that one upload may hold.
const UPLOAD_BYTES: usize = 16 << 20;

impl Sequential {
    /// Records the model, loads it on the device and gives it its initial weights.
    ///
    /// ```
    /// use gpu_cnn::{Activation::{Relu, Softmax}, Dense, FitOptions, Flatten, Sequential, Settings, data::synthetic};
    ///
    /// let data = synthetic::generate(0, [640, 64]);
    /// let model = Sequential::new([28, 28, 1])
    ///     .add(Flatten {})
    ///     .add(Dense::new(32).activation(Relu))
    ///     .add(Dense::new(10).activation(Softmax));
    /// let mut model = model.compile(&Settings { learning_rate: 0.003, ..Settings::default() })?;
    /// let history = model.fit(&data.train, &FitOptions { epochs: 3, ..FitOptions::default() })?;
    /// assert!(history.epochs[2].loss < history.epochs[0].loss);
    /// let test = model.evaluate(&data.test)?;
    /// println!("test loss {:.3}, accuracy {:.3}", test.score.loss, test.score.accuracy);
    /// let probabilities = model.predict(&data.test.pixels[..2 * 28 * 28])?;
    /// assert_eq!(probabilities.len(), 2);
    /// # Ok::<(), gpu_cnn::Error>(())
    /// ```
    pub fn compile(&self, settings: &Settings) -> Result<Model> {
        let layout = self.layout()?;
        if settings.batch_size == 0 {
            return Err(usage!("a batch size of 0; it must be at least 1"));
        }
        if !(settings.learning_rate.is_finite() && settings.learning_rate > 0.0) {
            return Err(usage!("a learning rate of {}; it must be a positive number", settings.learning_rate));
        }
        let batch_bytes = self.input.iter().product::<usize>().saturating_mul(settings.batch_size);
        if batch_bytes > 1 << 30 {
            return Err(usage!(
                "a batch of {} images is {batch_bytes} bytes of pixels; try a smaller one",
                settings.batch_size
            ));
        }
        let window = (UPLOAD_BYTES / batch_bytes).clamp(1, BATCHES_PER_UPLOAD);
        let plan = Arc::new(self.record(settings.batch_size, window, settings.device.profile())?);
        let backend = settings.device.load(Arc::clone(&plan))?;
        let weights = initial_weights(&layout, settings.seed);
        let queue = BatchQueue::new(&plan);
        let mut model = Model {
            sequential: self.clone(),
            layout,
            plan,
            backend,
            queue,
            learning_rate: settings.learning_rate,
            seed: settings.seed,
            updates: 0,
            epochs: 0,
            steps_at_once: 1,
        };
        model.set_weights(&weights)?;
        Ok(model)
    }
}

impl Model {
    /// The model as it was described.
    pub fn sequential(&self) -> &Sequential {
        &self.sequential
    }

    /// Where its parameters lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What it runs on.
    pub fn device(&self) -> &DeviceInfo {
        self.backend.info()
    }

    /// The parameter arena, [`Layout::arena_len`] floats.
    pub fn weights(&mut self) -> Result<Vec<f32>> {
        self.backend.read_f32(self.plan.ports.params, self.layout.arena_len)
    }

    /// Steps trained so far, those included that a failed `fit` had begun.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The weights as a safetensors file, named and laid out as in Keras, with the model's description.
    pub fn to_safetensors(&mut self) -> Result<Vec<u8>> {
        let arena = self.weights()?;
        save_weights(&self.sequential, &self.layout, &arena)
    }

    /// Takes the weights of a safetensors file that holds exactly this model's tensors.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        let arena = weights_of(&load_weights(path)?, &self.layout, path)?;
        self.set_weights(&arena)
    }

    /// Replaces the parameter arena.
    pub fn set_weights(&mut self, arena: &[f32]) -> Result<()> {
        if arena.len() != self.layout.arena_len {
            return Err(usage!("{} weights, the model has {}", arena.len(), self.layout.arena_len));
        }
        self.backend.write_f32(self.plan.ports.params, 0, arena)
    }

    /// Gradients of the first batch of `data`, as an arena; nothing is updated.
    pub fn gradients(&mut self, data: &Split) -> Result<Vec<f32>> {
        self.check(data)?;
        self.queue.stage(&Batches::in_order(data, self.plan.batch), 0..1);
        let steps = self.queue.upload(self.backend.as_mut(), &|_| 0.0)?;
        self.backend.run(Phase::Gradients, &steps)?;
        self.backend.read_f32(self.plan.ports.grads, self.layout.arena_len)
    }

    /// Whether the model can take `data`.
    pub(crate) fn check(&self, data: &Split) -> Result<()> {
        if data.image != self.sequential.input {
            return Err(usage!("the model takes images of {:?}, the data has {:?}", self.sequential.input, data.image));
        }
        if data.pixels.len() != data.len() * data.image_len() {
            let (pixels, images) = (data.pixels.len(), data.len());
            return Err(Error::Data(format!("{pixels} bytes of pixels for {images} images of {:?}", data.image)));
        }
        match data.labels.iter().position(|l| usize::from(*l) >= self.layout.classes) {
            Some(i) => Err(Error::Data(format!(
                "label {} of image {i} is out of range: the model has {} classes",
                data.labels[i], self.layout.classes
            ))),
            None if data.is_empty() => Err(Error::Data("no images".into())),
            None => Ok(()),
        }
    }
}
