//! `gpu-cnn verify`: whether this program computes on the user's device what it should.

use super::environment;
use super::options::{Format, ModelChoice, find_device};
use super::run_args::{Names, Shared};
use super::verify_targets::{Choice, Target, targets};
use crate::backend::Device;
use crate::blocking::wait;
use crate::error::{Error, Result, usage};
use crate::graph::Model;
use crate::hint::did_you_mean;
use crate::plan::Profile;
use crate::report::{KernelTable, note, print, print_json, wrapped};
use crate::threads;
use crate::verify::{
    Case, Check, FINDINGS, Finding, Forms, batch_invariance, cases, golden_steps, pairs, presets, same_seed,
    usual_model, wide,
};
use serde_json::json;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    shared: Shared<Options>,
    /// A model whose kernels are checked, too: a name or a file, as for `train`
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Every case in full, on every profile with and without wgpu's runtime checks, in place of a few forms of each kernel
    #[arg(long)]
    full: bool,
    /// One case alone, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "full")]
    case: Option<String>,
    /// One profile alone: software, discrete, integrated, large-tiles
    #[arg(long, value_name = "NAME", value_parser = profile)]
    profile: Option<Profile>,
    /// Whether shaders get wgpu's checks of bounds and loops [default: with them, and without on the adapter's own profile]
    #[arg(long, value_name = "BOOL")]
    runtime_checks: Option<bool>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["adapter", "threads"];
}

fn profile(name: &str) -> std::result::Result<Profile, String> {
    let names = || Profile::CHECKED.map(|profile| profile.name).join(", ");
    Profile::named(name).ok_or_else(|| format!("it must be one of {}", names()))
}

/// Threads that cases are checked on, at most: each has a device and its buffers.
const MAX_THREADS: usize = 8;

/// What was found, and what is wrong.
#[derive(Default)]
struct Verification {
    kernels: KernelTable,
    findings: Vec<Finding>,
    /// For each failure, what is wrong and the options that run it alone.
    failures: Vec<(String, String)>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let config = &args.shared.0;
    let device = find_device(config)?;
    let model = args.model.as_deref().map(|name| ModelChoice::read(name)?.without_data()).transpose()?;
    let chosen = Chosen::new(args, model.as_ref(), matches!(device, Device::Cpu { .. }))?;
    let mut found = Verification::default();
    if !chosen.cases.is_empty() {
        found.check_kernels(args, &device, &chosen)?;
    }
    for name in &chosen.findings {
        found.check_training(args, name, &device, model.as_ref())?;
    }
    let seconds = started.elapsed().as_secs_f64();
    found.report(args, &device, seconds)
}

/// What is checked.
struct Chosen {
    cases: Vec<Case>,
    findings: Vec<&'static str>,
    /// Whether every dispatch of each case is, or each form of each kernel once.
    whole: bool,
}

impl Chosen {
    fn new(args: &Args, model: Option<&Model>, is_cpu: bool) -> Result<Self> {
        const MODEL_BATCH: usize = 8;
        let of_model = model.map(|model| Case::new(MODEL, MODEL_BATCH, model.clone()));
        let all = || cases().into_iter().chain(wide()).chain(presets());
        let Some(name) = &args.case else {
            let cases: Vec<Case> = match args.full {
                true => all().chain(of_model).collect(),
                false if is_cpu => all().chain(of_model).collect(),
                false => of_model.into_iter().chain(cases()).collect(),
            };
            return Ok(Self { cases, findings: FINDINGS.to_vec(), whole: args.full });
        };
        let findings: Vec<&'static str> = FINDINGS.into_iter().filter(|finding| finding == name).collect();
        let cases: Vec<Case> = all().chain(of_model).filter(|case| case.name == name).collect();
        if findings.is_empty() && cases.is_empty() {
            let known: Vec<&str> = all().map(|case| case.name).chain(FINDINGS).collect();
            let needs_model = if name == MODEL { "; --model names the model" } else { "" };
            return Err(usage!("no case `{name}`{}{needs_model}", did_you_mean(name, known)));
        }
        Ok(Self { cases, findings, whole: true })
    }
}

/// The name of the case that is the user's model.
const MODEL: &str = "the model";

