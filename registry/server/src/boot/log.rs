//! Logs: one JSON object a line, or lines for people, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::LogConfig;

/// Starts logging.
pub(super) fn start(config: &LogConfig) {
    // The driver repeats what PostgreSQL remarks; whoever wants to read that says so in the filter.
    let filter: Targets = format!("sqlx=warn,{}", config.level).parse().unwrap_or_default();
    let terminal = std::io::stderr().is_terminal();
    let layer = if config.json.unwrap_or(!terminal) {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .boxed()
    } else {
        fmt::layer()
            .with_ansi(terminal)
            .with_target(false)
            .with_writer(std::io::stderr)
            .boxed()
    };
    // A second start (in tests) leaves the first one as it is.
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .ok();
}

/// Says why the program ends, in one sentence that needs no log to be read.
pub(super) fn fatal(error: &anyhow::Error) {
    eprintln!("slipway-registry: {error:#}");
}
