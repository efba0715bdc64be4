//! What `bench` prints and writes: tables, JSON, CSV.

use super::columns::{table, wrapped};
use crate::bench::{BenchOptions, Benched};
use crate::error::{Error, Result, count_of};
use serde_json::{Value, json};

/// Training images in an epoch of Fashion-MNIST, for the column `s/epoch`.
const EPOCH_IMAGES: usize = 60_000;

/// What a separate process measured for one device.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Probe {
    /// Seconds from process start to the end of the first training step, with the driver's shader cache disabled.
    pub(crate) first_step_s: Option<f64>,
    /// The same with the shader cache enabled, as a second run on this machine finds it.
    pub(crate) first_step_warm_s: Option<f64>,
    /// Peak resident memory of the process, in MB (10^6 bytes).
    pub(crate) peak_rss_mb: Option<f64>,
}

/// All measurements of one `bench` command.
#[derive(Debug)]
pub(crate) struct BenchReport {
    /// The model as `--model` names it.
    pub(crate) model: String,
    pub(crate) options: BenchOptions,
    /// One entry per device; the CPU is the last.
    pub(crate) results: Vec<Benched>,
    /// One entry per result, in the same order.
    pub(crate) probes: Vec<Probe>,
}

const HEAD: [&str; 13] = [
    "adapter",
    "ms/step",
    "(min-max)",
    "s/epoch",
    "images/s",
    "GFLOP/s",
    "dense",
    "first step s",
    "(warm)",
    "eval images/s",
    "peak MB",
    "x cpu",
    "A/A",
];

const KERNEL_HEAD: [&str; 6] = ["dispatch", "algorithm", "ms", "GFLOP/s", "GB/s", "of peak"];

impl BenchReport {
    fn epoch_s(&self, ms: f64) -> f64 {
        ms * EPOCH_IMAGES.div_ceil(self.options.batch_size) as f64 / 1e3
    }

    fn ratio_to_cpu(&self, ms: f64) -> f64 {
        ms / self.results.last().map_or(ms, |cpu| cpu.ms_per_step()[0])
    }

    fn name(result: &Benched) -> String {
        match result.info.backend.as_str() {
            "cpu" => result.info.adapter.clone(),
            backend if result.software => format!("{} ({backend}, software)", result.info.adapter),
            backend => format!("{} ({backend})", result.info.adapter),
        }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |(result, probe): (&Benched, &Probe)| {
            let [ms, min, max] = result.ms_per_step();
            let or_dash = |value: Option<f64>, decimals: usize| value.map_or("-".into(), |v| format!("{v:.decimals$}"));
            vec![
                Self::name(result),
                format!("{ms:.2}"),
                format!("{min:.2}-{max:.2}"),
                format!("{:.1}", self.epoch_s(ms)),
                format!("{:.0}", self.options.batch_size as f64 / ms * 1e3),
                format!("{:.1}", result.flops[0] / ms / 1e6),
                format!("{:.1}", result.flops[1] / ms / 1e6),
                or_dash(probe.first_step_s, 2),
                or_dash(probe.first_step_warm_s, 2),
                format!("{:.0}", result.eval_images_per_s),
                or_dash(probe.peak_rss_mb, 0),
                format!("{:.2}", self.ratio_to_cpu(ms)),
                format!("{:.2}", result.first_to_second()),
            ]
        };
        self.results.iter().zip(&self.probes).map(row).collect()
    }

    fn kernel_tables(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let table = |result: &Benched| {
            let (rows, peak) = (result.kernels.as_ref()?, result.peak?);
            let clock = match rows.first()?.clock {
                crate::backend::Clock::QueriesInPass => "timestamp queries in one pass",
                crate::backend::Clock::TimestampQueries => "timestamp queries",
                crate::backend::Clock::Wall => "wall clock",
            };
            let title = format!(
                "{}, by {clock}; peak {:.1} GFLOP/s, {:.1} GB/s",
                Self::name(result),
                peak.gflop_per_s,
                peak.gb_per_s
            );
            let cells = |label: &str, algorithm: Option<&str>, ms: f64, gflop: f64, gb: f64, share: f64| {
                let numbers = [format!("{ms:.3}"), format!("{gflop:.1}"), format!("{gb:.1}")];
                [
                    vec![label.to_owned(), algorithm.unwrap_or("-").to_owned()],
                    numbers.to_vec(),
                    vec![format!("{:.0} %", share * 100.0)],
                ]
                .concat()
            };
            let mut lines: Vec<_> = rows
                .iter()
                .map(|r| cells(&r.label, r.algorithm.as_deref(), r.ms, r.gflop_per_s, r.gb_per_s, r.share_of_peak))
                .collect();
            let total: f64 = rows.iter().map(|r| r.ms).sum();
            let moved: f64 = rows.iter().map(|r| r.gb_per_s * r.ms).sum();
            let gflop = result.flops[0] / total / 1e6;
            let (gb, all) = (moved / total, format!("all {}", rows.len()));
            lines.push(cells(&all, None, total, gflop, gb, (gflop / peak.gflop_per_s).max(gb / peak.gb_per_s)));
            Some((title, lines))
        };
        self.results.iter().filter_map(table).collect()
    }

    fn title(&self) -> String {
        let BenchOptions { batch_size, steps, rounds, .. } = self.options;
        format!(
            "{}, batch {batch_size}, {} of {}",
            self.model,
            count_of(rounds, "interleaved round"),
            count_of(steps, "step")
        )
    }

