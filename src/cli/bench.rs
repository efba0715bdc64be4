//! `gpu-cnn bench`

use super::environment::{self, device_request};
use super::options::ModelChoice;
use super::probe;
use super::run_args::{Names, Shared};
use crate::backend::{Device, DeviceInfo, gpu};
use crate::bench::{BenchOptions, Benched, disagreement};
use crate::blocking;
use crate::error::{Error, Result};
use crate::files;
use crate::graph::Model;
use crate::report::{BenchReport, Probe, note, print};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An adapter, as for `train`; several times for several [default: every adapter found]
    #[arg(long, value_name = "NAME", env = "GPU_CNN_ADAPTER", hide_env = true)]
    adapter: Vec<String>,
    #[command(flatten)]
    shared: Shared<Options>,
    /// Steps of a round
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Rounds; in each, the devices train one after the other, then again in the reverse order
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Steps before the first round, not timed
    #[arg(long, default_value_t = 5, value_name = "N")]
    warmup: u32,
    /// Time every dispatch, and measure what each device can do at best
    #[arg(long)]
    kernels: bool,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    export_json: Option<PathBuf>,
    /// Write the table as Markdown
    #[arg(long, value_name = "FILE")]
    export_markdown: Option<PathBuf>,
    /// Write the table as CSV
    #[arg(long, value_name = "FILE")]
    export_csv: Option<PathBuf>,
    /// Train one step on the one adapter named, and report on this process (what `bench` starts to time a first step)
    #[arg(long, hide = true)]
    probe: bool,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["model", "threads", "batch_size"];
}

/// Images of the presets.
const DEFAULT_INPUT: [usize; 3] = [28, 28, 1];
const DEFAULT_CLASSES: usize = 10;

pub(super) fn run(args: &Args) -> Result<()> {
    let model = model_of(&args.shared.0.model)?;
    if args.probe {
        let name = args.adapter.first().map_or("auto", String::as_str);
        let device = find(name, args)?;
        return probe::answer(model, &device, (*args.shared.0).clone());
    }
    let exports = [&args.export_json, &args.export_markdown, &args.export_csv];
    exports.into_iter().flatten().try_for_each(|path| writable(path))?;
    let devices = devices(args)?;
    let options = BenchOptions {
        batch_size: args.shared.0.batch_size as usize,
        steps: args.steps as usize,
        rounds: args.rounds as usize,
        warmup: args.warmup as usize,
        kernels: args.kernels,
        skip_failing: args.adapter.is_empty(),
    };
    let results = blocking::bench(&model, &devices, &options, &mut note)?;
    let probes = results.iter().map(|result| probe_of(args, result)).collect();
    let report = BenchReport { model: args.shared.0.model.clone(), options, results, probes };
    print(&report.text(environment::columns()))?;
    let texts = [report.json()?, report.markdown(), report.csv()];
    // All are tried before the first failure is reported.
    let written = exports.into_iter().zip(texts).filter_map(|(path, text)| Some((path.as_ref()?, text)));
    let written: Vec<Result<()>> =
        written.map(|(path, text)| files::write(path, text.as_bytes()).map_err(|e| Error::output(path, e))).collect();
    written.into_iter().collect::<Result<()>>()?;
    match disagreement(&report.results) {
        Some(text) => Err(Error::Disagreement(text)),
        None if report.results.len() > 1 => print("losses: the devices agree\n"),
        None => Ok(()),
    }
}

fn model_of(name: &str) -> Result<Model> {
    match ModelChoice::read(name)? {
        ModelChoice::Preset(preset) => Ok(preset.build(DEFAULT_INPUT, DEFAULT_CLASSES)),
        ModelChoice::File(file, _) => {
            let input = file.input_or(DEFAULT_INPUT);
            file.build(input)
        }
    }
}

fn threads(args: &Args) -> usize {
    args.shared.0.threads.map_or(0, usize::from)
}

/// The device of this name.
fn find(name: &str, args: &Args) -> Result<Device> {
    let found = blocking::find_device(&device_request(name, threads(args))?)?;
    found.passed.iter().chain(found.notice.iter().filter(|_| name == "cpu")).for_each(|notice| note(notice));
    Ok(found.device)
}

/// The named devices, or all, each once; the CPU last.
fn devices(args: &Args) -> Result<Vec<Device>> {
    let request = device_request("auto", threads(args))?;
    let mut devices: Vec<Device> = match args.adapter.is_empty() {
        true => {
            let (adapters, passed) = blocking::wait(gpu::usable(&request))?;
            passed.iter().for_each(|reason| note(&format!("note: {reason}; it is left out")));
            adapters.into_iter().map(Device::Gpu).collect()
        }
        false => args.adapter.iter().map(|name| find(name, args)).collect::<Result<_>>()?,
    };
    devices.retain(|device| matches!(device, Device::Gpu(_)));
    let all = args.adapter.is_empty();
    let mut known: Vec<DeviceInfo> = Vec::new();
    devices.retain(|device| {
        let info = device.info();
        // Of all, an adapter that several backends show is taken once, by the best, which comes first; two cards of one
        // name stay. Of those named, each once.
        let is_known = known.iter().any(|s| s.adapter == info.adapter && (s.backend != info.backend) == all);
        known.push(info);
        !is_known
    });
    if devices.is_empty() && all {
        note("note: no adapter: the CPU backend alone");
    }
    devices.push(find("cpu", args)?);
    Ok(devices)
}

/// Times a first step and takes the memory of a process of its own; without them where that fails.
fn probe_of(args: &Args, result: &Benched) -> Probe {
    let name = if result.info.backend == "cpu" { "cpu" } else { result.info.adapter.as_str() };
    note(&format!("first step on {name}"));
    let mut arguments: Vec<String> =
        ["bench", "--probe", "--adapter", name, "--model", &args.shared.0.model, "--batch-size"]
            .map(String::from)
            .to_vec();
    arguments.push(args.shared.0.batch_size.to_string());
    arguments.extend(args.shared.0.threads.iter().flat_map(|n| ["--threads".to_owned(), n.to_string()]));
    let backend = (result.info.backend != "cpu").then_some(result.info.backend.as_str());
    probe::ask(&arguments, backend).unwrap_or_else(|error| {
        note(&format!("warning: no time of a first step on {name}: {error}"));
        Probe::default()
    })
}

/// Whether a file can be written there, before the measuring; sweeps what a killed bench left beside it.
fn writable(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Error::output(path, "it is a folder"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Error::output(path, "there is no such folder"));
    }
    files::sweep(folder);
    files::check(path).map_err(|e| Error::output(path, e))
}
