//! From a graph to a plan: buffers, forward passes for training and inference, loss, backward pass, update.

use super::Graph;
use super::infer::MAX_ELEMENTS;
use super::lower::{Lowered, Op, ValueId};
use super::record_options::RecordOptions;
use crate::error::{Advice, Error, Result, usage};
use crate::kernels::elementwise::Sum;
use crate::kernels::optimizer::{Accumulate, FlaggedGradients, MovingAverage, record_update_check};
use crate::kernels::unpack::{Unpack, read_pixels};
use crate::kernels::{Gate, GradientOut};
use crate::layers::{Loss, LossSite, OnNan, Saved, Site, Tensor};
use crate::plan::{BufferSlice, HostBuffers, Mode, Plan, Recorder, SkipBuffers};

impl Graph {
    /// The loss that takes the model's end, and whether its outputs are logits.
    pub(crate) fn loss_of_end(&self) -> (Loss, bool) {
        Loss::of_end(self.nodes[self.output].layer.as_layer().activation(), self.outputs())
    }

    /// Records this model.
    ///
    /// # Errors
    /// If the model does not end as the loss takes it, or a batch is too large for any device.
    pub fn record(&self, options: &RecordOptions) -> Result<Plan> {
        let RecordOptions { batch, batches_per_upload, .. } = *options;
        if batch == 0 || batches_per_upload == 0 {
            return Err(usage!("{batches_per_upload} batches of {batch} images; both must be at least 1"));
        }
        let end = self.nodes[self.output].layer.as_layer();
        options.loss.check_end(options.loss_settings.from_logits, end.kind(), end.activation(), self.outputs())?;
        let outputs = self.nodes.iter().map(|node| (node.name.as_str(), &node.output[..]));
        let largest =
            outputs.chain([("input", &self.input[..])]).max_by_key(|(_, shape)| shape.iter().product::<usize>());
        if let Some((name, shape)) = largest {
            let per_image: usize = shape.iter().product();
            if per_image.saturating_mul(batch) > MAX_ELEMENTS {
                let fitting = MAX_ELEMENTS / per_image;
                return Err(Error::device(format!(
                    "`{name}` takes {per_image} numbers an image, too many for a batch of {batch}"
                ))
                .advise([Advice::BatchSize(fitting as u64)]));
            }
        }
        Ok(Recording::new(self, options).plan())
    }
}

/// The arenas, [graph.parameters_len] f32 each.
struct Arenas {
    parameters: BufferSlice,
    /// With the flag of the update, unless this takes the sum.
    gradients: BufferSlice,
    /// The sum over a group's batches, where an update takes several, with the flag.
    accumulated: Option<BufferSlice>,
    optimizer: Vec<BufferSlice>,
    /// The moving average of the parameters.
    average: Option<BufferSlice>,
    state: Option<BufferSlice>,
}

struct Recording<'g> {
    graph: &'g Graph,
    lowered: Lowered<'g>,
    options: RecordOptions,
    r: Recorder,
    arenas: Arenas,
    /// The input as floats, [batch, input].
    input: BufferSlice,
}

impl<'g> Recording<'g> {
    fn new(graph: &'g Graph, options: &RecordOptions) -> Self {
        let mut r = Recorder::new(options.profile);
        let len = graph.parameters_len;
        let flagged = FlaggedGradients::len(len);
        let optimizer = options.optimizer;
        let arenas = Arenas {
            parameters: r.persistent("parameters", len),
            gradients: r.floats("gradients", if options.update.accumulates { len } else { flagged }),
            accumulated: options.update.accumulates.then(|| r.persistent("accumulated gradients", flagged)),
            optimizer: (optimizer.state_arenas(&options.update).iter())
                .map(|name| r.persistent(format!("{} {name}", optimizer.name()), len))
                .collect(),
            average: options.update.ema.map(|_| r.persistent("average of parameters", len)),
            state: (graph.state_len > 0).then(|| r.persistent("layer state", graph.state_len)),
        };
        let input = r.floats("input", options.batch * graph.input.iter().product::<usize>());
        Self { graph, lowered: Lowered::new(graph, options.profile), options: options.clone(), r, arenas, input }
    }

