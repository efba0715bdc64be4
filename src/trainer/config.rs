//! The settings of a run, from the command line, a configuration file or `run.json`.

use super::schedule::Schedule;
use crate::error::{Result, usage};
use crate::layers::{Loss, Optimizer, UpdateSettings, in_f32};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// The settings of a run. The same as options of `gpu-cnn train`, as keys of a TOML or JSON file, and as `settings` in `run.json`:
/// each stands here once. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct RunConfig {
    /// cnn (243,786 parameters on Fashion-MNIST), dnn (101,770), lenet5 (61,706), vgg-small (467,818), or a file: TOML, or what Keras's model.to_json() writes
    #[cfg_attr(feature = "cli", arg(long, value_name = "MODEL"))]
    pub model: String,
    /// auto, cpu, vulkan, metal, dx12, gl, or part of an adapter's name
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME"))]
    pub adapter: String,
    /// Threads of the CPU backend [default: one per core]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(RunConfig::THREADS)))]
    pub threads: Option<u16>,
    /// fashion-mnist, synthetic, or a folder with four IDX files [default: fashion-mnist if available, else synthetic]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SET"))]
    pub data: Option<String>,
    /// Folder to search for Fashion-MNIST, and to download it to
    #[cfg_attr(feature = "cli", arg(long, value_name = "DIR"))]
    pub data_dir: Option<PathBuf>,
    /// Passes over the training images
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(RunConfig::EPOCHS)))]
    pub epochs: u64,
    /// Images in a batch
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(RunConfig::BATCH_SIZE)))]
    pub batch_size: u32,
    /// Optimizer with its default settings: sgd, adam, adamw, rmsprop, adagrad, nadam, lion; a file can set its arguments
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME", value_parser = optimizer))]
    #[serde(deserialize_with = "optimizer_or_name")]
    pub optimizer: Optimizer,
    /// Momentum of sgd and rmsprop
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARE", allow_negative_numbers = true))]
    pub momentum: f64,
    /// Nesterov's form of sgd's momentum
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub nesterov: bool,
    /// Share of themselves, times the learning rate, that parameters lose at each update [default: 0, of adamw 0.004]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARE", allow_negative_numbers = true))]
    pub weight_decay: Option<f64>,
    /// Bound of each element of a gradient
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOUND", allow_negative_numbers = true))]
    pub clip_value: Option<f64>,
    /// Loss
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME", value_parser = loss))]
    pub loss: Loss,
    /// Learning rate
    #[cfg_attr(feature = "cli", arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = positive))]
    pub learning_rate: f64,
    /// How the learning rate goes on: constant, step, exponential, cosine, triangular
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME", value_parser = schedule))]
    pub schedule: Schedule,
    /// Updates over which the learning rate rises from zero
    #[cfg_attr(feature = "cli", arg(long, value_name = "STEPS"))]
    pub warmup: u64,
    /// Updates between two decays of the schedules step and exponential [default: an epoch]
    #[cfg_attr(feature = "cli", arg(long, value_name = "STEPS"))]
    pub decay_steps: Option<u64>,
    /// Factor of a decay
    #[cfg_attr(feature = "cli", arg(long, value_name = "FACTOR", allow_negative_numbers = true))]
    pub decay_rate: f64,
    /// Seed of the initial weights and the shuffling
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub seed: u64,
    /// Weights to start from instead of random ones (safetensors)
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub weights: Option<PathBuf>,
    /// Take the images in file order
    #[cfg_attr(feature = "cli", arg(long = "no-shuffle", action = clap::ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = not))]
    pub shuffle: bool,
    /// End each epoch after this many steps [default: all images]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..)))]
    pub steps_per_epoch: Option<u32>,
    /// Write a line for every step to metrics.jsonl
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub log_steps: bool,
    /// The run's folder [default: runs/TIME-MODEL]
    #[cfg_attr(feature = "cli", arg(long, value_name = "DIR"))]
    pub out: Option<PathBuf>,
    /// Replace what an earlier run left in the folder
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub overwrite: bool,
}

impl Default for RunConfig {
    /// The tutorial's CNN: five epochs in batches of 32, Adam with 0.001, seed 0.
    fn default() -> Self {
        Self {
            model: "cnn".into(),
            adapter: "auto".into(),
            threads: None,
            data: None,
            data_dir: None,
            epochs: 5,
            batch_size: 32,
            optimizer: Optimizer::default(),
            momentum: 0.0,
            nesterov: false,
            weight_decay: None,
            clip_value: None,
            loss: Loss::default(),
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            warmup: 0,
            decay_steps: None,
            decay_rate: 0.5,
            seed: 0,
            weights: None,
            shuffle: true,
            steps_per_epoch: None,
            log_steps: false,
            out: None,
            overwrite: false,
        }
    }
}

impl RunConfig {
    /// Threads of the CPU backend.
    pub(crate) const THREADS: RangeInclusive<i64> = 1..=1024;
    /// Images in a batch.
    pub(crate) const BATCH_SIZE: RangeInclusive<i64> = 1..=65_536;
    /// Passes over the training images.
    const EPOCHS: RangeInclusive<u64> = 1..=1_000_000;

