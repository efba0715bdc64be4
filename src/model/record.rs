//! From layers to a plan.

use super::layout::MAX_ELEMENTS;
use super::{Layer, Layout, Sequential};
use crate::error::{Error, Result, usage};
use crate::kernels::adam::Adam;
use crate::kernels::loss::{Softmax, SoftmaxCrossEntropy};
use crate::kernels::unpack::Unpack;
use crate::kernels::{Activation, Gradients, LayerContext};
use crate::plan::{Plan, Ports, Profile, Recorder, Slot};

/// The forward pass, the loss, the backward pass and the update are separate runs of dispatches over one gradient
/// arena, so that another source of gradients can be added between the last two.
fn record(model: &Sequential, layout: &Layout, batch: usize, window: usize, profile: Profile) -> Plan {
    let mut r = Recorder::new(profile);
    let pixels_per_image: usize = model.input.iter().product();
    let words_per_batch = (batch * pixels_per_image).div_ceil(4);
    let classes = layout.classes;

    let pixels = r.words("pixels", window * words_per_batch);
    let labels = r.words("labels", window * batch);
    let metrics = r.floats("metrics", window * 2);
    let params = r.floats("parameters", layout.arena_len);
    let grads = r.floats("gradients", layout.arena_len);
    let moments1 = r.floats("first moments", layout.arena_len);
    let moments2 = r.floats("second moments", layout.arena_len);
    let probabilities = r.floats("probabilities", batch * classes);

    let input = r.floats("input", batch * pixels_per_image);
    r.dispatch("input unpack", Unpack { count: batch * pixels_per_image, words: words_per_batch }, &[pixels], &[input]);

    let block = |arena: Slot, i: usize| {
        let (offset, len) = layout.block(i);
        Slot { buffer: arena.buffer, offset, len }
    };
    let contexts = |x: Slot, i: usize| LayerContext {
        name: &layout.layers[i].name,
        batch,
        input: &layout.layers[i].input,
        output: &layout.layers[i].output,
        x,
        weights: block(params, i),
        grads: block(grads, i),
    };

    let mut x = input;
    let mut tape = Vec::new();
    for (i, layer) in model.layers.iter().enumerate() {
        let at = contexts(x, i);
        if !layer.spec().is_view() {
            let y = r.floats(format!("{} output", at.name), batch * at.output.iter().product::<usize>());
            let saved = layer.spec().forward(&mut r, &at, y);
            tape.push((i, x, saved));
            x = y;
        }
    }
    let logits = x;
    let forward: Vec<usize> = (0..r.dispatches.len()).collect();

    let mut dy = r.floats("logits gradient", logits.len);
    let loss = r.dispatch("loss", SoftmaxCrossEntropy { batch, classes }, &[logits, labels], &[dy, metrics]);
    let softmax = r.dispatch("softmax", Softmax { batch, classes }, &[logits], &[probabilities]);

    let backward_from = r.dispatches.len();
    for (n, (i, x, saved)) in tape.iter().enumerate().rev() {
        let at = contexts(*x, *i);
        let below = n.checked_sub(1).map(|n| &model.layers[tape[n].0]);
        let dx = below.map(|_| r.floats(format!("{} input gradient", at.name), x.len));
        let gate = below.is_some_and(is_relu);
        model.layers[*i].spec().backward(&mut r, &at, saved, &Gradients { dy, dx, gate });
        if let Some(dx) = dx {
            dy = dx;
        }
    }
    let backward = backward_from..r.dispatches.len();
    let update = r.dispatch("adam", Adam { count: layout.arena_len }, &[grads], &[params, moments1, moments2]);

    let with = |rest: &[usize]| [&forward[..], rest].concat();
    let gradients: Vec<usize> = with(&[loss]).into_iter().chain(backward).collect();
    Plan {
        train: gradients.iter().copied().chain([update]).collect(),
        evaluate: with(&[loss]),
        predict: with(&[softmax]),
        gradients,
        buffers: r.buffers,
        dispatches: r.dispatches,
        ports: Ports {
            pixels: pixels.buffer,
            labels: labels.buffer,
            metrics: metrics.buffer,
            params: params.buffer,
            grads: grads.buffer,
            moments1: moments1.buffer,
            moments2: moments2.buffer,
            probabilities: probabilities.buffer,
        },
        batch,
        window,
        words_per_batch,
    }
}

fn is_relu(layer: &Layer) -> bool {
    layer.spec().activation() == Activation::Relu
}

impl Sequential {
    /// Records this model for batches of `batch` images, uploaded `window` at a time, tiled for adapters of `profile`.
    ///
    /// # Errors
    /// If the layers do not fit each other, or a batch is too large for any device.
    pub fn record(&self, batch: usize, window: usize, profile: Profile) -> Result<Plan> {
        let layout = self.layout()?;
        if batch == 0 || window == 0 {
            return Err(usage!("a batch of {batch} images, {window} at a time; both must be at least 1"));
        }
        let outputs = layout.layers.iter().map(|l| (l.name.as_str(), &l.output[..]));
        let largest =
            outputs.chain([("input", &self.input[..])]).max_by_key(|(_, shape)| shape.iter().product::<usize>());
        if let Some((name, shape)) = largest {
            let per_image: usize = shape.iter().product();
            if per_image.saturating_mul(batch) > MAX_ELEMENTS {
                let fitting = MAX_ELEMENTS / per_image;
                return Err(Error::Device(format!(
                    "`{name}` takes {per_image} numbers an image, too many for a batch of {batch}; try --batch-size {fitting}"
                )));
            }
        }
        Ok(record(self, &layout, batch, window, profile))
    }
}
