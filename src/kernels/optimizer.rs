//! Optimizer updates: one pass over the whole parameter arena, its gradients and its state, whatever the rule.

use crate::plan::{Constants, Cost, Io, KernelSpec, STEP_FILE, Shader, Step, constants, elementwise_grid};
use crate::real::Real;
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// How a parameter follows its gradient g, with Keras's formulas. `lr` is the step's learning rate, `s` its two scalars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// `p -= lr g`.
    Sgd,
    /// `m = momentum m - lr g`, then `p += m`, or with Nesterov `p += momentum m - lr g`.
    Momentum { momentum: f64, nesterov: bool },
    /// Moments m and v, `p -= s_0 m / (sqrt(v) + epsilon)` (Kingma and Ba 2015, end of section 2).
    Adam { beta_1: f64, beta_2: f64, epsilon: f64 },
    /// `v = rho v + (1 - rho) g^2`, `p -= lr g / sqrt(v + epsilon)`; with momentum through `m = momentum m + increment`.
    RmsProp { rho: f64, momentum: f64, epsilon: f64 },
    /// `v += g^2`, `p -= lr g / sqrt(v + epsilon)`.
    Adagrad { epsilon: f64 },
    /// Adam's moments, `p -= (s_0 m + s_1 g) / (sqrt(v) + epsilon sqrt(1 - beta_2^t))` (Dozat 2016).
    Nadam { beta_1: f64, beta_2: f64, epsilon: f64 },
    /// `p -= lr sign(beta_1 m + (1 - beta_1) g)`, then `m = beta_2 m + (1 - beta_2) g` (Chen et al. 2023).
    Lion { beta_1: f64, beta_2: f64 },
}

impl Rule {
    /// Arenas of state.
    pub(crate) fn arenas(self) -> usize {
        match self {
            Self::Sgd => 0,
            Self::Momentum { .. } | Self::Adagrad { .. } | Self::Lion { .. } => 1,
            Self::RmsProp { momentum: 0.0, .. } => 1,
            Self::Adam { .. } | Self::Nadam { .. } | Self::RmsProp { .. } => 2,
        }
    }

    /// The file with `update`.
    fn file(self) -> &'static str {
        match self {
            Self::Sgd => include_str!("../../shaders/rule_sgd.wgsl"),
            Self::Momentum { .. } => include_str!("../../shaders/rule_momentum.wgsl"),
            Self::Adam { .. } => include_str!("../../shaders/rule_adam.wgsl"),
            Self::RmsProp { .. } => include_str!("../../shaders/rule_rmsprop.wgsl"),
            Self::Adagrad { .. } => include_str!("../../shaders/rule_adagrad.wgsl"),
            Self::Nadam { .. } => include_str!("../../shaders/rule_nadam.wgsl"),
            Self::Lion { .. } => include_str!("../../shaders/rule_lion.wgsl"),
        }
    }

    fn constants(self) -> Constants {
        let rest = |decay: f64| (1.0 - decay) as f32;
        match self {
            Self::Sgd => Constants::new(),
            Self::Momentum { momentum, nesterov } => constants! { MOMENTUM: momentum as f32, NESTEROV: nesterov },
            Self::Adam { beta_1, beta_2, epsilon } => constants! {
                ONE_MINUS_BETA_1: rest(beta_1),
                ONE_MINUS_BETA_2: rest(beta_2),
                EPSILON: epsilon as f32,
            },
            Self::RmsProp { rho, momentum, epsilon } => constants! {
                RHO: rho as f32,
                ONE_MINUS_RHO: rest(rho),
                MOMENTUM: momentum as f32,
                EPSILON: epsilon as f32,
            },
            Self::Adagrad { epsilon } => constants! { EPSILON: epsilon as f32 },
            Self::Nadam { beta_1, beta_2, epsilon } => constants! {
                ONE_MINUS_BETA_1: rest(beta_1),
                ONE_MINUS_BETA_2: rest(beta_2),
                LN_BETA_2: beta_2.ln() as f32,
                EPSILON: epsilon as f32,
            },
            Self::Lion { beta_1, beta_2 } => constants! {
                BETA_1: beta_1 as f32,
                ONE_MINUS_BETA_1: rest(beta_1),
                BETA_2: beta_2 as f32,
                ONE_MINUS_BETA_2: rest(beta_2),
            },
        }
    }

    /// The parameter and its state after the update; what a rule does not keep is zero.
    ///
    /// Subnormal moments are flushed to zero, as on adapters: a moment without gradients shrinks to them, and processors are
    /// slow at arithmetic with them.
    #[inline(always)]
    fn update<F: Real>(self, step: &Scalars<F>, p: F, g: F, [m, v]: [F; 2]) -> (F, [F; 2]) {
        let f = F::from_f64;
        let rest = |decay: f64| f(1.0 - decay);
        let Scalars { learning_rate: lr, scalars: s, root } = *step;
        match self {
            Self::Sgd => (p - lr * g, [F::ZERO; 2]),
            Self::Momentum { momentum, nesterov } => {
                let m = flushed(f(momentum) * m - lr * g);
                (p + if nesterov { f(momentum) * m - lr * g } else { m }, [m, F::ZERO])
            }
            Self::Adam { beta_1, beta_2, epsilon } => {
                let m = flushed(m + (g - m) * rest(beta_1));
                let v = flushed(v + (g * g - v) * rest(beta_2));
                (p - s[0] * m / (v.sqrt() + f(epsilon)), [m, v])
            }
            Self::RmsProp { rho, momentum, epsilon } => {
                // The first arena is the mean square.
                let square = flushed(f(rho) * m + rest(rho) * g * g);
                let increment = lr * g / (square + f(epsilon)).sqrt();
                let m = flushed(f(momentum) * v + increment);
                (p - m, [square, m])
            }
            Self::Adagrad { epsilon } => {
                let sum = m + g * g;
                (p - lr * g / (sum + f(epsilon)).sqrt(), [sum, F::ZERO])
            }
            Self::Nadam { beta_1, beta_2, epsilon } => {
                let m = flushed(m + (g - m) * rest(beta_1));
                let v = flushed(v + (g * g - v) * rest(beta_2));
                (p - (s[0] * m + s[1] * g) / (v.sqrt() + f(epsilon) * root), [m, v])
            }
            Self::Lion { beta_1, beta_2 } => {
                let direction = sign(f(beta_1) * m + rest(beta_1) * g);
                let m = flushed(f(beta_2) * m + rest(beta_2) * g);
                (p - lr * direction, [m, F::ZERO])
            }
        }
    }
}

