//! Initial values as Keras names them.

use super::object::Object;
use crate::error::{Result, usage};
use crate::graph::culprit::shown;
use crate::rng::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::RefCell;

/// How a tensor of `[.., inputs, outputs]` is filled at the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// Every element.
    Constant(f64),
    /// Uniform in [low, high).
    Uniform([f64; 2]),
    /// Normal with [mean, standard deviation]; what lies beyond two deviations is drawn again if `truncated`.
    Normal([f64; 2], bool),
    /// Of a variance of `scale` divided by the fan.
    Scaled(f64, Fan, Shape),
    /// The first filters of a convolution pass a channel each through; the others are as by default.
    Dirac,
    /// The first filters of a convolution over the images whiten their patches; the others are as by default.
    Whitening,
}

/// What a variance is divided by: inputs of an output, outputs of an input, or the mean of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fan {
    /// Inputs that one output depends on.
    In,
    /// Outputs that depend on one input.
    Out,
    /// The mean of both.
    Average,
}

/// The distribution of [`Initializer::Scaled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Uniform around zero.
    Uniform,
    /// Normal; truncated at two standard deviations, and as wide as to have the variance nevertheless.
    Truncated,
    /// Normal.
    Normal,
}

/// Reads the initializer of the argument `key`, such as `kernel_initializer`; none where it is Keras's default, which is this
/// project's, too.
pub(in crate::graph) fn read(key: &str, value: &Value) -> Result<Option<Initializer>> {
    use Initializer::{Constant, Dirac, Normal, Scaled, Uniform, Whitening};
    if value.is_null() {
        return Ok(None);
    }
    let unsupported = || usage!("{key} = {} is not supported", shown(value));
    let object = Object::of(value);
    if value.is_object() && object.is_none() {
        return Err(usage!("{key} = {}: it needs a class_name and a config", shown(value)));
    }
    let Some(class) = object.map(|object| object.class).or_else(|| value.as_str()) else { return Err(unsupported()) };
    // The arguments that the class has, as they are asked for below.
    let known = RefCell::new(vec!["seed", "dtype"]);
    let argument = |name: &'static str| {
        known.borrow_mut().push(name);
        object.and_then(|object| object.config.get(name)).filter(|value| !value.is_null())
    };
    let number = |name, default: f64| {
        let given = argument(name).map_or(Some(default), Value::as_f64);
        given.filter(|value| (*value as f32).is_finite()).ok_or_else(unsupported)
    };
    let word = |name, default| argument(name).map_or(Some(default), Value::as_str).ok_or_else(unsupported);
    let found = match class.replace('_', "").to_lowercase().as_str() {
        "glorotuniform" => Scaled(1.0, Fan::Average, Shape::Uniform),
        "glorotnormal" => Scaled(1.0, Fan::Average, Shape::Truncated),
        "heuniform" => Scaled(2.0, Fan::In, Shape::Uniform),
        "henormal" => Scaled(2.0, Fan::In, Shape::Truncated),
        "lecununiform" => Scaled(1.0, Fan::In, Shape::Uniform),
        "lecunnormal" => Scaled(1.0, Fan::In, Shape::Truncated),
        "zeros" => Constant(0.0),
        "ones" => Constant(1.0),
        "constant" => Constant(number("value", 0.0)?),
        "randomuniform" => Uniform([number("minval", -0.05)?, number("maxval", 0.05)?]),
        "randomnormal" => Normal([number("mean", 0.0)?, number("stddev", 0.05)?], false),
        "truncatednormal" => Normal([number("mean", 0.0)?, number("stddev", 0.05)?], true),
        "dirac" if key == "kernel_initializer" => Dirac,
        "whitening" if key == "kernel_initializer" => Whitening,
        "variancescaling" => {
            let fan = match word("mode", "fan_in")? {
                "fan_in" => Fan::In,
                "fan_out" => Fan::Out,
                "fan_avg" => Fan::Average,
                _ => return Err(unsupported()),
            };
            let shape = match word("distribution", "truncated_normal")? {
                "uniform" => Shape::Uniform,
                "truncated_normal" => Shape::Truncated,
                "untruncated_normal" => Shape::Normal,
                _ => return Err(unsupported()),
            };
            Scaled(number("scale", 1.0).ok().filter(|scale| *scale > 0.0).ok_or_else(unsupported)?, fan, shape)
        }
        _ => return Err(unsupported()),
    };
    let is_unknown = |(name, value): &(&String, &Value)| !value.is_null() && !known.borrow().contains(&name.as_str());
    if let Some((name, _)) = object.and_then(|object| object.config.iter().find(is_unknown)) {
        return Err(usage!("{key} = {}: it has no argument `{name}`", shown(value)));
    }
    match found {
        Uniform([low, high]) if low > high => return Err(usage!("{key}: minval is {low}, above the maxval {high}")),
        Normal([_, deviation], _) if deviation < 0.0 => {
            return Err(usage!("{key}: stddev is {deviation}; it must not be negative"));
        }
        _ => {}
    }
    let default = match key {
        "gamma_initializer" | "moving_variance_initializer" => Constant(1.0),
        "kernel_initializer" | "depthwise_initializer" | "pointwise_initializer" => {
            Scaled(1.0, Fan::Average, Shape::Uniform)
        }
        _ => Constant(0.0),
    };
    Ok((found != default).then_some(found))
}

