//! The custom resources of slipway.dev and the generator of their YAML.
fn main() {}
