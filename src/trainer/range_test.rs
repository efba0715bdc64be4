//! A range test: the loss under a learning rate that grows with every update (L. N. Smith, "Cyclical learning rates for training neural
//! networks", 2017).

use super::max_time::MaxTime;
use super::pass::Pass;
use super::state::Trainer;
use crate::clock::Instant;
use crate::data::{Batches, Split};
use crate::error::Result;

/// Weight of the losses before in their moving average.
const SMOOTHING: f64 = 0.95;
/// The smoothed loss over its lowest at which the test ends.
const DIVERGED: f64 = 4.0;

/// A step of a range test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangePoint {
    /// Of the step's update.
    pub learning_rate: f64,
    /// Of the step's batch, before its update.
    pub loss: f64,
    /// The moving average of the losses so far, each weighted 0.95 of the next, without the bias of its beginning.
    pub smoothed: f64,
}

impl Trainer {
    /// Trains on up to `steps` batches whose learning rates go from `low` to `high` by equal factors, until the loss has diverged: is not
    /// finite, or on the average four times as high as it was at its lowest, or the time of the settings is over. `observer` is called after every few batches; an error from it ends the
    /// test. The weights are of no use afterwards.
    ///
    /// # Errors
    /// If the model cannot take `data`, the device is lost, or the observer says so.
    pub async fn range_test(
        &mut self,
        data: &Split,
        [low, high]: [f64; 2],
        steps: usize,
        observer: &mut (dyn FnMut() -> Result<()> + Send),
    ) -> Result<Vec<RangePoint>> {
        self.check(data)?;
        let trained_on = self.config.trained_on(data.len())?;
        let started = Instant::now();
        let max_time = self.config.max_time.map(MaxTime::duration);
        let mut points: Vec<RangePoint> = Vec::new();
        let (mut average, mut lowest) = (0.0, f64::INFINITY);
        for epoch in 1.. {
            let batches = Batches::within(data, trained_on.clone(), self.session.plan.batch);
            let batches = batches.shuffled(self.config.seed, epoch);
            let before = points.len();
            let rate = |i: usize| low * (high / low).powf((before + i) as f64 / (steps.max(2) - 1) as f64);
            let config = &self.config;
            let group = config.accumulate as usize;
            let left = (steps - before).min(config.max_steps());
            let mut pass = Pass::training(batches, left, group).in_parts(config.parts());
            let step = |i: usize| config.step_at(rate(i), ((before + i) / group + 1) as u64);
            while let Some(report) = pass.next(&mut self.session, step).await? {
                for (tally, skipped) in report.tallies.into_iter().zip(report.skipped) {
                    if skipped || !tally.loss.is_finite() {
                        return Ok(points);
                    }
                    average = SMOOTHING * average + (1.0 - SMOOTHING) * tally.loss;
                    let smoothed = average / (1.0 - SMOOTHING.powi(points.len() as i32 + 1));
                    points.push(RangePoint { learning_rate: rate(points.len() - before), loss: tally.loss, smoothed });
                    lowest = smoothed.min(lowest);
                    if smoothed > DIVERGED * lowest {
                        return Ok(points);
                    }
                }
                observer()?;
                if max_time.is_some_and(|time| started.elapsed() >= time) {
                    return Ok(points);
                }
            }
            if points.len() >= steps {
                break;
            }
        }
        Ok(points)
    }
}

/// The learning rate at which the smoothed loss falls fastest over a factor of the rate, before its lowest; none of too few points, or where
/// it never falls.
pub fn steepest(points: &[RangePoint]) -> Option<f64> {
    const WINDOW: usize = 5;
    let lowest = (0..points.len()).min_by(|a, b| points[*a].smoothed.total_cmp(&points[*b].smoothed))?;
    let slope = |i: &usize| {
        let (from, to) = (points[i - WINDOW], points[i + WINDOW]);
        (to.smoothed - from.smoothed) / (to.learning_rate / from.learning_rate).ln()
    };
    let inner = WINDOW..(lowest + 1).min(points.len().saturating_sub(WINDOW));
    let best = inner.min_by(|a, b| slope(a).total_cmp(&slope(b))).filter(|i| slope(i) < 0.0)?;
    Some(points[best].learning_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steepest_fall_is_found_between_the_plateau_and_the_lowest_loss() {
        // Down between 1e-4 and 1e-2, fastest at 1e-3, up from 1e-1 on.
        let point = |i: i32| {
            let x = f64::from(i) / 20.0 - 6.0;
            let smoothed = 2.3 - 1.0 / (1.0 + (-3.0 * (x + 3.0)).exp()) + (x + 1.0).max(0.0);
            RangePoint { learning_rate: 10f64.powf(x), loss: smoothed, smoothed }
        };
        let points: Vec<RangePoint> = (0..130).map(point).collect();
        let found = steepest(&points).expect("a fall");
        assert!((found.log10() + 3.0).abs() < 0.06, "{found}");
        assert_eq!(steepest(&points[..7]), None);
        let flat: Vec<RangePoint> = points.iter().map(|p| RangePoint { smoothed: p.learning_rate, ..*p }).collect();
        assert_eq!(steepest(&flat), None);
    }
}
