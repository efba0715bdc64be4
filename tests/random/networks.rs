//! Random normalisations, and random graphs of several layers.

use super::layers::{activations, batches, channels, extents, stem};
use super::sample::{Sample, chain, end};
use super::training::{Training, trainings};
use gpu_cnn::{
    Activation, ActivationLayer, Add, AnyLayer, Average, AveragePooling2D, BatchNormalization, Concatenate, Conv2D,
    Dense, DepthwiseConv2D, Dropout, ELU, FillMode, Flatten, FlipMode, Functional, GlobalAveragePooling2D,
    GlobalMaxPooling2D, LayerNormalization, LeakyReLU, MaxPooling2D, Maximum, Multiply, PReLU, Padding, RandomFlip,
    RandomRotation, RandomTranslation, RandomZoom, ReLU, Rescaling, Reshape, Softmax, SpatialDropout2D, Subtract,
    ZeroPadding2D,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};

fn normalization() -> impl Strategy<Value = AnyLayer> {
    let batch = (any::<[bool; 2]>(), select(vec![1e-3, 1e-2])).prop_map(|([center, scale], epsilon)| {
        BatchNormalization { center, scale, epsilon, ..BatchNormalization::new() }.into()
    });
    let axes = select(vec![vec![-1], vec![1], vec![3], vec![2, 3], vec![-1, -2], vec![1, 2, 3]]);
    let layer = (any::<[bool; 2]>(), axes).prop_map(|([center, scale], axes)| {
        let axis = gpu_cnn::Axes::Several(axes);
        LayerNormalization { center, scale, axis, ..LayerNormalization::new() }.into()
    });
    let slopes = subsequence(vec![1, 2, 3], 0..=3).prop_map(|axes| PReLU { shared_axes: Some(axes) }.into());
    prop_oneof![batch, layer, slopes]
}

/// A normalisation between a convolution or a flat value and an activation or another convolution.
pub(super) fn normalizations() -> impl Strategy<Value = Sample> {
    let before = channels().prop_flat_map(stem);
    let after = prop_oneof![
        activations().prop_map(|a| AnyLayer::from(ActivationLayer::new(a))),
        channels().prop_map(|channels| Conv2D::new(channels, 1).into()),
    ];
    (batches(), extents(), before, any::<bool>(), normalization(), option::of(after)).prop_map(
        |([batch, images, turn], [h, w], stem, flat, norm, after)| {
            let flat = flat.then(|| AnyLayer::from(Flatten {}));
            let model = chain([h, w, 2], [stem].into_iter().chain(flat).chain([norm]).chain(after));
            Sample { model, batch, images, turn, training: Training::default() }
        },
    )
}

/// What one step of a graph does to earlier values, all of one shape: which layer, over which values, and its activation. The numbers that
/// choose a join's values are a single layer's arguments.
type Step = (usize, [usize; 3], Activation);

/// The number of kinds of steps.
const KINDS: usize = 32;

/// The join with the number `kind`, modulo their number.
fn join(kind: usize) -> AnyLayer {
    match kind % 5 {
        0 => Add {}.into(),
        1 => Multiply {}.into(),
        2 => Average {}.into(),
        3 => Maximum {}.into(),
        _ => Subtract {}.into(),
    }
}

/// Layers, one over the other, that make of `[h, w, c]` a tensor with axes of 1 or without its first axes; `kind` says which.
fn reduction(kind: usize, [h, w, c]: [usize; 3]) -> Vec<AnyLayer> {
    match kind {
        0 => vec![GlobalAveragePooling2D { keepdims: false }.into()],
        1 => vec![GlobalMaxPooling2D { keepdims: true }.into()],
        2 => vec![Conv2D::new(1, 1).into()],
        3 => vec![AveragePooling2D::new([h, 1]).into()],
        4 => vec![MaxPooling2D::new([1, w]).into()],
        5 => vec![Conv2D::new(1, [h, w]).into()],
        6 => vec![Conv2D::new(1, [h, 1]).into()],
        7 => vec![Conv2D::new(1, [1, w]).into()],
        _ => vec![AveragePooling2D::new([h, 1]).into(), Reshape::new([w as i64, c as i64]).into()],
    }
}

/// A join of one or two values with one that is broadcast, or of two that are, along different axes; returns its name.
fn append_broadcast(
    model: &mut Functional,
    values: [&str; 3],
    name: String,
    picks: [usize; 3],
    shape: [usize; 3],
) -> String {
    let mut reduced = |kind: usize, from: &str, suffix: &str| {
        let mut last = from.to_owned();
        for (i, layer) in reduction(kind, shape).into_iter().enumerate() {
            let reduced = format!("{name}_{suffix}{i}");
            *model = model.clone().add(&reduced, layer, &[&last]);
            last = reduced;
        }
        last
    };
    let operation = join(picks[1]);
    let is_of_two = matches!(operation, AnyLayer::Subtract(_));
    // An odd pick of the last value makes it the first operand.
    let small = reduced(picks[0], values[0], "a");
    let mut operands = match picks[2] {
        // Of axes of the one and others of the other, in any order: `[1, 1, c]` and `[h, w, 1]`.
        0 | 1 => vec![reduced(1, values[1], "b"), reduced(2, values[2], "c")],
        2 | 3 if !is_of_two => vec![small, values[1].to_owned(), values[2].to_owned()],
        4 | 5 if !is_of_two => vec![small, reduced(picks[1], values[1], "d"), values[2].to_owned()],
        _ => vec![small, values[1].to_owned()],
    };
    if picks[2] % 2 == 1 {
        operands.reverse();
    }
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    *model = model.clone().add(&name, operation, &operands);
    name
}

