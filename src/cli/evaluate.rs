//! `gpu-cnn evaluate`

use super::options::{
    Described, Format, TrainedArgs, describe_data, described, find_device, named_weights, weights_path,
};
use super::run_args::{Names, Shared};
use super::source::{open_for, without_pictures};
use super::trained_on::{changed_files, note_views, run_of, settings_of, trained_on, with_loss_of};
use super::weights::load_weights;
use super::{environment, job};
use crate::backend::DeviceInfo;
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Layout;
use crate::report::{RUN, beside, evaluation_table, note, print, print_json};
use crate::trainer::{ClassScore, Evaluation, Ratios, RunConfig, Tta};
use serde_json::{Value, json};
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    trained: TrainedArgs,
    #[command(flatten)]
    shared: Shared<Options>,
    /// Report how often the right class is among the K most probable [default: 5 of more than five classes]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..))]
    top_k: Option<u16>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &[
        "adapter",
        "threads",
        "data",
        "data_dir",
        "image_size",
        "color_mode",
        "test_split",
        "split_seed",
        "batch_size",
        "only_classes",
        "loss",
        "from_logits",
        "label_smoothing",
        "tta",
    ];
}

pub(super) fn run(args: &Args) -> Result<()> {
    let TrainedArgs { run_or_file, model, from_pytorch } = &args.trained;
    let path = weights_path(run_or_file)?;
    let (weights, checkpoint) = load_weights(&path)?;
    let asked: &RunConfig = &args.shared.0;
    let run = run_of(&path, checkpoint)?;
    let config = if asked.data.is_some() { asked.clone() } else { trained_on(&run, asked) };
    let config = with_loss_of(&run, config, &args.shared.1).map_err(|e| match run.is_null() {
        true => e,
        false => Error::Usage(format!("{e}, with the settings of {}", beside(&path, RUN).display())),
    })?;
    let device = find_device(&config)?;
    // The run's own pictures are read as the run did.
    let other = weights.model.as_ref().filter(|_| asked.data.is_some());
    let input = other.map(|model| model.graph().map(|graph| graph.input)).transpose()?;
    without_pictures(asked).iter().for_each(|warning| note(&format!("warning: {warning}")));
    let data = job::one_first(|| open_for(&config, input))?;
    let (model, layout) = match described(model.as_deref(), &weights, &path)? {
        Described::By(choice) => {
            let layout = choice.layout();
            (choice.for_data(data.test.image, data.classes)?, layout)
        }
        Described::Model(model) => (model, Layout::default()),
    };
    note(&format!("data: {}", describe_data(&data)));
    let tta = config.views();
    note_views(tta);
    let trial = settings_of(&run).filter(|_| asked.data.is_none());
    let tested = trial.and_then(|run| match (run.overfit_batches, run.limit_batches) {
        (Some(_), _) => Some("the few images that it was trained on; these are the test images"),
        (None, Some(_)) => Some("a part of the test images; these are all"),
        _ => None,
    });
    tested.iter().for_each(|images| note(&format!("note: the run was tested on {images}, {}", data.test.len())));
    changed_files(&run, &data).iter().for_each(|warning| note(warning));
    let graph = model.graph()?;
    let top_k = match (args.top_k.map(usize::from), graph.classes()) {
        (Some(k), classes) if k >= classes => {
            return Err(Error::Usage(format!("--top-k {k} of {classes} classes; every class is among them")));
        }
        (None, classes) => (classes > 5).then_some(5),
        (k, _) => k,
    };
    let weights = named_weights(weights, &layout, &graph, &path, *from_pytorch)?;
    let mut trainer = Trainer::new(model, &device, config.clone())?;
    trainer.set_weights(&weights)?;
    job::evaluate_together(&mut trainer, &config, &data.sha256)?;
    let evaluation = trainer.evaluate(&data.test)?;
    match args.format {
        Format::Text => print(&evaluation_table(&evaluation, &data.class_names, top_k, environment::columns())),
        Format::Json => print_json(&as_json(&evaluation, &data, &path, trainer.device(), tta, top_k)),
    }
}

fn as_json(
    evaluation: &Evaluation,
    data: &Dataset,
    path: &Path,
    device: &DeviceInfo,
    tta: Option<Tta>,
    top_k: Option<usize>,
) -> Value {
    let class = |(i, class): (usize, &ClassScore)| {
        let Ratios { precision, recall, f1 } = class.ratios();
        json!({
            "class": i,
            "name": data.class_names.get(i),
            "images": class.images,
            "correct": class.correct,
            "predicted": class.predicted,
            "accuracy": class.accuracy(),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        })
    };
    json!({
        "weights": path.display().to_string(),
        "data": data.name,
        "device": device,
        "images": data.test.len(),
        "tta": tta,
        "loss": evaluation.score.loss,
        "accuracy": evaluation.score.accuracy,
        "top_k": top_k.map(|k| json!({ "k": k, "accuracy": evaluation.top_k(k) })),
        "macro_average": evaluation.macro_average(),
        "confusion_matrix": evaluation.confusion,
        "classes": evaluation.classes.iter().enumerate().map(class).collect::<Vec<_>>(),
    })
}
