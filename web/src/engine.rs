//! A model in training, in pieces that leave a worker time for its messages.

use crate::images::Images;
use gpu_cnn::data::Split;
use gpu_cnn::{Device, DeviceRequest, Event, ImagesInfo, Model, Pace, Preset, RunConfig, Trainer};
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// The page draws between submissions, and answers between reports.
const PACE: Pace = Pace { submission: Duration::from_millis(16), report: Duration::from_millis(100) };

/// A model on a device, with the images that it is trained on.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    trainer: Trainer,
    images: Split,
    has_begun: bool,
}

#[wasm_bindgen]
impl Engine {
    /// A model for `images`, to be trained on them. `settings` is JSON with settings of `gpu-cnn train`: `seed`, `batch_size`,
    /// `learning_rate`, `epochs` and others; what is left out has its default. The model is the preset that the setting `model` names, or
    /// what `text` describes in TOML. The setting `adapter` is `auto`, WebGPU if there is a real adapter and else the CPU; `cpu`; or
    /// `webgpu`, which takes a software adapter, too.
    ///
    /// # Errors
    /// Settings or a model that cannot be used, or a device that cannot hold the model.
    pub async fn create(settings: String, text: Option<String>, images: Images) -> Result<Engine, JsError> {
        let config: RunConfig = serde_json::from_str(&settings)?;
        let Images { split, class_names } = images;
        let model = match (text, Preset::named(&config.model)) {
            (Some(text), _) => Model::from_toml(&text, split.image)?,
            (None, Some(preset)) => preset.build(split.image, class_names.len()),
            (None, None) => return Err(JsError::new(&format!("no such model: {}", config.model))),
        };
        let request = match config.adapter.as_str() {
            "webgpu" => DeviceRequest { backends: Some("webgpu".into()), ..DeviceRequest::default() },
            name => DeviceRequest::new(name),
        };
        let device = Device::find(&request).await?.device;
        let mut trainer = Trainer::new(model, &device, config).await?;
        let bright_border = split.has_bright_border();
        trainer.set_images_info(ImagesInfo { class_names, bright_border })?;
        trainer.set_pace(PACE);
        Ok(Self { trainer, images: split, has_begun: false })
    }

    /// `cpu` or `webgpu`.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> String {
        self.trainer.device().backend.clone()
    }

    /// The CPU's vector instructions, or the driver of an adapter, which browsers do not tell.
    #[wasm_bindgen(getter)]
    pub fn driver(&self) -> String {
        self.trainer.device().driver.clone()
    }

    /// Number of the model's parameters and of other numbers that training changes.
    #[wasm_bindgen(getter)]
    pub fn parameters(&self) -> usize {
        self.trainer.graph().weights_len()
    }

    /// Epochs that are over.
    #[wasm_bindgen(getter)]
    pub fn epoch(&self) -> f64 {
        self.trainer.progress().epoch as f64
    }

    /// Trains until the next results arrive, `steps` or a few more; loss and accuracy of each step's batch, one after the other. An epoch
    /// ends a piece. After the last epoch the result is empty; the next call then begins as many epochs again.
    ///
    /// # Errors
    /// If the loss is not a finite number, or the device is lost.
    pub async fn train(&mut self, steps: usize) -> Result<Vec<f64>, JsError> {
        let Self { trainer, images, has_begun } = self;
        let mut fit = match has_begun {
            true => trainer.resume_fit(images),
            false => trainer.fit(images),
        }?;
        *has_begun = true;
        let (mut scores, mut reported) = (Vec::new(), trainer.progress().steps);
        while let Some(event) = fit.next(trainer).await? {
            let Event::Step { step, steps: of_epoch, batch, .. } = event else { return Ok(scores) };
            scores.extend([batch.loss, batch.accuracy]);
            reported += 1;
            // What has arrived is reported, before the next call goes on from there; with the last step comes the end of the epoch.
            let is_all = reported == trainer.progress().steps && step < of_epoch;
            if is_all && scores.len() / 2 >= steps {
                return Ok(scores);
            }
        }
        *has_begun = false;
        Ok(scores)
    }

    /// Mean loss over `images` and the share of them whose most probable class is theirs.
    ///
    /// # Errors
    /// If the model cannot take the images.
    pub async fn evaluate(&mut self, images: &Images) -> Result<Vec<f64>, JsError> {
        let score = self.trainer.score(&images.split).await?;
        Ok(vec![score.loss, score.accuracy])
    }

    /// The probability of each class for one image, given as its bytes.
    ///
    /// # Errors
    /// If there is not exactly one image.
    pub async fn predict(&mut self, pixels: Vec<u8>) -> Result<Vec<f32>, JsError> {
        let rows = self.trainer.predict(&pixels).await?;
        match <[Vec<f32>; 1]>::try_from(rows) {
            Ok([row]) => Ok(row),
            Err(rows) => Err(JsError::new(&format!("{} images in place of one", rows.len()))),
        }
    }

    /// The model with its weights as a safetensors file.
    ///
    /// # Errors
    /// If a weight is not a finite number.
    pub async fn to_safetensors(&mut self) -> Result<Vec<u8>, JsError> {
        Ok(self.trainer.to_safetensors().await?)
    }
}
