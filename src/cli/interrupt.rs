//! Ctrl-C: at once, or after the step in hand where there is something to save.

use crate::report::note;
use gpu_cnn::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);
static DEFERRED: AtomicBool = AtomicBool::new(false);

/// Exit code of an interrupted run.
const INTERRUPTED: i32 = 130;

/// Handles SIGINT and SIGTERM for the rest of the process.
pub(super) fn install() -> Result<()> {
    let handler = || {
        if REQUESTED.swap(true, Ordering::SeqCst) || !DEFERRED.load(Ordering::SeqCst) {
            std::process::exit(INTERRUPTED);
        }
        note("\nstopping after this step; once more to stop at once");
    };
    ctrlc::set_handler(handler).map_err(|e| Error::Usage(format!("cannot handle Ctrl-C: {e}")))
}

/// From now on the first request waits for whoever asks [`requested`].
pub(super) fn defer() {
    DEFERRED.store(true, Ordering::SeqCst);
}

/// Whether the user asked to stop.
pub(super) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
