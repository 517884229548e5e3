//! Labels on what the operator makes and on what it looks for.

/// Who manages the object; the value is [`MANAGED_BY_VALUE`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub const MANAGED_BY_VALUE: &str = "slipway-operator";
/// The Registry that an object belongs to.
pub const REGISTRY: &str = "slipway.dev/registry";
/// The Project that an object belongs to.
pub const PROJECT: &str = "slipway.dev/project";
/// The part of a Registry: `serve`, `worker`, `database`, `cache`, `migrate`.
pub const COMPONENT: &str = "slipway.dev/component";
/// The installation of the operator that handles an object.
pub const INSTALLATION: &str = "slipway.dev/installation";
/// On a Secret: `"true"` lets its value be sent to places outside the cluster.
pub const ALLOW_USE: &str = "slipway.dev/allow-use";
/// On a namespace of the samples: may own projects.
pub const TENANT: &str = "slipway.dev/tenant";
