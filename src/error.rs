//! The crate's one error type, and the exit code of each kind.

use std::path::{Path, PathBuf};

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, by who can mend it. The text says what was wrong, with the values, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Devices that should have computed the same have not.
    #[error("{0}")]
    Disagreement(String),
    /// A setting, a model or a file name that cannot be used as given.
    #[error("{0}")]
    Usage(String),
    /// No adapter answers to what was asked for.
    #[error("{0}")]
    NoAdapter(String),
    /// A data or weights file that is missing, damaged or at odds with another.
    #[error("{0}")]
    Data(String),
    /// The device was lost, ran out of memory or refused what it was given.
    #[error("{0}")]
    Device(String),
    /// The loss or a weight is no longer a finite number.
    #[error("{0}")]
    NotFinite(String),
    /// A file or folder that cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Output {
        /// What was to be written.
        path: PathBuf,
        /// Why it could not be.
        reason: String,
    },
    /// The user asked to stop (Ctrl-C).
    #[error("{0}")]
    Interrupted(String),
}

impl Error {
    /// The exit code of the command line: 1 disagreement, 2 usage, 3 no adapter, 4 data, 5 device, 6 not finite, 7 output,
    /// 130 interrupted.
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
    pub fn output(path: impl AsRef<Path>, reason: impl std::fmt::Display) -> Self {
        Self::Output { path: path.as_ref().to_owned(), reason: reason.to_string() }
    }

    /// An [`Error::Data`] that ends with the path it is about.
    pub(crate) fn data(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::Data(format!("{what}: {}", path.display()))
    }
}

/// `usage!("...")` is `Error::Usage(format!("..."))`.
macro_rules! usage {
    ($($arg:tt)*) => { $crate::error::Error::Usage(format!($($arg)*)) };
}
pub(crate) use usage;
