//! The files of a report: the page, and each figure beside it.

use super::figures::Figure;
use super::run_page::RunPage;
use crate::error::{Error, Result};
use crate::files;
use std::path::{Path, PathBuf};

/// Writes the page alone to `path`.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_page(page: &RunPage, path: &Path) -> Result<()> {
    write(path, page.render().0.as_bytes())
}

/// Writes the page to `path`, and each figure as SVG and PNG into a folder beside it, `report-figures` for `report.html`. Returns
/// that folder.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write_report(page: &RunPage, path: &Path) -> Result<PathBuf> {
    let (html, figures) = page.render();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = path.with_file_name(format!("{stem}-figures"));
    files::create_folder(&folder).map_err(|e| Error::output(&folder, e))?;
    let mut written = Vec::new();
    for figure in &figures {
        for (end, bytes) in [("svg", figure.to_svg().into_bytes()), ("png", figure.to_png()?)] {
            let name = format!("{}.{end}", figure.name);
            write(&folder.join(&name), &bytes)?;
            written.push(name);
        }
    }
    sweep(&folder, &written);
    // Last: what it is beside is there.
    write(path, html.as_bytes())?;
    Ok(folder)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    files::replace(path, bytes).map_err(|e| Error::output(path, format!("{e} ({} bytes)", bytes.len())))
}

/// Deletes figures of an earlier report that this one has not: of other layers, or of runs that it was compared with.
fn sweep(folder: &Path, written: &[String]) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
        let is_figure = [".svg", ".png"].iter().any(|end| name.ends_with(end));
        let is_ours = Figure::NAMES.iter().any(|start| name.starts_with(start));
        if is_figure && is_ours && !written.contains(&name) {
            // One that stays does little harm.
            let _ = std::fs::remove_file(folder.join(name));
        }
    }
}
