//! The two output streams: data on stdout, everything else on stderr; and standard input.

use super::columns::{printable, wrapped};
use crate::error::{Error, Result, usage};
use console::Style;
use std::io::{IsTerminal, Read, Write};
use std::sync::OnceLock;

/// How much is written to stderr.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Errors, and nothing to stdout: another process of the same job says the rest.
    Silent,
    /// Warnings and errors.
    Quiet,
    /// What is done, too.
    Normal,
    /// And how.
    Verbose,
}

/// Not set is normal.
static VERBOSITY: OnceLock<Verbosity> = OnceLock::new();

/// How much is written, said once at the start, and whether with colours, which the terminal and the environment say where `color` does not.
pub(crate) fn set_output(verbosity: Verbosity, color: Option<bool>) {
    // The first word holds.
    let _ = VERBOSITY.set(verbosity);
    if let Some(color) = color {
        console::set_colors_enabled_stderr(color);
    }
}

/// Whether only results, warnings and errors are written.
pub(crate) fn is_quiet() -> bool {
    matches!(VERBOSITY.get(), Some(Verbosity::Quiet | Verbosity::Silent))
}

/// Whether another process says what there is to say, but for errors.
fn is_silent() -> bool {
    VERBOSITY.get() == Some(&Verbosity::Silent)
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
    let shown: &[&str] = match VERBOSITY.get() {
        Some(Verbosity::Silent) => &["error:"],
        Some(Verbosity::Quiet) => &["warning:", "error:"],
        _ => &[""],
    };
    if shown.iter().any(|start| text.starts_with(start)) {
        say(text);
    }
}

/// Writes a message to stderr that was asked for, and so also when little is.
pub(crate) fn say(text: &str) {
    let columns = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    // What files are called moves no cursor.
    let text: String = text.split('\n').map(printable).collect::<Vec<_>>().join("\n");
    let lines: Vec<String> = wrapped(&text, columns).split('\n').map(colored).collect();
    let _ = writeln!(std::io::stderr(), "{}", lines.join("\n"));
}

/// Writes the message that `text` makes to stderr if much is asked for.
pub(crate) fn detail(text: impl FnOnce() -> String) {
    if VERBOSITY.get() == Some(&Verbosity::Verbose) {
        note(&text());
    }
}

/// Writes text to stdout. A broken pipe (for example, when piped into `head`) is not an error.
pub(crate) fn print(text: &str) -> Result<()> {
    print_open(text).map(drop)
}

/// Writes text to stdout, and says whether anybody still reads it: after a broken pipe more of it is no use.
pub(crate) fn print_open(text: &str) -> Result<bool> {
    if is_silent() {
        return Ok(true);
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Error::output("standard output", e)),
    }
}

/// What stands on standard input.
///
/// # Errors
/// If that is a terminal, at which nobody types what is meant.
pub(crate) fn standard_input() -> Result<impl Read> {
    let input = std::io::stdin();
    match input.is_terminal() {
        true => Err(usage!("standard input is a terminal; lead a file or a pipe into it, as in `< FILE`")),
        false => Ok(input.lock()),
    }
}

/// Writes one JSON document to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| Error::Usage(format!("cannot serialize to JSON: {e}")))?;
    print(&(text + "\n"))
}
