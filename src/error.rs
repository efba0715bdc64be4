//! The crate's error type, and the exit code of each variant.

use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors, grouped by what the user can do about them. The text names the cause, the values involved and the next
/// action.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two devices that should compute the same results differ by more than the tolerance.
    #[error("{0}")]
    Disagreement(String),
    /// A setting, a model or a file name that cannot be used as given.
    #[error("{0}")]
    Usage(String),
    /// No adapter matches the request.
    #[error("{0}")]
    NoAdapter(String),
    /// A data or weights file that is missing, damaged or inconsistent with another file.
    #[error("{0}")]
    Data(String),
    /// The device was lost, ran out of memory or rejected a buffer, shader or command.
    #[error("{0}")]
    Device(Message),
    /// The loss or a weight became infinite or NaN.
    #[error("{0}")]
    NotFinite(Message),
    /// A file or folder that cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Output {
        /// The file or folder to write.
        path: PathBuf,
        /// Why writing failed.
        reason: String,
    },
    /// The user asked to stop (Ctrl-C).
    #[error("{0}")]
    Interrupted(String),
}

/// A text, and what could help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The cause, with the values involved.
    pub text: String,
    /// What to try, any of it.
    pub advice: Vec<Advice>,
}

/// What could help; a host that has names for these settings can say them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Batches of at most this many images.
    BatchSize(u64),
    /// Fewer images in a batch.
    SmallerBatchSize,
    /// A smaller learning rate.
    SmallerLearningRate,
    /// The CPU backend in place of an adapter.
    CpuBackend,
    /// A model with fewer parameters or smaller layers.
    SmallerModel,
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self { text, advice: Vec::new() }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        f.write_str(&self.text)?;
        for (i, advice) in self.advice.iter().enumerate() {
            write!(f, "{}{advice}", if i == 0 { "; try " } else { ", or " })?;
        }
        Ok(())
    }
}

impl Display for Advice {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        match self {
            Self::BatchSize(images) => write!(f, "a batch size of {images}"),
            Self::SmallerBatchSize => f.write_str("a smaller batch size"),
            Self::SmallerLearningRate => f.write_str("a smaller learning rate"),
            Self::CpuBackend => f.write_str("the CPU backend"),
            Self::SmallerModel => f.write_str("a smaller model"),
        }
    }
}

impl Error {
    /// What could help, as far as it is known.
    pub fn advice(&self) -> &[Advice] {
        match self {
            Self::Device(message) | Self::NotFinite(message) => &message.advice,
            _ => &[],
        }
    }

    /// An [`Error::Device`].
    pub(crate) fn device(text: String) -> Self {
        Self::Device(text.into())
    }

    /// An [`Error::NotFinite`].
    pub(crate) fn not_finite(text: String) -> Self {
        Self::NotFinite(text.into())
    }

    /// The same with advice, for the variants that carry it.
    pub(crate) fn advise(mut self, advice: impl IntoIterator<Item = Advice>) -> Self {
        if let Self::Device(message) | Self::NotFinite(message) = &mut self {
            message.advice = advice.into_iter().collect();
        }
        self
    }

    /// The exit code of the command-line program: 1 disagreement, 2 usage, 3 no adapter, 4 data, 5 device, 6 not
    /// finite, 7 output, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Disagreement(_) => 1,
            Self::Usage(_) => 2,
            Self::NoAdapter(_) => 3,
            Self::Data(_) => 4,
            Self::Device(_) => 5,
            Self::NotFinite(_) => 6,
            Self::Output { .. } => 7,
            Self::Interrupted(_) => 130,
        }
    }

    /// An [`Error::Output`] for `path`.
    pub fn output(path: impl AsRef<Path>, reason: impl Display) -> Self {
        Self::Output { path: path.as_ref().to_owned(), reason: reason.to_string() }
    }

    /// An [`Error::Data`] whose message is `what`, followed by `path`.
    pub(crate) fn data(path: &Path, what: impl Display) -> Self {
        Self::Data(format!("{what}: {}", path.display()))
    }
}

/// A number in a message: very large and very small ones with an exponent.
pub(crate) struct Number(pub(crate) f64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        let Self(value) = self;
        match value.abs() {
            0.0 | 1e-5..1e16 => value.fmt(f),
            size if size.is_finite() => write!(f, "{value:e}"),
            _ => value.fmt(f),
        }
    }
}

/// `1 step`, `2 steps`: so many of what a noun names.
pub(crate) fn count_of(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `usage!("...")` is `Error::Usage(format!("..."))`.
macro_rules! usage {
    ($($arg:tt)*) => { $crate::error::Error::Usage(format!($($arg)*)) };
}
pub(crate) use usage;

#[cfg(test)]
mod tests {
    use super::{Number, count_of};

    #[test]
    fn one_of_a_kind_has_no_plural() {
        assert_eq!([0_u8, 1, 2].map(|count| count_of(count, "step")), ["0 steps", "1 step", "2 steps"]);
    }

    #[test]
    fn numbers_are_short() {
        let shown =
            [2.0, -0.1, 0.0, 1e300, -1.5e-9, 0.00002, f64::NAN, f64::INFINITY].map(|value| Number(value).to_string());
        assert_eq!(shown, ["2", "-0.1", "0", "1e300", "-1.5e-9", "0.00002", "NaN", "inf"]);
    }
}