impl Initializer {
    /// An element of a tensor of this shape.
    pub(in crate::graph) fn draw(self, shape: &[usize], rng: &mut Rng) -> f64 {
        // The standard deviation of a normal distribution truncated at two of its own.
        const TRUNCATED: f64 = 0.879_625_661_034_239_8;
        match self {
            Self::Constant(value) => value,
            Self::Uniform([low, high]) => low + (high - low) * f64::from(rng.unit()),
            Self::Normal([mean, deviation], truncated) => mean + deviation * normal(rng, truncated),
            Self::Scaled(scale, fan, distribution) => {
                let variance = scale / fan.of(shape);
                match distribution {
                    Shape::Uniform => (3.0 * variance).sqrt() * (2.0 * f64::from(rng.unit()) - 1.0),
                    Shape::Truncated => variance.sqrt() / TRUNCATED * normal(rng, true),
                    Shape::Normal => variance.sqrt() * normal(rng, false),
                }
            }
            Self::Dirac | Self::Whitening => unreachable!("these fill whole tensors"),
        }
    }

    /// As a layer's argument has it, in the form that is read.
    pub fn to_argument(self) -> Value {
        let object = |class: &str, config: Value| json!({ "class_name": class, "config": config });
        match self {
            Self::Constant(value) => object("Constant", json!({ "value": value })),
            Self::Uniform([low, high]) => object("RandomUniform", json!({ "minval": low, "maxval": high })),
            Self::Normal([mean, deviation], truncated) => {
                let class = if truncated { "TruncatedNormal" } else { "RandomNormal" };
                object(class, json!({ "mean": mean, "stddev": deviation }))
            }
            Self::Scaled(scale, fan, shape) => {
                let mode = match fan {
                    Fan::In => "fan_in",
                    Fan::Out => "fan_out",
                    Fan::Average => "fan_avg",
                };
                let distribution = match shape {
                    Shape::Uniform => "uniform",
                    Shape::Truncated => "truncated_normal",
                    Shape::Normal => "untruncated_normal",
                };
                object("VarianceScaling", json!({ "scale": scale, "mode": mode, "distribution": distribution }))
            }
            Self::Dirac => "dirac".into(),
            Self::Whitening => "whitening".into(),
        }
    }
}

impl Fan {
    /// As Keras counts: all axes but the last two are the taps of a window.
    fn of(self, shape: &[usize]) -> f64 {
        let [fan_in, fan_out] = match shape {
            [] => [1, 1],
            [n] => [*n; 2],
            [taps @ .., inputs, outputs] => [*inputs, *outputs].map(|n| n * taps.iter().product::<usize>()),
        };
        match self {
            Self::In => (fan_in as f64).max(1.0),
            Self::Out => (fan_out as f64).max(1.0),
            Self::Average => ((fan_in + fan_out) as f64 / 2.0).max(1.0),
        }
    }
}

