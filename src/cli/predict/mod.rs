//! `gpu-cnn predict`: the classes of one's own pictures.

mod invert;
mod outcome;
mod pictures;

use super::options::{Trained, TrainedArgs, find_device, read_trained};
use super::run_args::{Names, Shared};
use super::trained_on::{note_views, run_of, settings_of};
use super::{environment, job};
use crate::blocking::Trainer;
use crate::error::{Error, Result, count_of, usage};
use crate::graph::Graph;
use crate::ranks;
use crate::report::{
    CountProgress, Guess, Predicted, PredictionFormat, PredictionHead, PredictionWriter, detail, note, printable,
};
use crate::threads;
use crate::trainer::RunConfig;
use clap::ValueEnum;
use invert::{Inverter, When};
use outcome::{Decoded, Outcome, outcomes};
use pictures::{Found, Source, find};
use std::ops::Range;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    trained: TrainedArgs,
    /// Pictures (PNG, JPEG, WebP, BMP, GIF, PPM), folders with pictures, or - for one picture on standard input
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    #[command(flatten)]
    shared: Shared<Options>,
    /// Invert bright and dark: auto does so to grey pictures with a bright border if the training images have a dark one, and the other way round
    #[arg(long, value_enum, value_name = "WHEN", num_args = 0..=1, default_missing_value = "yes", default_value_t)]
    invert: When,
    /// Print the K most probable classes of each picture [default: 3, or all of fewer]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..))]
    top_k: Option<u16>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["adapter", "threads", "batch_size", "tta"];
}

/// How predictions are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table
    #[default]
    #[value(alias = "text")]
    Table,
    /// One JSON document
    Json,
    /// A line for each picture, with a header
    Csv,
    /// A JSON object for each picture, each on a line of its own
    Jsonl,
}

/// Classes that are printed unless more or fewer are asked for.
const USUAL_TOP_K: usize = 3;
/// Pictures that are decoded while the device works on as many, at least, unless their pixels are more bytes than that.
const MIN_CHUNK: usize = 32;
const CHUNK_BYTES: usize = 16 << 20;

pub(super) fn run(args: &Args) -> Result<()> {
    let Trained { model, graph, weights, images, path, checkpoint } = read_trained(&args.trained)?;
    if !matches!(graph.input[2], 1 | 3) {
        return Err(usage!(
            "the model takes images of {} channels; pictures have one channel or three",
            graph.input[2]
        ));
    }
    let top_k = top_k(args.top_k.map(usize::from), &graph)?;
    let found = find(&args.images)?;
    let asked: &RunConfig = &args.shared.0;
    let (loss, from_logits) = graph.loss_of_end();
    let is_given = args.shared.1.contains(&"tta");
    let tta = if is_given { asked.tta } else { settings_of(&run_of(&path, checkpoint)?).and_then(|run| run.tta) };
    let config = RunConfig { loss, from_logits, tta, ..asked.clone() };
    let device = find_device(&config)?;
    let tta = config.views();
    let mut trainer = Trainer::new(model, &device, config.clone())?;
    trainer.set_weights(&weights)?;
    let paths: Vec<&Path> = found.sources.iter().map(Source::path).collect();
    job::predict_together(&mut trainer, &config, &paths, &format!("{:?}", args.invert))?;
    note(&description(&found, &graph, images.class_names.is_empty()));
    note_views(tta);
    let head = PredictionHead {
        weights: path.display().to_string(),
        device: serde_json::to_value(trainer.device()).unwrap_or_default(),
        image: graph.input,
        classes: graph.classes(),
        class_names: images.class_names,
        top_k,
    };
    let writer =
        PredictionWriter::new(args.format.into(), head, found.sources.iter().map(Source::path), environment::columns());
    let progress = CountProgress::new("pictures", found.sources.len(), environment::may_redraw());
    let inverter = Inverter::new(args.invert, graph.input, images.bright_border);
    let is_single = found.sources.len() == 1 && found.failed == 0;
    let is_shared = !is_single && found.sources.iter().all(|source| matches!(source, Source::File(_)));
    let predictor = Predictor { trainer, inverter, writer, progress, is_single, is_shared, failed: found.failed };
    predictor.run(&found, asked.threads.map_or(0, usize::from))
}

/// How many classes are printed.
fn top_k(asked: Option<usize>, graph: &Graph) -> Result<usize> {
    match (asked, graph.classes()) {
        (Some(k), classes) if k > classes => Err(usage!("--top-k {k}; the model has {classes} classes")),
        (asked, classes) => Ok(asked.unwrap_or(USUAL_TOP_K).min(classes)),
    }
}

/// A line about what is predicted.
fn description(found: &Found, graph: &Graph, is_nameless: bool) -> String {
    let [height, width, channels] = graph.input;
    let pictures = count_of(found.sources.len(), "picture");
    let kind = if channels == 1 { "grey" } else { "colour" };
    let names = if is_nameless { ", whose names the weights file does not have" } else { "" };
    format!("predict: {pictures}, as {kind} images of {height}x{width}, {} classes{names}", graph.classes())
}

