//! The optimizer that a `.keras` file was saved with: its arguments, and its state.

use super::hdf5::Tensor;
use super::layout::Layout;
use super::object::Object;
use crate::error::{Result, usage};
use crate::graph::Graph;
use crate::graph::culprit::shown;
use crate::layers::{Moments, Optimizer, UpdateSettings};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An optimizer with its state.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedOptimizer {
    /// Which, with its arguments.
    pub optimizer: Optimizer,
    /// What goes with it.
    pub update: UpdateSettings,
    /// As it was last.
    pub learning_rate: f64,
    /// Updates so far.
    pub updates: u64,
    /// Moments, each laid out as the parameters of the graph.
    pub state: Vec<Vec<f32>>,
}

/// The optimizer in the configuration and the variables of an archive.
///
/// # Errors
/// If there is none, it is of another kind, or its state is not of the graph's parameters.
pub(super) fn read(
    config: &str,
    variables: &BTreeMap<usize, Tensor>,
    layout: &Layout,
    graph: &Graph,
) -> Result<SavedOptimizer> {
    let config: Value = serde_json::from_str(config).map_err(|e| usage!("not JSON: {e}"))?;
    let optimizer = &config["compile_config"]["optimizer"];
    let Some(object) = Object::of(optimizer) else {
        return Err(usage!("the file has no optimizer; the model was saved without compile(), or was not trained"));
    };
    object.check_module()?;
    let mut saved = arguments(&object).map_err(|e| usage!("optimizer {}: {e}", object.class))?;
    let slots = match saved.optimizer {
        Optimizer::Sgd {} if saved.update.momentum == 0.0 => 0,
        Optimizer::Sgd {} => 1,
        _ => 2,
    };
    let parameters = layout.parameters(graph);
    let expected = 2 + slots * parameters.len();
    if variables.len() != expected {
        return Err(usage!(
            "the optimizer has {} variables, {} over the model's {} parameter tensors has {expected}; was it saved before the training?",
            variables.len(),
            object.class,
            parameters.len()
        ));
    }
    let scalar = |i: usize| match variables.get(&i) {
        Some((_, values)) if values.len() == 1 => Ok(values[0]),
        _ => Err(usage!("optimizer variable {i} is no number")),
    };
    saved.updates = scalar(0)? as u64;
    saved.learning_rate = f64::from(scalar(1)?);
    saved.state = vec![vec![0.0; graph.parameters_len]; slots];
    for (i, tensor) in parameters.iter().enumerate() {
        for (slot, state) in saved.state.iter_mut().enumerate() {
            let at = 2 + slots * i + slot;
            match variables.get(&at) {
                Some((shape, values)) if *shape == tensor.shape && values.iter().all(|value| value.is_finite()) => {
                    state[tensor.offset..][..tensor.size()].copy_from_slice(values);
                }
                Some((shape, _)) if *shape == tensor.shape => {
                    return Err(usage!("optimizer variable {at}, of `{}`, is not finite", tensor.name));
                }
                Some((shape, _)) => {
                    let (name, own) = (&tensor.name, &tensor.shape);
                    return Err(usage!("optimizer variable {at} is {shape:?}, but `{name}` is {own:?}"));
                }
                None => return Err(usage!("the optimizer has no variable {at}, for `{}`", tensor.name)),
            }
        }
    }
    Ok(saved)
}

/// The optimizer without its state.
fn arguments(object: &Object<'_>) -> Result<SavedOptimizer> {
    let config = object.config;
    let moments = || -> Result<Moments> {
        let usual = Moments::default();
        Ok(Moments {
            beta_1: number(config, "beta_1")?.unwrap_or(usual.beta_1),
            beta_2: number(config, "beta_2")?.unwrap_or(usual.beta_2),
            epsilon: number(config, "epsilon")?.unwrap_or(usual.epsilon),
        })
    };
    let optimizer = match object.class {
        "Adam" => Optimizer::Adam(moments()?),
        "AdamW" => Optimizer::AdamW(moments()?),
        "SGD" => Optimizer::Sgd {},
        other => return Err(usage!("{other} cannot go on here; Adam, AdamW and SGD can")),
    };
    // Without these, or with these values, they say nothing.
    for (key, neutral) in [
        ("amsgrad", Value::Bool(false)),
        ("use_ema", Value::Bool(false)),
        ("clipnorm", Value::Null),
        ("loss_scale_factor", Value::Null),
        ("gradient_accumulation_steps", Value::Null),
    ] {
        if let Some(value) = config.get(key).filter(|value| **value != neutral && !value.is_null()) {
            return Err(usage!("{key} = {} is not supported", shown(value)));
        }
    }
    if let Some(schedule) = config.get("learning_rate").filter(|rate| !rate.is_number()) {
        return Err(usage!("learning_rate = {} is not supported; only a number is", shown(schedule)));
    }
    Ok(SavedOptimizer {
        optimizer,
        update: UpdateSettings {
            momentum: number(config, "momentum")?.unwrap_or(0.0),
            nesterov: config.get("nesterov") == Some(&Value::Bool(true)),
            weight_decay: number(config, "weight_decay")?,
            clip_value: number(config, "clipvalue")?,
            clip_norm: number(config, "global_clipnorm")?,
            ..UpdateSettings::default()
        },
        learning_rate: 0.0,
        updates: 0,
        state: Vec::new(),
    })
}

fn number(config: &Map<String, Value>, key: &str) -> Result<Option<f64>> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| usage!("{key} = {} is no number", shown(value))),
    }
}
