//! What whole trainings on a device have to hold: Keras's losses, the same bits for the same seed, and probabilities that do not depend on
//! the batch.

use crate::backend::Device;
use crate::data::{Split, synthetic};
use crate::error::{Error, Result};
use crate::graph::{Graph, Model, Sequential};
use crate::layers::AnyLayer;
use crate::trainer::{Event, RunConfig, Trainer};
use safetensors::tensor::SafeTensors;
use serde_json::Value;

/// What a check of a whole training came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is about, one of [`FINDINGS`].
    pub name: &'static str,
    /// Whether it is as it has to be.
    pub holds: bool,
    /// A sentence with the figures.
    pub detail: String,
}

/// The names of the checks.
pub const FINDINGS: [&str; 4] = ["golden steps", "same seed twice", "batch invariance", "launches in pairs"];

/// Steps that are compared with Keras's.
const STEPS: usize = 20;
/// Differences of a probability between batches of different sizes, whose kernels add up in different orders, that are rounding.
const ROUNDING: f32 = 1e-5;

/// A run of Keras, and the weights that it began with.
const GOLDEN: &str = include_str!("../../assets/golden/cnn_small/golden.json");
const GOLDEN_WEIGHTS: &[u8] = include_bytes!("../../assets/golden/cnn_small/init.safetensors");

fn golden() -> Result<(Value, Model)> {
    let damaged = |e: serde_json::Error| Error::Data(format!("the built-in trajectory of Keras: {e}"));
    let golden: Value = serde_json::from_str(GOLDEN).map_err(damaged)?;
    let layer = |value: &Value| {
        let mut arguments = value[1].clone();
        arguments["type"] = value[0].clone();
        serde_json::from_value::<AnyLayer>(arguments)
    };
    let layers = golden["layers"].as_array().into_iter().flatten().map(layer).collect::<Result<_, _>>();
    let model = Sequential { input: [28, 28, 1], layers: layers.map_err(damaged)? };
    Ok((golden, model.into()))
}

/// The weights that Keras began with, laid out as [`Graph::weights`] says.
fn golden_weights(graph: &Graph) -> Result<Vec<f32>> {
    let damaged = |e: safetensors::SafeTensorError| Error::Data(format!("the built-in weights of Keras: {e}"));
    let file = SafeTensors::deserialize(GOLDEN_WEIGHTS).map_err(damaged)?;
    let mut weights = vec![0.0; graph.weights_len()];
    for (tensor, range) in graph.weights() {
        let view = file.tensor(&tensor.name).map_err(damaged)?;
        let (words, _) = view.data().as_chunks::<4>();
        weights[range].iter_mut().zip(words).for_each(|(weight, bytes)| *weight = f32::from_le_bytes(*bytes));
    }
    Ok(weights)
}

/// The model that the checks take where none is given: the small CNN of the built-in trajectory.
///
/// # Errors
/// Never, unless the program is damaged.
pub fn usual_model() -> Result<Model> {
    golden().map(|(_, model)| model)
}

