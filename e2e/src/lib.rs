//! Harness: local cluster, scenarios, benchmarks, xtask.
