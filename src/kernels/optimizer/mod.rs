//! Optimizer updates: one pass over the whole parameter arena, its gradients and its state, whatever the rule.

mod accumulate;
mod flagged;
mod muon;
mod norm;
mod not_finite;
mod rule;

use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, Step, constants, elementwise_grid, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
pub(crate) use accumulate::{Accumulate, MovingAverage};
pub(crate) use flagged::FlaggedGradients;
use flagged::flag_at;
pub(crate) use muon::{Matrix, Muon};
pub(crate) use norm::record_clip_by_norm;
pub(crate) use not_finite::record_update_check;
use rayon::prelude::*;
pub(crate) use rule::Rule;
use rule::Scalars;

/// Updates the parameters: gradients are clipped to `clip_value`, parameters lose `weight_decay` times the learning rate of
/// themselves, then the rule holds; nothing happens where the flag is set. Inputs: [`FlaggedGradients`] of `count`; outputs: parameters,
/// the rule's arenas, all `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Update {
    /// Floats of the arena, a multiple of four.
    pub(crate) count: usize,
    pub(crate) rule: Rule,
    /// Zero for none.
    pub(crate) weight_decay: f64,
    pub(crate) clip_value: Option<f64>,
}

impl KernelSpec for Update {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.count / 4);
        let own = constants! {
            COUNT: self.count,
            FLAG: flag_at(self.count),
            WEIGHT_DECAY: self.weight_decay as f32,
            CLIPS: self.clip_value.is_some(),
            CLIP_VALUE: self.clip_value.unwrap_or_default() as f32,
        };
        let arenas = match self.rule.arenas() {
            0 => wgsl!("update_0.wgsl"),
            1 => wgsl!("update_1.wgsl"),
            _ => wgsl!("update_2.wgsl"),
        };
        Shader {
            files: vec![STEP_FILE, wgsl!("update.wgsl"), self.rule.file(), arenas],
            constants: own.and(grid_x).and(self.rule.constants()),
            grid,
            iterations: 0,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let (count, arenas) = (self.count as f64, self.rule.arenas() as f64);
        let flops = (3.0 + 4.0 * arenas) * count;
        Cost { flops, dense_flops: flops, bytes: 4.0 * (3.0 + 2.0 * arenas) * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let scalars = &self.scalars(&io.step);
        match self.rule.arenas() {
            0 => for_each_chunk(&mut io, |p, g, state: [_; 0]| self.update(scalars, p, g, state)),
            1 => for_each_chunk(&mut io, |p, g, state: [_; 1]| self.update(scalars, p, g, state)),
            _ => for_each_chunk(&mut io, |p, g, state: [_; 2]| self.update(scalars, p, g, state)),
        }
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let scalars = &self.scalars(&io.step);
        match self.rule.arenas() {
            0 => for_each_chunk(&mut io, |p, g, state: [_; 0]| compiled!(level, self.update(scalars, p, g, state))),
            1 => for_each_chunk(&mut io, |p, g, state: [_; 1]| compiled!(level, self.update(scalars, p, g, state))),
            _ => for_each_chunk(&mut io, |p, g, state: [_; 2]| compiled!(level, self.update(scalars, p, g, state))),
        }
    }
}

/// Elements of a task.
const CHUNK: usize = 4096;

/// Calls `update(parameters, gradients, state)` for each chunk of the arenas, in parallel, unless the update is skipped; `S` arenas of
/// state.
fn for_each_chunk<F: Real, const S: usize>(io: &mut Io<'_, F>, update: impl Fn(&mut [F], &[F], [&mut [F]; S]) + Sync) {
    let (g, p) = (io.input(0), io.output(0));
    if g[flag_at(p.len())] != F::ZERO {
        return;
    }
    let mut state: [_; S] = std::array::from_fn(|i| io.output(1 + i).chunks_mut(CHUNK));
    let chunks = p.chunks_mut(CHUNK).zip(g.chunks(CHUNK));
    let chunks: Vec<_> = chunks
        .map(|(p, g)| (p, g, state.each_mut().map(|arena| arena.next().expect("arenas have one length"))))
        .collect();
    chunks.into_par_iter().for_each(|(p, g, state)| update(p, g, state));
}

impl Update {
    fn scalars<F: Real>(&self, step: &Step) -> Scalars<F> {
        let f = |value: f32| F::from_f64(f64::from(value));
        let root = match self.rule {
            Rule::Nadam { beta_2, .. } => (1.0 - beta_2.powf(f64::from(step.update))).sqrt(),
            _ => 0.0,
        };
        Scalars { learning_rate: f(step.learning_rate), scalars: step.scalars.map(f), root: F::from_f64(root) }
    }

