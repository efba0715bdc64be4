//! Machines with one fault each.

use super::machine::Machine;

/// A machine whose files are those of `files`, with this environment.
fn problems(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Vec<String> {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(path, text).expect("written");
    }
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let found = Machine { root: root.path().to_owned(), environment }.examine();
    found.into_iter().filter_map(|finding| Some(format!("{} -> {}", finding.text, finding.next?))).collect()
}

const LOADER: (&str, &str) = ("usr/lib/x86_64-linux-gnu/libvulkan.so.1", "");
const AMD: [(&str, &str); 2] =
    [("sys/bus/pci/devices/0000:03:00.0/class", "0x030000\n"), ("sys/bus/pci/devices/0000:03:00.0/vendor", "0x1002\n")];
const NVIDIA: [(&str, &str); 2] =
    [("sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n"), ("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")];
const RADEON: [(&str, &str); 3] = [
    ("usr/share/vulkan/icd.d/radeon_icd.x86_64.json", r#"{"ICD": {"library_path": "libvulkan_radeon.so"}}"#),
    ("usr/lib/x86_64-linux-gnu/libvulkan_radeon.so", "\x7fELF ... vk_icdGetInstanceProcAddr"),
    ("dev/dri/renderD128", ""),
];

fn expect(found: &[String], words: &[&str]) {
    assert_eq!(found.len(), words.len(), "{found:#?}");
    for (found, word) in found.iter().zip(words) {
        assert!(found.contains(word), "`{word}`: {found}");
    }
}

#[test]
fn each_fault_is_found_with_what_to_do() {
    let all = [&AMD[..], &RADEON, &[LOADER]].concat();
    expect(&problems(&all, &[]), &[]);
    let without = |path: &str| all.iter().copied().filter(|(name, _)| !name.contains(path)).collect::<Vec<_>>();
    expect(&problems(&without("libvulkan.so"), &[]), &["apt-get install libvulkan1"]);
    expect(&problems(&without("radeon_icd"), &[]), &["no Vulkan driver is installed -> apt-get install mesa-vulkan"]);
    expect(&problems(&without("libvulkan_radeon"), &[]), &["names libvulkan_radeon.so, which is not there"]);
    expect(&problems(&without("renderD"), &[]), &["no device nodes"]);
    expect(&problems(&without("sys/"), &[]), &["no graphics card"]);
    expect(
        &problems(&all, &[("VK_ICD_FILENAMES", "/nosuch.json")]),
        &["VK_ICD_FILENAMES names /nosuch.json, which is not there -> unset VK_ICD_FILENAMES"],
    );
    expect(&problems(&all, &[("VK_DRIVER_FILES", "/usr/share/vulkan/icd.d")]), &[]);
    expect(
        &problems(&all, &[("VK_DRIVER_FILES", "/dev/dri")]),
        &["names the folder /dev/dri, which has no driver's file (.json) -> unset VK_DRIVER_FILES"],
    );
    expect(&problems(&all, &[("WGPU_BACKEND", "gl")]), &["unset WGPU_BACKEND"]);
    let broken = [&without("radeon_icd")[..], &[("etc/vulkan/icd.d/x.json", "{")]].concat();
    expect(&problems(&broken, &[]), &["names no driver"]);
    for library in ["", "\x7fELF", "vk_icdGetInstanceProcAddr", "\x7fELF malloc"] {
        let library = ("usr/lib/x86_64-linux-gnu/libvulkan_radeon.so", library);
        let damaged = [&without("libvulkan_radeon")[..], &[library]].concat();
        expect(&problems(&damaged, &[]), &["names libvulkan_radeon.so, which is damaged, or no Vulkan driver"]);
    }
    let long = " ".repeat(2 << 20);
    let too_large = [&all[..], &[("etc/vulkan/icd.d/x.json", long.as_str())]].concat();
    expect(&problems(&too_large, &[]), &["x.json is no driver's file: it is a device, a pipe, or too large"]);
}

#[test]
fn a_container_without_the_graphics_capability_is_told_how_to_ask_for_it() {
    let files = [&NVIDIA[..], &[LOADER, (".dockerenv", ""), ("dev/nvidia0", ""), ("dev/nvidiactl", "")]].concat();
    let capabilities = [("NVIDIA_DRIVER_CAPABILITIES", "compute,utility")];
    let found = problems(&files, &capabilities);
    expect(&found, &["no Vulkan driver is installed", "(NVIDIA_DRIVER_CAPABILITIES is compute,utility) -> docker run"]);
    let found = problems(&files, &[("NVIDIA_DRIVER_CAPABILITIES", "all")]);
    expect(&found, &["no Vulkan driver is installed", "NVIDIA Container Toolkit"]);
}
