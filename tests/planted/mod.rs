//! Planted faults: with one sign, bound or barrier of a shader changed, a comparison has to fail. faults.txt lists the changes.

mod plant;
mod search;
mod table;

use gpu_cnn::internals::verify::cases;
use plant::has_barriers;
use search::{Found, Jobs};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use table::{Fault, places, read, shader_files};

#[test]
fn the_table_has_a_sign_a_bound_and_every_barrier_of_every_shader_file() {
    let (entries, cases) = (read(), cases());
    for (name, text) in shader_files() {
        let entry = entries.get(&name).unwrap_or_else(|| panic!("faults.txt lacks {name}"));
        let count = |kind: &str| entry.faults.iter().filter(|fault| fault.kind == kind).count();
        for kind in ["sign", "bound"] {
            let one = usize::from(entry.without.contains_key(kind));
            assert!(count(kind) > 0 || one == 1, "{name}: neither a {kind} nor why there is none");
        }
        for fault in entry.faults.iter().filter(|fault| !fault.case.is_empty()) {
            assert!(cases.iter().any(|case| case.name == fault.case), "{name}: there is no case `{}`", fault.case);
        }
        assert_eq!(count("barrier"), places(text, "workgroupBarrier();").len(), "{name}: barriers");
        assert_eq!(count("shuffle") > 0, !places(text, "subgroupShuffle(").is_empty(), "{name}: shuffles");
    }
}

/// Tries the faults on two threads and prints what became of each.
fn check(faults: &[Fault]) {
    assert!(!faults.is_empty(), "no file of the table has such a name");
    let Some(jobs) = Jobs::new() else { return };
    let next = AtomicUsize::new(0);
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    let work = || {
        while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
            let start = Instant::now();
            let (by, detail) = match jobs.search(fault) {
                Found::Caught(by, what) => (by, what),
                Found::Refused(error) => ("no valid shader", error),
                Found::Missed(tried) => ("nothing", format!("{tried} comparisons held")),
            };
            let Fault { file, kind, place, change: [old, new], unseen, .. } = fault;
            let at = if *place > 0 { format!(" {place}") } else { String::new() };
            let is_right = unseen.is_some() == (by == "nothing") && by != "no valid shader";
            let seconds = start.elapsed().as_secs_f64();
            let reason = unseen.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let line = format!("{file} | {kind}{at} | {old} => {new}{reason} | {by} | {detail} | {seconds:.1} s");
            eprintln!("{line}");
            *counts.lock().unwrap().entry(format!("{kind}: {by}")).or_default() += 1;
            if !is_right {
                wrong.lock().unwrap().push(line);
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(work)));
    for (what, count) in counts.into_inner().unwrap() {
        eprintln!("{what}: {count}");
    }
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), faults.len(), wrong.join("\n"));
}

/// All of the table; or those of the files whose name has one of the names of `GPU_CNN_PLANTED` in it.
#[test]
#[ignore = "takes minutes: scripts/planted"]
fn every_planted_fault_is_caught() {
    let some = std::env::var("GPU_CNN_PLANTED").unwrap_or_default();
    let entries = read().into_iter().filter(|(file, _)| some.split(',').any(|name| file.contains(name)));
    check(&entries.flat_map(|(_, entry)| entry.faults).collect::<Vec<_>>());
}

/// Of one file each with a reduction, an order that matters, an update, a loss and borders.
#[test]
fn a_sample_of_the_planted_faults_is_caught() {
    const FILES: [&str; 5] = ["rows.wgsl", "max_pool2d_forward.wgsl", "rule_adam.wgsl", "loss.wgsl", "pad2d.wgsl"];
    let entries: Vec<_> = read().into_iter().filter(|(file, _)| FILES.contains(&file.as_str())).collect();
    assert_eq!(entries.len(), FILES.len());
    check(&entries.into_iter().flat_map(|(_, entry)| entry.faults).collect::<Vec<_>>());
}

#[test]
fn kernels_hold_in_whatever_order_invocations_run() {
    let Some(jobs) = Jobs::new() else { return };
    let (kernels, failures) = jobs.in_every_order(has_barriers);
    assert!(kernels > 10, "{kernels} kernels exchange values");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
