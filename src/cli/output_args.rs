//! The options of every subcommand: how much is printed, and in what colours.

use super::environment;
use super::job::{first_to_end, follows, leave, rank};
use super::setting_sources::variable_of;
use super::version::verbose_version;
use crate::report::{Verbosity, say, set_output};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, ColorChoice, Parser, ValueEnum};
use std::ffi::OsString;

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct OutputArgs {
    /// Print results, warnings and errors alone
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print more of what happens: how the device is used, what is written where
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Colours of messages: auto takes them on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: Color,
}

/// When messages have colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl OutputArgs {
    /// Holds for all that is printed from now on.
    pub(super) fn set(self) {
        let verbosity = match self {
            _ if follows() => Verbosity::Silent,
            Self { quiet: true, .. } => Verbosity::Quiet,
            Self { verbose: true, .. } => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let color = match self.color {
            Color::Auto => None,
            Color::Always => Some(true),
            Color::Never => Some(false),
        };
        set_output(verbosity, color);
    }
}

/// Parses the command line, whose own messages have the colours that it asks for.
pub(super) fn parse<C: Parser>() -> C {
    let choice = match color_of(std::env::args_os()) {
        Some(Color::Always) => ColorChoice::Always,
        Some(Color::Never) => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    // Beside long names of options there is no room for their help.
    let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let is_narrow = columns.is_some_and(|columns| columns < 80);
    // Without a terminal lines are as long as they are written.
    let command = C::command().color(choice).term_width(columns.unwrap_or(0));
    // The version is a text for the whole process.
    let command = match is_verbose(std::env::args_os()) {
        true => command.version(&*verbose_version().leak()),
        false => command,
    };
    let command = if is_narrow { command.mut_subcommands(|command| command.next_line_help(true)) } else { command };
    let parsed = command.try_get_matches().and_then(|matches| C::from_arg_matches(&matches));
    // Ranks whose job ends here end together, and one says why.
    let first = first_to_end(parsed.is_err());
    match (parsed, first) {
        (Ok(parsed), Ok(None)) => parsed,
        (parsed, first) => {
            let code = parsed.as_ref().map_or_else(clap::Error::exit_code, |_| USAGE);
            if let Err(error) = parsed
                && first.is_ok_and(|first| first == Some(rank()))
            {
                let hint = variable_of_error(&error);
                let _ = error.print();
                hint.iter().for_each(|hint| say(hint));
            }
            leave(&Ok(()), 0);
            std::process::exit(code)
        }
    }
}

/// The exit code where something is wrong with the command line.
const USAGE: i32 = 2;

/// A hint where the wrong value is not on the command line, but in a variable.
fn variable_of_error(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(arg)) = error.get(ContextKind::InvalidArg) else { return None };
    let option = arg.split([' ', '=', '[']).next()?;
    let is_given = std::env::args().any(|arg| arg.split('=').next() == Some(option));
    let variable = variable_of(option.strip_prefix("--")?);
    (!is_given && environment::is_set(&variable)).then(|| format!("hint: that value is the variable {variable}'s"))
}

/// What `--color` says, as far as it is right.
fn color_of(args: impl Iterator<Item = OsString>) -> Option<Color> {
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned()).take_while(|arg| arg != "--");
    let mut found = None;
    while let Some(arg) = args.next() {
        let value = match arg.strip_prefix("--color") {
            Some("") => args.next(),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => continue,
        };
        found = value.and_then(|value| Color::from_str(&value, true).ok()).or(found);
    }
    found
}

/// Whether `--verbose` is there, or `-v` alone or among other letters: the version is printed while the command line is still parsed.
fn is_verbose(args: impl Iterator<Item = OsString>) -> bool {
    let mut args = args.skip(1).map(|arg| arg.to_string_lossy().into_owned()).take_while(|arg| arg != "--");
    let is_short = |arg: &str| arg.strip_prefix('-').is_some_and(|letters| letters.chars().all(|c| "qvVh".contains(c)));
    args.any(|arg| arg == "--verbose" || (is_short(&arg) && arg.contains('v')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verbose_version_is_asked_for_by_any_form_of_the_two_options() {
        let of = |args: &str| is_verbose(args.split(' ').map(OsString::from));
        for args in ["gpu-cnn -vV", "gpu-cnn -V -v", "gpu-cnn --version --verbose", "gpu-cnn -Vv", "gpu-cnn train -v"] {
            assert!(of(args), "{args}");
        }
        for args in
            ["gpu-cnn -V", "-v", "gpu-cnn --version", "gpu-cnn predict -- -v", "gpu-cnn export -o=v", "gpu-cnn -"]
        {
            assert!(!of(args), "{args}");
        }
    }

    #[test]
    fn the_colour_is_known_before_the_command_line_is_parsed() {
        let of = |args: &str| color_of(args.split(' ').map(OsString::from));
        assert_eq!(of("gpu-cnn train --color=never"), Some(Color::Never));
        assert_eq!(of("gpu-cnn --color always train"), Some(Color::Always));
        for args in ["gpu-cnn train", "gpu-cnn --color", "gpu-cnn --color=blue", "gpu-cnn predict -- --color=never"] {
            assert_eq!(of(args), None, "{args}");
        }
    }
}
