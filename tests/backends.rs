//! Converts every shader variant as wgpu does for Vulkan, Metal and DirectX 12, none of which has to be there. SPIR-V is checked by
//! Khronos's validator; compilers of the two other languages run on their systems alone.

use crate::shaders::{validated, variants};
use naga::back::{hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::ModuleInfo;
use naga::{Module, ShaderStage};
use rayon::prelude::*;
use std::path::Path;
use std::process::Command;

/// Versions of SPIR-V, with Vulkan's that has it, and whether the driver is left to check the bounds of buffers.
const SPIRV: [((u8, u8), &str, BoundsCheckPolicy); 2] =
    [((1, 3), "vulkan1.1", BoundsCheckPolicy::Restrict), ((1, 6), "vulkan1.3", BoundsCheckPolicy::Unchecked)];
const MSL: [(u8, u8); 2] = [(2, 0), (3, 2)];
const HLSL: [hlsl::ShaderModel; 2] = [hlsl::ShaderModel::V5_1, hlsl::ShaderModel::V6_0];

fn bounds(buffer: BoundsCheckPolicy) -> BoundsCheckPolicies {
    BoundsCheckPolicies { index: BoundsCheckPolicy::Restrict, buffer, ..Default::default() }
}

fn to_spirv(
    module: &Module,
    info: &ModuleInfo,
    version: (u8, u8),
    buffer: BoundsCheckPolicy,
) -> Result<Vec<u8>, String> {
    let options = spv::Options {
        lang_version: version,
        bounds_check_policies: bounds(buffer),
        // As in the engine's pipelines.
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: "main".into() };
    let words = spv::write_vec(module, info, &options, Some(&pipeline)).map_err(|e| e.to_string())?;
    Ok(words.into_iter().flat_map(u32::to_le_bytes).collect())
}

fn to_msl(module: &Module, info: &ModuleInfo, version: (u8, u8)) -> Result<(), String> {
    let options = msl::Options {
        lang_version: version,
        bounds_check_policies: bounds(BoundsCheckPolicy::Restrict),
        zero_initialize_workgroup_memory: false,
        ..Default::default()
    };
    let entry_point = Some((ShaderStage::Compute, "main".into()));
    let pipeline = msl::PipelineOptions { entry_point, ..Default::default() };
    let (_, info) = msl::write_string(module, info, &options, &pipeline).map_err(|e| e.to_string())?;
    info.entry_point_names.into_iter().try_for_each(|name| name.map(drop).map_err(|e| e.to_string()))
}

fn to_hlsl(module: &Module, info: &ModuleInfo, shader_model: hlsl::ShaderModel) -> Result<(), String> {
    let options = hlsl::Options { shader_model, zero_initialize_workgroup_memory: false, ..Default::default() };
    let entry_point = Some((ShaderStage::Compute, "main".into()));
    let pipeline = hlsl::PipelineOptions { entry_point };
    let mut text = String::new();
    let info =
        hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None).map_err(|e| e.to_string())?;
    info.entry_point_names.into_iter().try_for_each(|name| name.map(drop).map_err(|e| e.to_string()))
}

/// Whether SPIR-V can be checked here; where `CI` is set it has to be.
fn has_spirv_val() -> bool {
    let found = Command::new("spirv-val").arg("--version").output().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "no spirv-val: install spirv-tools (scripts/test does)");
        eprintln!("skipped: no spirv-val to check the SPIR-V with");
    }
    found
}

fn spirv_val(spirv: &[u8], environment: &str, path: &Path) -> Result<(), String> {
    std::fs::write(path, spirv).unwrap();
    let output = Command::new("spirv-val").args(["--target-env", environment]).arg(path).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&text).into_owned()) }
}

/// What goes wrong with a shader, a line each. SPIR-V is checked in a file at `path`, where there is one.
fn failures(text: &str, path: Option<&Path>) -> Vec<String> {
    let (module, info) = validated(text).unwrap();
    let mut results = Vec::new();
    for (version, environment, buffer) in SPIRV {
        let spirv = to_spirv(&module, &info, version, buffer);
        let valid = spirv.and_then(|spirv| path.map_or(Ok(()), |path| spirv_val(&spirv, environment, path)));
        results.push((format!("SPIR-V for {environment}"), valid));
    }
    results.extend(MSL.map(|version| (format!("MSL {version:?}"), to_msl(&module, &info, version))));
    results.extend(HLSL.map(|model| (format!("HLSL {model:?}"), to_hlsl(&module, &info, model))));
    results.into_iter().filter_map(|(what, result)| Some(format!("{what}: {}", result.err()?))).collect()
}

#[test]
fn every_shader_variant_converts_for_vulkan_metal_and_directx() {
    let texts = variants();
    let folder = has_spirv_val().then(|| tempfile::tempdir().unwrap());
    let failures_of = |(text, name): (&String, &String)| -> Vec<String> {
        // A thread checks one file after the other.
        let file = format!("{:?}.spv", rayon::current_thread_index());
        let path = folder.as_ref().map(|folder| folder.path().join(file));
        failures(text, path.as_deref()).iter().map(|failure| format!("{name}: {failure}")).collect()
    };
    let failures: Vec<String> = texts.par_iter().flat_map_iter(failures_of).collect();
    eprintln!("{} variants; SPIR-V checked: {}", texts.len(), folder.is_some());
    assert!(failures.is_empty(), "{} failures with {} variants:\n{}", failures.len(), texts.len(), failures.join("\n"));
}
