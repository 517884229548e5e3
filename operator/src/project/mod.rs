//! The kind Project: what it declares, the difference to what is there, robots and their Secrets, its end.

mod claim;
mod credentials;
mod deletion;
mod desired;
mod execute;
mod observe;
mod ours;
pub(crate) mod owed;
mod plan;
mod pull_secret;
mod reconcile;
mod robots;
mod service_accounts;
mod tenancy;

pub(crate) use reconcile::reconcile;

#[cfg(test)]
mod tests;
