//! Cases of layers that normalize images by given numbers or change them in training: first, behind a fused pool and behind a ReLU.

use super::case::{Case, case, images};
use crate::graph::Sequential;
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::{
    AnyLayer, Augment, Axes, Conv2D, Dense, FillMode, Flatten, FlipMode, Interpolation, MaxPooling2D, Normalization,
    RandomBrightness, RandomContrast, RandomFlip, RandomRotation, RandomTranslation, RandomZoom, Rescaling,
};

pub(super) fn augmentations() -> Vec<Case> {
    normalizations()
        .into_iter()
        .chain(of_training())
        .chain(flips())
        .chain(translations())
        .chain(rotations())
        .chain(zooms())
        .chain(adjustments())
        .collect()
}

/// Four layers: the first takes the images, the second the output of a fused pool, the last two that of a ReLU.
fn model(channels: usize, [first, pooled, last, end]: [AnyLayer; 4]) -> Sequential {
    images(8, 7, 1)
        .add(first)
        .add(Conv2D::new(channels, 2).activation(Relu))
        .add(MaxPooling2D::new([1, 2]))
        .add(pooled)
        .add(Conv2D::new(channels, [1, 2]).activation(Relu))
        .add(last)
        .add(end)
        .add(Flatten {})
        .add(Dense::new(3).activation(Softmax))
}

/// What training changes before the first layer: bytes that are moved, and pixels between bytes; in one and in three channels, in a batch that is
/// no multiple of four bytes.
fn of_training() -> Vec<Case> {
    let of = |name, size: [usize; 3], list: &str| {
        let [h, w, c] = size;
        let model = images(h, w, c)
            .add(Conv2D::new(4, 2).activation(Relu))
            .add(Flatten {})
            .add(Dense::new(3).activation(Softmax));
        let augment = Augment::parse(list).unwrap_or_default();
        Case { augment, ..case(name, 5, model) }
    };
    vec![
        of("augmentation, moved bytes", [7, 9, 1], "flip,crop3,cutout4"),
        of("augmentation, moved bytes of colours", [8, 5, 3], "random-flip,crop2,brightness0.3,cutout3"),
        of("augmentation, between pixels", [9, 7, 1], "random-flip,shift0.2,rotate170,zoom0.5,brightness0.4"),
        of("augmentation, between pixels of colours", [6, 5, 3], "flip,crop1,shift0.3,rotate20,zoom0.2,cutout2"),
    ]
}

fn normalizations() -> Vec<Case> {
    let whole = |axis| Normalization { axis, ..Normalization::new(0.3, 0.04) };
    let inverted = |axis: i64| Normalization { invert: true, axis: Axes::One(axis), ..Normalization::new(0.1, 0.64) };
    let of_channels = |n: usize| {
        let mean: Vec<f64> = (0..n).map(|c| 0.1 * c as f64 - 0.2).collect();
        let variance: Vec<f64> = (0..n).map(|c| 0.3 + 0.2 * c as f64).collect();
        let numbers = |all: Vec<f64>| crate::layers::Numbers::Several(all.into_iter().map(Into::into).collect());
        Normalization::new(numbers(mean), numbers(variance))
    };
    let layers = |n: usize| -> [AnyLayer; 4] {
        let first = Normalization::new([0.5 * 255.0], [0.09 * 255.0 * 255.0]);
        [first.into(), of_channels(n).into(), inverted(3).into(), whole(Axes::Several(Vec::new())).into()]
    };
    let adapted = |invert, axis| AnyLayer::from(Normalization { invert, axis, ..Normalization::adapted() });
    let of_state = || -> [AnyLayer; 4] {
        let first = Normalization::new([0.5 * 255.0], [0.09 * 255.0 * 255.0]);
        let [none, last] = [Axes::Several(Vec::new()), Axes::One(-1)];
        [first.into(), adapted(false, last.clone()), adapted(true, last), adapted(true, none)]
    };
    vec![
        case("Normalization by state, channels that divide by four", 3, model(4, of_state())),
        case("Normalization by state, odd channels", 2, model(5, of_state())),
        case("Normalization, channels that divide by four", 3, model(4, layers(4))),
        case("Normalization, odd channels", 2, model(5, layers(5))),
    ]
}

fn flips() -> Vec<Case> {
    let layers = || -> [AnyLayer; 4] {
        [
            RandomFlip::new(FlipMode::Horizontal).into(),
            RandomFlip::default().into(),
            RandomFlip::new(FlipMode::Vertical).into(),
            RandomFlip::new(FlipMode::Horizontal).into(),
        ]
    };
    vec![
        case("RandomFlip, channels that divide by four", 5, model(4, layers())),
        case("RandomFlip, odd channels", 4, model(3, layers())),
    ]
}

