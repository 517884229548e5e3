//! From the types to the files that are committed: custom resource definitions, rights, the chart's copies and the
//! reference page.

mod chart;
mod definition;
mod outputs;
mod reference;
mod rules;
mod schema;
mod yaml;

pub use definition::{HASH_ANNOTATION, definition, definitions, schema_hash};
pub use outputs::{Output, outputs};

#[cfg(test)]
mod tests;
