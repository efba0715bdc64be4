//! A Conv2D and the MaxPooling2D after it as one: the convolution's output is never written to memory.

use super::args::{Activation, image_shape};
use super::conv2d::{Conv2D, record_gradients};
use super::layer::{Inferred, Layer, Saved, Site};
use super::pooling2d::MaxPooling2D;
use crate::error::Result;
use crate::kernels::conv2d::{Dims, ForwardPass, record_forward};
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};

/// A convolution and its pool; made by the graph where the two can be fused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PooledConv2D {
    conv: Conv2D,
    pool: MaxPooling2D,
}

impl PooledConv2D {
    /// The fused pair over images of shape `input`, or none if the two cannot be fused.
    pub(crate) fn new(conv: &Conv2D, pool: &MaxPooling2D, input: &[usize]) -> Option<Self> {
        let pair = Self { conv: *conv, pool: *pool };
        pair.dims(1, &[input]).map(|_| pair)
    }

    fn dims(&self, batch: usize, inputs: &[&[usize]]) -> Option<Dims> {
        let conv = self.conv.dims(batch, image_shape("Conv2D", inputs).ok()?).ok()?;
        let pool = self.pool.dims(batch, conv.output()).ok()?;
        conv.pooled(pool.h, pool.w)
    }

    fn dims_at(&self, site: &Site<'_>) -> Dims {
        self.dims(site.batch, &site.input_shapes()).expect("the pair was found to be fusible")
    }
}

impl Layer for PooledConv2D {
    fn kind(&self) -> &'static str {
        self.conv.kind()
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let conv = self.conv.infer(inputs)?;
        let pool = self.pool.infer(&[&conv.output])?;
        Ok(Inferred { output: pool.output, ..conv })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
        let (dims, output) = (self.dims_at(site), site.output.slice);
        let argmax = (mode == Mode::Train).then(|| r.u32s(format!("{} argmax", site.name), output.len));
        let pass = ForwardPass {
            name: site.name,
            dims,
            relu: self.conv.activation == Activation::Relu,
            x: site.x(),
            weights: site.parameters,
            y: output,
            argmax,
        };
        record_forward(r, &pass);
        let gate = argmax.map(|argmax| Gate::Argmax { argmax, mask: dims.offset_mask() });
        Saved { gate: gate.unwrap_or_default() }
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        record_gradients(r, site.name, self.dims_at(site), [site.x(), site.parameters, site.gradients, dy], dx);
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
