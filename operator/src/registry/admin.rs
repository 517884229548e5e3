//! The administrator's password. The registry reads its file, which a node refreshes within a minute or two; the operator
//! sets a changed one at once, with an account of its own, so that no rotation locks it out (LESSONS B9).

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use slipway_api::{PasswordChange, Secret as WireSecret, client::Client};
use slipway_crds::{Registry, condition, condition::reason};

use super::secrets::Found;
use crate::{
    context::Context,
    error::{Error, Problem, Result},
};

/// On the Secret of the operator's account: a keyed hash of the administrator's password that was set last.
const APPLIED: &str = "slipway.dev/admin-password-applied";
/// The administrator's number in every registry.
const ADMIN_ID: i64 = 1;

/// Sets the password that the Secret holds unless that very one was set before. A password that somebody changed in the
/// registry stays until the Secret changes.
pub(crate) async fn settle(
    context: &Context,
    client: &Client,
    registry: &Registry,
    found: &Found,
) -> Result<()> {
    let hash = found.hash_of(&found.admin);
    let namespace = registry.namespace().ok_or(Error::Incomplete("namespace"))?;
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &namespace);
    let marked = api
        .get_metadata(&found.system.name)
        .await
        .map_err(Error::from_kube)?;
    if marked.annotations().get(APPLIED) == Some(&hash) {
        return Ok(());
    }
    context.fence.enforce();
    let new_password = WireSecret::new(found.admin.value.expose());
    match client
        .user_set_password(
            ADMIN_ID,
            &PasswordChange {
                new_password,
                ..PasswordChange::default()
            },
        )
        .await
    {
        Ok(()) => {
            if marked.annotations().contains_key(APPLIED) {
                let note = format!(
                    "the administrator has the password of the Secret {} now",
                    found.admin.name
                );
                context
                    .events
                    .normal(registry, "AdminPasswordChanged", note)
                    .await;
            }
        }
        // Harbor and Slipway refuse the password that is there already.
        Err(error) if error.status() == Some(400) && error.message().contains("identical") => {}
        Err(error) if error.status() == Some(400) => {
            let message = format!(
                "the registry refuses the password in the Secret {}: {}",
                found.admin.name,
                error.message()
            );
            return Err(Problem::user(condition::READY, reason::INVALID_SPEC, message).into());
        }
        Err(error) => return Err(error.into()),
    }
    let patch = json!({"metadata": {"annotations": {APPLIED: hash}}});
    api.patch_metadata(&found.system.name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(Error::from_kube)?;
    Ok(())
}
