//! Ctrl-C (SIGINT) and SIGTERM: the process exits at once, or, during training, after the current step so that the
//! weights can be saved.

use crate::error::{Error, Result};
use crate::report::note;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a signal has arrived.
static REQUESTED: AtomicBool = AtomicBool::new(false);
/// Whether the first signal only sets [`REQUESTED`], instead of ending the process.
static DEFERRED: AtomicBool = AtomicBool::new(false);

/// Exit code of an interrupted run: 128 + SIGINT, as in a shell.
const INTERRUPTED: i32 = 130;

/// Installs the handler of SIGINT and SIGTERM for the lifetime of the process.
pub(super) fn install() -> Result<()> {
    let handler = || {
        if REQUESTED.swap(true, Ordering::SeqCst) || !DEFERRED.load(Ordering::SeqCst) {
            std::process::exit(INTERRUPTED);
        }
        note("\nstopping after this step; interrupt again to stop at once");
    };
    ctrlc::set_handler(handler).map_err(|e| Error::Usage(format!("cannot handle Ctrl-C: {e}")))
}

/// From now on the first signal does not end the process; the caller has to poll [`requested`].
pub(super) fn defer() {
    DEFERRED.store(true, Ordering::SeqCst);
}

/// Whether a signal to stop has arrived.
pub(super) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
