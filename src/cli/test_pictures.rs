//! What a trained model makes of the test images, as figures of its report.

use super::environment::device_request;
use crate::blocking::{find_device, wait};
use crate::data::{Dataset, Split};
use crate::error::Result;
use crate::graph::Graph;
use crate::report::{Picture, Test, class_names, feature_maps, filters, mistakes};
use crate::trainer::{Evaluation, layer_outputs};

/// Images whose feature maps are shown.
const IMAGES: usize = 3;

/// The evaluation of `graph` with `weights` over the test images of `data`, with pictures.
pub(super) fn describe_test(graph: &Graph, weights: &[f32], data: &Dataset, evaluation: Evaluation) -> Result<Test> {
    let names = class_names(&data.class_names, graph.classes());
    let test = &data.test;
    let of_image = |i: usize| Picture::of_image(test.image, test.pixels_of(i));
    let mut pictures: Vec<_> = mistakes(&evaluation.mistakes, &names, &of_image).into_iter().collect();
    pictures.extend(filters(graph, weights));
    let shown = images_of_a_class(test);
    if let Some(first) = shown.first() {
        let pixels: Vec<u8> = shown.iter().flat_map(|i| test.pixels_of(*i)).copied().collect();
        // Three images are too few for any other device to be worth its start.
        let device = find_device(&device_request("cpu", 0)?)?.device;
        let outputs = wait(layer_outputs(graph, weights, &device, &pixels))?;
        let images: Vec<_> = shown.iter().map(|i| of_image(*i)).collect();
        pictures.extend(feature_maps(graph, &outputs, &images, &names[usize::from(test.labels[*first])]));
    }
    Ok(Test { evaluation, names, pictures })
}

/// The first images of the class of the first image.
fn images_of_a_class(test: &Split) -> Vec<usize> {
    let class = test.labels.first();
    (0..test.len()).filter(|i| test.labels.get(*i) == class).take(IMAGES).collect()
}