    /// A line for each device with the algorithms of its convolutions; empty for a model without any.
    fn algorithms(&self) -> String {
        let line = |result: &Benched| {
            let chosen: Vec<String> = result.algorithms.iter().map(|(pass, name)| format!("{pass}: {name}")).collect();
            (!chosen.is_empty()).then(|| format!("{}\n  {}\n", Self::name(result), chosen.join("\n  ")))
        };
        let lines: String = self.results.iter().filter_map(line).collect();
        if lines.is_empty() { lines } else { format!("\nalgorithms\n{lines}") }
    }

    /// What the A/A control says.
    fn noise(&self) -> String {
        let apart = |result: &Benched| result.first_to_second().max(1.0 / result.first_to_second()) - 1.0;
        let widest = self.results.iter().map(apart).fold(0.0, f64::max) * 100.0;
        format!("noise (A/A): up to {widest:.1} % between equal runs\n")
    }

    /// The tables as text for a terminal of so many columns.
    pub(crate) fn text(&self, columns: Option<usize>) -> String {
        let main = table(&HEAD, &self.rows(), columns);
        let mut text = format!("{}\n\n{main}{}{}", self.title(), self.noise(), self.algorithms());
        for (title, rows) in self.kernel_tables() {
            text += &format!("\n{}\n\n{}", wrapped(&title, columns), table(&KERNEL_HEAD, &rows, columns));
        }
        text
    }

    /// The same tables in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n{}\n{}", self.title(), markdown(&HEAD, &self.rows()), self.noise());
        for (title, rows) in self.kernel_tables() {
            text += &format!("\n{title}\n\n{}", markdown(&KERNEL_HEAD, &rows));
        }
        text
    }

    /// One CSV row per device.
    pub(crate) fn csv(&self) -> String {
        let mut text = String::from(
            "adapter,backend,device_type,driver,model,batch_size,ms_per_step,ms_min,ms_max,epoch_s,images_per_s,\
             gflop_per_s,dense_gflop_per_s,first_step_s,first_step_warm_s,eval_images_per_s,peak_rss_mb,ratio_to_cpu,first_to_second\n",
        );
        for (result, probe) in self.results.iter().zip(&self.probes) {
            let [ms, min, max] = result.ms_per_step();
            let info = &result.info;
            let strings = [&info.adapter, &info.backend, &info.device_type, &info.driver, &self.model];
            let numbers = [
                Some(self.options.batch_size as f64),
                Some(ms),
                Some(min),
                Some(max),
                Some(self.epoch_s(ms)),
                Some(self.options.batch_size as f64 / ms * 1e3),
                Some(result.flops[0] / ms / 1e6),
                Some(result.flops[1] / ms / 1e6),
                probe.first_step_s,
                probe.first_step_warm_s,
                Some(result.eval_images_per_s),
                probe.peak_rss_mb,
                Some(self.ratio_to_cpu(ms)),
                Some(result.first_to_second()),
            ];
            let strings = strings.map(|text: &String| format!("\"{}\"", text.replace('"', "\"\"")));
            let numbers = numbers.map(|number| number.map_or_else(String::new, |n| n.to_string()));
            text += &format!("{},{}\n", strings.join(","), numbers.join(","));
        }
        text
    }

    /// All measurements as one JSON document, with the samples of each round and the loss of each step.
    pub(crate) fn json(&self) -> Result<String> {
        let result = |(result, probe): (&Benched, &Probe)| -> Value {
            let [median, min, max] = result.ms_per_step();
            json!({
                "adapter": result.info.adapter,
                "backend": result.info.backend,
                "device_type": result.info.device_type,
                "driver": result.info.driver,
                "software": result.software,
                "ms_per_step": { "median": median, "min": min, "max": max },
                "epoch_s": self.epoch_s(median),
                "images_per_s": self.options.batch_size as f64 / median * 1e3,
                "gflop_per_s": { "done": result.flops[0] / median / 1e6, "dense": result.flops[1] / median / 1e6 },
                "dispatches": result.dispatches,
                "first_step_s": probe.first_step_s,
                "first_step_warm_s": probe.first_step_warm_s,
                "eval_images_per_s": result.eval_images_per_s,
                "peak_rss_mb": probe.peak_rss_mb,
                "ratio_to_cpu": self.ratio_to_cpu(median),
                "first_to_second": result.first_to_second(),
                "losses": result.losses,
                "samples_ms": result.samples_ms,
                "peak": result.peak,
                "algorithms": result.algorithms.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
                "kernels": result.kernels,
            })
        };
        let document = json!({
            "model": self.model,
            "batch_size": self.options.batch_size,
            "steps": self.options.steps,
            "rounds": self.options.rounds,
            "warmup": self.options.warmup,
            "results": self.results.iter().zip(&self.probes).map(result).collect::<Vec<_>>(),
        });
        let text = serde_json::to_string_pretty(&document);
        text.map(|text| text + "\n").map_err(|e| Error::Usage(format!("cannot serialize to JSON: {e}")))
    }
}

/// A Markdown table with the same alignment.
fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<&str> = (0..head.len()).map(|i| if i == 0 { "---" } else { "---:" }).collect();
    let body = rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    line(head) + &line(&rule) + &body.collect::<String>()
}
