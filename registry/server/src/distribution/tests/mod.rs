//! The distribution API through the real router, case by case.

mod access;
mod clock;
mod concurrency;
pub(crate) mod faults;
mod garbage;
mod immutable;
mod limits;
mod lists;
mod manifests;
mod mounts;
mod names;
mod properties;
mod proxy;
mod pulls;
mod pushes;
mod quota;
mod redirects;
mod removals;
mod replicas;
mod support;
mod tcp;
mod upload_forms;
mod uploads;
mod verify;
