//! Tests over all slices.

mod absent;
mod client;
mod contract;
mod document;
mod matrix;
mod properties;
pub(super) mod push;