    fn plan(mut self) -> Plan {
        let RecordOptions { batch, batches_per_upload, profile, loss, loss_settings, augment, optimizer, update } =
            self.options.clone();
        let outputs = self.graph.outputs();
        let words_per_batch = self.input.len.div_ceil(4);
        let pixels = self.r.u32s("pixels", batches_per_upload * words_per_batch);
        let targets = self.r.u32s("targets", batches_per_upload * batch);
        let metrics = self.r.floats("metrics", batches_per_upload * 2);
        let skipped = self.r.floats("skipped updates", batches_per_upload);
        let predictions = self.r.floats("predictions", batches_per_upload * batch * outputs);
        let logits_gradient = self.r.floats("logits gradient", batch * outputs);

        let divisor = 255.0 / self.graph.largest_pixel();
        let unpack_batch = Unpack { count: self.input.len, words: words_per_batch, divisor };
        let unpack = self.r.dispatch("input unpack", unpack_batch, &[pixels], &[self.input]);
        let keys = (!augment.is_none()).then(|| self.r.u32s("image keys", batches_per_upload * batch * 2));
        let training_input = keys.map_or(unpack, |keys| {
            let kernel = augment.kernel(batch, self.graph.input, words_per_batch, divisor);
            self.r.dispatch("input augment", kernel, &[pixels, keys], &[self.input])
        });
        self.r.recorded();
        let saved = self.forward(Mode::Train);
        let logits = self.value(self.lowered.logits);
        let loss_site = LossSite { batch, outputs, logits, targets, metrics, predictions };
        loss.record_training(&mut self.r, &loss_settings, &loss_site, logits_gradient);
        self.backward(&saved, logits_gradient);
        let gradients = self.r.recorded();
        let Arenas { parameters, gradients: of_batch, accumulated, optimizer: state, average, .. } = &self.arenas;
        let count = parameters.len;
        let flagged = FlaggedGradients { whole: accumulated.unwrap_or(*of_batch), count };
        if accumulated.is_some() {
            let sum = flagged.gradients();
            self.r.dispatch("accumulate gradients", Accumulate { count }, &[*of_batch], &[sum]);
        }
        let accumulate = self.r.recorded();
        record_update_check(&mut self.r, flagged, metrics, skipped, update.on_nan == OnNan::Stop);
        let matrices = self.graph.matrices();
        optimizer.record(&mut self.r, &update, *parameters, flagged, state, &matrices);
        if let (Some(average), Some(decay)) = (average, update.ema) {
            let inputs = [*parameters, flagged.flag()];
            self.r.dispatch("average parameters", MovingAverage { count, decay }, &inputs, &[*average]);
        }
        let update = self.r.recorded();

        self.forward(Mode::Infer);
        let infer = self.r.recorded();
        loss.record_evaluation(&mut self.r, &loss_settings, &loss_site);
        let evaluate = self.r.recorded();
        loss.record_predictions(&mut self.r, &loss_site);
        let predict = self.r.recorded();

        let after_unpack = |lists: &[&[_]]| [&[unpack], &lists.concat()[..]].concat();
        let after_augment = [&[training_input], &gradients[..]].concat();
        let plan = Plan {
            programs: [
                after_augment,
                accumulate,
                update,
                after_unpack(&[&infer, &evaluate]),
                after_unpack(&[&infer, &predict]),
            ],
            pairs: Vec::new(),
            buffers: self.r.buffers,
            dispatches: self.r.dispatches,
            profile,
            host: HostBuffers {
                input: pixels.buffer,
                targets: targets.buffer,
                keys: keys.map(|keys| keys.buffer),
                metrics: metrics.buffer,
                predictions: predictions.buffer,
                parameters: self.arenas.parameters.buffer,
                gradients: self.arenas.gradients.buffer,
                optimizer_state: self.arenas.optimizer.iter().map(|slice| slice.buffer).collect(),
                average: self.arenas.average.map(|slice| slice.buffer),
                layer_state: self.arenas.state.map(|slice| slice.buffer),
                skips: Some(SkipBuffers { flag: flagged.flag(), steps: skipped.buffer }),
            },
            batch,
            batches_per_upload,
            words_per_batch,
        };
        read_pixels(plan, unpack, unpack_batch)
    }

    /// The activations of `value`, [batch, shape].
    fn value(&mut self, value: ValueId) -> BufferSlice {
        match self.lowered.producer(value) {
            None => self.input,
            Some(i) => {
                let op = &self.lowered.ops[i];
                let len = self.options.batch * op.output_shape.iter().product::<usize>();
                self.r.floats(format!("{} output", op.name), len)
            }
        }
    }

    /// Records the forward pass; returns what each operation saved.
    fn forward(&mut self, mode: Mode) -> Vec<Saved> {
        (0..self.lowered.ops.len())
            .map(|i| {
                let slices = self.slices(i);
                let op = &self.lowered.ops[i];
                op.layer().forward(&mut self.r, &site(op, self.graph, &self.options, &self.arenas, &slices, mode), mode)
            })
            .collect()
    }

    /// The activations that operation `i` reads, then those that it writes.
    fn slices(&mut self, i: usize) -> Vec<BufferSlice> {
        let op = &self.lowered.ops[i];
        let values: Vec<ValueId> = op.inputs.iter().map(|(value, _)| *value).chain([op.output]).collect();
        values.into_iter().map(|value| self.value(value)).collect()
    }

