//! `gpu-cnn export --check`: what an ONNX file predicts, by ONNX's definitions, and what the model does.

use super::environment::device_request;
use super::options::Trained;
use crate::blocking::{Trainer, find_device};
use crate::data::synthetic;
use crate::error::{Error, Result};
use crate::graph::ImagesInfo;
use crate::onnx::{Network, Precision};
use crate::report::print;
use crate::trainer::RunConfig;
use std::path::Path;

/// Images that are compared.
const IMAGES: usize = 32;
/// By how much probabilities may differ, more where single precision itself does.
const TOLERANCE: f64 = 1e-5;
/// How often the difference of single precision from double.
const TIMES: f64 = 10.0;

/// Compares what the file of these bytes predicts with what the model does, and prints the largest difference; `output` is used in messages only.
///
/// # Errors
/// [`Error::Disagreement`] if they differ, or the file cannot be read.
pub(super) fn check(bytes: &[u8], trained: &Trained, output: &Path) -> Result<()> {
    let Trained { model, graph, weights, images: ImagesInfo { class_names, .. }, .. } = trained;
    let wrong = |what: String| Error::Disagreement(format!("{what}; nothing was written: {}", output.display()));
    let unreadable = |e: Error| wrong(format!("the ONNX file cannot be read again: {e}"));
    let network = Network::parse(bytes).map_err(unreadable)?;
    if network.class_names != *class_names {
        return Err(wrong(format!(
            "the ONNX file names the classes {:?}, the model {class_names:?}",
            network.class_names
        )));
    }
    let images = images(graph.input);
    let expected = {
        let (loss, from_logits) = graph.loss_of_end();
        let config = RunConfig { loss, from_logits, batch_size: 8, ..RunConfig::default() };
        let device = find_device(&device_request("cpu", 0)?)?.device;
        let mut trainer = Trainer::new(model.clone(), &device, config).map_err(|e| {
            Error::Usage(format!("--check cannot compare: this program cannot predict by the model: {e}"))
        })?;
        trainer.set_weights(weights)?;
        trainer.predict(&images)?
    };
    let expected: Vec<Vec<f64>> = expected.iter().map(|row| row.iter().map(|p| f64::from(*p)).collect()).collect();
    let double = network.predict(&images, Precision::Double).map_err(unreadable)?;
    let (difference, image, class) = largest_difference(&double, &expected);
    let holds = difference <= TOLERANCE || {
        let single = network.predict(&images, Precision::Single).map_err(unreadable)?;
        difference <= TIMES * largest_difference(&single, &double).0
    };
    match holds {
        true => print(&format!("check: {IMAGES} images, largest difference {difference:.1e}\n")),
        false => Err(wrong(format!(
            "the ONNX file predicts {:.6} where the model predicts {:.6}, for output {class} of image {image} of the check, a difference of \
             {difference:.1e}; at most {TOLERANCE:.0e} is due to rounding",
            double[image][class], expected[image][class]
        ))),
    }
}

/// The largest difference, with its row and column; one that is not a number is the largest.
fn largest_difference(found: &[Vec<f64>], expected: &[Vec<f64>]) -> (f64, usize, usize) {
    let rows = found.iter().zip(expected).enumerate();
    let all = rows.flat_map(|(i, (found, expected))| {
        let columns = found.iter().zip(expected).enumerate();
        columns.map(move |(j, (found, expected))| ((found - expected).abs(), i, j))
    });
    let larger = |a: (f64, usize, usize), b: (f64, usize, usize)| if a.0.is_nan() || a.0 >= b.0 { a } else { b };
    all.reduce(larger).unwrap_or((0.0, 0, 0))
}

/// Images of [height, width, channels]: drawn garments, brought to the size, and noise of rising contrast.
fn images([height, width, channels]: [usize; 3]) -> Vec<u8> {
    let drawn = synthetic::generate(synthetic::DEFAULT_SEED, [0, IMAGES]).test;
    let mut pixels = Vec::with_capacity(IMAGES * height * width * channels);
    let mut noise = 1u32;
    for image in 0..IMAGES {
        let garment = drawn.pixels_of(image);
        let is_noise = image % 4 == 3;
        for (y, x, c) in (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| (y, x, c)))) {
            let [from_y, from_x] = [y * synthetic::SIZE / height, x * synthetic::SIZE / width];
            let level = u32::from(garment[from_y * synthetic::SIZE + from_x]);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            pixels.push(match is_noise {
                true => ((noise >> 24) * (image as u32 + 1) / IMAGES as u32) as u8,
                // Channels that differ.
                false => (level * (4 - (c as u32 + image as u32) % 3) / 4) as u8,
            });
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Preset;
    use crate::onnx::{OPSET, to_onnx};

    #[test]
    fn the_largest_difference_is_found_and_nan_is_one() {
        let rows = |a: f64, b: f64| vec![vec![0.0, 0.5], vec![a, b]];
        assert_eq!(largest_difference(&rows(0.25, 1.0), &rows(0.5, 1.0)), (0.25, 1, 0));
        let (difference, image, class) = largest_difference(&rows(0.25, f64::NAN), &rows(0.5, 1.0));
        assert!(difference.is_nan() && (image, class) == (1, 1));
    }

    #[test]
    fn images_have_every_shape_and_differ() {
        for shape in [[28, 28, 1], [1, 1, 1], [5, 40, 3]] {
            let len: usize = shape.iter().product();
            let images = images(shape);
            assert_eq!(images.len(), IMAGES * len);
            assert!(len == 1 || images[..len] != images[len..2 * len], "{shape:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_the_models_is_a_disagreement() {
        let model = Preset::Dnn.build([8, 8, 1], 3);
        let graph = model.graph().expect("its layers fit");
        let (weights, class_names) = (graph.initial_weights(1), vec!["a".to_owned()]);
        let file = |weights: &[f32], names: &[String]| to_onnx(&graph, weights, names, OPSET).expect("a file");
        let [good, unnamed] = [&class_names[..], &[]].map(|names| file(&weights, names));
        let mut other = weights.clone();
        other[0] += 0.5;
        let other = file(&other, &class_names);
        let (graph, path) = (graph.clone(), "weights".into());
        let images = ImagesInfo { class_names, ..ImagesInfo::default() };
        let trained = Trained { model, graph, weights, images, path, checkpoint: None };
        let found =
            |bytes: &[u8]| check(bytes, &trained, Path::new("x.onnx")).map_err(|e| (e.exit_code(), e.to_string()));
        found(&good).expect("it is the model's");
        for (bytes, words) in [
            (&other[..], ["where the model predicts", "at most 1e-5 is due to rounding; nothing was written: x.onnx"]),
            (&unnamed, ["names the classes []", "[\"a\"]; nothing was written"]),
            (&good[..good.len() / 2], ["cannot be read again", "nothing was written: x.onnx"]),
        ] {
            let (code, message) = found(bytes).expect_err("it is not");
            assert!(code == 1 && words.iter().all(|word| message.contains(word)), "{code}: {message}");
        }
    }
}
