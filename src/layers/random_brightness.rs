//! RandomBrightness, RandomContrast: in training, the values of an image are shifted or spread.

use super::args::{builders, image_shape, in_f32};
use super::layer::{Inferred, Layer, Saved, Site};
use super::resampled::Factor;
use crate::error::{Number, Result, usage};
use crate::kernels::adjust::{Adjust, Adjustment, Pass};
use crate::kernels::elementwise::Sum;
use crate::kernels::pool2d::{AveragePool2dForward, Dims};
use crate::kernels::random::stream_of;
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

/// Declares the layers, which differ in what an image's factor does.
macro_rules! adjusting {
    ($($(#[doc = $doc:literal])* $layer:ident: $contrast:literal),* $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $layer {
            /// A number, or [lowest, highest].
            pub factor: Factor,
            /// The lowest and the highest value of images (default [0, 255]); results beyond are set to these.
            #[serde(default = "pixels")]
            pub value_range: [f64; 2],
        }

        impl $layer {
            /// By `factor`, for images from 0 to 255.
            pub fn new(factor: impl Into<Factor>) -> Self {
                Self { factor: factor.into(), value_range: pixels() }
            }
        }

        builders!($layer { value_range: [f64; 2] });

        impl Layer for $layer {
            fn kind(&self) -> &'static str {
                stringify!($layer)
            }

            fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
                check(self.kind(), self.factor, self.value_range, $contrast)?;
                Ok(Inferred::output(image_shape(self.kind(), inputs)?))
            }

            fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
                let what = adjustment(site, self.factor, self.value_range, $contrast);
                record_forward(r, site, what, mode)
            }

            fn backward(
                &self,
                r: &mut Recorder,
                site: &Site<'_>,
                _: &Saved,
                dy: BufferSlice,
                dx: &[Option<GradientOut>],
            ) {
                let [Some(dx)] = dx else { return };
                record_backward(r, site, adjustment(site, self.factor, self.value_range, $contrast), dy, *dx);
            }

            fn supports_gates(&self) -> bool {
                true
            }
        }
    )* };
}

adjusting! {
    /// In training a share of `value_range`, uniform between the ends of `factor`, is added to each image; the results are limited to
    /// `value_range`. A number f is [-f, f]. Without effect in inference. The draws are a function of seed, update, layer and image.
    RandomBrightness: false,
    /// In training `y = (x - mean) c + mean` with the mean of each channel of an image, limited to `value_range`; c is 1 and a number
    /// uniform from minus the lower end of `factor` to the higher. A number f is [0, f], as Keras takes it. Without effect in inference. The
    /// draws are a function of seed, update, layer and image.
    RandomContrast: true,
}

fn check(kind: &str, factor: Factor, value_range: [f64; 2], contrast: bool) -> Result<()> {
    factor.check(kind, "factor")?;
    let [low, high] = match factor {
        Factor::Symmetric(factor) => [factor; 2],
        Factor::Between(_) => factor.range(),
    };
    if contrast && low < 0.0 {
        return Err(usage!("{kind}: factor has {}, up to {}; it must be from 0 to 1", Number(low), Number(high)));
    }
    match value_range.iter().all(|end| in_f32(*end)) && value_range[0] < value_range[1] {
        true => Ok(()),
        false => Err(usage!(
            "{kind}: value_range is {value_range:?}; it must be [lowest, highest], numbers that f32 can hold"
        )),
    }
}

fn adjustment(site: &Site<'_>, factor: Factor, limits: [f64; 2], contrast: bool) -> Adjustment {
    let [h, w, c] = site.output.shape.try_into().expect("the shape was inferred before");
    let factors = match (contrast, factor) {
        (false, factor) => factor.range().map(|share| share * (limits[1] - limits[0])),
        (true, Factor::Symmetric(factor)) => [1.0, 1.0 + factor],
        (true, Factor::Between(_)) => [1.0 - factor.range()[0], 1.0 + factor.range()[1]],
    };
    Adjustment { batch: site.batch, image: [h * w, c], stream: stream_of(site.name), factors, limits, contrast }
}

/// Records the mean of each channel of each image of `x`, [n, c].
fn record_means(r: &mut Recorder, site: &Site<'_>, label: &str, x: BufferSlice) -> BufferSlice {
    let shape: [usize; 3] = site.output.shape.try_into().expect("the shape was inferred before");
    let means = r.floats(format!("{} {label}", site.name), site.batch * shape[2]);
    let dims = Dims::whole(site.batch, shape);
    r.dispatch(format!("{} {label}", site.name), AveragePool2dForward { dims }, &[x], &[means]);
    means
}

fn record_forward(r: &mut Recorder, site: &Site<'_>, what: Adjustment, mode: Mode) -> Saved {
    let (label, x, output) = (format!("{} forward", site.name), site.x(), site.output.slice);
    if mode == Mode::Infer {
        r.dispatch(label, Sum::copy(output.len), &[x], &[output]);
        return Saved::default();
    }
    let means = what.contrast.then(|| record_means(r, site, "forward means", x));
    let inputs: Vec<BufferSlice> = [x].into_iter().chain(means).collect();
    r.dispatch(label, Adjust { what, pass: Pass::Forward }, &inputs, &[output]);
    Saved::default()
}

fn record_backward(r: &mut Recorder, site: &Site<'_>, what: Adjustment, dy: BufferSlice, dx: GradientOut) {
    let (label, x) = (format!("{} backward", site.name), site.x());
    if !what.contrast {
        let pass = Pass::Limited { gate: dx.gate.kind() };
        r.dispatch(label, Adjust { what, pass }, &dx.inputs(&[x, dy]), &[dx.to]);
        return;
    }
    let means = r.floats(format!("{} forward means", site.name), site.batch * what.image[1]);
    let limited = r.floats(format!("{} limited gradient", site.name), dy.len);
    let pass = Pass::Limited { gate: Gate::None.kind() };
    r.dispatch(format!("{label} limited"), Adjust { what, pass }, &[x, dy, means], &[limited]);
    let means = record_means(r, site, "backward means", limited);
    let pass = Pass::Join { gate: dx.gate.kind() };
    r.dispatch(label, Adjust { what, pass }, &dx.inputs(&[limited, means]), &[dx.to]);
}
