//! A model in training, in pieces that leave time for other calls.

use super::images::Images;
use super::looks::Looks;
use super::reply::Reply;
use crate::backend::{Device, DeviceRequest, median};
use crate::clock::{Duration, Instant};
use crate::data::Split;
use crate::error::Result;
use crate::graph::{ImagesInfo, Model};
use crate::trainer::{Checkpoint, Event, Pace, RunConfig, Trainer};
use serde_json::{Value, json};

/// A page draws between submissions, and answers between reports.
const PACE: Pace = Pace { submission: Duration::from_millis(16), report: Duration::from_millis(100) };
/// Between two copies of the training that is on an adapter, at least.
const KEEP: Duration = Duration::from_secs(2);
/// Steps by which a device is timed, after one that does what is done once.
const TIMED_STEPS: usize = 3;

/// A model in training.
#[derive(Debug)]
pub(super) struct Training {
    pub(super) trainer: Trainer,
    pub(super) images: Images,
    pub(super) looks: Looks,
    /// The model's TOML, as it was written.
    text: String,
    has_begun: bool,
    /// A copy of the training on an adapter, which may be lost, and when it was made.
    kept: Option<(Checkpoint, Instant)>,
}

impl Training {
    /// `model`, whose text is `text`, on the device that the settings name.
    ///
    /// # Errors
    /// Settings that cannot be used, or a device that cannot hold the model.
    pub(super) async fn new(model: Model, text: String, config: RunConfig, images: Images) -> Result<Self> {
        let device = Device::find(&request(&config.adapter, &config)).await?.device;
        let trainer = Trainer::new(model, &device, config).await?;
        Self::of(trainer, text, images)
    }

