//! The two streams: data on stdout, all else on stderr.

use gpu_cnn::{Error, Result};
use std::io::Write;

/// One line on stderr. There is nobody left to tell if that fails.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Text on stdout; a reader that has gone away, as `head` does, is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::output("standard output", e)),
        _ => Ok(()),
    }
}

/// One JSON document on stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::Usage(format!("cannot be said in JSON: {e}")))?;
    print(&(text + "\n"))
}
