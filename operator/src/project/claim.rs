//! Whose project it is: the mark in the registry decides, not timestamps.

use slipway_api::{OwnerMark, client::Claim};
use slipway_crds::{Project, common::Adoption, condition, condition::reason};

use crate::{
    context::Context,
    error::{Error, Problem, Result},
    registry_session::Session,
};

/// What is to be done about a project that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is ours.
    Ours,
    /// It is free to be marked.
    Claim,
    /// The mark on it is to be replaced.
    TakeOver,
    /// Another object owns it.
    Taken,
    /// It exists and adoption is not permitted.
    Exists,
}

/// Decides. `orphaned`: the mark is of this cluster and its object is gone. Pure.
pub(crate) fn judge(
    own: &OwnerMark,
    found: Option<&OwnerMark>,
    adoption: Adoption,
    orphaned: bool,
) -> Verdict {
    let Some(found) = found else {
        return if adoption == Adoption::Never {
            Verdict::Exists
        } else {
            Verdict::Claim
        };
    };
    let same_object =
        (&found.cluster, &found.namespace, &found.name) == (&own.cluster, &own.namespace, &own.name);
    if found.uid == own.uid {
        Verdict::Ours
    } else if same_object || orphaned || adoption == Adoption::TakeOver {
        // The same name with another uid is an earlier life: deleted and made again, or restored from a backup.
        Verdict::TakeOver
    } else {
        Verdict::Taken
    }
}

/// The furthest that is permitted of what was asked for.
fn permitted(asked: Adoption, session: &Session) -> Adoption {
    let Some(rule) = &session.rule else { return asked };
    let rank = |adoption: Adoption| match adoption {
        Adoption::Never => 0,
        Adoption::IfUnmanaged => 1,
        Adoption::TakeOver => 2,
    };
    let most = rule.adoption.unwrap_or_default();
    if rank(asked) <= rank(most) { asked } else { most }
}

/// Makes sure that an existing project carries this Project's mark.
pub(crate) async fn claim(
    context: &Context,
    session: &Session,
    project: &Project,
    name: &str,
    write: bool,
) -> Result<()> {
    let own = context.mark_of(project);
    let found = session.client.owner_get(name).await?;
    let orphaned = found.as_ref().is_some_and(|mark| is_orphaned(context, mark));
    let asked = permitted(project.spec.adoption(), session);
    let takeover = match judge(&own, found.as_ref(), asked, orphaned) {
        Verdict::Ours => return Ok(()),
        Verdict::Claim => false,
        Verdict::TakeOver => true,
        Verdict::Taken => return Err(taken(name)),
        Verdict::Exists => {
            let message = format!(
                "a project {name} exists in the registry and no object owns it: set spec.adoption to IfUnmanaged to take it \
                 over as it is, or change spec.name"
            );
            return Err(Problem::user(condition::SYNCED, reason::ALREADY_EXISTS, message).into());
        }
    };
    if !write {
        return Ok(());
    }
    context.fence.enforce();
    match session.client.owner_claim(name, &own, takeover).await? {
        Claim::Held => Ok(()),
        Claim::Other(_) => Err(taken(name)),
    }
}

/// The mark is of this cluster and its object is gone. What cannot be seen from here counts as living.
fn is_orphaned(context: &Context, mark: &OwnerMark) -> bool {
    let visible = context
        .options
        .namespaces()
        .is_none_or(|watched| watched.contains(&mark.namespace.as_str()));
    mark.cluster == context.installation
        && visible
        && context
            .projects
            .get(&mark.namespace, &mark.name)
            .is_none_or(|project| kube::Resource::meta(&*project).uid.as_deref() != Some(&mark.uid))
}

/// Says nothing about who: that may be another tenant.
fn taken(name: &str) -> Error {
    let message = format!(
        "another object owns the project {name}; it is taken over when that object goes, or change spec.name"
    );
    Problem::user(condition::SYNCED, reason::NAME_TAKEN, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(namespace: &str, uid: &str) -> OwnerMark {
        OwnerMark {
            cluster: "c".into(),
            namespace: namespace.into(),
            name: "p".into(),
            uid: uid.into(),
        }
    }

    #[test]
    fn the_mark_decides() {
        let own = mark("a", "1");
        for (found, adoption, orphaned, verdict) in [
            (None, Adoption::Never, false, Verdict::Exists),
            (None, Adoption::IfUnmanaged, false, Verdict::Claim),
            (Some(mark("a", "1")), Adoption::Never, false, Verdict::Ours),
            (Some(mark("b", "2")), Adoption::Never, false, Verdict::Taken),
            (Some(mark("b", "2")), Adoption::IfUnmanaged, false, Verdict::Taken),
            (Some(mark("b", "2")), Adoption::TakeOver, false, Verdict::TakeOver),
            (Some(mark("b", "2")), Adoption::Never, true, Verdict::TakeOver),
        ] {
            assert_eq!(judge(&own, found.as_ref(), adoption, orphaned), verdict);
        }
    }

    #[test]
    fn g4_a_restored_object_finds_its_project_again() {
        assert_eq!(
            judge(&mark("a", "new"), Some(&mark("a", "old")), Adoption::Never, false),
            Verdict::TakeOver
        );
    }
}