    #[inline(always)]
    fn update<F: Real, const ARENAS: usize>(
        &self,
        s: &Scalars<F>,
        p: &mut [F],
        g: &[F],
        mut state: [&mut [F]; ARENAS],
    ) {
        match &mut state[..] {
            [] => self.update_0(s, p, g),
            [a] => self.update_1(s, p, g, a),
            [a, b, ..] => self.update_2(s, p, g, a, b),
        }
    }

    #[inline(always)]
    fn update_0<F: Real>(&self, scalars: &Scalars<F>, p: &mut [F], g: &[F]) {
        let before = self.before(scalars);
        for (p, g) in p.iter_mut().zip(g) {
            let (decayed, clipped) = before.apply(*p, *g);
            *p = Rule::Sgd.update(scalars, decayed, clipped, [F::ZERO; 2]).0;
        }
    }

    /// A loop for each rule, so that it is known in the loop.
    #[inline(always)]
    fn update_1<F: Real>(&self, s: &Scalars<F>, p: &mut [F], g: &[F], a: &mut [F]) {
        match self.rule {
            Rule::Momentum { momentum, nesterov } => self.each_1(s, Rule::Momentum { momentum, nesterov }, p, g, a),
            Rule::RmsProp { rho, epsilon, .. } => {
                self.each_1(s, Rule::RmsProp { rho, momentum: 0.0, epsilon }, p, g, a)
            }
            Rule::Adagrad { epsilon } => self.each_1(s, Rule::Adagrad { epsilon }, p, g, a),
            Rule::Lion { beta_1, beta_2 } => self.each_1(s, Rule::Lion { beta_1, beta_2 }, p, g, a),
            Rule::Sgd | Rule::Adam { .. } | Rule::Nadam { .. } => unreachable!("they have not one arena"),
        }
    }

    #[inline(always)]
    fn each_1<F: Real>(&self, scalars: &Scalars<F>, rule: Rule, p: &mut [F], g: &[F], a: &mut [F]) {
        let before = self.before(scalars);
        for ((p, g), a) in p.iter_mut().zip(g).zip(a) {
            let (decayed, clipped) = before.apply(*p, *g);
            (*p, [*a, _]) = rule.update(scalars, decayed, clipped, [*a, F::ZERO]);
        }
    }

    #[inline(always)]
    fn update_2<F: Real>(&self, s: &Scalars<F>, p: &mut [F], g: &[F], a: &mut [F], b: &mut [F]) {
        match self.rule {
            Rule::Adam { beta_1, beta_2, epsilon } => {
                self.each_2(s, Rule::Adam { beta_1, beta_2, epsilon }, (p, g), (a, b));
            }
            Rule::Nadam { beta_1, beta_2, epsilon } => {
                self.each_2(s, Rule::Nadam { beta_1, beta_2, epsilon }, (p, g), (a, b));
            }
            Rule::RmsProp { rho, momentum, epsilon } => {
                self.each_2(s, Rule::RmsProp { rho, momentum, epsilon }, (p, g), (a, b));
            }
            _ => unreachable!("the others have fewer arenas"),
        }
    }

    #[inline(always)]
    fn each_2<F: Real>(&self, s: &Scalars<F>, rule: Rule, (p, g): (&mut [F], &[F]), (a, b): (&mut [F], &mut [F])) {
        let before = self.before(s);
        if before.is_nothing {
            for (((p, g), a), b) in p.iter_mut().zip(g).zip(a).zip(b) {
                (*p, [*a, *b]) = rule.update(s, *p, *g, [*a, *b]);
            }
        } else {
            for (((p, g), a), b) in p.iter_mut().zip(g).zip(a).zip(b) {
                let (decayed, clipped) = before.apply(*p, *g);
                (*p, [*a, *b]) = rule.update(s, decayed, clipped, [*a, *b]);
            }
        }
    }

    fn before<F: Real>(&self, scalars: &Scalars<F>) -> Before<F> {
        Before {
            decay: F::from_f64(self.weight_decay) * scalars.learning_rate,
            clip: F::from_f64(self.clip_value.unwrap_or(f64::INFINITY)),
            is_nothing: self.weight_decay == 0.0 && self.clip_value.is_none(),
        }
    }
}

/// What comes before the rule, without branches.
#[derive(Debug, Clone, Copy)]
struct Before<F> {
    /// Share that the parameter loses.
    decay: F,
    /// Bound of the gradient's elements; infinite for none.
    clip: F,
    is_nothing: bool,
}

impl<F: Real> Before<F> {
    #[inline(always)]
    fn apply(&self, p: F, g: F) -> (F, F) {
        (p - p * self.decay, clipped(g, self.clip))
    }
}

/// `g` between minus `clip` and `clip`; NaN stays NaN.
#[inline(always)]
fn clipped<F: Real>(g: F, clip: F) -> F {
    let g = if g > clip { clip } else { g };
    if g < -clip { -clip } else { g }
}
