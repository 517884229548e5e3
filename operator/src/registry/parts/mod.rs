//! The steps of a Registry's attempt, part by part. Each writes what is wanted and reports how it does; a trouble in one
//! does not keep the others from being applied.

mod data;
mod outside;
mod work;

use kube::Client;
use slipway_crds::{condition, condition::reason};

pub(crate) use data::{cache, database, storage};
pub(crate) use outside::{exposure, surroundings};
pub(crate) use work::{api, migration, workload};

use super::names::Names;
use crate::{
    apply::{self, Child},
    error::{Cause, Error, Problem, Result, explain},
    status::Report,
};

/// Runs a step; what goes wrong in it is reported and keeps no other step from being run. What concerns the whole
/// attempt is passed on.
pub(crate) fn settle<T>(
    result: Result<T>,
    condition: &'static str,
    report: &mut Report,
) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Problem(problem)) => {
            report.problem(&problem);
            Ok(None)
        }
        Err(Error::NamespaceTerminating) => Err(Error::NamespaceTerminating),
        Err(Error::Kube(error)) => {
            let user = matches!(&error, kube::Error::Api(status) if matches!(status.code, 403 | 422));
            let message = format!("the Kubernetes API refused: {}", explain(&error));
            let cause = if user { Cause::User } else { Cause::Transient };
            let reason = if user {
                reason::INVALID_SPEC
            } else {
                reason::TRANSIENT_ERROR
            };
            report.problem(&Problem {
                condition,
                reason,
                message,
                cause,
            });
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Removes an object of the Registry's own that it no longer wants.
async fn unwanted<K: Child>(client: &Client, names: &Names, part: &str) -> Result<()> {
    apply::delete_owned::<K>(client, &names.namespace, &names.of(part), names.owner()).await
}

/// Whether the Registry names what it needs at all.
pub(crate) fn hostname<'a>(declared: Option<&'a str>, latched: Option<&str>) -> Result<&'a str> {
    let Some(host) = declared else {
        let message = "spec.hostname is missing: write the name under which clients reach the registry, such as registry.example.com";
        return Err(Problem::user(condition::EXPOSED, reason::INVALID_SPEC, message).into());
    };
    match latched {
        Some(latched) if latched != host => {
            let message = format!(
                "spec.hostname was {latched} when the Registry first became ready and cannot change to {host}: pulled images \
                 carry the name; set it back and add {host} to spec.additionalHostnames"
            );
            Err(Problem::user(condition::EXPOSED, reason::INVALID_SPEC, message).into())
        }
        _ => Ok(host),
    }
}