/// What a step brings to an update.
#[derive(Debug, Clone, Copy)]
struct Scalars<F> {
    learning_rate: F,
    scalars: [F; 2],
    /// sqrt(1 - beta_2^t) of [`Rule::Nadam`], beside epsilon, where precision is of no matter.
    root: F,
}

/// Updates the parameters: gradients are clipped to `clip_value`, parameters lose `weight_decay` times the learning rate of
/// themselves, then the rule holds. Inputs: gradients `[count]`; outputs: parameters, the rule's arenas, all `[count]`.
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
            WEIGHT_DECAY: self.weight_decay as f32,
            CLIPS: self.clip_value.is_some(),
            CLIP_VALUE: self.clip_value.unwrap_or_default() as f32,
        };
        let arenas = match self.rule.arenas() {
            0 => include_str!("../../shaders/update_0.wgsl"),
            1 => include_str!("../../shaders/update_1.wgsl"),
            _ => include_str!("../../shaders/update_2.wgsl"),
        };
        Shader {
            files: vec![STEP_FILE, include_str!("../../shaders/update.wgsl"), self.rule.file(), arenas],
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
        let scalars = self.scalars(&io.step);
        match self.rule.arenas() {
            0 => for_each_chunk(&mut io, |p, g, state: [&mut [F]; 0]| self.update(&scalars, p, g, state)),
            1 => for_each_chunk(&mut io, |p, g, state: [&mut [F]; 1]| self.update(&scalars, p, g, state)),
            _ => for_each_chunk(&mut io, |p, g, state: [&mut [F]; 2]| self.update(&scalars, p, g, state)),
        }
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let scalars = self.scalars(&io.step);
        match self.rule.arenas() {
            0 => for_each_chunk(&mut io, |p, g, state: [&mut [f32]; 0]| {
                level.compiled(|| self.update(&scalars, p, g, state));
            }),
            1 => for_each_chunk(&mut io, |p, g, state: [&mut [f32]; 1]| {
                level.compiled(|| self.update(&scalars, p, g, state));
            }),
            _ => for_each_chunk(&mut io, |p, g, state: [&mut [f32]; 2]| {
                level.compiled(|| self.update(&scalars, p, g, state));
            }),
        }
    }
}

/// Elements of a task.
const CHUNK: usize = 4096;

/// Calls `update(parameters, gradients, state)` for each chunk of the arenas, in parallel; `S` arenas of state.
fn for_each_chunk<F: Real, const S: usize>(io: &mut Io<'_, F>, update: impl Fn(&mut [F], &[F], [&mut [F]; S]) + Sync) {
    let (g, p) = (io.input(0), io.output(0));
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
    fn update<F: Real, const S: usize>(&self, scalars: &Scalars<F>, p: &mut [F], g: &[F], mut state: [&mut [F]; S]) {
        let (decay, clip) = (F::from_f64(self.weight_decay), self.clip_value.map(F::from_f64));
        for (i, (p, g)) in p.iter_mut().zip(g).enumerate() {
            let old = std::array::from_fn(|arena| if arena < S { state[arena][i] } else { F::ZERO });
            let g = clip.map_or(*g, |clip| clipped(*g, clip));
            let decayed = if self.weight_decay == 0.0 { *p } else { *p - *p * decay * scalars.learning_rate };
            let (new, kept) = self.rule.update(scalars, decayed, g, old);
            *p = new;
            state.iter_mut().zip(kept).for_each(|(arena, value)| arena[i] = value);
        }
    }
}

/// `g` between minus `clip` and `clip`; NaN stays NaN.
#[inline(always)]
fn clipped<F: Real>(g: F, clip: F) -> F {
    let g = if g > clip { clip } else { g };
    if g < -clip { -clip } else { g }
}

/// 1, 0 or -1; NaN stays NaN.
#[inline(always)]
fn sign<F: Real>(x: F) -> F {
    if x > F::ZERO {
        F::ONE
    } else if x < F::ZERO {
        -F::ONE
    } else {
        x
    }
}

/// Zero for a subnormal number.
#[inline(always)]
fn flushed<F: Real>(value: F) -> F {
    let smallest = F::from_f64(f64::from(f32::MIN_POSITIVE));
    if value < smallest && value > -smallest { F::ZERO } else { value }
}
