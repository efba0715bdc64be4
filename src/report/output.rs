//! The two output streams: data on stdout, everything else on stderr.

use super::columns::wrapped;
use crate::error::{Error, Result};
use console::Style;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// How much is written to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// What is done, too.
    Normal,
    /// And how.
    Verbose,
}

static VERBOSITY: AtomicU8 = AtomicU8::new(Verbosity::Normal as u8);

/// How much is written from now on, and whether with colours, which the terminal and the environment say where `color` does not.
pub(crate) fn set_output(verbosity: Verbosity, color: Option<bool>) {
    VERBOSITY.store(verbosity as u8, Relaxed);
    if let Some(color) = color {
        console::set_colors_enabled_stderr(color);
    }
}

/// Whether only results, warnings and errors are written.
pub(crate) fn is_quiet() -> bool {
    VERBOSITY.load(Relaxed) == Verbosity::Quiet as u8
}

/// Words that begin a message, and what they look like.
fn style(word: &str) -> Option<Style> {
    let style = Style::new().for_stderr();
    match word {
        "error" => Some(style.red().bold()),
        "warning" => Some(style.yellow().bold()),
        "note" | "hint" => Some(style.cyan()),
        _ => None,
    }
}

/// `line` with its first word in colour, if it is one of [`style`]'s.
fn colored(line: &str) -> String {
    let styled = line
        .split_once(':')
        .and_then(|(word, rest)| Some(format!("{}{rest}", style(word)?.apply_to(format!("{word}:")))));
    styled.unwrap_or_else(|| line.to_owned())
}

/// Writes a message to stderr; unless it is a warning or an error, not when little is asked for. A failure is ignored, as it could
/// not be reported anywhere.
pub(crate) fn note(text: &str) {
    if !is_quiet() || ["warning:", "error:"].iter().any(|start| text.starts_with(start)) {
        let columns = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
        let lines: Vec<String> = wrapped(text, columns).split('\n').map(colored).collect();
        let _ = writeln!(std::io::stderr(), "{}", lines.join("\n"));
    }
}

/// Writes a message to stderr if much is asked for.
pub(crate) fn detail(text: &str) {
    if VERBOSITY.load(Relaxed) == Verbosity::Verbose as u8 {
        note(text);
    }
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
