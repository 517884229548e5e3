//! What holds of every parser of this crate whatever a stranger sends: it never panics, it ends soon, and what it took it gives
//! back unchanged. `PROPTEST_CASES=100000 cargo test --workspace --lib properties` tries for longer.

mod manifests;
mod names;
mod patterns;
mod retention;

use std::time::{Duration, Instant};

/// Far more than any input of the size that we let in takes, also in a debug build on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Runs something and sees that it ended soon.
fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < SOON, "{what} took {:?}", start.elapsed());
    result
}
