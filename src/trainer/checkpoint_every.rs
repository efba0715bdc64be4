//! How often a checkpoint is written.

use super::metrics::Progress;
use crate::clock::Duration;
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};

/// How often a checkpoint is written; in settings a text such as `100steps`, `1epochs` or `5minutes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum CheckpointEvery {
    /// After so many batches, over all epochs.
    Steps(u64),
    /// At the end of every so many epochs.
    Epochs(u64),
    /// After so many minutes, as soon as the steps in flight are done.
    Minutes(u64),
}

impl Default for CheckpointEvery {
    fn default() -> Self {
        Self::Epochs(1)
    }
}

impl CheckpointEvery {
    /// A number and its unit; without a unit epochs.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "it must be a number from 1 on with its unit, such as 100steps, 1epochs or 5minutes";
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim_start());
        match (number.parse(), unit) {
            (Ok(0) | Err(_), _) => Err(format!("`{text}`: {FORM}")),
            (Ok(n), "step" | "steps") => Ok(Self::Steps(n)),
            (Ok(n), "" | "epoch" | "epochs") => Ok(Self::Epochs(n)),
            (Ok(n), "minute" | "minutes") => Ok(Self::Minutes(n)),
            _ => Err(format!("`{text}`: {FORM}")),
        }
    }

    /// The number of steps, where it counts steps.
    pub(super) fn steps(self) -> Option<u64> {
        match self {
            Self::Steps(n) => Some(n),
            Self::Epochs(_) | Self::Minutes(_) => None,
        }
    }

    /// Whether a checkpoint is due at `progress`, when the last was written `since` ago.
    pub fn is_due(self, progress: &Progress, since: Duration) -> bool {
        match self {
            Self::Steps(n) => progress.steps.is_multiple_of(n),
            Self::Epochs(n) => progress.batch == 0 && (progress.epoch - progress.fit_start.epoch).is_multiple_of(n),
            Self::Minutes(n) => since.as_secs() / 60 >= n,
        }
    }
}

impl Display for CheckpointEvery {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let (n, unit) = match self {
            Self::Steps(n) => (n, "steps"),
            Self::Epochs(n) => (n, "epochs"),
            Self::Minutes(n) => (n, "minutes"),
        };
        write!(f, "{n}{unit}")
    }
}

impl From<CheckpointEvery> for String {
    fn from(every: CheckpointEvery) -> Self {
        every.to_string()
    }
}

impl TryFrom<String> for CheckpointEvery {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_unit() {
        use CheckpointEvery::{Epochs, Minutes, Steps};
        for (text, expected) in [
            ("100steps", Steps(100)),
            ("1step", Steps(1)),
            ("2epochs", Epochs(2)),
            ("3", Epochs(3)),
            ("5 minutes", Minutes(5)),
        ] {
            assert_eq!(CheckpointEvery::parse(text), Ok(expected), "{text}");
            assert_eq!(CheckpointEvery::parse(&expected.to_string()), Ok(expected));
        }
        for text in
            ["", "0steps", "steps", "-1steps", "5hours", "1.5epochs", "99999999999999999999steps", "5 minutes later"]
        {
            let error = CheckpointEvery::parse(text).expect_err(text);
            assert!(error.contains("such as 100steps"), "{error}");
        }
    }

    #[test]
    fn it_is_due_by_steps_epochs_or_time() {
        let progress = Progress { steps: 40, batch: 10, epoch: 3, ..Progress::default() };
        let at_epoch = Progress { batch: 0, ..progress };
        let minute = Duration::from_secs(60);
        let due = |every: CheckpointEvery, progress: &Progress| every.is_due(progress, minute);
        assert!(due(CheckpointEvery::Steps(20), &progress) && !due(CheckpointEvery::Steps(30), &progress));
        assert!(due(CheckpointEvery::Epochs(3), &at_epoch) && !due(CheckpointEvery::Epochs(2), &at_epoch));
        assert!(!due(CheckpointEvery::Epochs(3), &progress));
        assert!(due(CheckpointEvery::Minutes(1), &progress) && !due(CheckpointEvery::Minutes(2), &progress));
    }
}
