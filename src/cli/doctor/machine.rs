//! What a Linux machine shows of its graphics cards and Vulkan drivers; each problem with what to do.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// What was looked at: ok, or a problem with the next command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at and what was found.
    pub(super) text: String,
    /// What to do; none where all is well.
    pub(super) next: Option<String>,
}

pub(super) fn ok(text: impl Into<String>) -> Finding {
    Finding { text: text.into(), next: None }
}

pub(super) fn problem(text: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { text: text.into(), next: Some(next.into()) }
}

impl Finding {
    /// As a paragraph.
    pub(super) fn describe(&self) -> String {
        match &self.next {
            None => format!("ok: {}\n", self.text),
            Some(next) => format!("problem: {}\n  next: {next}\n", self.text),
        }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({ "ok": self.next.is_none(), "text": self.text, "next": self.next })
    }
}

/// The files and the environment of a machine.
pub(super) struct Machine {
    /// Where its root is: `/` but in tests.
    pub(super) root: PathBuf,
    pub(super) environment: BTreeMap<String, String>,
}

/// Where loaders of shared libraries look on common systems.
const LIBRARY_FOLDERS: [&str; 8] = [
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib",
    "usr/local/lib",
    "run/opengl-driver/lib",
];

/// Makers of GPUs by the number that their devices have on the bus.
const VENDORS: [(&str, &str); 3] = [("0x10de", "NVIDIA"), ("0x1002", "AMD"), ("0x8086", "Intel")];

impl Machine {
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `path`, which may be absolute, below the root.
    pub(super) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The names in a folder, sorted.
    pub(super) fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = std::fs::read_dir(self.at(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn finds_library(&self, name: &str) -> bool {
        self.library(name).is_some()
    }

    /// The file of a library.
    pub(super) fn library(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(self.at(name)).filter(|path| path.exists());
        }
        let own = self.variable("LD_LIBRARY_PATH").unwrap_or_default().split(':').filter(|folder| !folder.is_empty());
        LIBRARY_FOLDERS.into_iter().chain(own).map(|folder| self.at(folder).join(name)).find(|path| path.exists())
    }

    /// All that was looked at, in the order in which it has to be in place.
    pub(super) fn examine(&self) -> Vec<Finding> {
        let gpus = self.gpus();
        let mut found = vec![self.graphics_cards(&gpus)];
        found.push(self.loader());
        found.extend(self.drivers(&gpus));
        found.extend(self.container(&gpus));
        found.extend(self.nodes());
        found.extend(self.narrowed());
        found
    }

    /// Makers of the display controllers on the bus, a name each.
    fn gpus(&self) -> Vec<&'static str> {
        const DEVICES: &str = "sys/bus/pci/devices";
        let read = |device: &str, file: &str| {
            std::fs::read_to_string(self.at(DEVICES).join(device).join(file)).unwrap_or_default().trim().to_owned()
        };
        let mut gpus = Vec::new();
        for device in self.names(DEVICES) {
            // Class 03: display controllers.
            if read(&device, "class").starts_with("0x03") {
                let vendor = read(&device, "vendor");
                gpus.extend(VENDORS.iter().find(|(number, _)| *number == vendor).map(|(_, name)| *name));
            }
        }
        gpus
    }

    fn graphics_cards(&self, gpus: &[&str]) -> Finding {
        match gpus {
            [] => problem(
                "no graphics card of AMD, Intel or NVIDIA is on the PCI bus",
                "gpu-cnn train --adapter cpu (needs none); in a virtual machine, pass a card through to it",
            ),
            _ => ok(format!("graphics cards on the PCI bus: {}", gpus.join(", "))),
        }
    }

    fn loader(&self) -> Finding {
        match self.finds_library("libvulkan.so.1") {
            true => ok("the Vulkan loader, libvulkan.so.1, is there"),
            false => problem(
                "the Vulkan loader, libvulkan.so.1, is in none of the usual folders",
                "apt-get install libvulkan1 (Debian, Ubuntu), dnf install vulkan-loader (Fedora)",
            ),
        }
    }