/// A standard normal draw (Box and Muller 1958); with `truncated`, one between -2 and 2.
fn normal(rng: &mut Rng, truncated: bool) -> f64 {
    loop {
        let [u, v] = [1.0 - f64::from(rng.unit()), f64::from(rng.unit())];
        let draw = (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v);
        if !truncated || draw.abs() <= 2.0 {
            return draw;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    /// Mean, standard deviation and largest magnitude of many draws over [3, 3, 16, 24].
    fn moments(initializer: &Value) -> [f64; 3] {
        const N: usize = 40_000;
        let read = read("kernel_initializer", initializer).expect("supported").expect("not the default");
        let mut rng = Rng::new(1, Purpose::Weights, 0);
        let draws: Vec<f64> = (0..N).map(|_| read.draw(&[3, 3, 16, 24], &mut rng)).collect();
        let mean = draws.iter().sum::<f64>() / N as f64;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / N as f64;
        [mean, variance.sqrt(), draws.iter().fold(0.0, |max, x| x.abs().max(max))]
    }

    #[test]
    fn draws_have_the_mean_and_deviation_that_keras_has() {
        let object = |class: &str, config: Value| json!({ "class_name": class, "config": config });
        let (fan_in, fan_out): (f64, f64) = (144.0, 216.0);
        let deviation = |scale: f64, fan: f64| (scale / fan).sqrt();
        for (initializer, expected) in [
            (json!("he_normal"), deviation(2.0, fan_in)),
            (object("HeUniform", json!({ "seed": null })), deviation(2.0, fan_in)),
            (object("GlorotNormal", json!({})), deviation(2.0, fan_in + fan_out)),
            (object("LecunNormal", json!({})), deviation(1.0, fan_in)),
            (
                object("VarianceScaling", json!({ "scale": 3.0, "mode": "fan_out", "distribution": "uniform" })),
                deviation(3.0, fan_out),
            ),
            (object("RandomNormal", json!({ "stddev": 0.3 })), 0.3),
            (object("TruncatedNormal", json!({ "stddev": 0.3 })), 0.3 * 0.879_625_66),
            (object("RandomUniform", json!({})), 0.1 / 12f64.sqrt()),
        ] {
            let [mean, found, largest] = moments(&initializer);
            assert!(mean.abs() < 0.02 * expected, "{initializer}: mean {mean}");
            assert!((found / expected - 1.0).abs() < 0.01, "{initializer}: {found}, not {expected}");
            let is_bounded = !initializer.to_string().contains("RandomNormal");
            assert!(!is_bounded || largest < 2.3 * expected, "{initializer}: {largest}");
        }
        assert_eq!(moments(&object("Constant", json!({ "value": 0.5 })))[2], 0.5);
    }

    #[test]
    fn an_argument_reads_as_what_it_was_written_from() {
        use Initializer::{Constant, Dirac, Normal, Scaled, Uniform, Whitening};
        let scaled = [Fan::In, Fan::Out, Fan::Average].map(|fan| Scaled(2.5, fan, Shape::Normal));
        let others = [Constant(0.5), Uniform([-1.0, 2.0]), Normal([0.1, 0.2], false), Normal([0.0, 0.2], true), Dirac];
        let shapes = [Shape::Uniform, Shape::Truncated].map(|shape| Scaled(2.0, Fan::Average, shape));
        for initializer in scaled.into_iter().chain(others).chain(shapes).chain([Whitening]) {
            let argument = initializer.to_argument();
            assert_eq!(read("kernel_initializer", &argument).expect("supported"), Some(initializer), "{argument}");
        }
        for name in ["dirac", "whitening"] {
            assert!(read("bias_initializer", &json!(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn defaults_are_nothing_to_do_and_others_are_read_or_refused() {
        let default = |key, value| read(key, &value).expect("supported").is_none();
        assert!(default("kernel_initializer", json!({ "class_name": "GlorotUniform", "config": { "seed": 3 } })));
        assert!(default("bias_initializer", json!("zeros")) && default("gamma_initializer", json!("Ones")));
        assert!(!default("bias_initializer", json!("ones")));
        let object = |class: &str, config: Value| json!({ "class_name": class, "config": config });
        for wrong in [
            json!("orthogonal"),
            json!(3),
            json!({ "class_name": "HeNormal" }),
            object("Constant", json!({ "value": [1] })),
            object("Constant", json!({ "valeu": 0.5 })),
            object("HeNormal", json!({ "stddev": 0.5 })),
            object("RandomNormal", json!({ "stddev": -1.0 })),
            object("RandomUniform", json!({ "minval": 1.0, "maxval": -1.0 })),
        ] {
            let error = read("bias_initializer", &wrong).expect_err("not supported").to_string();
            assert!(error.contains("bias_initializer"), "{error}");
        }
    }
}
