//! The operator of Slipway: turns `Registry`, `Project` and `RetentionPolicy` objects into a running registry and its state.
//!
//! [`run`] puts the process together. Each kind has a folder of its own with a `reconcile.rs`, which is one attempt at
//! one object; what is built there are pure functions, and everything is written by [`apply`] and [`status`], which
//! write only when something differs.

mod apply;
mod arrivals;
mod clock;
mod context;
mod controller;
mod definitions;
mod error;
mod events;
mod fence;
mod finalizer;
mod health;
mod leader;
mod namespaces;
pub mod options;
mod project;
mod random;
mod registry;
mod registry_session;
mod retention_policy;
pub mod run;
mod secret;
mod status;
mod unreadable;
mod watches;
mod written;
