//! Transactions that PostgreSQL broke off so that another could go on.

/// How often a transaction is tried.
pub(crate) const ATTEMPTS: u32 = 5;

/// Evaluates an `async` block that runs one transaction; again where it was the victim of a deadlock or of a
/// serialisation conflict. (A macro, because a function over an async closure could not be used in a task:
/// the compiler cannot yet see that such futures are `Send`.)
macro_rules! on_conflict {
    ($transaction:expr) => {{
        let mut attempt = 1;
        loop {
            let outcome: $crate::error::Result<_> = $transaction.await;
            match outcome {
                Err(error) if attempt < $crate::distribution::retry::ATTEMPTS && error.is_repeatable() => {
                    attempt += 1
                }
                outcome => break outcome,
            }
        }
    }};
}
pub(crate) use on_conflict;
