//! Whether the devices computed the same losses.

use super::results::Benched;

/// Steps whose losses have to agree one by one.
const COMPARED_STEPS: usize = 10;
/// By how much the first has to, of the loss or of 1.
const AGREEMENT: f64 = 2e-3;
/// By how much more than the one before each further one may differ: training amplifies differences in rounding. With batch
/// normalisations, Keras's own losses in single and in double precision part by as much.
const GROWTH: f64 = 1.5;
/// By how much the mean over all steps has to agree.
const MEAN_AGREEMENT: f64 = 0.1;

/// Where the losses of a device are not those of the last device (the CPU), as a message: the first step by more than 0.2 %, one of
/// the next nine by more than half as much again for each step before it, or the mean of all by more than 10 %.
pub fn disagreement(results: &[Benched]) -> Option<String> {
    let all: Vec<_> = results.iter().map(|r| (r.info.adapter.as_str(), &r.losses[..])).collect();
    parted(&all)
}

/// As [`disagreement`], of names and losses.
pub(super) fn parted(all: &[(&str, &[f64])]) -> Option<String> {
    let ((reference, expected), others) = all.split_last()?;
    // A loss that is not a number agrees with nothing.
    let close = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance * b.abs().max(1.0);
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
    others.iter().find_map(|(name, losses)| {
        let mut pairs = losses.iter().zip(*expected).take(COMPARED_STEPS).enumerate();
        let bound = |step: usize| (AGREEMENT * GROWTH.powi(step as i32)).min(MEAN_AGREEMENT);
        if let Some((i, (a, b))) = pairs.find(|(i, (a, b))| !close(**a, **b, bound(*i))) {
            return Some(format!("the loss of step {} is {a} on {name} and {b} on {reference}", i + 1));
        }
        let (a, b) = (mean(losses), mean(expected));
        let text = format!("the mean loss of {} steps is {a} on {name} and {b} on {reference}", losses.len());
        (!close(a, b, MEAN_AGREEMENT)).then_some(text)
    })
}
