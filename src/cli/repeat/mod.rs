//! `train --repeat N`: the same run with several seeds, and what they come to together.

mod series;

use super::environment;
use super::run_request::RunRequest;
use crate::error::{Error, Result};
use crate::files;
use crate::report::{RunFolder, lock, note, print, table};
use crate::trainer::{RunConfig, Score};
use serde_json::{Value, json};
use series::{Done, Series, is_unfinished, seconds_of, shared};

/// What the runs come to, as a file in the folder that holds them.
const FILE: &str = "repeat.json";

/// Trains `times` runs whose seeds count up from the settings', each in a folder of its own. Runs that an earlier call with the same settings
/// has done are not trained again; they count with the others. A run whose numbers are no longer finite, or that has not learned what it
/// should, does not keep the others from being trained.
///
/// # Errors
/// That of the first run that fails; those that are done stay.
pub(super) fn run(request: &RunRequest, times: u32, train: &dyn Fn(RunRequest) -> Result<Score>) -> Result<()> {
    let config = &request.config;
    let last = config.seed + u64::from(times) - 1;
    RunConfig { seed: last, ..config.clone() }.check_numbers()?;
    let Some(out) = &config.out else {
        return Err(Error::Usage("--repeat needs --out, the folder that holds a folder for each seed".into()));
    };
    let folder = |seed: u64| out.join(format!("seed-{seed}"));
    let file = out.join(FILE);
    RunFolder::check(out, config.overwrite)?;
    files::create_folder(out).map_err(|e| Error::output(out, e))?;
    // Another call would not know of the runs of this one.
    let _lock = lock(out)?;
    let earlier = if config.overwrite { None } else { Series::read(&file, config)? };
    let is_going_on = earlier.is_some();
    let mut series = earlier.unwrap_or_default();
    if is_going_on {
        series.take_finished(request, config.seed..=last, &folder)?;
    }
    let seeds = config.seed..=last;
    // One that failed or was not finished is trained from its beginning.
    let is_again = |seed: u64| {
        let is_unknown = is_unfinished(&folder(seed)) || config.overfit_batches.is_some() && folder(seed).exists();
        is_going_on && (series.failed.contains(&seed) || is_unknown)
    };
    let left = seeds.clone().filter(|seed| !series.has(*seed));
    let left: Vec<(u64, bool)> = left.map(|seed| (seed, config.overwrite || is_again(seed))).collect();
    // Before the first run.
    left.iter().try_for_each(|(seed, overwrite)| RunFolder::check(&folder(*seed), *overwrite))?;
    let are_done = |series: &Series| format!("{} of the runs in {} are done", series.runs.len(), out.display());
    if !series.runs.is_empty() {
        note(&format!("note: {}; {} are left", are_done(&series), left.len()));
    }
    let write = |series: &Series| {
        let text = format!("{:#}\n", describe(config, series)?);
        files::replace(&file, text.as_bytes()).map_err(|e| Error::output(&file, e))
    };
    // What an interrupted first run is known by.
    write(&series)?;
    let mut failure = None;
    for (i, (seed, overwrite)) in left.iter().copied().enumerate() {
        note(&format!("seed {seed}, {} of {}", i + 1, left.len()));
        let config = RunConfig { seed, out: Some(folder(seed)), overwrite, ..config.clone() };
        match train(RunRequest { config, ..request.clone() }) {
            Ok(test) => {
                let (test_accuracy, test_loss) = (test.accuracy, test.loss);
                series.add(Done { seed, test_accuracy, test_loss, seconds: seconds_of(&folder(seed)) });
            }
            Err(error @ (Error::Disagreement(_) | Error::NotFinite(_))) => {
                note(&format!("note: seed {seed} failed: {error}"));
                series.add_failed(seed);
                failure.get_or_insert(error);
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
        write(&series)?;
    }
    if !series.runs.is_empty() {
        print_table(&series.runs)?;
    }
    if let Some(error) = failure {
        let have_failed = seeds.into_iter().all(|seed| series.has(seed) || series.failed.contains(&seed));
        let what = if have_failed { "trains those anew that failed" } else { "goes on with the others" };
        note(&format!("note: {}; the same command {what}", are_done(&series)));
        return Err(error);
    }
    note(&format!("the runs are in {}, the numbers in {}", out.display(), file.display()));
    Ok(())
}

/// Mean and standard deviation of a sample; of one number that is 0.
fn mean_and_deviation(values: &[f64]) -> [f64; 2] {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    [mean, (squares / (values.len() - 1).max(1) as f64).sqrt()]
}

/// Names of what is measured of a run, and the numbers.
fn columns(done: &[Done]) -> [(&'static str, Vec<f64>); 3] {
    let of = |value: &dyn Fn(&Done) -> f64| done.iter().map(value).collect::<Vec<f64>>();
    [
        ("test accuracy", of(&|run| run.test_accuracy)),
        ("test loss", of(&|run| run.test_loss)),
        ("seconds", of(&|run| run.seconds)),
    ]
}

fn describe(config: &RunConfig, series: &Series) -> Result<Value> {
    let run = |Done { seed, test_accuracy, test_loss, seconds }: &Done| json!({ "seed": seed, "test_accuracy": test_accuracy, "test_loss": test_loss, "seconds": seconds });
    let mut all = json!({
        "settings": shared(config)?,
        "runs": series.runs.iter().map(run).collect::<Vec<_>>(),
        "failed": series.failed,
    });
    for (name, values) in columns(&series.runs) {
        let [mean, deviation] = mean_and_deviation(&values);
        all[name.replace(' ', "_")] = json!({ "mean": mean, "standard_deviation": deviation });
    }
    Ok(all)
}

fn print_table(done: &[Done]) -> Result<()> {
    let columns = columns(done);
    let decimals = [4, 4, 1];
    let row = |name: String, of: &dyn Fn(&[f64]) -> f64| -> Vec<String> {
        let numbers = columns.iter().zip(decimals).map(|((_, values), decimals)| format!("{:.decimals$}", of(values)));
        [name].into_iter().chain(numbers).collect()
    };
    let mut rows: Vec<Vec<String>> =
        done.iter().enumerate().map(|(i, run)| row(format!("seed {}", run.seed), &|values| values[i])).collect();
    rows.push(row("mean".into(), &|values| mean_and_deviation(values)[0]));
    rows.push(row("standard deviation".into(), &|values| mean_and_deviation(values)[1]));
    rows.push(row("lowest".into(), &|values| values.iter().copied().fold(f64::INFINITY, f64::min)));
    rows.push(row("highest".into(), &|values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
    let head: Vec<&str> = ["run"].into_iter().chain(columns.iter().map(|(name, _)| *name)).collect();
    print(&table(&head, &rows, environment::columns()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(mean_and_deviation(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), [5.0, (32.0_f64 / 7.0).sqrt()]);
        assert_eq!(mean_and_deviation(&[0.9]), [0.9, 0.0]);
    }
}
