//! Annotations on the custom resources that make the operator act, once per value.

/// Reconciles at once, whatever else is waiting.
pub const RECONCILE_NOW: &str = "slipway.dev/reconcile-now";
/// Runs a retention or replication policy now.
pub const RUN_NOW: &str = "slipway.dev/run-now";
/// Rotates the robots of a Project now.
pub const ROTATE_NOW: &str = "slipway.dev/rotate-now";
/// Lets a retention run that waits for approval go on.
pub const APPROVE: &str = "slipway.dev/approve";
/// Confirms the deletion of a Registry with `deletionPolicy: Delete` although Projects remain; the value is its name.
pub const CONFIRM_DELETE: &str = "slipway.dev/confirm-delete";
/// On a Secret that the operator writes: the object and robot that it belongs to.
pub const OWNER: &str = "slipway.dev/owner";
/// On a Secret that the operator writes: the token in it is not yet known to the registry.
pub const PENDING: &str = "slipway.dev/pending";
/// The finalizer on objects whose deletion has something to clean up.
pub const FINALIZER: &str = "slipway.dev/finalizer";
