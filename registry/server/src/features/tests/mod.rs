//! Tests over all slices.

mod absent;
mod client;
mod document;
mod matrix;
pub(super) mod push;
