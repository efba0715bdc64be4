//! The crate's error type, and the exit code of each variant.

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
    Device(String),
    /// The loss or a weight became infinite or NaN.
    #[error("{0}")]
    NotFinite(String),
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

impl Error {
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
    pub fn output(path: impl AsRef<Path>, reason: impl std::fmt::Display) -> Self {
        Self::Output { path: path.as_ref().to_owned(), reason: reason.to_string() }
    }

    /// An [`Error::Data`] whose message is `what`, followed by `path`.
    pub(crate) fn data(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::Data(format!("{what}: {}", path.display()))
    }
}

/// `usage!("...")` is `Error::Usage(format!("..."))`.
macro_rules! usage {
    ($($arg:tt)*) => { $crate::error::Error::Usage(format!($($arg)*)) };
}
pub(crate) use usage;
