//! Dropout, SpatialDropout2D: in training, a share of the elements or of the channels is zero.

use super::args::{image_shape, single};
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Number, Result, usage};
use crate::kernels::dropout::Dropout as Kernel;
use crate::kernels::elementwise::Sum;
use crate::kernels::random::stream_of;
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// Declares the layers, which differ in what is dropped as a whole.
macro_rules! dropouts {
    ($($(#[doc = $doc:literal])* $layer:ident: $whole_channels:literal),* $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $layer {
            /// Share that is dropped, at least 0 and below 1.
            pub rate: f64,
        }

        impl $layer {
            /// Drops the share `rate`.
            pub fn new(rate: f64) -> Self {
                Self { rate }
            }
        }

        impl Layer for $layer {
            fn kind(&self) -> &'static str {
                stringify!($layer)
            }

            fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
                if !(0.0..1.0).contains(&self.rate) {
                    return Err(usage!("{}: rate is {}; it must be at least 0 and below 1", self.kind(), Number(self.rate)));
                }
                if $whole_channels {
                    image_shape(self.kind(), inputs)?;
                }
                Ok(Inferred::output(single(self.kind(), inputs)?))
            }

            fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
                record_forward(r, site, self.rate, $whole_channels, mode)
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
                let kernel = kernel(site, self.rate, $whole_channels, dx.gate);
                r.dispatch(format!("{} backward", site.name), kernel, &dx.inputs(&[dy]), &[dx.to]);
            }

            fn supports_gates(&self) -> bool {
                true
            }
        }
    )* };
}

dropouts! {
    /// In training each element is zero with probability `rate`, else divided by `1 - rate`; without effect in inference. The draws
    /// are a function of seed, update, layer and element.
    Dropout: false,
    /// As Dropout, for whole channels of an image.
    SpatialDropout2D: true,
}

fn kernel(site: &Site<'_>, rate: f64, whole_channels: bool, gate: Gate) -> Kernel {
    let channels = whole_channels.then(|| {
        let channels = site.output.shape[2];
        [site.output.shape[0] * site.output.shape[1], channels]
    });
    Kernel { count: site.output.slice.len, rate, stream: stream_of(site.name), channels, gate: gate.kind() }
}

fn record_forward(r: &mut Recorder, site: &Site<'_>, rate: f64, whole_channels: bool, mode: Mode) -> Saved {
    let (label, output) = (format!("{} forward", site.name), site.output.slice);
    match mode {
        Mode::Train => r.dispatch(label, kernel(site, rate, whole_channels, Gate::None), &[site.x()], &[output]),
        Mode::Infer => r.dispatch(label, Sum::copy(output.len), &[site.x()], &[output]),
    };
    Saved::default()
}
