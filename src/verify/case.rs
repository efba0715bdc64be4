//! A case: a model with a batch and its tolerances, and the plan of it filled at random.

use crate::backend::{Backend, Cpu, CpuFloat};
use crate::error::Result;
use crate::graph::{Graph, Model, RecordOptions, Sequential};
use crate::layers::{Augment, Init, Loss, LossSettings, Optimizer, UpdateSettings};
use crate::plan::{DispatchId, Plan, Profile, Program, Step};
use crate::rng::{Purpose, Rng};
use std::sync::Arc;

/// Batches of the upload that [`Case::filled`] draws.
const BATCHES: usize = 2;

/// A model with a batch size, chosen to exercise edge cases.
#[derive(Debug, Clone)]
pub struct Case {
    /// What the case is about.
    pub name: &'static str,
    /// The model that is recorded.
    pub model: Model,
    /// Images in a batch.
    pub batch: usize,
    /// Valid images in the batch, at most `batch`; the others are padding.
    pub images: usize,
    /// Number of distinct pixel values: 256, or few, so that pooling windows have ties.
    pub levels: usize,
    /// What training minimises.
    pub loss: Loss,
    /// What goes with it.
    pub loss_settings: LossSettings,
    /// What is changed in the images of training.
    pub augment: Augment,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// What goes with it.
    pub update: UpdateSettings,
    /// Bound of ||got - expected|| / ||expected|| for each output of a dispatch.
    pub tolerance: f64,
    /// Share of the elements of an argmax that may differ: of two values that are equal but for rounding, either is the
    /// maximum.
    pub argmax_tolerance: f64,
}

/// A case with a full batch, all 256 pixel values and the usual tolerances.
pub(super) fn case(name: &'static str, batch: usize, model: impl Into<Model>) -> Case {
    let model = model.into();
    let (optimizer, update) = (Optimizer::default(), UpdateSettings::default());
    let (loss, loss_settings) = (Loss::default(), LossSettings::default());
    let (images, levels, tolerance, argmax_tolerance) = (batch, 256, 5e-6, 3e-4);
    let augment = Augment::default();
    Case {
        name,
        model,
        batch,
        images,
        levels,
        loss,
        loss_settings,
        augment,
        optimizer,
        update,
        tolerance,
        argmax_tolerance,
    }
}

/// An empty model over images of `[h, w, c]`.
pub(super) fn images(h: usize, w: usize, c: usize) -> Sequential {
    Sequential::new([h, w, c])
}

impl Case {
    /// A case of another model, with a full batch and the usual tolerances.
    pub fn new(name: &'static str, batch: usize, model: impl Into<Model>) -> Self {
        case(name, batch, model)
    }

    /// A step over the first batch of the upload.
    pub fn step(&self) -> Step {
        let scalars = [1e-3, 5e-4];
        Step { update: 1, learning_rate: 1e-3, scalars, ..Step::evaluate(0, self.images) }
    }

    /// What the error of the output `buffer` may be.
    pub fn bound(&self, buffer: &str) -> f64 {
        if buffer.ends_with("argmax") { self.argmax_tolerance } else { self.tolerance }
    }

    /// The model as a graph.
    ///
    /// # Errors
    /// If its layers do not fit each other.
    pub fn graph(&self) -> Result<Graph> {
        self.model.graph()
    }

    /// The runs that together are of every dispatch of `plan`, each with its step: two training steps, so that the optimizer's second
    /// update meets a state that is not zero, then an evaluation and predictions. All but the first step are of the second batch of the
    /// upload. The numbers of a step differ from each other, so that none can stand for another.
    pub fn runs(&self, plan: &Plan) -> Vec<(DispatchId, Step)> {
        let first = Step { seed: 0x2545_f491, scalars: [1.5e-3, 7e-4], ..self.step() };
        let batch = Step { batch_index: 1, global_images: self.images as u32 + 3, ..first };
        let second = Step { update: 2, learning_rate: 2e-3, scalars: [2.5e-3, 4e-4], ..batch };
        // Begins another group of batches that share an update.
        let begins = Step { scalars: [0.0, 0.25], ..second };
        let inference = Step { global_images: batch.global_images, ..Step::evaluate(1, self.images) };
        let programs = [
            (Program::Gradients, first),
            (Program::Accumulate, first),
            (Program::Update, first),
            (Program::Gradients, second),
            (Program::Accumulate, begins),
            (Program::Update, second),
            (Program::Evaluate, inference),
            (Program::Predict, inference),
        ];
        programs
            .into_iter()
            .flat_map(|(program, step)| plan.program(program).iter().map(move |id| (*id, step)))
            .collect()
    }

