//! `gpu-cnn train`

use super::options::{ModelChoice, describe_data, find_device, named_weights};
use super::run_args::{RunArgs, RunRequest};
use super::{environment, interrupt};
use crate::backend::DeviceInfo;
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{Graph, Initializer, SavedOptimizer, initialize, load_optimizer, load_weights};
use crate::report::{EpochProgress, RunFolder, note, print, summary_table};
use crate::trainer::{Event, Flow, RunConfig, Score};
use serde_json::{Value, json};
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(args: Args) -> Result<()> {
    let RunRequest { mut config, model: recorded } = args.run.0?;
    let mut weights =
        config.weights.clone().map(|path| load_weights(&path).map(|weights| (weights, path))).transpose()?;
    let choice = match recorded {
        Some(model) => {
            note(&format!("note: the model is that of the earlier run; {} is not read", config.model));
            ModelChoice::File(model, config.model.clone())
        }
        None => ModelChoice::read(&config.model)?,
    };
    if weights.is_none()
        && let Some((own, path)) = choice.weights()
    {
        note(&format!("note: training goes on from the weights in {}", path.display()));
        config.weights = Some(path.clone());
        weights = Some((own, path));
    }
    if let Some(out) = &config.out {
        RunFolder::check(out, config.overwrite)?;
    }
    let device = find_device(&config)?;
    let data = super::source::open(&config)?;
    note(&format!("data: {}", describe_data(&data)));
    let warnings = without_effect(&config, &device.info()).into_iter().chain(config.warnings(data.train.len()));
    warnings.for_each(|warning| note(&format!("warning: {warning}")));

    let (initializers, layout) = (choice.initializers(), choice.layout());
    let model = choice.for_data(data.train.image, data.classes)?;
    let graph = model.graph()?;
    let start = match weights {
        Some((weights, path)) => Some(named_weights(weights, &layout, &graph, &path, config.from_pytorch)?),
        None => {
            graph.check_start()?;
            (!initializers.is_empty()).then(|| initialize(&graph, &initializers, config.seed))
        }
    };
    let saved = config.resume_optimizer.then(|| resume_optimizer(&mut config, &graph)).transpose()?;
    let config = &config;
    let mut trainer = Trainer::new(model, &device, config.clone())?;
    if let Some(weights) = &start {
        trainer.set_weights(weights)?;
    }
    if let Some(SavedOptimizer { state, updates, .. }) = &saved {
        trainer.set_optimizer_state(state, *updates)?;
    }
    print(&summary_table(&trainer.model().summary()?, environment::columns()))?;

    let stem = Path::new(&config.model).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let description = describe(&trainer, config, &data, &initializers);
    let mut folder = RunFolder::create(config.out.as_deref(), &stem, config.overwrite, description)?;
    let outcome = fit(&mut trainer, &data, config, &mut folder)
        .and_then(|last| {
            let observer = &mut || check_interrupted("while testing");
            Ok((last, trainer.evaluate_with(&data.test, observer)?.score))
        })
        .and_then(|(last, test)| finish(&mut folder, last, test).map(|figures| (figures, test)));
    match outcome {
        Ok((figures, test)) => {
            note(&format!("run folder: {}", folder.path().display()));
            // Before what may fail without harm.
            folder.close("done", figures)?;
            print(&format!("test accuracy: {:.4} - loss: {:.4}\n", test.accuracy, test.loss))
        }
        Err(error) => {
            let status = if matches!(error, Error::Interrupted(_)) { "interrupted" } else { "failed" };
            // The first error is the one to report.
            if folder.is_earlier_run() {
                note(&format!("note: {} is still that of the earlier run", folder.path().display()));
            }
            let _ = folder.close(status, json!({ "error": error.to_string() }));
            Err(error)
        }
    }
}

/// The optimizer of the file that the weights are from; `config` takes its arguments.
fn resume_optimizer(config: &mut RunConfig, graph: &Graph) -> Result<SavedOptimizer> {
    let Some(path) = &config.weights else {
        let text = "--resume-optimizer takes a .keras file, as --weights or as --model; there is none";
        return Err(Error::Usage(text.into()));
    };
    let saved = load_optimizer(path, graph)?;
    let SavedOptimizer { optimizer, update, learning_rate, updates, .. } = saved;
    note(&format!("note: {} goes on after {updates} updates, with learning rate {learning_rate:.6}", optimizer.name()));
    let arguments = |config: &RunConfig| (config.optimizer, config.learning_rate, config.update_settings());
    let asked = arguments(config);
    let usual = RunConfig { accumulate: config.accumulate, ema: config.ema, ..RunConfig::default() };
    (config.optimizer, config.learning_rate) = (optimizer, learning_rate);
    (config.momentum, config.nesterov) = (update.momentum, update.nesterov);
    (config.weight_decay, config.clip_value, config.clip_norm) =
        (update.weight_decay, update.clip_value, update.clip_norm);
    if ![arguments(config), arguments(&usual)].contains(&asked) {
        note(
            "warning: the optimizer, its arguments and the learning rate are the file's, not those that were asked for",
        );
    }
    config.check()?;
    Ok(saved)
}

