//! Words that scenarios are written in.
//!
//! A test reads as what a user does and sees: `with_namespace("tenant", |scenario| …)`,
//! `scenario.apply(…)`, `scenario.await_condition("Registry", "reg", "Ready")`,
//! `push_image(…)`, `scenario.pod_runs("app")`.

mod evidence;
mod images;
mod namespace;
mod waiting;

pub use images::{Push, Route, push_image};
pub use namespace::{Scenario, condition_is_true, restricted_container, restricted_pod, with_namespace};
pub use waiting::{deployment_available, eventually};
