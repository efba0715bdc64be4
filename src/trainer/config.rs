//! The settings of a run, from the command line, a configuration file or `run.json`.

use super::checkpoint_every::CheckpointEvery;
use super::config_text::optimizer_or_name;
#[cfg(feature = "cli")]
use super::config_text::{loss, not, on_nan, optimizer, positive, scaling, schedule};
use super::max_time::MaxTime;
use super::schedule::{Scaling, Schedule};
use super::tta::Tta;
use crate::data::{ColorMode, ImageSize, ReadOptions};
use crate::layers::{Augment, ClassWeights, Loss, OnNan, Optimizer};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The settings of a run. The same as options of `gpu-cnn train`, as keys of a TOML or JSON file, and as `settings` in `run.json`:
/// each stands here once. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct RunConfig {
    /// cnn (243,786 parameters on Fashion-MNIST), dnn (101,770), lenet5 (61,706), vgg-small (467,818), resnet-small (176,090), mobilenet-small (38,346), or a file: TOML, what Keras's model.to_json() writes, .keras, or .h5
    #[cfg_attr(feature = "cli", arg(long, value_name = "MODEL"))]
    pub model: String,
    /// auto, cpu, vulkan, metal, dx12, gl, or part of an adapter's name; #1 after it is the second of equal adapters, and of several ranks {rank} and {local_rank} become numbers
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME"))]
    pub adapter: String,
    /// Threads of the CPU backend [default: one per core]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(RunConfig::THREADS)))]
    pub threads: Option<u16>,
    /// fashion-mnist, mnist, kmnist, cifar10, synthetic, a folder of pictures (CLASS/*.png, or train/CLASS/*.png and test/CLASS/*.png), a folder with IDX files or CIFAR-10's binary ones, or an .npz file [default: fashion-mnist if available, else synthetic]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SET"))]
    pub data: Option<String>,
    /// Folder to search for a published set such as Fashion-MNIST, and to download it to
    #[cfg_attr(feature = "cli", arg(long, value_name = "DIR"))]
    pub data_dir: Option<PathBuf>,
    /// What pictures are resized to, such as 64x64 [default: their size, if all have one]
    #[cfg_attr(feature = "cli", arg(long, value_name = "HEIGHTxWIDTH"))]
    pub image_size: Option<ImageSize>,
    /// Channels of pictures: grayscale or rgb [default: grayscale if no picture has a colour]
    #[cfg_attr(feature = "cli", arg(long, value_name = "MODE"))]
    pub color_mode: Option<ColorMode>,
    /// Share of pictures that are held out as test images where there is no folder of them
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARE", allow_negative_numbers = true))]
    pub test_split: f64,
    /// Seed of the choice of those
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub split_seed: u64,
    /// Classes whose images are taken, in the order of their new numbers, such as 2,6
    #[cfg_attr(feature = "cli", arg(long, value_name = "CLASSES", value_delimiter = ','))]
    pub only_classes: Option<Vec<u8>>,
    /// Share of the training images, the last ones, that are not trained on but tell loss and accuracy after each epoch, such as 0.1
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARE", allow_negative_numbers = true))]
    pub validation_split: Option<f64>,
    /// The same as a number of images
    #[cfg_attr(feature = "cli", arg(long, value_name = "IMAGES"))]
    pub validation: Option<u64>,
    /// Passes over the training images
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(RunConfig::EPOCHS)))]
    pub epochs: u64,
    /// Images in a batch
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(RunConfig::BATCH_SIZE)))]
    pub batch_size: u32,
    /// Images of a part of a batch: gradients are those of parts, one after the other or on several ranks, added in an order that does not depend on who computes which [default: the whole batch; on ranks an eighth of it, or the least share above that divides it]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(RunConfig::BATCH_SIZE)))]
    pub micro_batch: Option<u32>,
    /// Batch normalisation takes the statistics of a batch over all its parts [default: of each part]
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub sync_bn: bool,
    /// Cut a batch into as many parts as there are ranks, or the next number that divides it: faster than eight small parts, and another number of ranks trains other bits
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub fast_reduce: bool,
    /// Batches whose gradients make one update
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(RunConfig::ACCUMULATE)))]
    pub accumulate: u32,
    /// Optimizer with its default settings: sgd, adam, adamw, rmsprop, adagrad, nadam, lion, muon; a file can set its arguments
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
    /// Bound of the norm of all gradients together (Keras's global_clipnorm)
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOUND", allow_negative_numbers = true))]
    pub clip_norm: Option<f64>,
    /// Decay of a moving average of the parameters, which evaluation takes and which is saved
    #[cfg_attr(feature = "cli", arg(long, value_name = "DECAY", allow_negative_numbers = true))]
    pub ema: Option<f64>,
    /// Where the loss or a gradient is infinite or NaN: stop, or skip the update and go on
    #[cfg_attr(feature = "cli", arg(long, value_name = "WHAT", value_parser = on_nan))]
    pub on_nan: OnNan,
    /// Loss: sparse_categorical_crossentropy, or binary_crossentropy for one output and two classes
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME", value_parser = loss))]
    pub loss: Loss,
    /// Whether the model ends in logits, without softmax or sigmoid
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub from_logits: bool,
    /// Share of a label's certainty that is spread over all classes
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARE", allow_negative_numbers = true))]
    pub label_smoothing: f64,
    /// Factors of the training loss of some classes, such as 0=1.5,3=0.2
    #[cfg_attr(feature = "cli", arg(long, value_name = "WEIGHTS"))]
    pub class_weight: Option<ClassWeights>,
    /// What is changed in the training images, at random for each image and epoch, such as flip,crop2: none, flip, random-flip, cropPIXELS, shiftSHARE, rotateDEGREES, zoomSHARE, brightnessSHARE, cutoutPIXELS
    #[cfg_attr(feature = "cli", arg(long, value_name = "LIST", value_parser = Augment::parse))]
    pub augment: Option<Augment>,
    /// Where those factors come from: none; balanced, the rarer a class the larger; or a file with a list, or a table from class or its name to factor
    #[cfg_attr(feature = "cli", arg(long, value_name = "none|balanced|FILE"))]
    pub class_weights: Option<String>,
    /// Learning rate
    #[cfg_attr(feature = "cli", arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = positive))]
    pub learning_rate: f64,
    /// How the learning rate grows with the images of an update, from 32 on: none, linear, sqrt
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME", value_parser = scaling))]
    pub learning_rate_scaling: Scaling,
    /// How the learning rate goes on: constant, step, exponential, cosine, triangular, plateau
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME", value_parser = schedule))]
    pub schedule: Schedule,
    /// Updates over which the learning rate rises from zero
    #[cfg_attr(feature = "cli", arg(long, value_name = "STEPS"))]
    pub warmup: u64,
    /// Updates between two decays of the schedules step and exponential [default: an epoch]
    #[cfg_attr(feature = "cli", arg(long, value_name = "STEPS"))]
    pub decay_steps: Option<u64>,
    /// Factor of a decay [default: 0.5]
    #[cfg_attr(feature = "cli", arg(long, value_name = "FACTOR", allow_negative_numbers = true))]
    pub decay_rate: Option<f64>,
    /// Factor of the learning rate after a plateau of the loss [default: 0.1]
    #[cfg_attr(feature = "cli", arg(long, value_name = "FACTOR", allow_negative_numbers = true))]
    pub plateau_factor: Option<f64>,
    /// Epochs without an improvement that are a plateau [default: 10]
    #[cfg_attr(feature = "cli", arg(long, value_name = "EPOCHS"))]
    pub plateau_patience: Option<u64>,
    /// What the loss has to fall by to count as improved [default: 0.0001]
    #[cfg_attr(feature = "cli", arg(long, value_name = "LOSS", allow_negative_numbers = true))]
    pub plateau_min_delta: Option<f64>,
    /// Epochs after a reduction that do not count [default: 0]
    #[cfg_attr(feature = "cli", arg(long, value_name = "EPOCHS"))]
    pub plateau_cooldown: Option<u64>,
    /// The lowest learning rate that a plateau leads to [default: 0]
    #[cfg_attr(feature = "cli", arg(long, value_name = "RATE", allow_negative_numbers = true))]
    pub plateau_min_rate: Option<f64>,
    /// Seed of the initial weights and the shuffling
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub seed: u64,
    /// Weights to start from instead of random ones: safetensors, or Keras's .keras, .weights.h5 or .h5
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub weights: Option<PathBuf>,
    /// The weights are PyTorch's: names such as features.0.weight, output channels first
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub from_pytorch: bool,
    /// Go on with the optimizer of the .keras file that the weights are from: its kind, learning rate and state
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub resume_optimizer: bool,
    /// Take the images in file order
    #[cfg_attr(feature = "cli", arg(long = "no-shuffle", action = clap::ArgAction::Set, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = not))]
    pub shuffle: bool,
    /// End each epoch after this many steps [default: all images]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..)))]
    pub steps_per_epoch: Option<u32>,
    /// When a checkpoint is written: every N steps, epochs or minutes, such as 100steps
    #[cfg_attr(feature = "cli", arg(long, value_name = "N[steps|epochs|minutes]", value_parser = CheckpointEvery::parse))]
    pub checkpoint_every: CheckpointEvery,
    /// Checkpoints that are kept, the last ones; beside them that of the best epoch
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(RunConfig::KEEP)))]
    pub keep: u32,
    /// End the training after so many epochs without a lower loss, of the validation images where there are any, and take the weights of the best one
    #[cfg_attr(feature = "cli", arg(long, value_name = "EPOCHS"))]
    pub early_stopping: Option<u64>,
    /// End the training after this time, such as 60s, 5m or 1.5h
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME", value_parser = MaxTime::parse))]
    pub max_time: Option<MaxTime>,
    /// Take at most so many batches of the training images in an epoch, of the validation images and of the test images
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub limit_batches: Option<u32>,
    /// Train and test on the first N batches of the training images alone, whose loss has to come near zero
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub overfit_batches: Option<u32>,
    /// Average the probabilities of the test images over views of each: none, flip, or flip+shift, by a pixel
    #[cfg_attr(feature = "cli", arg(long, value_name = "VIEWS", value_parser = Tta::parse))]
    pub tta: Option<Tta>,
    /// Write a line for every step to metrics.jsonl
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub log_steps: bool,
    /// Write TensorBoard's event files into the run's folder, under tensorboard
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true))]
    pub tensorboard: bool,
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
            image_size: None,
            color_mode: None,
            test_split: ReadOptions::TEST_SPLIT,
            split_seed: 0,
            only_classes: None,
            validation_split: None,
            validation: None,
            epochs: 5,
            batch_size: 32,
            micro_batch: None,
            sync_bn: false,
            fast_reduce: false,
            accumulate: 1,
            optimizer: Optimizer::default(),
            momentum: 0.0,
            nesterov: false,
            weight_decay: None,
            clip_value: None,
            clip_norm: None,
            ema: None,
            on_nan: OnNan::default(),
            loss: Loss::default(),
            from_logits: false,
            label_smoothing: 0.0,
            class_weight: None,
            augment: None,
            class_weights: None,
            learning_rate: 1e-3,
            learning_rate_scaling: Scaling::None,
            schedule: Schedule::Constant,
            warmup: 0,
            decay_steps: None,
            decay_rate: None,
            plateau_factor: None,
            plateau_patience: None,
            plateau_min_delta: None,
            plateau_cooldown: None,
            plateau_min_rate: None,
            seed: 0,
            weights: None,
            from_pytorch: false,
            resume_optimizer: false,
            shuffle: true,
            steps_per_epoch: None,
            early_stopping: None,
            max_time: None,
            limit_batches: None,
            overfit_batches: None,
            tta: None,
            checkpoint_every: CheckpointEvery::default(),
            keep: 1,
            log_steps: false,
            tensorboard: false,
            out: None,
            overwrite: false,
        }
    }
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
        assert_eq!(optimizer, Optimizer::Adam(crate::layers::Moments { beta_1: 0.8, beta_2: 0.999, epsilon: 1e-7 }));
    }
}
