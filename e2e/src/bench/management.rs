//! Lists of the management API on large tables, and whether their plans read whole tables.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Bench;
use super::compare::{Case, Contender, rate};
use super::load::{Reads, Thing};
use super::report::Report;
use super::slipway::Slipway;
use super::wire::Connection;

/// What is listed, and where.
const LISTS: &[(&str, &str)] = &[
    ("projects, first page", "projects?page_size=100"),
    ("projects, last page", "projects?page_size=100&page=100"),
    (
        "projects, by part of the name",
        "projects?page_size=100&q=name%3D~sts-77",
    ),
    (
        "repositories, first page",
        "projects/lists/repositories?page_size=100",
    ),
    (
        "repositories, last page",
        "projects/lists/repositories?page_size=100&page=100",
    ),
    (
        "repositories, by part of the name",
        "projects/lists/repositories?page_size=100&q=name%3D~pp-77",
    ),
    ("repositories of all projects", "repositories?page_size=100"),
    (
        "artifacts, first page",
        "projects/lists/repositories/artifacts/artifacts?page_size=100&with_tag=true",
    ),
    (
        "artifacts, last page",
        "projects/lists/repositories/artifacts/artifacts?page_size=100&with_tag=true&page=100",
    ),
    (
        "artifacts, by tag",
        "projects/lists/repositories/artifacts/artifacts?page_size=100&q=tags%3Dv100",
    ),
    (
        "tags, first page",
        "projects/lists/repositories/tags/artifacts/v1/tags?page_size=100",
    ),
    (
        "tags, last page",
        "projects/lists/repositories/tags/artifacts/v1/tags?page_size=100&page=100",
    ),
    ("quotas, first page", "quotas?page_size=100"),
    ("search", "search?q=app-77"),
    ("statistics", "statistics"),
    ("audit log, first page", "audit-logs?page_size=100"),
    ("audit log, page 1,000", "audit-logs?page_size=100&page=1000"),
    (
        "audit log, by user",
        "audit-logs?page_size=100&q=username%3Drobot-7",
    ),
    ("audit log of a project", "projects/lists/logs?page_size=100"),
];

/// Rows from which on a table counts as large.
const LARGE: u64 = 5_000;

/// Each list alone, one connection.
pub(super) async fn lists(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "lists",
        "Lists of the management API by the administrator, one connection: 10,000 projects, 10,000 repositories in one, \
         10,000 artifacts in a repository, 10,000 tags on an artifact, 1,000,000 rows of the audit log.",
    );
    let slipway = bench.slipway(&[]).await?;
    {
        let _step = bench.progress.step("the rows of the lists");
        slipway.services().run_sql(include_str!("seed/lists.sql"))?;
    }
    let contender = Contender::slipway(&slipway)?;
    for (name, path) in LISTS {
        let reads = Reads::new(
            "GET",
            &contender.host,
            "/api/v2.0/",
            &Slipway::basic(),
            vec![Thing::new(*path, None)],
        );
        let status = status(&contender.host, path).await?;
        if status != 200 {
            report
                .notes
                .push(format!("{name}: skipped, GET /api/v2.0/{path} answers {status}."));
            continue;
        }
        let case = Case {
            name,
            unit: "requests/s",
            value: rate,
            connections: 1,
            target: |_| None,
        };
        let before = scans(&slipway).await?;
        ready(&contender.host, path).await?;
        let rows = case.reads(bench, &[(&contender, reads)]).await?;
        let scanned: Vec<String> = scans(&slipway)
            .await?
            .into_iter()
            .filter(|(table, count)| *count > before.get(table).copied().unwrap_or(0))
            .map(|(table, _)| table)
            .collect();
        if !scanned.is_empty() {
            report
                .notes
                .push(format!("{name}: reads all of {}.", scanned.join(", ")));
        }
        report.rows.extend(rows);
    }
    slipway.end().await?;
    Ok(report)
}

async fn status(host: &str, path: &str) -> Result<u16> {
    let mut connection = Connection::open(host).await?;
    let request = format!(
        "GET /api/v2.0/{path} HTTP/1.1\r\nhost: {host}\r\n{}\r\n",
        Slipway::basic()
    );
    connection.send(request.as_bytes(), &[]).await?;
    Ok(connection.answer(false, |_| ()).await?.status)
}

/// Waits until the registry has connections to its database again.
async fn ready(host: &str, path: &str) -> Result<()> {
    let began = Instant::now();
    while status(host, path).await? != 200 {
        ensure!(
            began.elapsed() < Duration::from_secs(10),
            "no answer without error to {path} after its connections were ended"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// How often each large table was read from one end to the other. A connection tells what it did when it ends, so
/// all of them are ended first; the registry makes new ones.
async fn scans(slipway: &Slipway) -> Result<BTreeMap<String, u64>> {
    let services = slipway.services();
    services.run_sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid();",
    )?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let rows = services.query(&format!(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE n_live_tup >= {LARGE};"
    ))?;
    rows.lines()
        .map(|row| {
            let (table, count) = row.split_once('|').context("a row without a number")?;
            Ok((table.to_owned(), count.parse()?))
        })
        .collect()
}
