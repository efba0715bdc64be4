//! The Vulkan drivers that are installed on a Linux machine, and whether they are whole.

use super::machine::{Finding, Machine, driver_command, ok, problem};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where the Vulkan loader looks for drivers (its "Linux Manifest Search Paths").
const DRIVER_FOLDERS: [&str; 6] = [
    "etc/xdg/vulkan/icd.d",
    "etc/vulkan/icd.d",
    "usr/local/etc/vulkan/icd.d",
    "usr/local/share/vulkan/icd.d",
    "usr/share/vulkan/icd.d",
    "run/opengl-driver/share/vulkan/icd.d",
];

impl Machine {
    /// The files that say where drivers are, with the libraries that they name.
    pub(super) fn drivers(&self, gpus: &[&str]) -> Vec<Finding> {
        let (files, mut found) = self.driver_files();
        for file in &files {
            found.push(self.driver(file));
        }
        // Where a variable says where they are, drivers may be installed all the same.
        if files.is_empty() && found.iter().all(|finding| finding.next.is_none()) {
            found.push(problem("no Vulkan driver is installed", driver_command(gpus)));
        }
        found
    }

    /// The library that `file` names.
    fn driver(&self, file: &Path) -> Finding {
        const AGAIN: &str = "install the driver's package again, or remove the file";
        let shown = file.display();
        let Some(text) = read_bounded(&self.at(file), MAX_DRIVER_FILE) else {
            return problem(format!("{shown} is no driver's file: it is a device, a pipe, or too large"), AGAIN);
        };
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        let Some(library) = value["ICD"]["library_path"].as_str() else {
            return problem(format!("{shown} names no driver (ICD.library_path)"), "install its package again");
        };
        // A path that is not absolute starts at the file.
        let beside = file.parent().unwrap_or(Path::new("")).join(library);
        let path = if library.contains('/') { beside.to_string_lossy().into_owned() } else { library.into() };
        match self.library(&path) {
            Some(path) if is_driver(&path) => ok(format!("driver {library}, by {shown}")),
            Some(_) => problem(format!("{shown} names {library}, which is damaged, or no Vulkan driver"), AGAIN),
            None => problem(format!("{shown} names {library}, which is not there"), AGAIN),
        }
    }

    fn driver_files(&self) -> (Vec<PathBuf>, Vec<Finding>) {
        let chosen =
            ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].into_iter().find_map(|name| Some((name, self.variable(name)?)));
        if let Some((name, list)) = chosen {
            let mut found = vec![ok(format!("{name} is set: drivers in the usual folders are not looked for"))];
            let mut files = Vec::new();
            for path in list.split(':').filter(|path| !path.is_empty()).map(PathBuf::from) {
                // The loader takes folders, too.
                let inside = if self.at(&path).is_dir() { self.driver_files_in(&path) } else { vec![path.clone()] };
                if inside.is_empty() {
                    let text =
                        format!("{name} names the folder {}, which has no driver's file (.json)", path.display());
                    found.push(problem(text, format!("unset {name}")));
                } else if !self.at(&path).exists() {
                    let text = format!("{name} names {}, which is not there", path.display());
                    found.push(problem(text, format!("unset {name}")));
                } else {
                    files.extend(inside);
                }
            }
            return (files, found);
        }
        let home = self.variable("HOME").map(|home| format!("{home}/.local/share"));
        let own = [
            self.variable("XDG_CONFIG_HOME").map(String::from),
            self.variable("XDG_DATA_HOME").map(String::from).or(home),
        ];
        let own = own.into_iter().flatten().map(|folder| format!("{folder}/vulkan/icd.d"));
        let folders = DRIVER_FOLDERS.into_iter().map(|folder| format!("/{folder}")).chain(own);
        (folders.flat_map(|folder| self.driver_files_in(Path::new(&folder))).collect(), Vec::new())
    }

    fn driver_files_in(&self, folder: &Path) -> Vec<PathBuf> {
        let names = self.names(folder).into_iter().filter(|name| name.ends_with(".json"));
        names.map(|name| folder.join(name)).collect()
    }
}

/// Bytes that a driver's file may have, and its library.
const MAX_DRIVER_FILE: u64 = 1 << 20;
const MAX_LIBRARY: u64 = 1 << 30;

/// The content of a file of at most `max` bytes; of a device or a pipe, which may have no end, none.
fn read_bounded(path: &Path, max: u64) -> Option<Vec<u8>> {
    let is_small = path.metadata().is_ok_and(|file| file.is_file() && file.len() <= max);
    is_small.then(|| std::fs::read(path).ok())?
}

/// Whether a library has the functions that the loader asks drivers for ("Vulkan Loader Driver Interface").
fn is_driver(path: &Path) -> bool {
    const FUNCTION: &[u8] = b"vk_icd";
    let Some(bytes) = read_bounded(path, MAX_LIBRARY) else { return false };
    bytes.starts_with(b"\x7fELF") && bytes.windows(FUNCTION.len()).any(|window| window == FUNCTION)
}
