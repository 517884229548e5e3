//! The commands of `cargo xtask`, one file each.

pub mod bench;
pub mod check;
pub mod cluster;
pub mod down;
pub mod generate;
pub mod schemathesis;
pub mod soak;
pub mod test;
pub mod tools;
pub mod up;

/// Runs what waits for a cluster.
pub(crate) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

/// The same on this thread alone: processes that it starts die with it.
pub(crate) fn block_on_this_thread<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
