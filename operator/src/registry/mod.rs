//! The kind Registry: builders of its objects, the steps of an attempt, its end.

mod admin;
mod authority;
mod cache;
mod certificate;
mod children;
mod database;
mod deletion;
mod disruption;
mod expose;
mod features;
mod identity;
mod images;
mod migrate;
mod names;
mod network;
mod parts;
mod pod;
mod probe;
mod reconcile;
pub(crate) mod references;
pub(crate) mod secrets;
mod serve;
pub(crate) mod settings;
mod storage;
mod tls;
mod worker;

pub(crate) use reconcile::reconcile;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_outside;
