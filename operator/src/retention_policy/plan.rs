//! What is to be done about one project's policy. Pure: no clock, no network.

use slipway_api::{OwnerMark, RetentionState};

use super::desired::Desired;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The project has no policy: make one.
    Create,
    /// Make it equal to what is declared, in these fields; none of them where only the mark is another one.
    Update(i64, Vec<&'static str>),
    /// It is as declared.
    Nothing,
    /// Another object declares the project's policy: leave it alone.
    Conflict,
}

/// Decides. `lives`: whether the object of another mark is there and still declares this project's policy. What carries no
/// mark was made by hand, or with the project, and what is declared comes before it.
pub(crate) fn step(
    desired: &Desired,
    kept: Option<&RetentionState>,
    lives: impl Fn(&OwnerMark) -> bool,
) -> Step {
    let Some(kept) = kept else {
        return Step::Create;
    };
    let mark = kept.policy.owner.as_ref();
    let ours = mark.is_some_and(|mark| mark.uid == desired.owner.uid);
    if let Some(mark) = mark.filter(|mark| !ours && !is_same_object(mark, &desired.owner))
        && lives(mark)
    {
        return Step::Conflict;
    }
    let fields = desired.differences(&kept.policy);
    if ours && fields.is_empty() {
        Step::Nothing
    } else {
        Step::Update(kept.policy.id, fields)
    }
}

/// The same name with another uid is an earlier life: deleted and made again, or restored from a backup.
fn is_same_object(one: &OwnerMark, other: &OwnerMark) -> bool {
    (&one.cluster, &one.namespace, &one.name) == (&other.cluster, &other.namespace, &other.name)
}
