//! The two output streams: data on stdout, everything else on stderr.

use crate::error::{Error, Result};
use std::io::Write;

/// Writes one line to stderr. A failure is ignored, as it could not be reported anywhere.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes text to stdout. A broken pipe (for example, when piped into `head`) is not an error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::output("standard output", e)),
        _ => Ok(()),
    }
}

/// Writes one JSON document to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| Error::Usage(format!("cannot serialize to JSON: {e}")))?;
    print(&(text + "\n"))
}
