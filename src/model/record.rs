//! From layers to a plan.

use super::layout::MAX_ELEMENTS;
use super::{Layer, Layout, Sequential};
use crate::error::{Error, Result, usage};
use crate::kernels::adam::Adam;
use crate::kernels::conv2d::Conv2DPooled;
use crate::kernels::loss::{Softmax, SoftmaxCrossEntropy};
use crate::kernels::unpack::Unpack;
use crate::kernels::{Activation, Gate, Gradients, InputGradient, LayerContext, Record};
use crate::plan::{BufferSlice, Plan, Ports, Profile, Recorder};

/// A layer, or a convolution and its pool, recorded as one.
struct FusedNode {
    /// `conv2d_1`, or `conv2d_1+max_pooling2d_1`.
    name: String,
    /// Places of its first and last layer.
    first: usize,
    last: usize,
    /// The pair, if it is one.
    fused: Option<Conv2DPooled>,
}

impl FusedNode {
    /// The stages of `model`, without layers that are mere views.
    fn list(model: &Sequential, layout: &Layout, profile: Profile) -> Vec<Self> {
        let mut stages: Vec<Self> = Vec::new();
        for (i, (layer, info)) in model.layers.iter().zip(&layout.layers).enumerate() {
            let before = stages.last_mut().filter(|stage| profile.fuse && stage.fused.is_none() && stage.last + 1 == i);
            if let (Layer::MaxPooling2D(pool), Some(stage)) = (layer, before)
                && let Layer::Conv2D(conv) = &model.layers[stage.first]
                && let Some(pair) = Conv2DPooled::new(conv, pool, &layout.layers[stage.first].input)
            {
                stage.name += &format!("+{}", info.name);
                stage.last = i;
                stage.fused = Some(pair);
            } else if !layer.spec().is_view() {
                stages.push(Self { name: info.name.clone(), first: i, last: i, fused: None });
            }
        }
        stages
    }

    fn recording<'a>(&'a self, model: &'a Sequential) -> &'a dyn Record {
        match &self.fused {
            Some(pair) => pair,
            None => model.layers[self.first].spec(),
        }
    }

    /// How this stage takes the gradient by its output `y`, and what that depends on.
    fn gate(&self, model: &Sequential, layout: &Layout, y: BufferSlice, saved: &[BufferSlice]) -> (Gate, BufferSlice) {
        match &self.fused {
            Some(pair) => (pair.gate(&layout.layers[self.first].input), saved[0]),
            None if model.layers[self.first].spec().activation() == Activation::Relu => (Gate::Relu, y),
            None => (Gate::Linear, y),
        }
    }
}

/// Where `stage` stands, over the input `x`; `arenas` are those of parameters and gradients.
fn context<'a>(
    stage: &'a FusedNode,
    layout: &'a Layout,
    batch: usize,
    x: BufferSlice,
    arenas: [BufferSlice; 2],
) -> LayerContext<'a> {
    let (offset, len) = layout.block(stage.first);
    let [weights, grads] = arenas.map(|arena| BufferSlice { buffer: arena.buffer, offset, len });
    LayerContext {
        name: &stage.name,
        batch,
        input: &layout.layers[stage.first].input,
        output: &layout.layers[stage.last].output,
        x,
        weights,
        grads,
    }
}

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
    let adam_m = r.floats("first moments", layout.arena_len);
    let adam_v = r.floats("second moments", layout.arena_len);
    let probabilities = r.floats("probabilities", batch * classes);

    let input = r.floats("input", batch * pixels_per_image);
    r.dispatch("input unpack", Unpack { count: batch * pixels_per_image, words: words_per_batch }, &[pixels], &[input]);

    let stages = FusedNode::list(model, layout, profile);
    let context = |stage, x| context(stage, layout, batch, x, [params, grads]);

    let mut x = input;
    let mut tape = Vec::new();
    for stage in &stages {
        let ctx = context(stage, x);
        let y = r.floats(format!("{} output", ctx.name), batch * ctx.output.iter().product::<usize>());
        let saved = stage.recording(model).forward(&mut r, &ctx, y);
        tape.push((stage, x, saved));
        x = y;
    }
    let logits = x;
    let forward: Vec<usize> = (0..r.dispatches.len()).collect();

    let mut dy = r.floats("logits gradient", logits.len);
    let loss = r.dispatch("loss", SoftmaxCrossEntropy { batch, classes }, &[logits, labels], &[dy, metrics]);
    let softmax = r.dispatch("softmax", Softmax { batch, classes }, &[logits], &[probabilities]);

    let backward_from = r.dispatches.len();
    for (n, (stage, x, saved)) in tape.iter().enumerate().rev() {
        let ctx = context(*stage, *x);
        let dx = n.checked_sub(1).map(|n| {
            let (stage, _, saved) = &tape[n];
            let (gate, gate_input) = stage.gate(model, layout, *x, saved);
            InputGradient { slot: r.floats(format!("{} input gradient", ctx.name), x.len), gate, gate_input }
        });
        stage.recording(model).backward(&mut r, &ctx, saved, &Gradients { dy, dx });
        if let Some(dx) = dx {
            dy = dx.slot;
        }
    }
    let backward = backward_from..r.dispatches.len();
    let update = r.dispatch("adam", Adam { count: layout.arena_len }, &[grads], &[params, adam_m, adam_v]);

    let with = |rest: &[usize]| [&forward[..], rest].concat();
    let gradients: Vec<usize> = with(&[loss]).into_iter().chain(backward).collect();
    Plan {
        train: gradients.iter().copied().chain([update]).collect(),
        evaluate: with(&[loss]),
        predict: with(&[softmax]),
        gradients,
        buffers: r.buffers,
        dispatches: r.dispatches,
        profile,
        ports: Ports {
            pixels: pixels.buffer,
            labels: labels.buffer,
            metrics: metrics.buffer,
            params: params.buffer,
            grads: grads.buffer,
            adam_m: adam_m.buffer,
            adam_v: adam_v.buffer,
            probabilities: probabilities.buffer,
        },
        batch,
        batches_per_upload: window,
        words_per_batch,
    }
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
