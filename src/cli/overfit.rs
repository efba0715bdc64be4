//! `train --overfit-batches`: whether a few images have been learned by heart.

use crate::error::{Error, Result, count_of};
use crate::trainer::{Progress, RunConfig, Score};

/// The loss, above the lowest that there is, below which they have: the true class has a probability of 0.9 and more.
const LEARNED: f64 = 0.1;

/// The lowest loss that there is: 0, or with smoothed labels their entropy.
fn lowest(label_smoothing: f64, classes: usize) -> f64 {
    let of_each = label_smoothing / classes as f64;
    let entropy = |share: f64| if share > 0.0 { -share * share.ln() } else { 0.0 };
    entropy(1.0 - label_smoothing + of_each) + (classes - 1) as f64 * entropy(of_each)
}

/// # Errors
/// [`Error::Disagreement`] if the settings ask for a few images to be learned by heart, and they have not been.
pub(super) fn check_overfit(config: &RunConfig, test: Score, classes: usize, progress: Progress) -> Result<()> {
    let lowest = lowest(config.label_smoothing, classes);
    let Some(batches) = config.overfit_batches.filter(|_| test.loss > lowest + LEARNED) else { return Ok(()) };
    let smoothed = match config.label_smoothing > 0.0 {
        true => format!(", of which label_smoothing makes {lowest:.4}"),
        false => String::new(),
    };
    let mut others = vec!["a larger --learning-rate", "more --epochs"];
    if config.augment.is_some_and(|augment| !augment.is_none()) {
        others.push("no augmentation (--augment none)");
    }
    if config.class_weight.is_some() {
        others.push("no class weights, whose images may not count");
    }
    Err(Error::Disagreement(format!(
        "the loss over {} trained on is {:.4} after {}{smoothed}; it has to come below {:.4}: the model cannot learn them, or not with \
         these settings\nhint: try {}; labels that are wrong stay at this loss",
        match batches {
            1 => "the batch that was".to_owned(),
            batches => format!("the {batches} batches that were"),
        },
        test.loss,
        count_of(progress.steps, "step"),
        lowest + LEARNED,
        others.join(", or ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothed_labels_have_a_lowest_loss() {
        assert_eq!(lowest(0.0, 10), 0.0);
        // 0.91 for the class, 0.01 for each other.
        assert!((lowest(0.1, 10) - (0.91 * 0.094_310_679 + 9.0 * 0.01 * 4.605_170_186)).abs() < 1e-8);
        let config = RunConfig { overfit_batches: Some(1), label_smoothing: 0.1, ..RunConfig::default() };
        let check = |loss| check_overfit(&config, Score { loss, accuracy: 1.0 }, 10, Progress::default());
        assert!(check(0.5993).is_ok());
        let message = check(0.61).expect_err("not learned").to_string();
        assert!(message.contains("0.6100") && message.contains("label_smoothing makes 0.5003"), "{message}");
    }
}
