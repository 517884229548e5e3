//! Tests over all slices.

mod absent;
mod client;
mod contract;
mod document;
mod habits;
mod matrix;
mod properties;
pub(super) mod push;
pub(super) mod work;
