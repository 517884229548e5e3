//! A robot grants no more than it holds. Pure.

use slipway_api::RobotPermission;

use crate::error::{Code, Error, Result};
use crate::kernel::access::{Grant, Standing};

/// Passes unless a robot wants to grant what it does not hold itself: the same action on the same resource
/// with the same effect, in the same place or everywhere.
pub(super) fn covered(standing: &Standing, wanted: &[RobotPermission]) -> Result<()> {
    let Standing::Robot { grants, .. } = standing else {
        return Ok(());
    };
    for permission in wanted {
        for access in &permission.access {
            let held = grants
                .iter()
                .filter(|grant| reaches(grant, permission))
                .flat_map(|grant| &grant.access)
                .any(|held| {
                    held.resource == access.resource
                        && held.action == access.action
                        && held.effect.as_deref().unwrap_or_default() == access.effect
                });
            if !held {
                let message = format!(
                    "a robot grants only what it holds itself: {}:{} in {} is more",
                    access.resource, access.action, permission.namespace
                );
                return Err(Error::new(Code::Denied, message));
            }
        }
    }
    Ok(())
}

fn reaches(grant: &Grant, permission: &RobotPermission) -> bool {
    grant.kind == permission.kind
        && (grant.namespace == permission.namespace || (grant.kind == "project" && grant.namespace == "*"))
}
