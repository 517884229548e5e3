//! The registry.

mod boot;
mod config;
mod distribution;
mod error;
mod features;
mod kernel;
mod router;
#[cfg(test)]
mod testing;

fn main() {}
