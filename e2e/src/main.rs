//! Harness: local cluster, scenarios, benchmarks, xtask.
fn main() {}
