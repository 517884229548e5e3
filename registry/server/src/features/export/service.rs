//! Reading a project for its export.

use slipway_model::permission::{Action, Resource};

use super::object::{Metadata, Object, RegistryRef, Spec, Target};
use super::rows::{self, Notes};
use super::store;
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// The object as YAML. Of members, robots and the like what the caller may list.
pub(super) async fn export(app: &App, ctx: &Context, project: &str, target: Target<'_>) -> Result<String> {
    let mut conn = app.listing().await?;
    let now = app.clock.now();
    let scope =
        standing::require_named(&mut conn, now, ctx, project, Resource::Project, Action::Update).await?;
    let gone = || Error::new(Code::NotFound, format!("project {project} not found"));
    let (_, standing) = standing::in_project(&mut conn, now, &ctx.caller, project)
        .await?
        .ok_or_else(gone)?;
    let mut notes = Notes::default();
    let mut may = |resource, action, what: &str| {
        let may = standing.allows(&scope, resource, action);
        if !may {
            notes.add(format!("{what}: you may not read them"));
        }
        may
    };
    let (see_members, see_robots, see_rules, see_labels, see_quota) = (
        may(Resource::Member, Action::List, "members"),
        may(Resource::Robot, Action::List, "robots"),
        may(Resource::ImmutableTag, Action::List, "rules for immutable tags"),
        may(Resource::Label, Action::List, "labels"),
        may(Resource::Quota, Action::Read, "the quota's numbers"),
    );

    let id = scope.id;
    let settings = store::settings(&mut conn, id).await?.ok_or_else(gone)?;
    let name = rows::object_name(&scope.name);
    let mut spec = Spec {
        registry_ref: RegistryRef {
            name: target.registry.to_owned(),
            namespace: target.registry_namespace.map(str::to_owned),
        },
        name: scope.name,
        visibility: if settings.public { "Public" } else { "Private" },
        quota: see_quota.then(|| rows::quota(settings.storage_limit)),
        members: None,
        members_policy: None,
        robots: Vec::new(),
        immutable_tags: None,
        security: rows::security(&settings.metadata, &settings.cve_allowlist, &mut notes),
        labels: None,
    };
    if see_members {
        let found = store::members(&mut conn, id, rows::MOST_MEMBERS + 1).await?;
        (spec.members, spec.members_policy) = rows::members(found, &mut notes);
    }
    if see_robots {
        let found = store::robots(&mut conn, id, rows::MOST_ROBOTS + 1).await?;
        spec.robots = rows::robots(&name, found, &mut notes)?;
    }
    if see_rules {
        let found = store::rules(&mut conn, id, rows::MOST_RULES_READ).await?;
        spec.immutable_tags = rows::immutable_tags(found, &mut notes);
    }
    if see_labels {
        let found = store::labels(&mut conn, id, rows::MOST_LABELS + 1).await?;
        spec.labels = rows::labels(found, &mut notes);
    }
    let object = Object {
        api_version: "slipway.dev/v1alpha1",
        kind: "Project",
        metadata: Metadata {
            name,
            namespace: target.namespace.map(str::to_owned),
        },
        spec,
    };
    let yaml = serde_yaml::to_string(&object).map_err(Error::internal)?;
    Ok(format!("{}{yaml}", notes.as_comments()))
}
