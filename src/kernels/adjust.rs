//! The brightness or the contrast of images changed, for each image by a draw of its own, and the gradient of that.

use super::elementwise::{elementwise_cost, rows_shader};
use super::gate::GateKind;
use super::random::{RANDOM_FILE, draw, random_key};
use crate::plan::{Constants, Cost, Io, KernelSpec, STEP_FILE, Shader, View, constants, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// What is done to a batch of images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adjustment {
    pub(crate) batch: usize,
    /// Pixels and channels of an image.
    pub(crate) image: [usize; 2],
    /// What tells the layer's draws from those of others.
    pub(crate) stream: u32,
    /// The ends of a uniform factor: what is added, or what the distance from the channel's mean is multiplied by.
    pub(crate) factors: [f64; 2],
    /// The lowest and the highest value of the result.
    pub(crate) limits: [f64; 2],
    /// Whether it is the contrast, which needs the channels' means.
    pub(crate) contrast: bool,
}

/// What a dispatch computes. With `contrast` each but `Join` takes the means [n, c] after its other inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pass {
    /// The images. Inputs: x [n, pixels, c]; outputs: y of the same shape.
    Forward,
    /// The gradient where the result was inside the limits, else 0. Inputs: x, dy [n, pixels, c], what the gate reads (brightness alone);
    /// outputs: the gradient of the same shape.
    Limited { gate: GateKind },
    /// The gradient w.r.t. x of the contrast, `factor g + (1 - factor) mean of g`. Inputs: g [n, pixels, c], its means [n, c], what the
    /// gate reads; outputs: dx [n, pixels, c].
    Join { gate: GateKind },
}

/// A pass over a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adjust {
    pub(crate) what: Adjustment,
    pub(crate) pass: Pass,
}

/// The slices of one image.
struct Image<'a, F> {
    out: &'a mut [F],
    a: &'a [F],
    b: &'a [F],
    means: &'a [F],
    factor: F,
    gate_input: View<'a, F>,
    first: usize,
}

impl Adjust {
    fn count(&self) -> usize {
        self.what.batch * self.len()
    }

    /// Elements of an image.
    fn len(&self) -> usize {
        self.what.image.iter().product()
    }

    fn gate(&self) -> GateKind {
        match self.pass {
            Pass::Forward => GateKind::None,
            Pass::Limited { gate } | Pass::Join { gate } => gate,
        }
    }

    /// Index of the means among the inputs, if they are one.
    fn means(&self) -> Option<usize> {
        match self.pass {
            Pass::Forward => self.what.contrast.then_some(1),
            Pass::Limited { .. } => self.what.contrast.then_some(2),
            Pass::Join { .. } => Some(1),
        }
    }

    /// Inputs but for the gate's.
    fn inputs(&self) -> usize {
        match self.pass {
            Pass::Forward => 1 + usize::from(self.what.contrast),
            Pass::Limited { .. } => 2 + usize::from(self.what.contrast),
            Pass::Join { .. } => 2,
        }
    }

    /// Calls `each` for the images in parallel.
    fn for_each_image<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(Image<'_, F>) + Sync) {
        let (what, len, key) = (&self.what, self.len(), random_key(self.what.stream, &io.step));
        let [lowest, highest] = what.factors.map(|factor| F::from_f64(f64::from(factor as f32)));
        let a = io.input(0);
        let b = if matches!(self.pass, Pass::Limited { .. }) { io.input(1) } else { a };
        let means: &[F] = self.means().map_or(&[], |i| io.input(i));
        let gate_input = if self.gate() == GateKind::None { View::U32(&[]) } else { io.inputs[self.inputs()] };
        let images = io.output(0).par_chunks_mut(len).zip(a.par_chunks(len)).zip(b.par_chunks(len)).enumerate();
        images.for_each(|(image, ((out, a), b))| {
            let unit = f64::from(draw(key, image as u32) >> 8) / f64::from(1 << 24);
            let factor = lowest + F::from_f64(unit) * (highest - lowest);
            let channels = what.image[1];
            let means = if means.is_empty() { means } else { &means[image * channels..][..channels] };
            each(Image { out, a, b, means, factor, gate_input, first: image * len });
        });
    }

    #[inline(always)]
    fn adjust<F: Real>(&self, image: Image<'_, F>) {
        let Image { out, a, b, means, factor, gate_input, first } = image;
        let [low, high] = self.what.limits.map(F::from_f64);
        let value = |x: F, mean: F| if self.what.contrast { (x - mean) * factor + mean } else { x + factor };
        match self.pass {
            Pass::Forward => for_each(out, [a, b], means, |x, _, mean| {
                let value = value(x, mean);
                let value = if value < low { low } else { value };
                if value > high { high } else { value }
            }),
            Pass::Limited { .. } => for_each(out, [a, b], means, |x, dy, mean| {
                let value = value(x, mean);
                if value < low || value > high { F::ZERO } else { dy }
            }),
            Pass::Join { .. } => for_each(out, [a, b], means, |g, _, mean| value(g, mean)),
        }
        self.gate().apply(out, gate_input, first);
    }
}

/// `out = of(a, b, mean)` for each element, where the means repeat; 0 where there are none.
#[inline(always)]
fn for_each<F: Real>(out: &mut [F], [a, b]: [&[F]; 2], means: &[F], of: impl Fn(F, F, F) -> F) {
    if let [] | [_] = means {
        let mean = means.first().copied().unwrap_or(F::ZERO);
        out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = of(*a, *b, mean));
        return;
    }
    let len = means.len();
    for ((out, a), b) in out.chunks_mut(len).zip(a.chunks(len)).zip(b.chunks(len)) {
        out.iter_mut().zip(a).zip(b).zip(means).for_each(|(((out, a), b), mean)| *out = of(*a, *b, *mean));
    }
}

impl KernelSpec for Adjust {
    fn shader(&self) -> Shader {
        let [pixels, channels] = self.what.image;
        let [lowest, highest] = self.what.factors.map(|factor| factor as f32);
        let [low, high] = self.what.limits.map(|limit| limit as f32);
        let (file, limits) = match self.pass {
            Pass::Forward => (wgsl!("adjust.wgsl"), true),
            Pass::Limited { .. } => (wgsl!("adjust_limited.wgsl"), true),
            Pass::Join { .. } => (wgsl!("adjust_join.wgsl"), false),
        };
        let own = constants! {
            STREAM: self.what.stream,
            LOWEST: lowest,
            RANGE: highest - lowest,
            IMAGE: pixels * channels,
            OUT: self.inputs() + self.gate().bindings(),
        };
        let own = own.and(if limits {
            constants! { MIN: low, MAX: high }
        } else {
            Constants::new()
        });
        let (value, own) = match self.means() {
            Some(binding) => {
                let own = own.with("MEANS", binding).with("CHANNELS", channels);
                (wgsl!("adjust_contrast.wgsl"), own)
            }
            None => (wgsl!("adjust_brightness.wgsl"), own),
        };
        let mut files = vec![STEP_FILE, RANDOM_FILE, wgsl!("adjust_factor.wgsl"), value, file];
        if !matches!(self.pass, Pass::Forward) {
            files.push(self.gate().file());
        }
        let own = own.and(self.gate().constants(self.inputs(), channels));
        Shader { uses_step: true, ..rows_shader(self.count(), channels, &files, own) }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count(), 10.0, 2 + self.gate().bindings())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_image(&mut io, |image| self.adjust(image));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_image(&mut io, |image| compiled!(level, self.adjust(image)));
    }
}
