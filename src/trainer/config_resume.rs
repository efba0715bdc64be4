//! Which settings of a run may change when it is resumed.

use super::config::RunConfig;
use super::metrics::Progress;
use crate::error::{Error, Result, usage};
use serde_json::{Map, Value};

/// Settings on which the results so far do not depend. What data and model these name is the host's to compare.
const FREE: [&str; 15] = [
    "model",
    "adapter",
    "threads",
    "data",
    "data_dir",
    "epochs",
    "max_time",
    "on_nan",
    "checkpoint_every",
    "keep",
    "log_steps",
    "tensorboard",
    "out",
    "overwrite",
    "weights",
];

impl RunConfig {
    /// Whether a run with the settings `before`, which has come to `progress`, can go on with these.
    ///
    /// # Errors
    /// [`Error::Usage`] with each setting that differs and must not, or if more epochs are done than these settings have.
    pub fn check_resume(&self, before: &Self, progress: &Progress) -> Result<()> {
        let differs: Vec<String> = changes(before, self)?
            .into_iter()
            .filter(|(name, old, new)| {
                // Of a run without patience the best epoch's weights are not kept, and with less it could have ended before.
                let is_more_patient = name == "early_stopping"
                    && old.as_u64().zip(new.as_u64()).is_some_and(|(before, now)| before < now);
                // `none` is none, said or not.
                let is_same_tta = name == "tta" && before.views() == self.views();
                !FREE.contains(&name.as_str()) && !is_more_patient && !is_same_tta
            })
            .map(|(name, old, new)| {
                let bound = if name == "early_stopping" && !old.is_null() { ", which may only be more" } else { "" };
                format!("{name} is {old} in the run{bound}, {new} was asked for")
            })
            .collect();
        if !differs.is_empty() {
            return Err(usage!("a resumed run keeps its settings: {}", differs.join("; ")));
        }
        let begun = progress.epoch - progress.fit_start.epoch + u64::from(progress.batch > 0);
        if self.epochs < begun {
            return Err(usage!(
                "epochs is {}; the run has come to epoch {}, step {}",
                self.epochs,
                begun,
                progress.batch
            ));
        }
        Ok(())
    }

    /// Each setting by its name.
    ///
    /// # Errors
    /// None that comes up: the settings are a table.
    pub(crate) fn to_table(&self) -> Result<Map<String, Value>> {
        match serde_json::to_value(self) {
            Ok(Value::Object(settings)) => Ok(settings),
            other => Err(Error::Data(format!("the settings are no table: {other:?}"))),
        }
    }
}

/// Name, old and new value of each setting that differs.
fn changes(before: &RunConfig, after: &RunConfig) -> Result<Vec<(String, Value, Value)>> {
    let (before, mut after) = (before.to_table()?, after.to_table()?);
    let changed = before.into_iter().filter_map(|(name, old)| {
        let new = after.remove(&name).unwrap_or_default();
        (old != new).then_some((name, old, new))
    });
    Ok(changed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_results_do_not_depend_on_may_change() {
        let before = RunConfig::default();
        let progress = Progress { epoch: 3, batch: 7, ..Progress::default() };
        let check = |config: RunConfig| config.check_resume(&before, &progress).map_err(|e| e.to_string());
        let adapter = RunConfig { adapter: "vulkan".into(), threads: Some(1), epochs: 9, keep: 3, ..before.clone() };
        assert_eq!(check(adapter), Ok(()));
        assert!(check(RunConfig { early_stopping: Some(2), ..before.clone() }).is_err());
        let patient = |patience| RunConfig { early_stopping: Some(patience), ..before.clone() };
        assert!(patient(4).check_resume(&patient(2), &progress).is_ok());
        let less = patient(2).check_resume(&patient(4), &progress).expect_err("it could have ended before").to_string();
        assert!(less.contains("early_stopping is 4 in the run, which may only be more, 2 was asked for"), "{less}");
        let changed = RunConfig { batch_size: 64, seed: 5, ..before.clone() };
        let error = check(changed).expect_err("two settings");
        assert!(
            error.contains("batch_size is 32 in the run, 64") && error.contains("seed is 0 in the run, 5"),
            "{error}"
        );
        let fewer = check(RunConfig { epochs: 3, ..before.clone() }).expect_err("the fourth has begun");
        assert!(fewer.contains("epochs is 3; the run has come to epoch 4, step 7"), "{fewer}");
        assert_eq!(check(RunConfig { epochs: 4, ..before.clone() }), Ok(()));
    }
}