    /// Records the backward pass from the gradient w.r.t. the logits.
    ///
    /// The gradient of a value that one operation takes is written by that operation, through the gate of the value's
    /// producer if its kernels support gates. Otherwise the plain gradients are summed in the order in which the backward
    /// pass makes them, and the sum goes through the gate.
    fn backward(&mut self, saved: &[Saved], logits_gradient: BufferSlice) {
        let needs_gradient = self.lowered.needs_gradient();
        let mut gradients: Vec<Vec<BufferSlice>> = vec![Vec::new(); needs_gradient.len()];
        let mut gated = vec![false; needs_gradient.len()];
        gradients[self.lowered.logits.0].push(logits_gradient);
        for i in (0..self.lowered.ops.len()).rev() {
            let slices = self.slices(i);
            let output = self.lowered.ops[i].output;
            if !needs_gradient[output.0] {
                continue;
            }
            let gate = if gated[output.0] { Gate::None } else { saved[i].gate };
            let dy = self.sum(i, &gradients[output.0], gate);
            if let Gate::Argmax { mask, .. } = saved[i].gate {
                self.r.tag(dy, mask);
            }
            let op = &self.lowered.ops[i];
            let layer = op.layer();
            let mut dx = Vec::with_capacity(op.inputs.len());
            for (n, (value, _)) in op.inputs.iter().enumerate() {
                if !needs_gradient[value.0] {
                    dx.push(None);
                } else if layer.passes_gradient() && slices[n].len == dy.len {
                    gradients[value.0].push(dy);
                    dx.push(None);
                } else {
                    let which = if op.inputs.len() == 1 { String::new() } else { format!(" {n}") };
                    let to = self.r.floats(format!("{} input{which} gradient", op.name), slices[n].len);
                    let fused = layer.supports_gates() && self.lowered.uses(*value) == 1;
                    let producer = self.lowered.producer(*value).filter(|_| fused);
                    gated[value.0] = fused;
                    gradients[value.0].push(to);
                    dx.push(Some(GradientOut { to, gate: producer.map_or(Gate::None, |i| saved[i].gate) }));
                }
            }
            let site = site(op, self.graph, &self.options, &self.arenas, &slices, Mode::Train);
            layer.backward(&mut self.r, &site, &saved[i], dy, &dx);
        }
    }

    /// The sum of the gradients w.r.t. the output of operation `i`, through `gate`.
    fn sum(&mut self, i: usize, gradients: &[BufferSlice], gate: Gate) -> BufferSlice {
        let name = self.lowered.ops[i].name.clone();
        if let ([only], Gate::None) = (gradients, gate) {
            return *only;
        }
        let pairs = gradients.len().saturating_sub(1).max(1);
        let mut sum = gradients[0];
        for n in 1..=pairs {
            let gate = if n == pairs { gate } else { Gate::None };
            let terms: Vec<BufferSlice> = [sum].into_iter().chain(gradients.get(n).copied()).collect();
            let suffix = if n == 1 { String::new() } else { format!(" {n}") };
            let to = self.r.floats(format!("{name} output gradient{suffix}"), sum.len);
            let kernel = Sum { count: to.len, terms: terms.len(), relu: false, gate: gate.kind() };
            let inputs: Vec<BufferSlice> = terms.into_iter().chain(gate.input()).collect();
            self.r.dispatch(format!("{name} add gradients{suffix}"), kernel, &inputs, &[to]);
            sum = to;
        }
        sum
    }
}

/// Where `op` stands: its inputs and its output are `slices`. Inference takes the average of the parameters where there is one.
fn site<'a>(
    op: &'a Op<'a>,
    graph: &Graph,
    options: &RecordOptions,
    arenas: &Arenas,
    slices: &[BufferSlice],
    mode: Mode,
) -> Site<'a> {
    let ((offset, len), state) = (graph.block(op.node), graph.state_block(op.node));
    let average = arenas.average.filter(|_| mode == Mode::Infer);
    let block = |arena: BufferSlice| BufferSlice { buffer: arena.buffer, offset, len };
    let (output, inputs) = slices.split_last().expect("an operation has an output");
    let shapes = op.inputs.iter().map(|(_, shape)| *shape);
    Site {
        name: &op.name,
        batch: options.batch,
        inputs: inputs.iter().zip(shapes).map(|(slice, shape)| Tensor { slice: *slice, shape }).collect(),
        output: Tensor { slice: *output, shape: op.output_shape },
        parameters: block(average.unwrap_or(arenas.parameters)),
        gradients: block(arenas.gradients),
        state: arenas
            .state
            .map(|arena| BufferSlice { buffer: arena.buffer, offset: state.0, len: state.1 })
            .filter(|block| block.len > 0),
    }
}