fn translations() -> Vec<Case> {
    let shift = |fill_mode| RandomTranslation::new(0.4, [-0.6, 0.3]).fill_mode(fill_mode);
    let bilinear = || -> [AnyLayer; 4] {
        [
            shift(FillMode::Reflect).into(),
            shift(FillMode::Constant).fill_value(0.7).into(),
            shift(FillMode::Nearest).into(),
            RandomTranslation::new(1.0, 1.0).fill_mode(FillMode::Wrap).into(),
        ]
    };
    let nearest = || -> [AnyLayer; 4] {
        let nearest = |fill_mode| shift(fill_mode).interpolation(Interpolation::Nearest);
        [
            nearest(FillMode::Wrap).into(),
            nearest(FillMode::Constant).into(),
            RandomTranslation { width_factor: 0.0.into(), ..nearest(FillMode::Reflect) }.into(),
            RandomTranslation { height_factor: 0.0.into(), ..shift(FillMode::Reflect) }.into(),
        ]
    };
    let neither = || -> [AnyLayer; 4] {
        let neither = RandomTranslation::new(0.0, 0.0);
        [
            RandomTranslation::new(-0.5, [-1.0, -0.2]).into(),
            neither.into(),
            neither.into(),
            Rescaling::new(0.5, 0.0).into(),
        ]
    };
    let whole = || -> [AnyLayer; 4] {
        let by = |height: f64, width: f64| RandomTranslation::new([height; 2], [width; 2]);
        [
            by(0.0625, 0.0).fill_mode(FillMode::Constant).interpolation(Interpolation::Nearest).into(),
            RandomTranslation::new(0.0, 0.0).into(),
            by(0.0, -0.5).fill_mode(FillMode::Wrap).into(),
            by(0.0, 0.5).fill_mode(FillMode::Reflect).into(),
        ]
    };
    vec![
        case("RandomTranslation, channels that divide by four", 5, model(4, bilinear())),
        case("RandomTranslation, odd channels", 4, model(3, bilinear())),
        case("RandomTranslation to the nearest pixel", 5, model(4, nearest())),
        Case { images: 2, ..case("RandomTranslation of nothing", 3, model(3, neither())) },
        case("RandomTranslation by half a pixel and by a pixel", 3, model(3, whole())),
    ]
}

fn rotations() -> Vec<Case> {
    let turned = |fill_mode| RandomRotation::new(0.3).fill_mode(fill_mode);
    let bilinear = || -> [AnyLayer; 4] {
        [
            turned(FillMode::Reflect).into(),
            RandomRotation::new([-1.0, 1.0]).fill_mode(FillMode::Constant).fill_value(0.7).into(),
            turned(FillMode::Nearest).into(),
            turned(FillMode::Wrap).into(),
        ]
    };
    let nearest = || -> [AnyLayer; 4] {
        let nearest = |fill_mode| turned(fill_mode).interpolation(Interpolation::Nearest);
        [
            nearest(FillMode::Constant).into(),
            nearest(FillMode::Nearest).into(),
            RandomRotation::new(0.0).into(),
            nearest(FillMode::Reflect).into(),
        ]
    };
    let quarters = || -> [AnyLayer; 4] {
        let by = |share: f64| RandomRotation::new([share; 2]).fill_mode(FillMode::Wrap);
        [by(0.25).into(), by(-0.5).into(), by(0.75).into(), by(0.125).into()]
    };
    // Wide, so that pixels come from above and below the image, too.
    let wide = images(4, 9, 1)
        .add(Conv2D::new(3, 2).activation(Relu))
        .add(RandomRotation::new(1.0).fill_mode(FillMode::Constant).fill_value(0.7))
        .add(Flatten {})
        .add(Dense::new(3).activation(Softmax));
    vec![
        case("RandomRotation of wide images", 5, wide),
        case("RandomRotation, channels that divide by four", 5, model(4, bilinear())),
        case("RandomRotation, odd channels", 4, model(3, bilinear())),
        case("RandomRotation to the nearest pixel", 5, model(4, nearest())),
        case("RandomRotation by quarters", 3, model(3, quarters())),
    ]
}

fn zooms() -> Vec<Case> {
    let zoomed = |fill_mode| RandomZoom::new([-0.6, 0.8]).width_factor(0.5).fill_mode(fill_mode);
    let bilinear = || -> [AnyLayer; 4] {
        [
            zoomed(FillMode::Reflect).into(),
            RandomZoom::new([0.5, 1.0]).fill_mode(FillMode::Constant).fill_value(0.7).into(),
            zoomed(FillMode::Nearest).into(),
            RandomZoom::new(0.7).fill_mode(FillMode::Wrap).into(),
        ]
    };
    let nearest = || -> [AnyLayer; 4] {
        let nearest = |fill_mode| zoomed(fill_mode).interpolation(Interpolation::Nearest);
        [
            nearest(FillMode::Wrap).into(),
            nearest(FillMode::Constant).into(),
            nearest(FillMode::Reflect).width_factor(0.0).into(),
            RandomZoom::new(0.0).into(),
        ]
    };
    vec![
        case("RandomZoom, channels that divide by four", 5, model(4, bilinear())),
        case("RandomZoom, odd channels", 4, model(3, bilinear())),
        case("RandomZoom to the nearest pixel", 5, model(4, nearest())),
    ]
}

/// The limits are such that some of the results are beyond.
fn adjustments() -> Vec<Case> {
    let layers = || -> [AnyLayer; 4] {
        [
            RandomBrightness::new(0.3).value_range([0.0, 1.0]).into(),
            RandomContrast::new(0.4).value_range([0.05, 0.6]).into(),
            RandomBrightness::new([0.05, 0.1]).value_range([0.01, 0.5]).into(),
            RandomContrast::new([0.2, 0.9]).value_range([-0.1, 0.4]).into(),
        ]
    };
    let swapped = || {
        let [pooled, _, _, last] = layers();
        let first = RandomContrast::new([0.1, 0.8]).value_range([0.1, 0.8]);
        [first.into(), pooled, last, RandomBrightness::new(0.1).into()]
    };
    vec![
        case("RandomBrightness and RandomContrast, channels that divide by four", 5, model(4, layers())),
        case("RandomBrightness and RandomContrast, odd channels", 4, model(3, layers())),
        case("RandomContrast, then RandomBrightness", 4, model(4, swapped())),
    ]
}
