//! The kinds of registries, and what is known about them beforehand.

use std::collections::BTreeMap;

use slipway_api::{
    FilterStyle, RegistryEndpoint, RegistryInfo, RegistryProviderCredentialPattern,
    RegistryProviderEndpointPattern, RegistryProviderInfo,
};
use slipway_model::permission::{Action, Resource};
use slipway_upstream::adapters::Kind;

use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Most labels that are offered to choose from.
pub(super) const MOST_LABELS: i64 = 1000;

/// Google's hosts.
const GOOGLE: &[&str] = &["gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"];

/// The kinds by name, for whoever may ask.
pub(super) async fn names(app: &App, ctx: &Context) -> Result<Vec<String>> {
    enter(app, ctx).await?;
    let mut names: Vec<String> = Kind::ALL.iter().map(|kind| kind.name().to_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

/// The kinds that stand at known addresses or want credentials of a certain form.
pub(super) async fn infos(app: &App, ctx: &Context) -> Result<BTreeMap<String, RegistryProviderInfo>> {
    enter(app, ctx).await?;
    let fixed = |host: &str| at("EndpointPatternTypeFix", &[host]);
    let mut google = at("EndpointPatternTypeList", GOOGLE);
    google.credential_pattern = Some(RegistryProviderCredentialPattern {
        access_key_type: "AccessKeyTypeFix".to_owned(),
        access_key_data: "_json_key".to_owned(),
        access_secret_type: "AccessSecretTypeFile".to_owned(),
        access_secret_data: "No Change".to_owned(),
    });
    let infos = [
        (Kind::DockerHub, fixed("hub.docker.com")),
        (Kind::Ghcr, fixed("ghcr.io")),
        (Kind::Gar, google),
    ];
    Ok(infos.map(|(kind, info)| (kind.name().to_owned(), info)).into())
}

fn at(endpoint_type: &str, hosts: &[&str]) -> RegistryProviderInfo {
    let endpoint = |host: &&str| RegistryEndpoint {
        key: (*host).to_owned(),
        value: format!("https://{host}"),
    };
    RegistryProviderInfo {
        endpoint_pattern: Some(RegistryProviderEndpointPattern {
            endpoint_type: endpoint_type.to_owned(),
            endpoints: hosts.iter().map(endpoint).collect(),
        }),
        credential_pattern: None,
    }
}

/// What can be done with a registry of this kind.
pub(super) fn info(kind: &str, is_local: bool, labels: Vec<String>) -> RegistryInfo {
    let style = |kind: &str, style: &str, values| FilterStyle {
        kind: kind.to_owned(),
        style: style.to_owned(),
        values,
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut filters = vec![style("name", "input", None), style("tag", "input", None)];
    if is_local {
        filters.push(style("label", "list", Some(labels)));
    }
    filters.push(style("resource", "radio", Some(words(&["image", "artifact"]))));
    let mut triggers = vec!["manual", "scheduled"];
    if is_local {
        triggers.push("event_based");
    }
    RegistryInfo {
        kind: kind.to_owned(),
        description: String::new(),
        supported_resource_filters: filters,
        supported_triggers: words(&triggers),
        supported_copy_by_chunk: matches!(kind, "harbor" | "slipway" | "azure-acr"),
    }
}

async fn enter(app: &App, ctx: &Context) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    let now = app.clock.now();
    standing::require_system(&mut conn, now, ctx, Resource::ReplicationAdapter, Action::List).await
}