    /// A container sees of NVIDIA's driver only the parts that it asks for.
    fn container(&self, gpus: &[&str]) -> Vec<Finding> {
        let is_container = ["/.dockerenv", "/run/.containerenv"].iter().any(|file| self.at(file).exists());
        let has_nvidia = gpus.contains(&"NVIDIA") || self.at("/proc/driver/nvidia/version").exists();
        let has_driver = self.finds_library("libGLX_nvidia.so.0");
        if !has_nvidia || has_driver {
            return Vec::new();
        }
        let capabilities = self.variable("NVIDIA_DRIVER_CAPABILITIES");
        let asks = capabilities.is_some_and(|list| list.split(',').any(|c| matches!(c.trim(), "all" | "graphics")));
        vec![match (is_container, asks) {
            (true, false) => problem(
                format!(
                    "this is a container without NVIDIA's graphics capability (NVIDIA_DRIVER_CAPABILITIES is {})",
                    capabilities.unwrap_or("not set")
                ),
                "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all ...",
            ),
            (true, true) => problem(
                "the container asks for NVIDIA's graphics capability, but its driver, libGLX_nvidia.so.0, is not there",
                "install the NVIDIA Container Toolkit on the host, and start with docker run --gpus all",
            ),
            (false, _) => problem(
                "there is an NVIDIA card, but its Vulkan driver, libGLX_nvidia.so.0, is not there",
                "apt-get install nvidia-driver (Debian), ubuntu-drivers install (Ubuntu)",
            ),
        }]
    }

    /// Whether the device nodes can be opened.
    fn nodes(&self) -> Vec<Finding> {
        let render = self.names("/dev/dri").into_iter().filter(|name| name.starts_with("renderD"));
        let nvidia = self.names("/dev").into_iter().filter(|name| name.starts_with("nvidia") && name != "nvidia-caps");
        let nodes: Vec<String> =
            render.map(|name| format!("/dev/dri/{name}")).chain(nvidia.map(|name| format!("/dev/{name}"))).collect();
        if nodes.is_empty() {
            let next =
                "load the card's kernel driver (dmesg says why it is not), or pass --device /dev/dri to the container";
            return vec![problem("there are no device nodes: no /dev/dri/renderD*, no /dev/nvidia*", next)];
        }
        let finding = |node: String| {
            let opened = OpenOptions::new().read(true).write(true).open(self.at(&node));
            match opened {
                Ok(_) => ok(format!("{node} can be opened")),
                Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                    problem(format!("{node}: {e}"), "sudo usermod -aG render,video $USER, then log in again")
                }
                Err(e) => problem(format!("{node}: {e}"), "dmesg says what is wrong with the card"),
            }
        };
        nodes.into_iter().map(finding).collect()
    }

    /// What the environment leaves out.
    fn narrowed(&self) -> Vec<Finding> {
        let set =
            ["WGPU_BACKEND", "WGPU_ADAPTER_NAME"].into_iter().filter_map(|name| Some((name, self.variable(name)?)));
        set.map(|(name, value)| {
            problem(format!("{name} is `{value}`: other adapters are left out"), format!("unset {name}"))
        })
        .collect()
    }
}

/// What installs a Vulkan driver for these cards.
pub(super) fn driver_command(gpus: &[&str]) -> String {
    match gpus {
        ["NVIDIA", ..] => "apt-get install nvidia-driver (Debian), ubuntu-drivers install (Ubuntu)".into(),
        [] => "apt-get install mesa-vulkan-drivers: its lavapipe runs shaders on the CPU".into(),
        _ => "apt-get install mesa-vulkan-drivers (Debian, Ubuntu), dnf install mesa-vulkan-drivers (Fedora)".into(),
    }
}
