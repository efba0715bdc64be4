//! The environment: the only place that reads it.

use crate::backend::{DeviceRequest, Trial};
use crate::data::published::Published;
use crate::error::{Result, usage};
use crate::plan::Profile;
use crate::simd::SimdLevel;
use std::path::PathBuf;

/// What `--help` says of it.
pub(super) const HELP: &str = "\
Environment: WGPU_BACKEND and WGPU_ADAPTER_NAME narrow the choice of adapter; GPU_CNN_PROFILE
(software, discrete, integrated, and for checks large-tiles) forces a tuning profile; GPU_CNN_SIMD (avx512, avx2, neon, plain) forces the SIMD level of
the CPU backend; GPU_CNN_DATA_DIR is a folder to look for Fashion-MNIST in, and, in folders of their names, for the other
published sets; GPU_CNN_DATA_URL is an address to download them from, GPU_CNN_DATA_TIMEOUT the seconds without data after
which a download is given up (30). Every other setting of train (--print-config shows all) can be said by a variable, too:
GPU_CNN_BATCH_SIZE=64 is --batch-size 64; options on the command line go before it, settings of a file after it. Other
commands heed GPU_CNN_ADAPTER and GPU_CNN_THREADS.";

/// What the names of the program's variables begin with.
pub(super) const PREFIX: &str = "GPU_CNN_";

/// The variables of that name which are no option's.
const OTHERS: [&str; 6] = ["PROFILE", "SIMD", "DATA_DIR", "DATA_URL", "DATA_TIMEOUT", "TRIAL"];

/// A warning for each variable that looks like the program's and is not, such as a misspelt option; `known` are those of options.
pub(super) fn unknown_variables(known: &[String]) -> Vec<String> {
    let is_known = |name: &str| {
        let rest = name.strip_prefix(PREFIX).unwrap_or_default();
        let is_of_tests = ["TEST_", "REQUIRE_"].iter().any(|start| rest.starts_with(start));
        is_of_tests || OTHERS.contains(&rest) || known.iter().any(|other| other == name)
    };
    let names = all().into_keys().filter(|name| name.starts_with(PREFIX) && !is_known(name));
    let hint = |name: &str| crate::hint::did_you_mean(name, known.iter().map(String::as_str));
    names.map(|name| format!("warning: {name} is no variable of gpu-cnn's{}", hint(&name))).collect()
}

/// A variable that is set and not empty. Bytes that are not UTF-8 read as U+FFFD, so that no name agrees with them.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// By which launchers of MPI tell how many processes they have started: Open MPI, MPICH and Intel's, MVAPICH.
const RANKS: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];
/// The same of Slurm's `srun`, which may have started one of those; a shell that it has started is one process.
const SLURM: &str = "SLURM_STEP_NUM_TASKS";

/// The number of processes that a launcher of MPI has started this as one of.
pub(super) fn launched_ranks() -> Option<usize> {
    let of = |name: &str| variable(name)?.parse().ok();
    RANKS.iter().find_map(|name| of(name)).or_else(|| of(SLURM).filter(|tasks| *tasks > 1))
}

/// Whether there is such a variable.
pub(super) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// The request for `adapter` and `threads` (0: one per core) with what the environment says.
///
/// # Errors
/// If `GPU_CNN_PROFILE` or `GPU_CNN_SIMD` has a value that does not exist.
pub(super) fn device_request(adapter: &str, threads: usize) -> Result<DeviceRequest> {
    let profile = variable("GPU_CNN_PROFILE").map(|name| {
        let names = Profile::CHECKED.map(|profile| profile.name).join(", ");
        Profile::named(&name).ok_or_else(|| usage!("GPU_CNN_PROFILE is `{name}`; it must be one of {names}"))
    });
    let simd = match variable("GPU_CNN_SIMD") {
        Some(name) => SimdLevel::named(&name)
            .ok_or_else(|| usage!("GPU_CNN_SIMD is `{name}`; this machine has {}", SimdLevel::names().join(", ")))?,
        None => SimdLevel::best(),
    };
    Ok(DeviceRequest {
        adapter: adapter.to_owned(),
        threads,
        simd,
        backends: variable("WGPU_BACKEND"),
        adapter_name: variable("WGPU_ADAPTER_NAME"),
        number: 0,
        profile: profile.transpose()?,
        trial: Trial {
            default_limits: trial("default-limits").is_some(),
            no_memory_for: trial("no-memory-for").and_then(|number| number.parse().ok()),
        },
    })
}

