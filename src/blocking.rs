//! The library for callers that wait: the only place that blocks on async code. Not on hosts that cannot block, such as a
//! browser page.

use crate::backend::{Device, gpu};
use crate::backend::{DeviceRequest, Found};
use crate::bench::{BenchOptions, Benched};
use crate::data::Split;
use crate::error::Result;
use crate::graph::Model;
use crate::trainer::{self, Checkpoint, Evaluation, Event, Fit, Flow, History, RunConfig, Score};
use std::ops::{Deref, DerefMut};

/// Waits for `future` on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

/// As [`Device::find`].
///
/// # Errors
/// Those of the async function.
pub fn find_device(request: &DeviceRequest) -> Result<Found> {
    wait(Device::find(request))
}

/// As [`gpu::list`].
///
/// # Errors
/// Those of the async function.
pub fn list_adapters(request: &DeviceRequest) -> Result<gpu::Listings> {
    wait(gpu::list(request))
}

/// As [`crate::bench::bench`].
///
/// # Errors
/// Those of the async function.
pub fn bench(
    model: &Model,
    devices: &[Device],
    options: &BenchOptions,
    note: &mut (dyn FnMut(&str) + Send),
) -> Result<Vec<Benched>> {
    wait(crate::bench::bench(model, devices, options, note))
}

/// [`trainer::Trainer`] for callers that wait; what does not wait there is here by dereference.
///
/// ```
/// use gpu_cnn::{Activation::{Relu, Softmax}, Dense, Device, Flatten, RunConfig, Sequential};
/// use gpu_cnn::{blocking::Trainer, data::synthetic};
///
/// let data = synthetic::generate(0, [640, 64]);
/// let model = Sequential::new([28, 28, 1])
///     .add(Flatten {})
///     .add(Dense::new(32).activation(Relu))
///     .add(Dense::new(10).activation(Softmax));
/// let config = RunConfig { learning_rate: 0.003, epochs: 3, ..RunConfig::default() };
/// let mut trainer = Trainer::new(model, &Device::cpu(0), config)?;
/// let history = trainer.fit(&data.train)?;
/// assert!(history.epochs[2].loss < history.epochs[0].loss);
/// let test = trainer.evaluate(&data.test)?;
/// println!("test loss {:.3}, accuracy {:.3}", test.score.loss, test.score.accuracy);
/// let probabilities = trainer.predict(&data.test.pixels[..2 * 28 * 28])?;
/// assert_eq!(probabilities.len(), 2);
/// # Ok::<(), gpu_cnn::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer(trainer::Trainer);

impl Deref for Trainer {
    type Target = trainer::Trainer;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Trainer {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Trainer {
    /// As [`trainer::Trainer::new`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn new(model: impl Into<Model>, device: &Device, config: RunConfig) -> Result<Self> {
        wait(trainer::Trainer::new(model, device, config)).map(Self)
    }

    /// As [`trainer::Trainer::resume`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn resume(checkpoint: &Checkpoint, device: &Device, config: RunConfig) -> Result<Self> {
        wait(trainer::Trainer::resume(checkpoint, device, config)).map(Self)
    }

    /// Trains over `data` for the configured epochs, or until it stops before ([`trainer::Trainer::stopped`]); with
    /// [`RunConfig::early_stopping`] the weights then are those of the best epoch.
    ///
    /// # Errors
    /// As [`trainer::Fit::next`].
    pub fn fit(&mut self, data: &Split) -> Result<History> {
        self.fit_with(data, &mut |_, _| Ok(Flow::Continue))
    }

    /// Trains over `data` and calls `callback` at every event. The callback may read and save the trainer's weights and stop the
    /// training; an error from it ends the training and is returned.
    ///
    /// # Errors
    /// As [`trainer::Fit::next`], or the callback's.
    pub fn fit_with(
        &mut self,
        data: &Split,
        callback: &mut dyn FnMut(&mut Self, &Event) -> Result<Flow>,
    ) -> Result<History> {
        let fit = self.0.fit(data)?;
        let history = self.drive(fit, callback)?;
        self.0.restore_best()?;
        Ok(history)
    }

    /// As [`Self::fit_with`], from where a checkpoint was written ([`trainer::Trainer::resume_fit`]). The weights are those after the last
    /// step, so that a checkpoint can be written; then [`trainer::Trainer::restore_best`] puts the best ones in their place.
    ///
    /// # Errors
    /// As [`trainer::Fit::next`], or the callback's.
    pub fn resume_fit_with(
        &mut self,
        data: &Split,
        callback: &mut dyn FnMut(&mut Self, &Event) -> Result<Flow>,
    ) -> Result<History> {
        let fit = self.0.resume_fit(data)?;
        self.drive(fit, callback)
    }

    fn drive(
        &mut self,
        mut fit: Fit<'_>,
        callback: &mut dyn FnMut(&mut Self, &Event) -> Result<Flow>,
    ) -> Result<History> {
        let mut history = History::default();
        while let Some(event) = wait(fit.next(&mut self.0))? {
            if let Event::Epoch { score, validation, .. } = event {
                history.epochs.push(score);
                history.validation.extend(validation);
            }
            if callback(self, &event)? == Flow::Stop {
                break;
            }
        }
        Ok(history)
    }

    /// As [`trainer::Trainer::evaluate`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn evaluate(&mut self, data: &Split) -> Result<Evaluation> {
        wait(self.0.evaluate(data))
    }

    /// As [`trainer::Trainer::evaluate_with`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn evaluate_with(
        &mut self,
        data: &Split,
        observer: &mut (dyn FnMut() -> Result<()> + Send),
    ) -> Result<Evaluation> {
        wait(self.0.evaluate_with(data, observer))
    }

    /// As [`trainer::Trainer::score`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn score(&mut self, data: &Split) -> Result<Score> {
        wait(self.0.score(data))
    }

    /// As [`trainer::Trainer::predict`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn predict(&mut self, pixels: &[u8]) -> Result<Vec<Vec<f32>>> {
        wait(self.0.predict(pixels))
    }

    /// As [`trainer::Trainer::weights`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn weights(&mut self) -> Result<Vec<f32>> {
        wait(self.0.weights())
    }

    /// As [`trainer::Trainer::inference_weights`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn inference_weights(&mut self) -> Result<Vec<f32>> {
        wait(self.0.inference_weights())
    }

    /// As [`trainer::Trainer::to_safetensors`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn to_safetensors(&mut self) -> Result<Vec<u8>> {
        wait(self.0.to_safetensors())
    }

    /// As [`trainer::Trainer::persistent`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn persistent(&mut self) -> Result<Vec<(String, Vec<f32>)>> {
        wait(self.0.persistent())
    }

    /// As [`trainer::Trainer::checkpoint`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        wait(self.0.checkpoint())
    }

    /// As [`trainer::Trainer::gradients`].
    ///
    /// # Errors
    /// Those of the async function.
    pub fn gradients(&mut self, data: &Split) -> Result<Vec<f32>> {
        wait(self.0.gradients(data))
    }
}
