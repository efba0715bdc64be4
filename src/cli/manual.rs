//! `gpu-cnn man`: the manual, a page for the command, for each subcommand, and for each of those in `data`.

use super::environment;
use crate::error::{Error, Result};
use crate::files;
use crate::report::note;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder for the pages, such as ~/.local/share/man/man1
    dir: PathBuf,
}

/// Writes the pages of `command`, whose help ends in `exit_codes`.
pub(super) fn run(args: &Args, command: Command, exit_codes: &str) -> Result<()> {
    let failed = |e| Error::output(&args.dir, e);
    files::create_folder(&args.dir).map_err(failed)?;
    files::sweep(&args.dir);
    let pages = pages(command, exit_codes).map_err(failed)?;
    for (name, page) in &pages {
        let path = args.dir.join(name);
        files::replace(&path, page).map_err(|e| Error::output(&path, e))?;
    }
    note(&format!("wrote {} pages: {}", pages.len(), args.dir.display()));
    Ok(())
}

/// The pages, each with the name of its file.
fn pages(command: Command, exit_codes: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.disable_help_subcommand(true).mut_subcommands(|sub| sub.disable_help_subcommand(true));
    command.build();
    let mut found = Vec::new();
    collect(&command, None, &mut found);
    found.into_iter().map(|(command, others)| page(command, &others, exit_codes)).collect()
}

/// Adds the command, and those in it, each with the names of the pages that its own refers to.
fn collect(command: &Command, parent: Option<&str>, found: &mut Vec<(Command, Vec<String>)>) {
    let name = |command: &Command| command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let inner: Vec<&Command> = command.get_subcommands().filter(|sub| !sub.is_hide_set()).collect();
    let others = parent.map(str::to_owned).into_iter().chain(inner.iter().map(|sub| name(sub))).collect();
    found.push((command.clone(), others));
    inner.into_iter().for_each(|sub| collect(sub, Some(&name(command)), found));
}

/// The page of a command, which refers to the pages `others`.
fn page(command: Command, others: &[String], exit_codes: &str) -> std::io::Result<(String, Vec<u8>)> {
    let has_subcommands = command.has_subcommands();
    // A page has no summary to refer to.
    let command = command.mut_arg("help", |arg| arg.help("Print help").long_help("Print help"));
    let source = concat!("gpu-cnn ", env!("CARGO_PKG_VERSION"));
    // Not an empty date: it would be left out, and the rest take its place.
    let man = Man::new(command).date(" ").source(source).manual("gpu-cnn manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    rest(others, exit_codes).to_writer(&mut page)?;
    Ok((man.get_filename(), page))
}

/// The sections that all pages have at their end.
fn rest(others: &[String], exit_codes: &str) -> Roff {
    let mut roff = Roff::new();
    // What stands before the colon is the section's title here.
    let after_colon = |text: &str| text.split_once(": ").map_or("", |(_, rest)| rest).replace('\n', " ");
    roff.control("SH", ["EXIT STATUS"]);
    for code in after_colon(exit_codes).trim_end_matches('.').split("; ") {
        let (number, meaning) = code.split_once(' ').unwrap_or((code, ""));
        roff.control("TP", []);
        roff.text([bold(number)]);
        roff.text([roman(meaning)]);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman(after_colon(environment::HELP))]);
    roff.control("SH", ["SEE ALSO"]);
    for (i, name) in others.iter().enumerate() {
        roff.text([bold(name), roman(if i + 1 < others.len() { "(1)," } else { "(1)" })]);
    }
    roff
}