/// The step after which a test loses the device.
pub(super) fn step_to_lose_the_device() -> Option<u64> {
    trial("lose-device-after").and_then(|step| step.parse().ok())
}

/// What tests make different, as `GPU_CNN_TRIAL=name,name=value`: the value of `name`.
fn trial(name: &str) -> Option<String> {
    let all = variable("GPU_CNN_TRIAL")?;
    all.split(',').find_map(|entry| entry.strip_prefix(name)).map(|rest| rest.trim_start_matches('=').to_owned())
}

/// All variables, for the doctor.
pub(super) fn all() -> std::collections::BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// A variable with a path.
fn folder(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The variable that names a folder for Fashion-MNIST.
const DATA_DIR: &str = "GPU_CNN_DATA_DIR";

/// Whether the user named a folder for Fashion-MNIST.
pub(super) fn names_a_data_folder() -> bool {
    folder(DATA_DIR).is_some()
}

/// Folders to look for the published set `name` in, in order; a download goes into the first. Fashion-MNIST may be in the folder that a
/// variable names, other sets are in one of their name there.
pub(super) fn data_folders(name: &str) -> Vec<PathBuf> {
    let own = folder(DATA_DIR).map(|folder| if name == "fashion-mnist" { folder } else { folder.join(name) });
    let keras = folder("KERAS_HOME").or_else(|| dirs::home_dir().map(|home| home.join(".keras")));
    let all = [own, cache().map(|cache| cache.join(name)), keras.map(|keras| keras.join("datasets").join(name))];
    all.into_iter().flatten().collect()
}

/// The folder for what can be had again.
fn cache() -> Option<PathBuf> {
    dirs::cache_dir().map(|cache| cache.join("gpu-cnn"))
}

/// The folder for decoded pictures.
pub(super) fn picture_cache() -> Option<PathBuf> {
    cache().map(|cache| cache.join("pictures"))
}

/// Addresses to download a set from.
pub(super) fn download_sources(set: &Published) -> Vec<String> {
    match variable("GPU_CNN_DATA_URL") {
        Some(url) => vec![url],
        None => set.sources.iter().map(|source| (*source).to_owned()).collect(),
    }
}

/// How long a download waits for data.
///
/// # Errors
/// If the variable is no number of seconds.
#[cfg(feature = "download")]
pub(super) fn download_patience() -> Result<std::time::Duration> {
    const NAME: &str = "GPU_CNN_DATA_TIMEOUT";
    let Some(text) = variable(NAME) else { return Ok(crate::data::download::PATIENCE) };
    let seconds = text.trim().parse::<u32>().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| usage!("{NAME} is `{text}`; it must be a number of seconds, from 1 on"))?;
    Ok(std::time::Duration::from_secs(seconds.into()))
}

/// Whether the terminal's kind is known, so that it may be able to redraw a line.
pub(super) fn may_redraw() -> bool {
    cfg!(windows) || variable("TERM").is_some()
}

/// Columns that tables may take: those of the terminal, else what `COLUMNS` says; none without limit.
pub(super) fn columns() -> Option<usize> {
    let terminal = console::Term::stdout();
    match terminal.is_term() {
        true => Some(usize::from(terminal.size().1)),
        false => variable("COLUMNS").and_then(|columns| columns.parse().ok()),
    }
}
