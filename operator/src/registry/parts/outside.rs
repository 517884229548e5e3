//! The way in: settings, Services, policies, the Ingress and its certificate.

use k8s_openapi::api::{
    core::v1::{ConfigMap, ServiceAccount},
    networking::v1::{Ingress, IngressClass, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{Api, Client, ResourceExt};
use slipway_crds::{
    ConditionStatus, condition,
    condition::reason,
    registry::{ExposeKind, TlsKind},
};

use super::unwanted;
use crate::{
    apply,
    context::Context,
    error::{Error, Problem, Result},
    registry::{
        disruption, expose, identity, network,
        serve::{self, Ingredients},
        tls,
    },
    status::Report,
};

/// The settings, the Service, the policies and the budget: things that never wait for anything.
pub(crate) async fn surroundings(
    context: &Context,
    with: &Ingredients<'_>,
    settings_map: &ConfigMap,
) -> Result<()> {
    let client = &context.client;
    let names = with.names;
    apply::apply(client, settings_map).await?;
    match identity::service_account(names, with.managed) {
        Some(account) => drop(apply::apply(client, &account).await?),
        None => unwanted::<ServiceAccount>(client, names, identity::PART).await?,
    }
    apply::apply(client, &serve::service(names, with.managed)).await?;
    let policies = network::policies(names, with.managed, &context.options.pod_namespace)?;
    for part in network::parts() {
        match policies.iter().find(|policy| policy.name_any() == names.of(part)) {
            Some(policy) => drop(apply::apply(client, policy).await?),
            None => unwanted::<NetworkPolicy>(client, names, part).await?,
        }
    }
    match disruption::budget(names, with.managed) {
        Some(budget) => drop(apply::apply(client, &budget).await?),
        None => unwanted::<PodDisruptionBudget>(client, names, serve::PART).await?,
    }
    Ok(())
}

/// The Ingress and its certificate.
pub(crate) async fn exposure(
    context: &Context,
    with: &Ingredients<'_>,
    hosts: &[&str],
    report: &mut Report,
) -> Result<()> {
    let client = &context.client;
    let names = with.names;
    let Ok(ExposeKind::Ingress(settings)) = with.managed.expose.kind() else {
        unwanted::<Ingress>(client, names, expose::PART).await?;
        report.note(
            condition::EXPOSED,
            ConditionStatus::True,
            reason::AVAILABLE,
            "the Service is the way in",
        );
        return Ok(());
    };
    let secret = certificate(context, with, hosts, report).await?;
    let controller = ingress_controller(client, settings.class_name.as_deref()).await?;
    let ingress = expose::ingress(names, settings, controller, hosts, secret.as_deref());
    apply::apply(client, &ingress).await?;
    Ok(())
}

/// The Secret with the certificate, if there is one.
async fn certificate(
    context: &Context,
    with: &Ingredients<'_>,
    hosts: &[&str],
    report: &mut Report,
) -> Result<Option<String>> {
    let Some(settings) = with.managed.expose.tls() else {
        return Ok(None);
    };
    let now = context.clock.now();
    let (name, standing) = match settings.kind() {
        Ok(TlsKind::SelfSigned(settings)) => (
            with.names.of(tls::PART),
            tls::ensure(&context.client, with.names, settings, hosts, now).await,
        ),
        Ok(TlsKind::Secret(name)) => (
            name.clone(),
            tls::inspect(&context.client, &with.names.namespace, name, hosts, now).await,
        ),
        _ => return Ok(None),
    };
    match standing {
        Ok(standing) => {
            let labels = [
                ("registry", with.names.name.clone()),
                ("namespace", with.names.namespace.clone()),
            ];
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
            metrics::gauge!("slipway_operator_certificate_ends_seconds", &labels)
                .set(standing.ends.as_second() as f64);
            report.look_at(standing.look_at);
            if standing.is_late {
                report.note(
                    condition::CERTIFICATE_VALID,
                    ConditionStatus::False,
                    reason::CERTIFICATE_EXPIRING,
                    format!("the certificate in the Secret {name} ends soon; put a new one there"),
                );
            } else {
                report.good(
                    condition::CERTIFICATE_VALID,
                    reason::SUCCEEDED,
                    "the certificate fits the host names",
                );
            }
        }
        Err(Error::Problem(problem)) => report.problem(&problem),
        Err(error) => return Err(error),
    }
    Ok(Some(name))
}

async fn ingress_controller(client: &Client, class: Option<&str>) -> Result<expose::Controller> {
    let Some(class) = class else {
        return Ok(expose::Controller::Other);
    };
    match Api::<IngressClass>::all(client.clone()).get_opt(class).await {
        Ok(Some(found)) => {
            let name = found.spec.and_then(|spec| spec.controller).unwrap_or_default();
            Ok(expose::Controller::from_name(&name))
        }
        Ok(None) => {
            let message = format!(
                "spec.managed.expose.ingress.className names the ingress class {class}, which does not exist; write one out \
                 of kubectl get ingressclass, or install the controller"
            );
            Err(Problem::user(condition::EXPOSED, reason::INVALID_SPEC, message).into())
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(expose::Controller::from_name(class)),
        Err(error) => Err(Error::from_kube(error)),
    }
}
