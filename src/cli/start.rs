//! What a run starts with: its model on a device, its data, and its settings as they hold.

use super::job::{check_resumed, is_in_job, one_first, prepare, train_together};
use super::options::{ModelChoice, describe_data, find_device, named_weights};
use super::ran_on::RanOn;
use super::run_request::RunRequest;
use super::trained_on::with_data_of;
use super::weights::load_weights;
use crate::backend::DeviceInfo;
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::data::published::Published;
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use crate::graph::{Graph, ImagesInfo, Initializer, Model, Node, SavedOptimizer, initialize, load_optimizer};
use crate::report::{Found, note};
use crate::trainer::RunConfig;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A run that can begin.
pub(super) struct Start {
    pub(super) trainer: Trainer,
    pub(super) data: Dataset,
    pub(super) config: RunConfig,
    /// The content of run.json that is known before the training.
    pub(super) description: Value,
}

impl Start {
    /// Reads what the settings name, and loads the model with its first weights.
    pub(super) fn new(request: RunRequest) -> Result<Self> {
        super::class_weights::of_other_data(&request).iter().for_each(|warning| note(warning));
        let RunRequest { mut config, model: recorded, is_own_model, .. } = request;
        let mut weights =
            config.weights.clone().map(|path| load_weights(&path).map(|(weights, _)| (weights, path))).transpose()?;
        let choice = match recorded {
            Some(model) => {
                if !is_own_model {
                    note(&format!("note: the model is that of the earlier run; {} is not read", config.model));
                }
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
        if config.from_pytorch && weights.is_none() {
            return Err(Error::Usage("--from-pytorch is for weights of PyTorch; --weights names their file".into()));
        }
        prepare(&mut config);
        let device = find_device(&config)?;
        let data = limited(read_data(&config, &device.info())?, &config);
        super::class_weights::resolve(&mut config, &data)?;
        let (initializers, layout) = (choice.initializers(), choice.layout());
        let model = choice.for_data(data.train.image, data.classes)?;
        let graph = model.graph()?;
        let start = match weights {
            Some((weights, path)) => Some(named_weights(weights, &layout, &graph, &path, config.from_pytorch)?),
            None => {
                graph.check_start()?;
                (!initializers.is_empty())
                    .then(|| initialize(&graph, &initializers, config.seed, &data.train.pixels))
                    .transpose()?
            }
        };
        let saved = config.resume_optimizer.then(|| resume_optimizer(&mut config, &graph)).transpose()?;
        let mut trainer = Trainer::new(model, &device, config.clone())?;
        trainer.set_images_info(images_info(&data))?;
        if let Some(weights) = &start {
            trainer.set_weights(weights)?;
        }
        if let Some(SavedOptimizer { state, updates, .. }) = &saved {
            trainer.set_optimizer_state(state, *updates)?;
        }
        train_together(&mut trainer, &config, &data.sha256)?;
        let mut description = describe(&trainer, device.profile().name, &config, &data, &initializers);
        let state = saved.iter().flat_map(|saved| &saved.state);
        let started_from: Vec<&[u8]> = start.iter().chain(state).map(|values| bytemuck::cast_slice(values)).collect();
        description["start_sha256"] = json!(start.is_some().then(|| sha256_hex(&started_from.concat())));
        Ok(Self { trainer, data, config, description })
    }

    /// The run that was `found`, from where it had come to.
    pub(super) fn resume(config: RunConfig, found: &Found, names_model: bool) -> Result<Self> {
        let Found { checkpoint, file, .. } = found;
        let state = &checkpoint.state;
        config.check_resume(&state.config, &state.progress)?;
        check_resumed(&config)?;
        let device = find_device(&config)?;
        let ran_on = RanOn::now(&device);
        for difference in ran_on.differences(&RanOn::of_checkpoint(state)) {
            note(&format!(
                "warning: {difference}: the results may differ in their last bits from those of a run that was never stopped"
            ));
        }
        let data = read_data(&with_data_of(&state.host["description"], &config), &device.info())?;
        check_data(&state.data, &data)?;
        let data = limited(data, &config);
        if names_model {
            let model = ModelChoice::read(&config.model)?.for_data(data.train.image, data.classes)?;
            check_model(&state.model, &model, &config.model)?;
        }
        let mut trainer = Trainer::resume(checkpoint, &device, config.clone()).map_err(|e| match e {
            Error::Data(text) => Error::data(file, text),
            e => e,
        })?;
        trainer.set_images_info(images_info(&data))?;
        train_together(&mut trainer, &config, &data.sha256)?;
        let description = describe(&trainer, device.profile().name, &config, &data, &[]);
        Ok(Self { trainer, data, config, description })
    }
}

/// What the run's files say of the images.
fn images_info(data: &Dataset) -> ImagesInfo {
    ImagesInfo { class_names: data.class_names.clone(), bright_border: data.train.has_bright_border() }
}

/// The data set, once it and the options without effect are named on stderr.
fn read_data(config: &RunConfig, device: &DeviceInfo) -> Result<Dataset> {
    let data = one_first(|| super::source::open(config))?;
    note(&format!("data: {}", describe_data(&data)));
    let trained_on = config.trained_on(data.train.len())?;
    if trained_on.end < data.train.len() {
        let (first, images) = (trained_on.end, data.train.len());
        note(&format!("validation: the last {} of the {images} training images", images - first));
        if let Some(class) = class_without(&data, first) {
            note(&format!(
                "warning: none of the validation images is of class {class}; the data may be in the order of the classes"
            ));
        }
    }
    let warnings = without_effect(config, device).into_iter().chain(config.warnings(trained_on.len()));
    warnings.for_each(|warning| note(&format!("warning: {warning}")));
    Ok(data)
}

/// The images that are taken where the settings are those of a trial: a few to be learned by heart, or the first batches.
pub(super) fn limited(mut data: Dataset, config: &RunConfig) -> Dataset {
    if let Some(batches) = config.overfit_batches {
        data.train = data.train.first(batches as usize * config.batch_size as usize);
        data.test = data.train.clone();
        note(&format!("overfitting: trained and tested on the first {} training images", data.train.len()));
    }
    if config.max_tested() < data.test.len() {
        data.test = data.test.first(config.max_tested());
    }
    data
}

/// A class of the training images before number `first` that those from there on lack.
fn class_without(data: &Dataset, first: usize) -> Option<String> {
    let (before, after) = data.train.labels.split_at(first);
    let class = (0..=u8::MAX).find(|class| before.contains(class) && !after.contains(class))?;
    Some(data.class_names.get(usize::from(class)).cloned().unwrap_or_else(|| class.to_string()))
}

/// Whether the data are those that the run was trained on.
pub(super) fn check_data(before: &BTreeMap<String, String>, data: &Dataset) -> Result<()> {
    let differs: Vec<String> = before
        .iter()
        .filter(|(name, sha256)| data.sha256.get(*name) != Some(sha256))
        .map(|(name, sha256)| {
            let now = data.sha256.get(name).map_or("not there", String::as_str);
            format!("\n  {name}: sha256 {sha256} in the run, now {now}")
        })
        .collect();
    match differs.is_empty() && before.len() == data.sha256.len() {
        true => Ok(()),
        false => {
            let text = format!("the data are not those of the run:{}", differs.concat());
            Err(Error::Usage(format!("{text}\nhint: --data and --data-dir say where the data are")))
        }
    }
}

/// Whether `model`, of the file or preset `name`, is that of the run.
fn check_model(before: &Model, model: &Model, name: &str) -> Result<()> {
    let (old, new) = (before.graph()?, model.graph()?);
    if old.nodes == new.nodes && old.input == new.input {
        return Ok(());
    }
    let describe = |node: Option<&Node>| {
        let layer = node.map(|node| (&node.name, serde_json::to_string(&node.layer).unwrap_or_default()));
        layer.map_or_else(|| "none".to_owned(), |(name, layer)| format!("`{name}` {layer}"))
    };
    let at = (0..).find(|i| old.nodes.get(*i) != new.nodes.get(*i)).unwrap_or(0);
    let what = if old.input == new.input {
        format!("layer {} is {} in the run, {} there", at + 1, describe(old.nodes.get(at)), describe(new.nodes.get(at)))
    } else {
        format!("the images are {:?} in the run, {:?} there", old.input, new.input)
    };
    Err(Error::Usage(format!("the model is not that of the run: {what}: {name}")))
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
    let other_data = config.data.as_deref().filter(|data| Published::named(data).is_none());
    let found = [
        config
            .threads
            .filter(|_| device.backend != "cpu")
            .map(|_| format!("--threads is for the CPU backend; the device is {}", device.adapter)),
        config
            .data_dir
            .as_ref()
            .and(other_data)
            .map(|data| format!("--data-dir is for published sets such as fashion-mnist; the data set is {data}")),
        (config.fast_reduce && !is_in_job()).then(|| "--fast-reduce is for several ranks".to_owned()),
        (config.sync_bn && config.micro_batch.is_none())
            .then(|| "--sync-bn is for batches in parts (--micro-batch, or several ranks)".to_owned()),
        (config.overwrite && config.out.is_none()).then(|| "--overwrite is for the folder of --out".to_owned()),
    ];
    found.into_iter().flatten().chain(super::source::without_pictures(config)).collect()
}

/// The content of run.json that is known before the training.
fn describe(
    trainer: &Trainer,
    profile: &str,
    config: &RunConfig,
    data: &Dataset,
    initializers: &[(String, Initializer)],
) -> Value {
    json!({
        "command": "train",
        "settings": config,
        "seed": config.seed,
        "device": trainer.device(),
        "profile": profile,
        "data": {
            "name": data.name,
            "source": data.source,
            "train_images": data.train.len(),
            "validation_images": config.trained_on(data.train.len()).map_or(0, |range| data.train.len() - range.end),
            "test_images": data.test.len(),
            "image": data.train.image,
            "classes": data.classes,
            "class_names": data.class_names,
            "sha256": data.sha256,
        },
        "model": trainer.model(),
        "initializers": initializers,
    })
}
