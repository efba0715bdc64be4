//! Validates with naga, without a GPU, every shader variant that any case or preset records.

use gpu_cnn::internals::plan::Profile;
use gpu_cnn::internals::verify::{Case, cases, presets};
use gpu_cnn::{Activation, Conv2D, Dense, DepthwiseConv2D, Flatten, Padding, Preset, Sequential};
use naga::Expression::Binary;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{BinaryOperator, Module};
use std::collections::BTreeMap;

/// Every distinct shader of the cases and of all presets on all profiles, and of the presets' pairs, with the first place that records it.
pub(crate) fn variants() -> BTreeMap<String, String> {
    let built = Preset::ALL.map(|preset| Case::new(preset.name(), 32, preset.build([28, 28, 1], 10)));
    let mut texts = BTreeMap::new();
    for case in cases().iter().chain(&presets()).chain(&built) {
        for profile in Profile::CHECKED {
            for dispatch in case.plan(profile).unwrap().dispatches {
                let name = format!("{}: `{}` ({})", case.name, dispatch.label, profile.name);
                texts.entry(dispatch.kernel.shader().text(profile)).or_insert(name);
            }
        }
    }
    for (case, profile) in built.iter().flat_map(|case| Profile::ADAPTERS.map(|profile| (case, profile))) {
        let plan = case.plan(profile).unwrap().pair_dispatches();
        for pair in &plan.pairs {
            let name = format!("{}: `{}` ({})", case.name, plan.launch_label(pair), profile.name);
            texts.entry(plan.shader_of_pair(*pair).text).or_insert(name);
        }
    }
    assert!(texts.len() >= 600, "only {} variants", texts.len());
    texts
}

/// What naga makes of a shader.
///
/// # Errors
/// If it is not valid.
pub(crate) fn validated(text: &str) -> Result<(Module, ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|e| e.emit_to_string(text))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::SUBGROUP | Capabilities::SHADER_INT64);
    let info = validator.validate(&module).map_err(|e| e.emit_to_string(text))?;
    Ok((module, info))
}

/// For `scripts/test-web`, whose browser compiles them: writes the shaders that a browser's adapter may get, as JSON of names and texts,
/// to the file that GPU_CNN_WRITE_SHADERS names.
#[test]
#[ignore = "writes a file"]
fn shaders_for_browsers_are_written() {
    let path = std::env::var("GPU_CNN_WRITE_SHADERS").expect("the name of a file");
    // WebGPU has no 64-bit integers, and wgpu does not ask browsers for subgroups.
    let is_portable = |text: &str| !["<u64>", "subgroup_invocation_id"].iter().any(|word| text.contains(word));
    let texts: BTreeMap<String, String> =
        variants().into_iter().filter(|(text, _)| is_portable(text)).map(|(text, name)| (name, text)).collect();
    assert!(texts.len() >= 400, "only {} variants", texts.len());
    std::fs::write(path, serde_json::to_string(&texts).unwrap()).unwrap();
}

#[test]
fn every_shader_variant_is_valid_wgsl_that_nvidias_compiler_takes() {
    let texts = variants();
    let failures: Vec<String> = texts
        .iter()
        .filter_map(|(text, name)| match validated(text) {
            Err(error) => Some(format!("{name}:\n{error}")),
            Ok(valid) if adds_a_remainder_to_a_multiple(&valid) => Some(format!("{name}: crashes NVIDIA's compiler")),
            Ok(_) => None,
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} variants:\n{}", failures.len(), texts.len(), failures.join("\n"));
}

#[test]
fn depthwise_shaders_stay_short_whatever_the_kernel() {
    let mut longest = 0;
    for (size, strides) in [(3, 1), (3, 2), (5, 1), (5, 4), (7, 2), (9, 1), (13, 1)] {
        let depthwise = DepthwiseConv2D::new(size).strides(strides).padding(Padding::Same);
        let model = Sequential::new([28, 28, 4]).add(Conv2D::new(8, 1)).add(depthwise).add(Flatten {});
        let case = Case::new("depthwise", 2, model.add(Dense::new(3).activation(Activation::Softmax)));
        for profile in Profile::ADAPTERS {
            let dispatches = case.plan(profile).unwrap().dispatches.into_iter();
            let shaders = dispatches.filter(|d| d.label.starts_with("depthwise")).map(|d| d.kernel.shader());
            longest = shaders.map(|shader| shader.text(profile).lines().count()).max().unwrap().max(longest);
        }
    }
    // Drivers take seconds for tens of thousands.
    assert!((1000..8000).contains(&longest), "{longest} lines");
}

#[test]
fn every_shader_file_is_used_by_a_kernel() {
    let used: String = cases()
        .iter()
        .flat_map(|case| Profile::ADAPTERS.map(|profile| case.plan(profile).unwrap()))
        .flat_map(|plan| plan.dispatches.into_iter().flat_map(|d| d.kernel.shader().files).collect::<Vec<_>>())
        .chain([
            include_str!("../shaders/four_f32.wgsl"),
            include_str!("../shaders/four_u64.wgsl"),
            include_str!("../shaders/numbers.wgsl"),
        ])
        .collect();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // No model uses the shaders of `kernels::peak`; tests/kernels.rs runs them.
        let peak = path.file_name().unwrap().to_string_lossy().starts_with("peak_");
        assert!(peak || used.contains(&text), "no case records {}", path.display());
    }
}

/// Whether a shader adds two vectors as in `v / B % C * B + v % B`. Found on an H100, driver 580: vectors crash its compiler, scalars
/// do not.
fn adds_a_remainder_to_a_multiple((module, info): &(Module, ModuleInfo)) -> bool {
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    functions.into_iter().any(|(function, info)| {
        let all = &function.expressions;
        let operands = |handle, wanted| match all[handle] {
            Binary { op, left, right } if op == wanted => Some((left, right)),
            _ => None,
        };
        let is_remainder = |handle, of| {
            let mut at = handle;
            while let Some((left, _)) = operands(at, BinaryOperator::Modulo) {
                at = left;
            }
            at == of && at != handle
        };
        let multiple_of = |handle| {
            let (product, _) = operands(handle, BinaryOperator::Multiply)?;
            let (quotient, _) = operands(product, BinaryOperator::Modulo)?;
            operands(quotient, BinaryOperator::Divide).map(|(of, _)| of)
        };
        all.iter()
            .filter(|(handle, _)| info[*handle].ty.inner_with(&module.types).vector_size_and_scalar().is_some())
            .any(|(handle, _)| {
                let Some((left, right)) = operands(handle, BinaryOperator::Add) else { return false };
                [(left, right), (right, left)]
                    .into_iter()
                    .any(|(multiple, rest)| multiple_of(multiple).is_some_and(|of| is_remainder(rest, of)))
            })
    })
}

#[test]
fn the_sum_that_crashes_nvidias_compiler_is_found() {
    let crashes = "fn f(v: vec4<u32>) -> vec4<u32> { return v / 2u % 3u * 2u + v % 2u % 2u; }";
    let crash = |shader: &str| adds_a_remainder_to_a_multiple(&validated(shader).unwrap());
    assert!(crash(crashes));
    assert!(!crash(&crashes.replace("v / 2u % 3u", "v % 6u / 2u")));
}
