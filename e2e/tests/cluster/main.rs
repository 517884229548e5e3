//! Scenarios on a whole cluster: `cargo xtask test --tier cluster` starts one.

mod cluster_itself;
mod story;