/// Trains from Keras's weights on Keras's batches: the losses are Keras's, as closely as its single precision follows its double
/// precision, times ten.
///
/// # Errors
/// If the model cannot be loaded, or the device is lost.
pub async fn golden_steps(device: &Device) -> Result<Finding> {
    let (golden, model) = golden()?;
    let losses =
        |name: &str| -> Vec<f64> { golden[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
    let (single, double) = (losses("loss"), losses("loss_f64"));
    let data = synthetic::generate(7, [STEPS * 32, 1]);
    let config = RunConfig { epochs: 1, shuffle: false, ..RunConfig::default() };
    let mut trainer = Trainer::new(model, device, config).await?;
    trainer.set_weights(&golden_weights(trainer.graph())?)?;
    let found = step_losses(&mut trainer, &data.train).await?;
    let (mut spread, mut farthest, mut wrong) = (0.0f64, 0.0f64, None);
    for (i, ((loss, single), double)) in found.iter().zip(&single).zip(&double).enumerate() {
        spread = spread.max((single - double).abs());
        let (distance, bound) = ((loss - single).abs(), (10.0 * spread).max(1e-4 * single));
        farthest = farthest.max(distance);
        // Written so that a NaN is wrong.
        let holds = distance <= bound;
        if !holds && wrong.is_none() {
            wrong = Some(format!("the loss of step {} is {loss}, Keras's is {single}", i + 1));
        }
    }
    let holds = wrong.is_none() && found.len() == STEPS;
    let detail = wrong.unwrap_or_else(|| format!("{} losses, at most {farthest:.0e} from Keras's", found.len()));
    Ok(Finding { name: FINDINGS[0], holds, detail })
}

/// Trains `model` twice from one seed: losses and weights have the same bits.
///
/// # Errors
/// As [`golden_steps`].
pub async fn same_seed(device: &Device, model: &Model) -> Result<Finding> {
    let data = images_for(model, STEPS * 8)?;
    let mut runs = Vec::new();
    for _ in 0..2 {
        let config = RunConfig { epochs: 2, batch_size: 8, ..RunConfig::default() };
        let mut trainer = Trainer::new(model.clone(), device, config).await?;
        let losses = step_losses(&mut trainer, &data).await?;
        let weights = trainer.weights().await?;
        runs.push((losses, weights));
    }
    let [first, second] = [&runs[0], &runs[1]];
    let step = first.0.iter().zip(&second.0).position(|(a, b)| a.to_bits() != b.to_bits());
    let weights = first.1.iter().zip(&second.1).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    let detail = match step {
        Some(step) => format!("the loss of step {} is {} and {}", step + 1, first.0[step], second.0[step]),
        None if weights > 0 => format!("{weights} of {} weights differ", first.1.len()),
        None => format!("{} steps, the same losses and weights to the bit", first.0.len()),
    };
    Ok(Finding { name: FINDINGS[1], holds: step.is_none() && weights == 0, detail })
}

/// Predicts images alone, in other batches and at other places of a batch. At another place the bits have to be the same; in batches
/// of another size, for which other kernels or sums may be chosen, the numbers but for rounding.
///
/// # Errors
/// As [`golden_steps`].
pub async fn batch_invariance(device: &Device, model: &Model) -> Result<Finding> {
    const IMAGES: usize = 40;
    let data = images_for(model, IMAGES)?;
    let image_len = data.image_len();
    let mut rotated = data.pixels.clone();
    // By an odd number of images: each has another place and other neighbours, and another is in the short batch at the end.
    rotated.rotate_left(7 * image_len);
    let (mut usual, mut differ, mut holds) = (None, Vec::new(), true);
    for batch_size in [32, 1, 7] {
        let mut trainer = Trainer::new(model.clone(), device, RunConfig { batch_size, ..RunConfig::default() }).await?;
        let rows = trainer.predict(&data.pixels).await?;
        let mut moved = trainer.predict(&rotated).await?;
        moved.rotate_right(7);
        if let Some(image) = (0..IMAGES).find(|i| bits(&rows[*i]) != bits(&moved[*i])) {
            holds = false;
            differ.push(format!("image {image} at another place of a batch of {batch_size}"));
        }
        let usual = usual.get_or_insert_with(|| rows.clone());
        let distances = rows.iter().flatten().zip(usual.iter().flatten()).map(|(a, b)| (a - b).abs());
        let distance = distances
            .fold(0.0f32, |worst, distance| if distance.is_nan() { f32::INFINITY } else { worst.max(distance) });
        if distance > 0.0 {
            holds &= distance <= ROUNDING;
            differ.push(format!("by {distance:.0e} between batches of 32 and of {batch_size}"));
        }
    }
    let detail = match differ.is_empty() {
        true => format!("{IMAGES} images have the same probabilities in batches of 32, 7 and 1, to the bit"),
        false => format!("probabilities differ: {}", differ.join("; ")),
    };
    Ok(Finding { name: FINDINGS[2], holds, detail })
}

fn bits(row: &[f32]) -> Vec<u32> {
    row.iter().map(|value| value.to_bits()).collect()
}

/// Images that `model` takes.
fn images_for(model: &Model, count: usize) -> Result<Split> {
    let (graph, split) = (model.graph()?, synthetic::generate(7, [count, 1]).train);
    let (image, classes) = (graph.input, graph.classes());
    let len: usize = image.iter().product();
    let pixels = split.pixels.iter().copied().cycle().take(count * len).collect();
    let labels = split.labels.iter().map(|label| (usize::from(*label) % classes) as u8).collect();
    Ok(Split { image, pixels, labels })
}

/// Trains to the end; the loss of each step.
async fn step_losses(trainer: &mut Trainer, data: &Split) -> Result<Vec<f64>> {
    let mut fit = trainer.fit(data)?;
    let mut losses = Vec::new();
    while let Some(event) = fit.next(trainer).await? {
        if let Event::Step { batch, .. } = event {
            losses.push(batch.loss);
        }
    }
    Ok(losses)
}
