//! The operator: reconciles slipway.dev objects.
fn main() {}
