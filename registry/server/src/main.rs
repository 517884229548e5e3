//! The registry.

mod error;
mod kernel;

fn main() {}