    /// Whether the settings of the training are in range, wherever they come from.
    ///
    /// # Errors
    /// The first that is not, with its value.
    pub fn check(&self) -> Result<()> {
        if let Some(threads) = self.threads.filter(|&threads| !Self::THREADS.contains(&threads.into())) {
            return Err(usage!(
                "{threads} threads; there must be {} to {}",
                Self::THREADS.start(),
                Self::THREADS.end()
            ));
        }
        if !Self::EPOCHS.contains(&self.epochs) {
            return Err(usage!(
                "{} epochs; there must be {} to {}",
                self.epochs,
                Self::EPOCHS.start(),
                Self::EPOCHS.end()
            ));
        }
        if !Self::BATCH_SIZE.contains(&self.batch_size.into()) {
            let (min, max) = (Self::BATCH_SIZE.start(), Self::BATCH_SIZE.end());
            return Err(usage!("a batch size of {}; it must be {min} to {max}", self.batch_size));
        }
        if !is_learning_rate(self.learning_rate) {
            return Err(usage!("a learning rate of {:?}; {LEARNING_RATE}", self.learning_rate));
        }
        for path in [&self.weights, &self.data_dir, &self.out].into_iter().flatten() {
            if path.to_str().is_none() {
                return Err(usage!(
                    "a path that is not UTF-8, which run.json cannot hold; rename it: {}",
                    path.display()
                ));
            }
        }
        if self.steps_per_epoch == Some(0) {
            return Err(usage!("0 steps per epoch; there must be at least 1"));
        }
        super::schedule::check(self.decay_rate, self.decay_steps)?;
        self.optimizer.check(&self.update_settings())
    }

    /// What goes with the optimizer.
    pub(crate) fn update_settings(&self) -> UpdateSettings {
        let Self { momentum, nesterov, weight_decay, clip_value, .. } = *self;
        UpdateSettings { momentum, nesterov, weight_decay, clip_value }
    }
}

const LEARNING_RATE: &str = "it must be a positive number that f32 can hold";

fn is_learning_rate(value: f64) -> bool {
    in_f32(value) && value > 0.0
}

#[cfg(feature = "cli")]
fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if is_learning_rate(value) => Ok(value),
        _ => Err(LEARNING_RATE.into()),
    }
}

/// The opposite of a switch.
#[cfg(feature = "cli")]
fn not(text: &str) -> std::result::Result<bool, String> {
    text.parse::<bool>().map(|value| !value).map_err(|_| "it must be true or false".into())
}

#[cfg(feature = "cli")]
fn schedule(name: &str) -> std::result::Result<Schedule, String> {
    Schedule::named(name).ok_or_else(|| format!("it must be {}", Schedule::NAMES.join(", ")))
}

#[cfg(feature = "cli")]
fn loss(name: &str) -> std::result::Result<Loss, String> {
    Loss::named(name).ok_or_else(|| format!("it must be {}", Loss::NAMES.join(", ")))
}

#[cfg(feature = "cli")]
fn optimizer(name: &str) -> std::result::Result<Optimizer, String> {
    Optimizer::named(name).ok_or_else(|| format!("it must be {}", Optimizer::NAMES.join(", ")))
}

/// Reads an optimizer's name, which has the defaults, or a table with its `type` and arguments.
fn optimizer_or_name<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Optimizer, D::Error> {
    struct NameOrTable;

    impl<'de> Visitor<'de> for NameOrTable {
        type Value = Optimizer;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            write!(f, "an optimizer's name ({}), or a table with its `type` and arguments", Optimizer::NAMES.join(", "))
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<Optimizer, E> {
            Optimizer::named(name).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Optimizer, A::Error> {
            Optimizer::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(NameOrTable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_reads_as_it_was_written() {
        let config = RunConfig { epochs: 7, steps_per_epoch: Some(3), shuffle: false, ..RunConfig::default() };
        let json = serde_json::to_string(&config).expect("serialises");
        assert_eq!(serde_json::from_str::<RunConfig>(&json).expect("reads back"), config);
        let toml = "epochs = 7\nshuffle = false\nsteps_per_epoch = 3\n";
        assert_eq!(toml::from_str::<RunConfig>(toml).expect("a file with few settings"), config);
        assert!(toml::from_str::<RunConfig>("epoch = 7\n").is_err(), "a misspelt setting");
        assert_eq!(toml::from_str::<RunConfig>("optimizer = \"adam\"").expect("a name"), RunConfig::default());
        let unknown = toml::from_str::<RunConfig>("optimizer = \"sdg\"").expect_err("no such optimizer").to_string();
        assert!(unknown.contains("sdg") && unknown.contains("adam"), "{unknown}");
        let optimizer =
            toml::from_str::<RunConfig>("[optimizer]\ntype = \"adam\"\nbeta_1 = 0.8\n").expect("Adam").optimizer;
        assert_eq!(optimizer, Optimizer::Adam { beta_1: 0.8, beta_2: 0.999, epsilon: 1e-7 });
    }

    #[test]
    fn settings_out_of_range_are_refused_with_their_values() {
        let refused = |config: RunConfig| config.check().expect_err("out of range").to_string();
        assert!(refused(RunConfig { batch_size: 0, ..RunConfig::default() }).contains("batch size of 0"));
        assert!(refused(RunConfig { epochs: 0, ..RunConfig::default() }).contains("0 epochs"));
        assert!(refused(RunConfig { threads: Some(60_000), ..RunConfig::default() }).contains("60000 threads"));
        assert!(refused(RunConfig { learning_rate: f64::NAN, ..RunConfig::default() }).contains("NaN"));
        assert!(refused(RunConfig { learning_rate: 1e-60, ..RunConfig::default() }).contains("1e-60"));
        assert!(refused(RunConfig { steps_per_epoch: Some(0), ..RunConfig::default() }).contains("steps per epoch"));
        let optimizer = Optimizer::Adam { beta_1: 1.0, beta_2: 0.9, epsilon: 1e-7 };
        assert!(refused(RunConfig { optimizer, ..RunConfig::default() }).contains("beta_1"));
    }
}