impl Verification {
    /// Checks cases on several threads at once, as most of the time goes into compiling shaders.
    fn check_kernels(&mut self, args: &Args, device: &Device, chosen: &Chosen) -> Result<()> {
        let mut forms = Forms::default();
        let Args { profile, runtime_checks, full, ref case, .. } = *args;
        let choice = Choice { profile, runtime_checks, full, alone: case.is_some() };
        let targets = targets(device, &choice)?;
        let mut jobs = Vec::new();
        for target in &targets {
            for case in &chosen.cases {
                let ids = target.ids(case, chosen.whole || case.name == MODEL, &mut forms)?;
                if !ids.is_empty() {
                    jobs.push((target, case, ids));
                }
            }
        }
        let threads = threads::cores().min(MAX_THREADS);
        let checked = threads::map(threads, &jobs, |(target, case, ids)| target.check(case, ids))?;
        for ((target, case, _), checks) in jobs.iter().zip(checked) {
            let mut fail = |what: String| {
                let text = format!("{}, case \"{}\": {what}", target.describe(), case.name);
                let model = model_option(args);
                self.failures.push((text, format!("{model} --case \"{}\"{}", case.name, target.options())));
            };
            match checks {
                Ok(checks) => checks.iter().for_each(|check| {
                    self.kernels.add(case.name, check);
                    if !check.holds() {
                        let Check { kernel, label, buffer, error, bound, .. } = check;
                        fail(format!("kernel {kernel}: `{label}` into `{buffer}`: {error:.1e} over {bound:.0e}"));
                    }
                }),
                Err(error) => fail(error.to_string()),
            }
        }
        let checked: Vec<String> = targets.iter().map(Target::describe).collect();
        note(&format!("checked: {}", checked.join("; ")));
        Ok(())
    }

    fn check_training(&mut self, args: &Args, name: &str, device: &Device, model: Option<&Model>) -> Result<()> {
        let model = model.cloned().map_or_else(usual_model, Ok)?;
        let finding = match name {
            "golden steps" => wait(golden_steps(device)),
            "same seed twice" => wait(same_seed(device, &model)),
            "batch invariance" => wait(batch_invariance(device, &model)),
            _ => wait(pairs(device, &model)),
        }?;
        if !finding.holds {
            let alone = format!("{} --case \"{name}\"", model_option(args));
            self.failures.push((format!("{name}: {}", finding.detail), alone));
        }
        self.findings.push(finding);
        Ok(())
    }

    fn report(&self, args: &Args, device: &Device, seconds: f64) -> Result<()> {
        let (kernels, outputs) = self.kernels.counts();
        let adapter = device.info().adapter;
        match args.format {
            Format::Json => {
                let findings = self
                    .findings
                    .iter()
                    .map(|Finding { name, holds, detail }| json!({ "name": name, "holds": holds, "detail": detail }));
                let failures =
                    self.failures.iter().map(|(what, alone)| json!({ "what": what, "alone": command(args, alone) }));
                print_json(&json!({
                    "device": device.info(), "seconds": seconds, "kernels": self.kernels,
                    "training": findings.collect::<Vec<_>>(), "failures": failures.collect::<Vec<_>>(),
                }))?;
            }
            Format::Text => {
                let of_kernels =
                    if kernels > 0 { self.kernels.text(environment::columns()) + "\n" } else { String::new() };
                let of_training: String = self.findings.iter().map(|f| format!("{}: {}\n", f.name, f.detail)).collect();
                print(&(of_kernels + &wrapped(&of_training, environment::columns())))?;
            }
        }
        match self.failures.first() {
            None => {
                let of_kernels = if kernels > 0 {
                    format!("{outputs} outputs of {kernels} kernels hold on ")
                } else {
                    String::new()
                };
                note(&format!("verified in {seconds:.1} s: {of_kernels}{adapter}"));
                Ok(())
            }
            Some((what, alone)) => Err(Error::Disagreement(format!(
                "{} of what was checked on {adapter} does not hold; the first:\n{what}\nalone: {}",
                self.failures.len(),
                command(args, alone)
            ))),
        }
    }
}

/// The option that names the model, if one was given.
fn model_option(args: &Args) -> String {
    args.model.as_ref().map(|model| format!(" --model \"{model}\"")).unwrap_or_default()
}

/// The command with these options, on the same device.
fn command(args: &Args, options: &str) -> String {
    format!("gpu-cnn verify --adapter \"{}\"{options}", args.shared.0.adapter)
}
