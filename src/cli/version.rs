//! What `--version --verbose` says.

use crate::report::versions;
use crate::simd::SimdLevel;
use std::env::consts::{ARCH, OS};

/// Features of the crate, and whether they are built in.
const FEATURES: [(&str, bool); 2] = [("cli", cfg!(feature = "cli")), ("download", cfg!(feature = "download"))];
/// Backends that this system may have adapters of.
const BACKENDS: [(&str, bool); 5] = [
    ("cpu", true),
    ("vulkan", cfg!(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd"))),
    ("metal", cfg!(target_vendor = "apple")),
    ("dx12", cfg!(windows)),
    ("gl", cfg!(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd"))),
];
/// How the system's C library is called, where there are several.
const ABI: &str = if cfg!(target_env = "gnu") {
    "-gnu"
} else if cfg!(target_env = "musl") {
    "-musl"
} else if cfg!(target_env = "msvc") {
    "-msvc"
} else {
    ""
};

/// The version, then a line for each thing that results may depend on.
pub(super) fn verbose_version() -> String {
    let versions = versions();
    let of = |name: &str| versions[name].as_str().unwrap_or("unknown").to_owned();
    let present = |known: &[(&str, bool)]| {
        known.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    [
        env!("CARGO_PKG_VERSION").to_owned(),
        format!("wgpu: {}", of("wgpu")),
        format!("naga: {}", of("naga")),
        format!("features: {}", present(&FEATURES)),
        format!("backends: {}", present(&BACKENDS)),
        format!("target: {ARCH}-{OS}{ABI}, {build} build"),
        format!("SIMD levels of this machine: {}", SimdLevel::names().join(", ")),
    ]
    .join("\n")
}