/// A sentence for each option that has no effect beside the others; see also [`RunConfig::warnings`].
fn without_effect(config: &RunConfig, device: &DeviceInfo) -> Vec<String> {
    let other_data = config.data.as_deref().filter(|data| *data != "fashion-mnist");
    let found = [
        config
            .threads
            .filter(|_| device.backend != "cpu")
            .map(|_| format!("--threads is for the CPU backend; the device is {}", device.adapter)),
        config
            .data_dir
            .as_ref()
            .and(other_data)
            .map(|data| format!("--data-dir is for fashion-mnist; the data set is {data}")),
        (config.overwrite && config.out.is_none()).then(|| "--overwrite is for the folder of --out".to_owned()),
    ];
    found.into_iter().flatten().collect()
}

/// The content of run.json that is known before the training.
fn describe(trainer: &Trainer, config: &RunConfig, data: &Dataset, initializers: &[(String, Initializer)]) -> Value {
    json!({
        "command": "train",
        "settings": config,
        "seed": config.seed,
        "device": trainer.device(),
        "data": {
            "name": data.name,
            "source": data.source,
            "train_images": data.train.len(),
            "test_images": data.test.len(),
            "image": data.train.image,
            "classes": data.classes,
            "sha256": data.sha256,
        },
        "model": trainer.model(),
        "initializers": initializers,
    })
}

/// Trains with progress on stderr, metrics in the folder and weights saved after each epoch and on an interrupt; returns the
/// last epoch's score.
fn fit(trainer: &mut Trainer, data: &Dataset, config: &RunConfig, folder: &mut RunFolder) -> Result<Option<Score>> {
    interrupt::defer();
    let mut progress = EpochProgress::new(config.epochs, environment::may_redraw());
    let history = trainer.fit_with(&data.train, &mut |trainer, event| {
        progress.show(event);
        let (Event::Step { epoch, .. } | Event::Epoch { epoch, .. }) = *event;
        let ends_epoch = matches!(event, Event::Epoch { .. });
        if config.log_steps || ends_epoch {
            folder.log(&metrics_line(event))?;
        }
        let interrupted = check_interrupted(&format!("in epoch {epoch}"));
        if ends_epoch || interrupted.is_err() {
            folder.write_weights(&trainer.to_safetensors()?)?;
        }
        interrupted.map(|()| Flow::Continue).map_err(|error| {
            let (updates, path) = (trainer.progress().updates, folder.weights_path());
            Error::Interrupted(format!("{error}; the weights after {updates} steps are in {}", path.display()))
        })
    })?;
    Ok(history.epochs.last().copied())
}

/// An error once the user has asked to stop.
fn check_interrupted(place: &str) -> Result<()> {
    match interrupt::requested() {
        true => Err(Error::Interrupted(format!("interrupted {place}"))),
        false => Ok(()),
    }
}

/// A step or an epoch as metrics.jsonl has it.
fn metrics_line(event: &Event) -> Value {
    match *event {
        Event::Step { epoch, step, batch: Score { loss, accuracy }, learning_rate, .. } => json!({
            "event": "step",
            "epoch": epoch,
            "step": step,
            "loss": loss,
            "accuracy": accuracy,
            "learning_rate": learning_rate,
        }),
        Event::Epoch { epoch, steps, score: Score { loss, accuracy }, learning_rate, elapsed } => {
            let elapsed_secs = elapsed.as_secs_f64();
            json!({
                "event": "epoch",
                "epoch": epoch,
                "steps": steps,
                "loss": loss,
                "accuracy": accuracy,
                "learning_rate": learning_rate,
                "elapsed_secs": elapsed_secs,
                "ms_per_step": elapsed_secs * 1e3 / steps as f64,
            })
        }
    }
}

/// Logs the test; returns the figures for run.json.
fn finish(folder: &mut RunFolder, last: Option<Score>, test: Score) -> Result<Value> {
    folder.log(&json!({ "event": "test", "loss": test.loss, "accuracy": test.accuracy }))?;
    let figures = |score: Score| json!({ "loss": score.loss, "accuracy": score.accuracy });
    Ok(json!({ "last_epoch": last.map(figures), "test": figures(test) }))
}