    /// The plan for `profile`.
    ///
    /// # Errors
    /// If the model cannot be recorded.
    pub fn plan(&self, profile: Profile) -> Result<Plan> {
        self.plan_of_upload(1, profile)
    }

    /// As [`Self::plan`], with uploads of several batches.
    fn plan_of_upload(&self, batches_per_upload: usize, profile: Profile) -> Result<Plan> {
        let (loss, loss_settings) = (self.loss, self.loss_settings.clone());
        let (optimizer, update, augment) = (self.optimizer, self.update, self.augment);
        let usual = RecordOptions { batches_per_upload, ..RecordOptions::new(self.batch, profile) };
        self.graph()?.record(&RecordOptions { loss, loss_settings, augment, optimizer, update, ..usual })
    }

    /// The plan for `profile` with uploads of two batches, loaded on the CPU with random pixels, labels and weights. A plan for an adapter
    /// runs by the reference implementations.
    ///
    /// # Errors
    /// If the model cannot be recorded or loaded.
    pub fn filled<F: CpuFloat>(&self, profile: Profile) -> Result<(Arc<Plan>, Cpu<F>)> {
        let graph = self.graph()?;
        let plan = Arc::new(self.plan_of_upload(BATCHES, profile)?);
        let mut cpu = Cpu::load(Arc::clone(&plan), 2)?;
        let mut rng = Rng::new(42, Purpose::TrainImage, self.batch as u64);
        let draw = |rng: &mut Rng, cpu: &mut Cpu<F>, batch: usize| -> Result<()> {
            let mut pixel = || (rng.below(self.levels) * 255 / (self.levels - 1)) as u32;
            let pixels: Vec<u32> =
                (0..plan.words_per_batch).map(|_| (0..4).fold(0, |word, _| word << 8 | pixel())).collect();
            let labels: Vec<u32> = (0..self.batch).map(|_| rng.below(graph.classes()) as u32).collect();
            cpu.write(plan.host.input, batch * pixels.len(), &pixels)?;
            if let Some(keys) = plan.host.keys {
                // Numbers of images, and an epoch of their batch.
                let drawn = (0..self.batch).flat_map(|i| [(i * 7 + 1000 * batch) as u32, 3 + batch as u32]);
                cpu.write(keys, batch * 2 * self.batch, &drawn.collect::<Vec<u32>>())?;
            }
            cpu.write(plan.host.targets, batch * labels.len(), &labels)
        };
        draw(&mut rng, &mut cpu, 0)?;
        let mut weights = graph.initial_weights(1);
        for (tensor, range) in graph.weights() {
            // What Keras starts with zero or one tells little apart.
            let [min, max] = match tensor.init {
                Init::GlorotUniform { .. } => continue,
                Init::Zeros => [-0.5, 0.5],
                Init::Ones => [0.5, 1.5],
            };
            weights[range].fill_with(|| rng.range(min, max));
        }
        let (parameters, state) = weights.split_at(graph.parameters_len);
        cpu.write_f32(plan.host.parameters, 0, parameters)?;
        plan.host.layer_state.map_or(Ok(()), |buffer| cpu.write_f32(buffer, 0, state))?;
        // After the weights, which so do not depend on how many batches there are.
        (1..BATCHES).try_for_each(|batch| draw(&mut rng, &mut cpu, batch))?;
        Ok((plan, cpu))
    }
}
