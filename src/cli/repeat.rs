//! `train --repeat N`: the same run with several seeds, and what they come to together.

use super::environment;
use super::run_request::RunRequest;
use crate::error::{Error, Result, usage};
use crate::files;
use crate::report::{RunFolder, note, print, table};
use crate::trainer::{RunConfig, Score};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What the runs come to, as a file in the folder that holds them.
const FILE: &str = "repeat.json";

/// What a run came to.
struct Done {
    seed: u64,
    test: Score,
    took: Duration,
}

/// Trains `times` runs whose seeds count up from the settings', each in a folder of its own.
///
/// # Errors
/// That of the first run that fails; those that are done stay.
pub(super) fn run(request: &RunRequest, times: u32, train: &dyn Fn(RunRequest) -> Result<Score>) -> Result<()> {
    let config = &request.config;
    let last = config.seed.checked_add(u64::from(times) - 1);
    let last = last.ok_or_else(|| usage!("seeds from {} on; {times} are more than there are", config.seed))?;
    let Some(out) = &config.out else {
        return Err(Error::Usage("--repeat needs --out, the folder that holds a folder for each seed".into()));
    };
    let folder = |seed: u64| out.join(format!("seed-{seed}"));
    // Before the first run.
    (config.seed..=last).try_for_each(|seed| RunFolder::check(&folder(seed), config.overwrite))?;
    let mut done = Vec::new();
    for seed in config.seed..=last {
        note(&format!("seed {seed}, {} of {times}", done.len() + 1));
        let config = RunConfig { seed, out: Some(folder(seed)), ..config.clone() };
        let started = Instant::now();
        let test = train(RunRequest { config, ..request.clone() })?;
        done.push(Done { seed, test, took: started.elapsed() });
    }
    let text = format!("{:#}\n", describe(config, &done));
    let file = out.join(FILE);
    files::replace(&file, text.as_bytes()).map_err(|e| Error::output(&file, e))?;
    print_table(&done)?;
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
        ("test accuracy", of(&|run| run.test.accuracy)),
        ("test loss", of(&|run| run.test.loss)),
        ("seconds", of(&|run| run.took.as_secs_f64())),
    ]
}

fn describe(config: &RunConfig, done: &[Done]) -> Value {
    let run = |Done { seed, test, took }: &Done| json!({ "seed": seed, "test_accuracy": test.accuracy, "test_loss": test.loss, "seconds": took.as_secs_f64() });
    let mut all = json!({
        "settings": RunConfig { out: None, overwrite: false, ..config.clone() },
        "runs": done.iter().map(run).collect::<Vec<_>>(),
    });
    for (name, values) in columns(done) {
        let [mean, deviation] = mean_and_deviation(&values);
        all[name.replace(' ', "_")] = json!({ "mean": mean, "standard_deviation": deviation });
    }
    all
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
