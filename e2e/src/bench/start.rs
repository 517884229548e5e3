//! From the start of the process to the first request that it may serve.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Bench;
use super::compare::Case;
use super::load::Load;
use super::report::{Cost, Report, Samples};
use super::wire::Connection;

/// `serve` on a database of 1,000,000 manifests.
pub(super) async fn start(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "start",
        "From the start of `serve` to /readyz, with 1,000,000 manifests in the database.",
    );
    let mut slipway = bench.slipway(&[]).await?;
    {
        let _step = bench.progress.step("1,000,000 manifests");
        slipway.services().run_sql(include_str!("seed/big.sql"))?;
    }
    let host = slipway.host();
    let mut samples = Samples::default();
    for _ in 0..bench.options.rounds {
        let serve = slipway.serve();
        serve.terminate()?;
        serve.ended(Duration::from_secs(30)).await?;
        let began = Instant::now();
        serve.start_again()?;
        while !is_ready(&host).await {
            ensure!(
                serve.status()?.is_none() && began.elapsed() < Duration::from_secs(60),
                "serve is not ready after {:?}: {}",
                began.elapsed(),
                serve.stderr()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let elapsed = began.elapsed();
        let memory = super::process::Family::new([serve.pid()?]).peak_memory()?;
        let load = Load {
            operations: 1,
            elapsed,
            latencies: vec![elapsed],
            ..Load::default()
        };
        samples.add(
            elapsed.as_secs_f64() * 1e3,
            load,
            Cost {
                memory,
                ..Cost::default()
            },
        );
    }
    let case = Case {
        name: "to /readyz",
        unit: "ms",
        value: |load| load.elapsed.as_secs_f64() * 1e3,
        connections: 1,
        target: |_| Some("≤ 1,000 ms"),
    };
    report.rows = case.rows(&["slipway"], vec![samples]);
    slipway.end().await?;
    Ok(report)
}

async fn is_ready(host: &str) -> bool {
    let ask = async {
        let mut connection = Connection::open(host).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {host}\r\n\r\n");
        connection.send(request.as_bytes(), &[]).await?;
        connection.answer(false, |_| ()).await
    };
    ask.await.is_ok_and(|answer| answer.status == 200)
}
