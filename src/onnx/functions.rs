//! Functions of each element, and softmax.

use super::message::Attribute;
use super::writer::{Name, Writer};
use crate::layers::Activation;

/// A rectifier as [`crate::layers::ReLU`] has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rectifier {
    pub(super) max_value: Option<f64>,
    pub(super) negative_slope: f64,
    pub(super) threshold: f64,
}

impl Writer<'_> {
    /// Appends `activation` of `x`, whose channels are on the axis `channels`; the last node is called `name`. Nothing for none.
    pub(super) fn activation(&mut self, x: String, activation: Activation, channels: i64, name: Name<'_>) -> String {
        let limited = |max_value| Rectifier { max_value, negative_slope: 0.0, threshold: 0.0 };
        match activation {
            Activation::Linear => x,
            Activation::Relu => self.rectifier(&x, limited(None), name),
            Activation::Relu6 => self.rectifier(&x, limited(Some(6.0)), name),
            Activation::LeakyRelu => self.rectifier(&x, Rectifier { negative_slope: 0.2, ..limited(None) }, name),
            Activation::Elu => self.elu(&x, 1.0, name),
            Activation::Selu => {
                let [alpha, gamma] = [1.673_263_242_354_377_2, 1.050_700_987_355_480_5];
                let attributes = vec![Attribute::float("alpha", alpha), Attribute::float("gamma", gamma)];
                self.node(name, "Selu", &[&x], attributes)
            }
            Activation::Gelu => {
                let scaled = self.times(&x, std::f64::consts::FRAC_1_SQRT_2, Name::Part("scaled"));
                let erf = self.node(Name::Part("erf"), "Erf", &[&scaled], vec![]);
                self.half_of(&x, &erf, name)
            }
            Activation::GeluTanh => {
                let square = self.node(Name::Part("square"), "Mul", &[&x, &x], vec![]);
                let cube = self.node(Name::Part("cube"), "Mul", &[&square, &x], vec![]);
                let cube = self.times(&cube, 0.044_715, Name::Part("part_of_cube"));
                let sum = self.node(Name::Part("sum"), "Add", &[&x, &cube], vec![]);
                let inner = self.times(&sum, 0.797_884_560_802_865_4, Name::Part("inner"));
                let tanh = self.node(Name::Part("tanh"), "Tanh", &[&inner], vec![]);
                self.half_of(&x, &tanh, name)
            }
            Activation::Silu => {
                let sigmoid = self.node(Name::Part("sigmoid"), "Sigmoid", &[&x], vec![]);
                self.node(name, "Mul", &[&x, &sigmoid], vec![])
            }
            Activation::Sigmoid => self.node(name, "Sigmoid", &[&x], vec![]),
            Activation::Tanh => self.node(name, "Tanh", &[&x], vec![]),
            Activation::Softplus => self.node(name, "Softplus", &[&x], vec![]),
            Activation::HardSigmoid => {
                let attributes = vec![Attribute::float("alpha", 1.0 / 6.0), Attribute::float("beta", 0.5)];
                self.node(name, "HardSigmoid", &[&x], attributes)
            }
            Activation::Softmax => self.node(name, "Softmax", &[&x], vec![Attribute::int("axis", channels)]),
        }
    }

    /// `x factor`.
    fn times(&mut self, x: &str, factor: f64, name: Name<'_>) -> String {
        let factor = self.scalar("factor", factor);
        self.node(name, "Mul", &[x, &factor], vec![])
    }

    /// `x (1 + y) / 2`.
    fn half_of(&mut self, x: &str, y: &str, name: Name<'_>) -> String {
        let one = self.scalar("one", 1.0);
        let more = self.node(Name::Part("plus_one"), "Add", &[y, &one], vec![]);
        let half = self.times(x, 0.5, Name::Part("half"));
        self.node(name, "Mul", &[&half, &more], vec![])
    }

    /// x, below zero `alpha (exp(x) - 1)`.
    pub(super) fn elu(&mut self, x: &str, alpha: f64, name: Name<'_>) -> String {
        self.node(name, "Elu", &[x], vec![Attribute::float("alpha", alpha)])
    }

    /// `scale x + offset`.
    pub(super) fn affine(&mut self, x: &str, [scale, offset]: [f64; 2], name: Name<'_>) -> String {
        let scaled = self.times(x, scale, Name::Part("scaled"));
        let offset = self.scalar("offset", offset);
        self.node(name, "Add", &[&scaled, &offset], vec![])
    }

    /// `negative_slope (x - threshold)` up to `threshold`, beyond it x, at most `max_value`: as one operator where there is one for it.
    pub(super) fn rectifier(&mut self, x: &str, rectifier: Rectifier, name: Name<'_>) -> String {
        let Rectifier { max_value, negative_slope, threshold } = rectifier;
        match (max_value, negative_slope == 0.0, threshold == 0.0) {
            (None, true, true) => self.node(name, "Relu", &[x], vec![]),
            (None, false, true) => self.node(name, "LeakyRelu", &[x], vec![Attribute::float("alpha", negative_slope)]),
            (Some(max), true, true) => {
                let [min, max] = [("min", 0.0), ("max", max)].map(|(part, bound)| self.scalar(part, bound));
                self.node(name, "Clip", &[x, &min, &max], vec![])
            }
            _ => {
                let threshold = self.scalar("threshold", threshold);
                let is_below = self.node(Name::Part("is_below"), "LessOrEqual", &[x, &threshold], vec![]);
                let below = self.node(Name::Part("distance"), "Sub", &[x, &threshold], vec![]);
                let below = self.times(&below, negative_slope, Name::Part("below"));
                let above = max_value.map(|max| {
                    let max = self.scalar("max", max);
                    self.node(Name::Part("above"), "Min", &[x, &max], vec![])
                });
                self.node(name, "Where", &[&is_below, &below, above.as_deref().unwrap_or(x)], vec![])
            }
        }
    }
}
