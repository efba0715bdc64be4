//! What AMD's compiler in Mesa (RADV's ACO) makes of the kernels of the tutorial's cnn; `scripts/radv-stats` runs it, no card needed.
//! No kernel may spill registers, and the share of multiply-adds in the loops of the matrix products may not fall below what
//! docs/performance.md says.

mod assembly;

use crate::support::{adapter, has_large_tiles, wait};
use assembly::{Loops, loops};
use gpu_cnn::Device;
use gpu_cnn::internals::plan::Plan;
use gpu_cnn::internals::verify::presets;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Workgroup memory of a kernel that multiplies tiles (shaders/tile_workgroup.wgsl), in bytes.
const TILE_BYTES: u64 = 8192;

/// A pipeline, as compiled.
struct Compiled {
    label: String,
    groups: u32,
    /// By RADV's names.
    statistics: BTreeMap<String, u64>,
    /// Of a kernel that multiplies tiles.
    loops: Option<Loops>,
}

impl Compiled {
    fn is(&self, name: &str) -> u64 {
        *self.statistics.get(name).unwrap_or_else(|| panic!("{}: RADV says nothing of `{name}`", self.label))
    }

    fn row(&self) -> String {
        let loops = self.loops.as_ref().map_or(["-".to_owned(), "-".to_owned()], |loops| {
            [format!("{:.0} %", loops.share_of_sums() * 100.0), format!("{:.0}", loops.slots)]
        });
        let names = ["VGPRs", "LDS size", "Subgroups per SIMD", "Code size", "Latency"];
        let cells = names.map(|name| self.is(name).to_string());
        format!("| {} | {} | {} | {} |", self.label, self.groups, cells.join(" | "), loops.join(" | "))
    }
}

const HEAD: &str = "| kernel | groups | VGPRs | LDS, bytes | waves | code, bytes | latency | fma | slots |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

/// The folder that null_driver.c writes into.
fn folder() -> PathBuf {
    std::env::var_os("RADV_NULL_OUT").expect("run scripts/radv-stats").into()
}

/// The plan's pipelines: one for each distinct shader, in the order in which they are made.
fn compiled(plan: &Plan) -> Vec<Compiled> {
    let mut seen = HashSet::new();
    let distinct = plan.dispatches.iter().filter(|dispatch| seen.insert(dispatch.kernel.shader().text(plan.profile)));
    let read = |number: usize, ending: &str| {
        let path = folder().join(format!("{number}.{ending}"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let compiled = distinct.enumerate().map(|(number, dispatch)| {
        let line = |line: &str| {
            let (value, name) = line.split_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        };
        let statistics: BTreeMap<String, u64> = read(number, "txt").lines().map(line).collect();
        let is_tiled = statistics["LDS size"] >= TILE_BYTES;
        let shader = dispatch.kernel.shader();
        let scale = if has_large_tiles(&shader, plan.profile) { 2.0 } else { 1.0 };
        let loops = is_tiled.then(|| loops(&read(number, "s"), scale));
        let [x, y, z] = shader.grid;
        Compiled { label: dispatch.label.clone(), groups: x * y * z, statistics, loops }
    });
    compiled.collect()
}

/// The shares of the card's table in docs/performance.md, in percent, by kernel.
fn published(card: &str) -> BTreeMap<String, f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let text = std::fs::read_to_string(path).unwrap();
    let heading = format!("#### {card}");
    let section = text.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with('#'));
    let share = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let share = cells.get(8)?.strip_suffix(" %")?;
        Some((cells[1].to_owned(), share.parse().ok()?))
    };
    section.filter_map(share).collect()
}

#[test]
#[ignore = "for RADV: scripts/radv-stats"]
fn no_kernel_spills_and_products_are_as_lean_as_published() {
    let adapter = adapter().expect("scripts/radv-stats names an adapter");
    let card = std::env::var("RADV_FORCE_FAMILY").expect("run scripts/radv-stats");
    let preset = presets().into_iter().find(|case| case.name == "cnn").unwrap();
    let plan = Arc::new(preset.plan(adapter.profile()).unwrap());
    drop(wait(Device::Gpu(adapter).load(plan.clone())).unwrap());

    let compiled = compiled(&plan);
    let made = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(made, compiled.len() * 2, "files of RADV, two for each of the plan's pipelines");
    eprintln!("#### {card}\n\n{HEAD}");
    compiled.iter().for_each(|kernel| eprintln!("{}", kernel.row()));
    let spilling = compiled
        .iter()
        .filter(|kernel| ["Spilled SGPRs", "Spilled VGPRs", "Scratch size"].iter().any(|name| kernel.is(name) > 0));
    let mut failures: Vec<String> = spilling.map(|kernel| format!("{} spills registers", kernel.label)).collect();
    let published = published(&card);
    for kernel in &compiled {
        let Some(loops) = &kernel.loops else { continue };
        let share = (loops.share_of_sums() * 100.0).round();
        match published.get(&kernel.label) {
            Some(least) if share >= *least => {}
            least => failures.push(format!("{}: {share} % of fma in its loops, published: {least:?}", kernel.label)),
        }
    }
    assert!(failures.is_empty(), "{card}:\n{}", failures.join("\n"));
}
