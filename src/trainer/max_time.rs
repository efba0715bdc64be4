//! A limit of the training's time.

use crate::clock::Duration;
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};

/// How long training may take; in settings a text such as `60s`, `5m` or `1.5h`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "SecondsOrText")]
pub struct MaxTime(Duration);

/// A setting as files have it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a time such as \"60s\", \"5m\" or \"1.5h\", or a number of seconds")]
enum SecondsOrText {
    Seconds(f64),
    Text(String),
}

/// Seconds of each unit.
const UNITS: [(&str, f64); 5] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("min", 60.0), ("h", 3600.0)];

impl MaxTime {
    /// This time.
    pub fn new(time: Duration) -> Self {
        Self(time)
    }

    /// A number and its unit; without a unit seconds.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = if unit.is_empty() { "s" } else { unit };
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor);
        let seconds = number.trim().parse::<f64>().ok().zip(factor).map(|(number, factor)| number * factor);
        let time =
            seconds.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let form = || {
            let units = UNITS.map(|(name, _)| name).join(", ");
            format!("`{text}`: it must be a time above 0, such as 60s, 5m or 1.5h, in {units}")
        };
        time.filter(|time| !time.is_zero()).map(Self).ok_or_else(form)
    }

    /// The time.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl Display for MaxTime {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}s", self.0.as_secs_f64())
    }
}

impl From<MaxTime> for String {
    fn from(time: MaxTime) -> Self {
        time.to_string()
    }
}

impl TryFrom<SecondsOrText> for MaxTime {
    type Error = String;

    fn try_from(value: SecondsOrText) -> Result<Self, String> {
        match value {
            SecondsOrText::Seconds(seconds) => Self::parse(&seconds.to_string()),
            SecondsOrText::Text(text) => Self::parse(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in
            [("60s", 60.0), ("90", 90.0), ("5m", 300.0), ("2 min", 120.0), ("1.5h", 5400.0), ("250ms", 0.25)]
        {
            let time = MaxTime::parse(text).expect("a time");
            assert_eq!(time.duration().as_secs_f64(), seconds, "{text}");
            assert_eq!(MaxTime::parse(&time.to_string()), Ok(time));
            assert_eq!(
                serde_json::from_value::<MaxTime>(serde_json::to_value(time).expect("a text")).expect("back"),
                time
            );
        }
        assert_eq!(serde_json::from_str::<MaxTime>("2.5").expect("seconds").duration(), Duration::from_millis(2500));
        for wrong in ["", "s", "0s", "-1s", "1e99h", "nan", "5 days", "1h 30m", "1e-30s"] {
            assert!(MaxTime::parse(wrong).is_err(), "{wrong}");
        }
    }
}