    /// As [`Self::new`], with these weights.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn trained(model: Model, weights: &[f32], config: RunConfig, images: Images) -> Result<Self> {
        let text = model.to_toml();
        let mut training = Self::new(model, text, config, images).await?;
        training.trainer.set_weights(weights)?;
        training.keep().await?;
        Ok(training)
    }

    fn of(mut trainer: Trainer, text: String, images: Images) -> Result<Self> {
        let is_named = images.class_names.iter().enumerate().any(|(i, name)| *name != i.to_string());
        let class_names = if is_named { images.class_names.clone() } else { Vec::new() };
        let bright_border = images.train.has_bright_border();
        trainer.set_images_info(ImagesInfo { class_names, bright_border })?;
        trainer.set_pace(PACE);
        Ok(Self { trainer, images, looks: Looks::default(), text, has_begun: false, kept: None })
    }

    /// What a page has to know of it.
    pub(super) fn started(&self) -> Result<Reply> {
        let Self { trainer, images, text, .. } = self;
        let mut head = description(trainer, &images.name, &images.train, images.tests(), &images.class_names)?;
        head["text"] = text.as_str().into();
        Ok(Reply::of(head))
    }

    /// Trains for about as long as [`PACE`] says. An epoch ends a piece. After the last epoch there are no scores; the next call then
    /// begins as many epochs again.
    ///
    /// # Errors
    /// If the loss is not a finite number, or the device is lost.
    pub(super) async fn train(&mut self) -> Result<Reply> {
        let Self { trainer, images, has_begun, .. } = self;
        let mut fit = match has_begun {
            true => trainer.resume_fit(&images.train),
            false => trainer.fit(&images.train),
        }?;
        *has_begun = true;
        let (mut scores, mut reported) = (Vec::new(), trainer.progress().steps);
        let mut ends_epoch = false;
        let mut is_over = true;
        while let Some(event) = fit.next(trainer).await? {
            is_over = false;
            let Event::Step { step, steps, batch, .. } = event else {
                ends_epoch = true;
                break;
            };
            scores.extend([batch.loss, batch.accuracy]);
            reported += 1;
            // What has arrived is reported, before the next call goes on from there; with the last step comes the end of the epoch.
            if reported == trainer.progress().steps && step < steps {
                break;
            }
        }
        let test = match ends_epoch {
            true => {
                let score = trainer.score(images.test()).await?;
                json!({ "loss": score.loss, "accuracy": score.accuracy })
            }
            false => Value::Null,
        };
        *has_begun = !is_over;
        self.keep().await?;
        let progress = self.trainer.progress();
        Ok(Reply::of(json!({
            "scores": scores,
            "steps": progress.steps,
            "epoch": progress.epoch,
            "test": test,
            "is_over": is_over,
        })))
    }

    /// Copies the training where the device may be lost and some time has passed.
    async fn keep(&mut self) -> Result<()> {
        let is_due = self.kept.as_ref().is_none_or(|(_, at)| at.elapsed() >= KEEP);
        if self.trainer.device().backend != "cpu" && is_due {
            self.kept = Some((self.trainer.checkpoint().await?, Instant::now()));
        }
        Ok(())
    }

    /// Goes on on the CPU from the last copy, or from the start where there is none.
    ///
    /// # Errors
    /// If the CPU cannot hold the model.
    pub(super) async fn move_to_cpu(&self) -> Result<Self> {
        let Self { trainer, images, text, has_begun, kept, .. } = self;
        let config = RunConfig { adapter: "cpu".into(), ..trainer.config().clone() };
        let device = Device::find(&request("cpu", &config)).await?.device;
        let moved = match kept {
            Some((checkpoint, _)) => Trainer::resume(checkpoint, &device, config).await?,
            None => Trainer::new(trainer.model().clone(), &device, config).await?,
        };
        Ok(Self { has_begun: *has_begun && kept.is_some(), ..Self::of(moved, text.clone(), images.clone())? })
    }

    /// Milliseconds of a step on the other device, the CPU or else the best adapter; none where there is no other.
    ///
    /// # Errors
    /// If that cannot hold the model.
    pub(super) async fn time_other(&self) -> Result<Reply> {
        let is_cpu = self.trainer.device().backend == "cpu";
        let other = request(if is_cpu { "auto" } else { "cpu" }, self.trainer.config());
        let device = Device::find(&other).await?.device;
        let name = device.info().backend;
        if is_cpu && name == "cpu" {
            let note = "no GPU that this page can use";
            return Ok(Reply::of(json!({ "device": null, "ms": null, "note": note })));
        }
        let config = self.trainer.config().clone();
        let batch = self.images.train.first(config.batch_size as usize);
        let mut trainer = Trainer::new(self.trainer.model().clone(), &device, config).await?;
        let mut losses = Vec::new();
        trainer.train_in_order(&batch, 1, &mut losses).await?;
        let mut times = Vec::new();
        for _ in 0..TIMED_STEPS {
            let started = Instant::now();
            trainer.train_in_order(&batch, 1, &mut losses).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(Reply::of(json!({ "device": name, "ms": median(times), "note": null })))
    }
}

/// What a page has to know of a training on the images `train` of the set `data`, which has so many test images.
///
/// # Errors
/// If the settings leave no image to train on.
pub(crate) fn description(
    trainer: &Trainer,
    data: &str,
    train: &Split,
    tests: usize,
    class_names: &[String],
) -> Result<Value> {
    let (info, progress, config) = (trainer.device(), trainer.progress(), trainer.config());
    let trained_on = config.trained_on(train.len())?.len() as u64;
    Ok(json!({
        "device": info.backend,
        "adapter": info.adapter,
        "driver": info.driver,
        "parameters": trainer.graph().weights_len(),
        "image": train.image,
        "classes": class_names,
        "train": train.len(),
        "test": tests,
        "data": data,
        "steps_of_epoch": trained_on.div_ceil(config.batch_size.into()),
        "epochs": config.epochs,
        "steps": progress.steps,
        "epoch": progress.epoch,
        "settings": config,
        "text": null,
        "summary": trainer.model().summary()?,
        "is_live": false,
    }))
}

/// The device of this name, with the threads of `config`; `webgpu` takes a software adapter, too.
fn request(adapter: &str, config: &RunConfig) -> DeviceRequest {
    let named = match adapter {
        "webgpu" => DeviceRequest { backends: Some("webgpu".into()), ..DeviceRequest::default() },
        name => DeviceRequest::new(name),
    };
    DeviceRequest { threads: config.threads.map_or(0, usize::from), ..named }
}