/// Appends the layers of a step to a graph over `values`, all of `[h, w, c]`; returns the layer whose output is the result.
fn append(model: &mut Functional, values: &[String], index: usize, step: &Step, [h, w, c]: [usize; 3]) -> String {
    let (kind, picks, activation) = step;
    let pick = |i: usize| values[picks[i] % values.len()].as_str();
    let same = |size: usize| Conv2D::new(c, size).padding(Padding::Same).activation(*activation);
    let name = format!("s{index}");
    let arguments = picks.map(|pick| pick as f64 / 10.0);
    let one: AnyLayer = match kind {
        0 | 1 => same(3).into(),
        2 => same(1).into(),
        3 => DepthwiseConv2D::new(2).padding(Padding::Same).activation(*activation).into(),
        4 => ActivationLayer::new(*activation).into(),
        5 => Dropout::new(0.3).into(),
        6 => SpatialDropout2D::new(0.3).into(),
        7 => BatchNormalization::new().into(),
        8 => MaxPooling2D::new(3).strides(1).padding(Padding::Same).into(),
        9 => {
            let view = format!("{name}_view");
            *model = model.clone().add(&view, Reshape::new([-1, 1, c as i64]), &[pick(0)]);
            *model = model.clone().add(&name, Reshape::new([h, w, c].map(|n| n as i64)), &[&view]);
            return name;
        }
        10 => {
            let all = format!("{name}_all");
            *model = model.clone().add(&all, Concatenate::new(), &[pick(0), pick(1)]);
            *model = model.clone().add(&name, same(1), &[&all]);
            return name;
        }
        11 => Conv2D::new(c, 1).activation(Activation::Softmax).into(),
        12 => {
            // A border as wide as the convolution takes away, shared out between both sides.
            let (border, [a, b]) = (format!("{name}_border"), [picks[1] % 3, picks[2] % 2]);
            *model = model.clone().add(&border, ZeroPadding2D::new([[a, 2 - a], [b, 1 - b]]), &[pick(0)]);
            *model = model.clone().add(&name, Conv2D::new(c, [3, 2]).activation(*activation), &[&border]);
            return name;
        }
        13 => ReLU {
            max_value: (picks[1] % 2 == 0).then_some(0.3 + arguments[2]),
            negative_slope: arguments[1],
            threshold: arguments[0] * 0.2,
        }
        .into(),
        14 => LeakyReLU { negative_slope: arguments[1] }.into(),
        15 => ELU { alpha: 0.1 + arguments[1] }.into(),
        16 => Rescaling::new(0.3 + arguments[1], arguments[2] - 0.4).into(),
        17 => {
            RandomFlip::new([FlipMode::Horizontal, FlipMode::Vertical, FlipMode::HorizontalAndVertical][picks[1] % 3])
                .into()
        }
        18 => {
            let fill = [FillMode::Constant, FillMode::Nearest, FillMode::Reflect, FillMode::Wrap][picks[1] % 4];
            match picks[2] % 3 {
                0 => RandomTranslation::new(arguments[1], arguments[2]).fill_mode(fill).fill_value(0.4).into(),
                1 => RandomRotation::new(arguments[1]).fill_mode(fill).fill_value(0.4).into(),
                _ => RandomZoom::new(0.9 * arguments[2]).fill_mode(fill).fill_value(0.4).into(),
            }
        }
        19..=23 => {
            let (join, inputs) = (join(picks[1] + kind), [pick(0), pick(1), pick(2)]);
            let count = if matches!(join, AnyLayer::Subtract(_)) { 2 } else { 2 + picks[2] % 2 };
            *model = model.clone().add(&name, join, &inputs[..count]);
            return name;
        }
        24 | 25 => Softmax::default().into(),
        26 => Dense::new(c).activation(*activation).into(),
        27..KINDS => return append_broadcast(model, [pick(0), pick(1), pick(2)], name, *picks, [h, w, c]),
        other => panic!("no step {other}"),
    };
    *model = model.clone().add(&name, one, &[pick(0)]);
    name
}

/// Graphs of 3 to 8 steps; what no layer takes is added at the end.
pub(super) fn graphs() -> impl Strategy<Value = Sample> {
    let step = (0..KINDS, [0..9usize, 0..9, 0..9], activations());
    let few = prop_oneof![Just(4usize), 1..=9usize];
    (batches(), [1..=7usize, 1..=7], few, activations(), vec(step, 2..=7), trainings()).prop_map(
        |([batch, images, turn], [h, w], c, activation, steps, training)| {
            let mut model = Functional::new([h, w, 2]);
            model = model.add("stem", Conv2D::new(c, 1).activation(activation), &["input"]);
            let mut values = vec!["stem".to_owned()];
            for (index, step) in steps.iter().enumerate() {
                let value = append(&mut model, &values, index, step, [h, w, c]);
                values.push(value);
            }
            let taken: Vec<String> = model.layers.iter().filter_map(|layer| layer.inputs.clone()).flatten().collect();
            let ends: Vec<&str> = values.iter().map(String::as_str).filter(|v| !taken.iter().any(|t| t == v)).collect();
            let model = match ends[..] {
                [last] => end(model.clone(), last, &training),
                _ => end(model.clone().add("sum", Add {}, &ends), "sum", &training),
            };
            // A few outputs can all be near zero, where rounding is a large share.
            let more = training.min_images() - 1;
            Sample { model, batch: batch + more, images: images + more, turn, training }
        },
    )
}
