//! `gpu-cnn train`

use super::interrupt;
use super::options::{DataArgs, DeviceArgs, ModelChoice, describe_data};
use crate::report::{EpochProgress, RunFolder, note, print, summary_table};
use gpu_cnn::data::Split;
use gpu_cnn::model::{load_weights, weights_of};
use gpu_cnn::{Error, Event, FitOptions, Model, Result, Score, Settings};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// cnn, dnn, or a TOML file
    #[arg(long, default_value = "cnn", value_name = "MODEL")]
    model: String,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Passes over the training images
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    epochs: u64,
    /// Images at a time
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch_size: u32,
    /// Adam's learning rate
    #[arg(long, default_value_t = 0.001, value_name = "RATE", allow_negative_numbers = true, value_parser = super::options::positive)]
    learning_rate: f64,
    /// Seed of the initial weights and the shuffling
    #[arg(long, default_value_t = 9, value_name = "N")]
    seed: u64,
    /// Weights to start from instead of random ones (safetensors)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Take the images in file order
    #[arg(long)]
    no_shuffle: bool,
    /// End each epoch after this many steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    steps_per_epoch: Option<u32>,
    /// Write a line for every step to metrics.jsonl
    #[arg(long)]
    log_steps: bool,
    /// The run's folder [default: runs/<utc time>-<model>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace what an earlier run left in the folder
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let weights = args.weights.as_deref().map(|path| load_weights(path).map(|weights| (weights, path))).transpose()?;
    let choice = ModelChoice::read(&args.model)?;
    if let Some(out) = &args.out {
        RunFolder::check(out, args.overwrite)?;
    }
    let device = args.device.find()?;
    let data = super::source::open(&args.data)?;
    note(&format!("data: {}", describe_data(&data)));

    let sequential = choice.for_data(data.train.image, data.classes)?;
    let layout = sequential.layout()?;
    let start = weights.map(|(weights, path)| weights_of(&weights, &layout, path)).transpose()?;
    let settings =
        Settings { device, batch_size: args.batch_size as usize, learning_rate: args.learning_rate, seed: args.seed };
    let mut model = sequential.compile(&settings)?;
    if let Some(arena) = &start {
        model.set_weights(arena)?;
    }
    print(&summary_table(&sequential.summary()?))?;

    let description = json!({
        "command": "train",
        "settings": {
            "model": args.model,
            "adapter": args.device.adapter,
            "threads": args.device.threads,
            "data": args.data.data,
            "data_dir": args.data.data_dir,
            "epochs": args.epochs,
            "batch_size": args.batch_size,
            "learning_rate": args.learning_rate,
            "shuffle": !args.no_shuffle,
            "steps_per_epoch": args.steps_per_epoch,
            "weights": args.weights,
            "log_steps": args.log_steps,
            "out": args.out,
            "overwrite": args.overwrite,
        },
        "seed": args.seed,
        "device": model.device(),
        "data": {
            "name": data.name,
            "source": data.source,
            "train_images": data.train.len(),
            "test_images": data.test.len(),
            "image": data.train.image,
            "classes": data.classes,
            "sha256": data.sha256,
        },
        "sequential": sequential,
    });
    let stem = PathBuf::from(&args.model).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut folder = RunFolder::create(args.out.as_deref(), &stem, args.overwrite, description)?;
    let options = FitOptions {
        epochs: args.epochs,
        shuffle: !args.no_shuffle,
        steps_per_epoch: args.steps_per_epoch.map(|n| n as usize),
    };
    let outcome = fit(&mut model, &data.train, &options, args.log_steps, &mut folder)
        .and_then(|last| Ok((last, model.score_with(&data.test, &mut || carry_on("while testing"))?)))
        .and_then(|(last, test)| finish(&mut folder, last, test));
    match outcome {
        Ok(figures) => folder.close("done", figures),
        Err(error) => {
            let status = if matches!(error, Error::Interrupted(_)) { "interrupted" } else { "failed" };
            // The first error is the one to report.
            let _ = folder.close(status, json!({ "error": error.to_string() }));
            Err(error)
        }
    }
}

/// Trains epoch by epoch, with progress on stderr, metrics in the folder and weights saved after each; returns the last
/// epoch's score.
fn fit(
    model: &mut Model,
    train: &Split,
    options: &FitOptions,
    log_steps: bool,
    folder: &mut RunFolder,
) -> Result<Score> {
    interrupt::defer();
    let one = FitOptions { epochs: 1, ..options.clone() };
    let mut last = Score::default();
    for epoch in 1..=options.epochs {
        let mut progress = EpochProgress::start(epoch, options.epochs);
        let result = model.fit_with(train, &one, &mut |event| {
            progress.show(event);
            if log_steps || matches!(event, Event::Epoch { .. }) {
                folder.log(&metrics_line(event))?;
            }
            carry_on(&format!("in epoch {epoch}"))
        });
        match result {
            Ok(history) => last = history.epochs[0],
            Err(Error::Interrupted(text)) => {
                save(model, folder)?;
                let (steps, path) = (model.updates(), folder.weights_path());
                let text = format!("{text}; the weights after {steps} steps are in {}", path.display());
                return Err(Error::Interrupted(text));
            }
            Err(error) => return Err(error),
        }
        save(model, folder)?;
    }
    Ok(last)
}

/// An error once the user has asked to stop.
fn carry_on(place: &str) -> Result<()> {
    match interrupt::requested() {
        true => Err(Error::Interrupted(format!("interrupted {place}"))),
        false => Ok(()),
    }
}

/// A step or an epoch as metrics.jsonl has it.
fn metrics_line(event: &Event) -> Value {
    match *event {
        Event::Step { epoch, step, batch: Score { loss, accuracy }, .. } => {
            json!({ "event": "step", "epoch": epoch, "step": step, "loss": loss, "accuracy": accuracy })
        }
        Event::Epoch { epoch, steps, score: Score { loss, accuracy }, elapsed } => {
            let elapsed_secs = elapsed.as_secs_f64();
            json!({
                "event": "epoch",
                "epoch": epoch,
                "steps": steps,
                "loss": loss,
                "accuracy": accuracy,
                "elapsed_secs": elapsed_secs,
                "ms_per_step": elapsed_secs * 1e3 / steps as f64,
            })
        }
    }
}

fn save(model: &mut Model, folder: &RunFolder) -> Result<()> {
    folder.write("model.safetensors", &model.to_safetensors()?)
}

/// Reports the test; returns the figures for run.json.
fn finish(folder: &mut RunFolder, last: Score, test: Score) -> Result<Value> {
    folder.log(&json!({ "event": "test", "loss": test.loss, "accuracy": test.accuracy }))?;
    note(&format!("run folder: {}", folder.path().display()));
    print(&format!("test accuracy: {:.4} - loss: {:.4}\n", test.accuracy, test.loss))?;
    let figures = |score: Score| json!({ "loss": score.loss, "accuracy": score.accuracy });
    Ok(json!({ "last_epoch": figures(last), "test": figures(test) }))
}