/// What the predictions need.
struct Predictor {
    trainer: Trainer,
    inverter: Inverter,
    writer: PredictionWriter,
    progress: CountProgress,
    /// Whether there is but one picture, of which nothing is left if it is skipped.
    is_single: bool,
    /// Whether each rank takes some of the pictures.
    is_shared: bool,
    /// Pictures that could not be read.
    failed: usize,
}

impl Predictor {
    /// Which of `count` pictures are this rank's; standard input is rank 0's alone.
    fn share(&self, count: usize) -> Range<usize> {
        match self.is_shared {
            true => ranks::share(count, job::rank(), job::size()),
            false => 0..if job::follows() { 0 } else { count },
        }
    }

    /// While the device works on some pictures, the next are decoded by `threads` threads; 0 means one per core.
    fn run(mut self, found: &Found, threads: usize) -> Result<()> {
        let image = self.trainer.graph().input;
        let image_len = image.iter().product::<usize>();
        let batch = self.trainer.session.plan.batch;
        let chunk = batch.max(MIN_CHUNK.min(CHUNK_BYTES / image_len.max(1)));
        let pool = threads::pool(threads)?;
        let inverter = self.inverter.clone();
        let decode = |source: &Source| source.pixels(image).map(|pixels| inverter.apply(pixels));
        let mut chunks = found.sources.chunks(chunk * job::size());
        let mut current: &[Source] = &[];
        let mut decoded: Vec<Decoded> = Vec::new();
        loop {
            let next = chunks.next().unwrap_or_default();
            let own = [current, next].map(|sources| &sources[self.share(sources.len())]);
            let (decoded_next, of_current) = threads::map_beside(pool.as_ref(), own[1], decode, || {
                outcomes(&mut self.trainer, own[0], std::mem::take(&mut decoded), self.is_single)
            });
            let of_current = job::gather_outcomes(of_current?)?;
            // Whoever read the output has gone.
            if !job::all(self.write(current, of_current)?)? {
                return Ok(());
            }
            if next.is_empty() {
                break;
            }
            (current, decoded) = (next, decoded_next);
        }
        self.finish(found)
    }

    /// Prints what became of `sources`; whether anybody still reads it.
    fn write(&mut self, sources: &[Source], outcomes: Vec<Outcome>) -> Result<bool> {
        if sources.is_empty() {
            return Ok(true);
        }
        let mut all = Vec::with_capacity(sources.len());
        for (source, outcome) in sources.iter().zip(outcomes) {
            let (row, inverted): (Vec<f32>, _) = match outcome {
                Outcome::Row(bits, inverted) => (bits.into_iter().map(f32::from_bits).collect(), inverted),
                Outcome::Skipped(error) => {
                    self.skip(&error);
                    continue;
                }
            };
            self.inverter.count(inverted, source.path());
            all.push(Predicted { path: source.path(), is_inverted: inverted.is_inverted(), guesses: guesses(&row) });
        }
        let (writer, progress) = (&mut self.writer, &mut self.progress);
        let is_read = progress.beside(|| writer.write(&all))?;
        progress.advance(sources.len());
        Ok(is_read)
    }

    fn skip(&mut self, error: &str) {
        self.failed += 1;
        self.progress.beside(|| note(&format!("warning: skipped: {}", printable(error))));
    }

    /// The end of the output, what `auto` decided, and an error if any picture was skipped.
    fn finish(mut self, found: &Found) -> Result<()> {
        self.progress.finish();
        self.writer.finish(self.failed)?;
        if let Some(text) = self.inverter.summary() {
            note(&text);
        }
        if found.ignored > 0 {
            detail(|| format!("ignored {} other files in the folders", found.ignored));
        }
        job::end_together();
        match self.failed {
            0 => Ok(()),
            1 => Err(Error::Data("one picture or folder was skipped; see the warning".to_owned())),
            failed => Err(Error::Data(format!("{failed} pictures or folders were skipped; see the warnings"))),
        }
    }
}

/// Classes and their probabilities, the most probable first. One output is the probability of class 1 of two.
fn guesses(row: &[f32]) -> Vec<Guess> {
    let of_two = row.first().map(|p| [1.0 - p, *p]);
    let probabilities = match (row, &of_two) {
        ([_], Some(both)) => &both[..],
        _ => row,
    };
    let mut all: Vec<Guess> = probabilities
        .iter()
        .enumerate()
        .map(|(class, probability)| Guess { class, probability: *probability })
        .collect();
    all.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    all
}

impl From<Format> for PredictionFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Csv => Self::Csv,
            Format::Jsonl => Self::JsonLines,
        }
    }
}
