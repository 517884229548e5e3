//! `verify`: is what the database says in the store, and is there anything else?

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{assemble, blobs, database};
use crate::config::Config;
use crate::distribution::verify::{self, Damaged, Findings, Options, Report, Stray};

/// Blobs are missing or wrong.
const DAMAGED: u8 = 2;
/// Something is left over that nobody needs.
const LEFTOVERS: u8 = 3;

/// The command's arguments.
#[derive(Args)]
pub(super) struct Arguments {
    /// Reads every blob and compares its digest, too.
    #[arg(long)]
    checksums: bool,
    /// With --checksums: how much is read at most, in MiB a second.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..), value_name = "MIB")]
    rate: u64,
    /// Removes objects and uploads that no row names and that are older than any upload may get (`upload_expiry`, `gc.grace`).
    /// Blobs that are missing stay as they are: push them again.
    #[arg(long)]
    repair: bool,
    /// A table for people, or JSON.
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Compares and prints what was found.
pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !(arguments.repair && config.storage_shared),
        "--repair cannot be used with storage.shared: what this registry does not know may belong to another one"
    );
    let pool = database::connect(&config.database).await?;
    database::check_schema(&pool).await?;
    let blobs = blobs::open(&config, &pool).await?;
    let app = assemble::app(config, pool, blobs, None)?;
    let options = Options {
        checksums: arguments.checksums.then_some(arguments.rate << 20),
        repair: arguments.repair,
    };
    let report = verify::verify(&app, options)
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    match arguments.output {
        Output::Table => print!("{}", table(&report, options)),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    app.pool.close().await;
    Ok(match () {
        () if report.is_damaged() => ExitCode::from(DAMAGED),
        () if report.has_leftovers() => ExitCode::from(LEFTOVERS),
        () => ExitCode::SUCCESS,
    })
}

/// The report for people.
pub(super) fn table(report: &Report, options: Options) -> String {
    let mut text = String::new();
    let mut line = |name: &str, count: u64, bytes: Option<u64>| {
        let bytes = bytes.map(human).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<44} {count:>12} {bytes:>12}");
    };
    line("blobs in the database", report.blobs, Some(report.bytes));
    line("objects in the store", report.objects, Some(report.object_bytes));
    line(
        "  of them waiting for their deletion",
        report.doomed_objects,
        None,
    );
    line("  of them too young to be judged", report.young_objects, None);
    line("uploads in progress", report.uploads, Some(report.upload_bytes));
    line(
        "blobs whose object is missing",
        report.missing.count,
        Some(report.missing.bytes),
    );
    line(
        "blobs whose object has a wrong size",
        report.wrong_size.count,
        Some(report.wrong_size.bytes),
    );
    if options.checksums.is_some() {
        line("contents compared", report.contents_compared, None);
        line(
            "blobs whose content is wrong",
            report.wrong_content.count,
            Some(report.wrong_content.bytes),
        );
    }
    line(
        "objects that no row names",
        report.unknown_objects.count,
        Some(report.unknown_objects.bytes),
    );
    line(
        "uploads that no row names",
        report.unknown_uploads.count,
        Some(report.unknown_uploads.bytes),
    );
    if options.repair {
        line("removed", report.removed, Some(report.freed_bytes));
        line("could not be removed", report.failed, None);
    }
    for (what, findings) in [
        ("missing", &report.missing),
        ("wrong size", &report.wrong_size),
        ("wrong content", &report.wrong_content),
    ] {
        damaged(&mut text, what, findings);
    }
    strays(&mut text, "unknown object", &report.unknown_objects);
    strays(&mut text, "unknown upload", &report.unknown_uploads);
    text
}

fn damaged(text: &mut String, what: &str, findings: &Findings<Damaged>) {
    for item in &findings.items {
        let found = item
            .found
            .as_deref()
            .map(|found| format!(", found {found}"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "{what}: {} ({} bytes{found}) at {}; needed by {}",
            item.digest,
            item.size,
            item.key,
            if item.repositories.is_empty() {
                "no repository".to_owned()
            } else {
                item.repositories.join(", ")
            }
        );
    }
    more(text, what, findings.count, findings.items.len());
}

fn strays(text: &mut String, what: &str, findings: &Findings<Stray>) {
    for item in &findings.items {
        let removed = if item.removed { ", removed" } else { "" };
        let modified = item.modified.format("%Y-%m-%d %H:%M:%SZ");
        let _ = writeln!(
            text,
            "{what}: {} ({} bytes, of {modified}{removed})",
            item.key, item.size
        );
    }
    more(text, what, findings.count, findings.items.len());
}

fn more(text: &mut String, what: &str, count: u64, named: usize) {
    let rest = count.saturating_sub(named as u64);
    if rest > 0 {
        let _ = writeln!(text, "{what}: and {rest} more");
    }
}

/// A size in the largest fitting unit.
fn human(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1} TiB")
}
