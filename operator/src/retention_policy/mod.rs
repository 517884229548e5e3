//! The kind RetentionPolicy: which projects it is for, what the registry keeps of it in each of them, runs, its end.
//!
//! The registry keeps one policy a project, with the mark of the object that declares it; schedules run there.

mod deletion;
mod desired;
mod outcome;
pub(crate) mod own;
mod plan;
mod reconcile;
mod targets;

pub(crate) use reconcile::reconcile;

#[cfg(test)]
mod tests;
