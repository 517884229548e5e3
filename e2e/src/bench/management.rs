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

/// A list, and the tables that it is about as a whole: to count them is to read them, and no index spares that.
struct List {
    name: &'static str,
    path: &'static str,
    whole: &'static [&'static str],
}

impl List {
    const fn new(name: &'static str, path: &'static str) -> Self {
        Self {
            name,
            path,
            whole: &[],
        }
    }

    const fn about(self, whole: &'static [&'static str]) -> Self {
        Self { whole, ..self }
    }
}

const LISTS: &[List] = &[
    List::new("projects, first page", "projects?page_size=100").about(&["projects"]),
    List::new("projects, last page", "projects?page_size=100&page=100").about(&["projects"]),
    List::new(
        "projects, by part of the name",
        "projects?page_size=100&q=name%3D~sts-77",
    )
    .about(&["projects"]),
    List::new(
        "repositories, first page",
        "projects/lists/repositories?page_size=100",
    ),
    List::new(
        "repositories, last page",
        "projects/lists/repositories?page_size=100&page=100",
    ),
    List::new(
        "repositories, by part of the name",
        "projects/lists/repositories?page_size=100&q=name%3D~pp-77",
    ),
    List::new("repositories of all projects", "repositories?page_size=100")
        .about(&["projects", "repositories"]),
    List::new(
        "artifacts, first page",
        "projects/lists/repositories/artifacts/artifacts?page_size=100&with_tag=true",
    ),
    List::new(
        "artifacts, last page",
        "projects/lists/repositories/artifacts/artifacts?page_size=100&with_tag=true&page=100",
    ),
    List::new(
        "artifacts, by tag",
        "projects/lists/repositories/artifacts/artifacts?page_size=100&q=tags%3Dv100",
    ),
    List::new(
        "tags, first page",
        "projects/lists/repositories/tags/artifacts/v1/tags?page_size=100",
    ),
    List::new(
        "tags, last page",
        "projects/lists/repositories/tags/artifacts/v1/tags?page_size=100&page=100",
    ),
    List::new("quotas, first page", "quotas?page_size=100").about(&["projects"]),
    List::new("search", "search?q=app-77").about(&["projects", "repositories"]),
    List::new("statistics", "statistics").about(&["projects", "repositories"]),
    List::new("audit log, first page", "audit-logs?page_size=100"),
    List::new("audit log, page 1,000", "audit-logs?page_size=100&page=1000"),
    List::new(
        "audit log, by user",
        "audit-logs?page_size=100&q=username%3Drobot-7",
    ),
    List::new("audit log of a project", "projects/lists/logs?page_size=100"),
];

/// Rows from which on a table counts as large.
const LARGE: u64 = 5_000;

/// Each list alone, one connection. One whose plan reads a large table from end to end fails the run.
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
    for List { name, path, whole } in LISTS {
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
                .failures
                .push(format!("{name}: GET /api/v2.0/{path} answers {status}"));
            continue;
        }
        let case = Case {
            name,
            unit: "requests/s",
            value: rate,
            connections: 1,
            target: |_| Some("p99 ≤ 100 ms"),
        };
        let before = scans(&slipway).await?;
        ready(&contender.host, path).await?;
        let rows = case.reads(bench, &[(&contender, reads)]).await?;
        let scanned: Vec<String> = scans(&slipway)
            .await?
            .into_iter()
            .filter(|(table, count)| *count > before.get(table).copied().unwrap_or(0))
            .filter(|(table, _)| !whole.contains(&table.as_str()))
            .map(|(table, _)| table)
            .collect();
        if !scanned.is_empty() {
            report
                .failures
                .push(format!("{name}: reads all of {}", scanned.join(", ")));
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
