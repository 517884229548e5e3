//! The administrator's password. The registry reads its file, which a node refreshes within a minute or two; the operator
//! sets a changed one at once, with an account of its own, so that no rotation locks it out (LESSONS B9).

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use slipway_api::{PasswordChange, Secret as WireSecret, client::Client};
use slipway_crds::{Registry, condition, condition::reason};

use super::secrets::Found;
use crate::{
    context::Context,
    error::{Error, Problem, Result},
    registry_session::Made,
};

/// On the Secret of the operator's account: a keyed hash of the administrator's password that was set last.
const APPLIED: &str = "slipway.dev/admin-password-applied";
/// On the same: the hash of one that was set and is not the administrator's any more.
const REFUSED: &str = "slipway.dev/admin-password-refused";
/// The administrator's number in every registry.
const ADMIN_ID: i64 = 1;
/// How long the answer to a login may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The administrator's name.
const ADMIN: &str = "admin";

/// Sets the password that the Secret holds unless that very one was set before. A password that somebody changed in the
/// registry stays until the Secret changes, and is told once.
pub(crate) async fn settle(
    context: &Context,
    session: &Made,
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
    let says = |annotation: &str| marked.annotations().get(annotation) == Some(&hash);
    if says(APPLIED) {
        if !says(REFUSED) && is_refused(session, found).await? {
            let note = format!(
                "somebody changed the administrator's password in the registry: it is not the one in the Secret {} any \
                 more; put the new one there, or another one to have it set",
                found.admin.name
            );
            context
                .events
                .warning(registry, "AdminPasswordDiffers", note)
                .await;
            // Once: a wrong password tried again and again would close the account.
            mark(&api, found, json!({REFUSED: hash})).await?;
        }
        return Ok(());
    }
    context.fence.enforce();
    let new_password = WireSecret::new(found.admin.value.expose());
    match session
        .client
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
    mark(&api, found, json!({APPLIED: hash, REFUSED: null})).await
}

/// Whether the registry does not take the password of the Secret.
async fn is_refused(session: &Made, found: &Found) -> Result<bool> {
    let client = Client::builder(&session.url)
        .basic(ADMIN, found.admin.value.expose())
        .timeout(PATIENCE)
        .attempts(1)
        .build()?;
    Ok(client
        .user_current()
        .await
        .is_err_and(|error| error.is_unauthorized()))
}

async fn mark(api: &Api<Secret>, found: &Found, annotations: Value) -> Result<()> {
    let patch = json!({"metadata": {"annotations": annotations}});
    api.patch_metadata(&found.system.name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(Error::from_kube)?;
    Ok(())
}
