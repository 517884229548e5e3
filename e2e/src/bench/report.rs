//! Tables for people, JSON for machines.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::load::Load;
use crate::paths;

/// One case of one measure at one server.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) case: String,
    pub(super) server: &'static str,
    pub(super) unit: &'static str,
    /// Median over the rounds.
    pub(super) median: f64,
    /// Each round's value, in their order.
    pub(super) rounds: Vec<f64>,
    /// Of all operations of all rounds.
    #[serde(rename = "p50_ms")]
    pub(super) p50: Option<f64>,
    #[serde(rename = "p99_ms")]
    pub(super) p99: Option<f64>,
    /// Processor time of the server for one operation (Slipway: with PostgreSQL's).
    #[serde(rename = "cpu_us_per_operation")]
    pub(super) processor: Option<f64>,
    /// Processor time of the load generator for one operation.
    #[serde(rename = "generator_us_per_operation")]
    pub(super) generator: Option<f64>,
    /// Peak memory (VmHWM; Slipway: without PostgreSQL's).
    #[serde(rename = "peak_rss_mib")]
    pub(super) memory: Option<f64>,
    /// Median over the rounds of Slipway's value to this one's in the same round: above 1 Slipway is better.
    pub(super) ratio: Option<f64>,
    /// What Slipway is meant to reach.
    pub(super) target: Option<String>,
}

/// Everything of one measure.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) measure: &'static str,
    pub(super) about: &'static str,
    /// What a reader must know beside the numbers.
    pub(super) notes: Vec<String>,
    /// What is wrong whatever the numbers are: the run fails.
    pub(super) failures: Vec<String>,
    pub(super) rows: Vec<Row>,
    machine: Option<Machine>,
}

#[derive(Clone, Debug, Serialize)]
struct Machine {
    processors: usize,
    kernel: String,
    load_average_at_start: String,
    load_average_at_end: String,
    commit: String,
    seconds: f64,
    rounds: usize,
}

/// Samples of one server, gathered round by round.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) values: Vec<f64>,
    latencies: Vec<Duration>,
    operations: u64,
    cost: Cost,
}

/// What a sample cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// The server's processor time.
    pub(super) processor: Duration,
    /// The load generator's.
    pub(super) generator: Duration,
    /// The server's peak memory, in bytes.
    pub(super) memory: u64,
}

impl Samples {
    /// Adds a round.
    pub(super) fn add(&mut self, value: f64, load: Load, cost: Cost) {
        self.values.push(value);
        self.operations += load.operations;
        self.latencies.extend(load.latencies);
        self.cost.processor += cost.processor;
        self.cost.generator += cost.generator;
        self.cost.memory = self.cost.memory.max(cost.memory);
    }

    /// The row that they come to, without a ratio.
    pub(super) fn row(&mut self, case: &str, server: &'static str, unit: &'static str) -> Row {
        self.latencies.sort_unstable();
        let operations = self.operations as f64;
        let each = |time: Duration| {
            (!time.is_zero() && operations > 0.0).then(|| time.as_secs_f64() * 1e6 / operations)
        };
        Row {
            case: case.to_owned(),
            server,
            unit,
            median: median(&self.values),
            rounds: self.values.clone(),
            p50: percentile(&self.latencies, 0.50),
            p99: percentile(&self.latencies, 0.99),
            processor: each(self.cost.processor),
            generator: each(self.cost.generator),
            memory: (self.cost.memory > 0).then(|| self.cost.memory as f64 / f64::from(1 << 20)),
            ratio: None,
            target: None,
        }
    }
}

impl Report {
    pub(super) fn new(measure: &'static str, about: &'static str) -> Self {
        Self {
            measure,
            about,
            notes: Vec::new(),
            failures: Vec::new(),
            rows: Vec::new(),
            machine: None,
        }
    }

    /// Prints the table and writes `target/bench/<measure>.json`.
    pub(super) fn publish(&mut self, began: &Began) -> Result<()> {
        self.machine = Some(Machine {
            processors: std::thread::available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            load_average_at_start: began.load_average.clone(),
            load_average_at_end: load_average()?,
            commit: began.commit.clone(),
            seconds: began.seconds,
            rounds: began.rounds,
        });
        print!("{}", self.table());
        let folder = paths::target().join("bench");
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}.json", self.measure));
        fs::write(&file, serde_json::to_vec_pretty(self)?)?;
        println!("{}\n", file.display());
        Ok(())
    }

    /// A table in Markdown, so that docs/benchmarks.md can take it as it is.
    fn table(&self) -> String {
        const TITLES: [&str; 11] = [
            "case",
            "server",
            "median",
            "unit",
            "Slipway is",
            "p50 ms",
            "p99 ms",
            "CPU µs/op",
            "generator",
            "peak MiB",
            "target",
        ];
        let shown = |value: Option<f64>| value.map_or(String::new(), show);
        let mut lines = vec![TITLES.map(str::to_owned)];
        for row in &self.rows {
            lines.push([
                row.case.clone(),
                row.server.to_owned(),
                show(row.median),
                row.unit.to_owned(),
                row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x")),
                shown(row.p50),
                shown(row.p99),
                shown(row.processor),
                shown(row.generator),
                shown(row.memory),
                row.target.clone().unwrap_or_default(),
            ]);
        }
        let widths: Vec<usize> = (0..TITLES.len())
            .map(|at| {
                lines
                    .iter()
                    .map(|line| line[at].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        lines.insert(1, std::array::from_fn(|at| "-".repeat(widths[at])));
        let mut text = format!("\n### {}\n\n{}\n\n", self.measure, self.about);
        for line in lines {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        for note in &self.notes {
            text.push_str(&format!("\n{note}\n"));
        }
        if let Some(machine) = &self.machine {
            text.push_str(&format!(
                "\n{} processors, Linux {}, load average {} before and {} after, commit {}, {} rounds of {} s\n",
                machine.processors,
                machine.kernel,
                machine.load_average_at_start,
                machine.load_average_at_end,
                machine.commit,
                machine.rounds,
                machine.seconds
            ));
        }
        text
    }
}

/// The circumstances at the start of a measure.
#[derive(Debug)]
pub(super) struct Began {
    load_average: String,
    commit: String,
    seconds: f64,
    rounds: usize,
}

impl Began {
    pub(super) fn now(seconds: f64, rounds: usize) -> Result<Self> {
        let mut git = std::process::Command::new("git");
        git.current_dir(paths::repository())
            .args(["describe", "--always", "--dirty"]);
        let commit = crate::shell::output(&mut git).unwrap_or_else(|_| "unknown".to_owned());
        Ok(Self {
            load_average: load_average()?,
            commit: commit.trim().to_owned(),
            seconds,
            rounds,
        })
    }
}

fn load_average() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().context("no load average")?.to_owned())
}

/// The middle one; of an even number, the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// In milliseconds; the list is sorted.
fn percentile(sorted: &[Duration], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = (last as f64 * part).round() as usize;
    Some(sorted[at.min(last)].as_secs_f64() * 1e3)
}

/// Three digits that mean something.
fn show(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Slipway's rounds to another's, pair by pair.
pub(super) fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let pairs: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    median(&pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The second round was disturbed for both.
        assert!((ratio(&[600.0, 60.0, 620.0], &[100.0, 10.0, 100.0]) - 6.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn percentiles_are_of_the_operations() {
        let all: Vec<Duration> = (1..=101).map(Duration::from_millis).collect();
        assert_eq!(percentile(&all, 0.5), Some(51.0));
        assert_eq!(percentile(&all, 0.99), Some(100.0));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
