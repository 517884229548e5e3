use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};
use slipway_crds::{
    Project,
    project::{Robot, RobotSecretType, RobotStatus},
    registry::TenancyRule,
};

use super::{
    desired::{self, Desired, DesiredRobot},
    plan::{Change, Observed, ObservedRobot, diff},
    pull_secret::{self, Place},
    robots::{self, Case, Step, decide},
    tenancy,
};
use crate::secret::SecretValue;

fn project(spec: Value) -> Project {
    let mut base = json!({"registryRef": {"name": "main", "namespace": "registry"}});
    if let (Some(base), Some(more)) = (base.as_object_mut(), spec.as_object()) {
        base.extend(more.clone());
    }
    let metadata = json!({"name": "team-a", "namespace": "tenant", "uid": "u-1"});
    serde_json::from_value(
        json!({"apiVersion": "slipway.dev/v1alpha1", "kind": "Project", "metadata": metadata, "spec": base}),
    )
    .expect("a Project")
}

fn full() -> Project {
    project(json!({
        "visibility": "Private",
        "quota": {"storage": "1Gi"},
        "members": [{"kind": "User", "name": "ada", "role": "Developer"}],
        "robots": [robot()],
    }))
}

fn robot() -> Value {
    json!({
        "name": "ci",
        "permissions": [{"resource": "repository", "actions": ["push", "pull"]}],
        "expiresAfter": "90d",
        "rotation": {"rotateBefore": "14d", "overlap": "24h"},
        "secret": {"name": "pull"},
        "attachToServiceAccounts": ["default"],
    })
}

fn observed_robot() -> ObservedRobot {
    let access = [("repository", "pull"), ("repository", "push")].map(|(r, a)| (r.to_owned(), a.to_owned()));
    ObservedRobot {
        id: 7,
        login: "robot-team-a--ci".into(),
        access: access.to_vec(),
        expires_at: 90 * 86_400,
        ..ObservedRobot::default()
    }
}

/// The registry's state that equals [`full`].
fn equal() -> Observed {
    Observed {
        id: 3,
        public: false,
        quota: Some((1 << 30, 5)),
        members: BTreeMap::from([("ada".to_owned(), (11, 2))]),
        robots: BTreeMap::from([("ci".to_owned(), observed_robot())]),
        ..Observed::default()
    }
}

#[test]
fn an_equal_world_needs_no_change() {
    let desired = Desired::of(&full()).expect("valid");
    assert_eq!(diff(&desired, Some(&equal()), &["ci".to_owned()]), []);
}

#[test]
fn a_project_that_is_not_there_is_made_whole() {
    let desired = Desired::of(&full()).expect("valid");
    let changes = diff(&desired, None, &[]);
    assert_eq!(
        changes,
        [
            Change::CreateProject,
            Change::AddMember("ada".into(), 2),
            Change::CreateRobot("ci".into())
        ]
    );
}

#[test]
fn each_difference_is_one_change() {
    let desired = Desired::of(&full()).expect("valid");
    let change = |edit: &dyn Fn(&mut Observed)| {
        let mut observed = equal();
        edit(&mut observed);
        diff(&desired, Some(&observed), &["ci".to_owned()])
    };
    assert_eq!(change(&|o| o.public = true), [Change::SetVisibility(false)]);
    assert_eq!(
        change(&|o| o.quota = Some((-1, 5))),
        [Change::SetQuota {
            id: 5,
            bytes: 1 << 30
        }]
    );
    assert_eq!(
        change(&|o| o.members.clear()),
        [Change::AddMember("ada".into(), 2)]
    );
    assert_eq!(
        change(&|o| {
            o.members.insert("ada".into(), (11, 1));
        }),
        [Change::SetRole("ada".into(), 11, 2)]
    );
    assert_eq!(
        change(&|o| {
            o.members.insert("bob".into(), (12, 1));
        }),
        [Change::RemoveMember("bob".into(), 12)]
    );
    assert_eq!(change(&|o| o.robots.clear()), [Change::CreateRobot("ci".into())]);
    let edited = |edit: fn(&mut ObservedRobot)| change(&|o| o.robots.values_mut().for_each(edit));
    assert_eq!(
        edited(|robot| robot.disabled = true),
        [Change::UpdateRobot("ci".into())]
    );
    assert_eq!(
        edited(|robot| drop(robot.access.pop())),
        [Change::UpdateRobot("ci".into())]
    );
    assert_eq!(
        edited(|robot| robot.expires_at = -1),
        [Change::UpdateRobot("ci".into())]
    );
}

#[test]
fn b7_what_is_not_declared_is_left_alone() {
    let desired = Desired::of(&project(json!({}))).expect("valid");
    let mut observed = equal();
    observed.public = true;
    observed.members.insert("bob".into(), (12, 1));
    assert_eq!(diff(&desired, Some(&observed), &[]), []);
}

#[test]
fn members_stay_with_merge() {
    let mut declared = full();
    declared.spec.members_policy = Some(slipway_crds::project::MembersPolicy::Merge);
    let mut observed = equal();
    observed.members.insert("bob".into(), (12, 1));
    assert_eq!(
        diff(&Desired::of(&declared).expect("valid"), Some(&observed), &[]),
        []
    );
}

#[test]
fn b5_a_removed_robot_goes_and_other_peoples_stay() {
    let desired = Desired::of(&project(json!({}))).expect("valid");
    let mut observed = equal();
    observed.robots.insert(
        "theirs".into(),
        ObservedRobot {
            id: 9,
            ..ObservedRobot::default()
        },
    );
    assert_eq!(
        diff(&desired, Some(&observed), &["ci".to_owned()]),
        [Change::DeleteRobot("ci".into(), 7)]
    );
}

#[test]
fn narrowed_robots_are_never_given_more() {
    let mut narrowed = robot();
    narrowed["permissions"][0]["repositories"] = json!(["app-*"]);
    let project = project(json!({"robots": [narrowed], "webhooks": []}));
    assert_eq!(
        desired::missing_features(&project),
        ["spec.webhooks", "spec.robots[ci].permissions.repositories"]
    );
    let mut desired = Desired::of(&project).expect("valid");
    desired.leave_out_narrowed(&project);
    assert!(desired.robots.is_empty());
}

fn place(form: RobotSecretType, hosts: &[String]) -> Place<'_> {
    Place {
        namespace: "tenant",
        name: "pull",
        project: "team-a",
        robot: "ci",
        form,
        hosts,
    }
}

#[test]
fn b2_auths_are_keyed_by_bare_host() {
    let hosts = ["registry.example.com".to_owned(), "r.example.org:8443".to_owned()];
    let place = place(RobotSecretType::DockerConfigJson, &hosts);
    let secret = pull_secret::build(&place, "robot$team-a+ci", Some(&"p@ss".to_owned().into()), None);
    let config: Value =
        serde_json::from_slice(&secret.data.as_ref().expect("data")[".dockerconfigjson"].0).expect("JSON");
    let keys: Vec<&String> = config["auths"].as_object().expect("auths").keys().collect();
    assert_eq!(keys, ["r.example.org:8443", "registry.example.com"]);
    // robot$team-a+ci:p@ss
    assert_eq!(
        config["auths"]["registry.example.com"]["auth"],
        "cm9ib3QkdGVhbS1hK2NpOnBAc3M="
    );
}

#[test]
fn b2_no_token_is_read_before_it_was_verified() {
    let hosts = ["registry.example.com".to_owned()];
    for form in [
        RobotSecretType::DockerConfigJson,
        RobotSecretType::BasicAuth,
        RobotSecretType::Opaque,
    ] {
        let place = place(form, &hosts);
        let new = pull_secret::build(&place, "login", None, Some(&"waiting".to_owned().into()));
        assert!(pull_secret::token(&new).is_none(), "{form:?}");
        assert_eq!(pull_secret::pending(&new).expect("there").expose(), "waiting");
        let rotating = pull_secret::build(
            &place,
            "login",
            Some(&"works".to_owned().into()),
            Some(&"waiting".to_owned().into()),
        );
        assert_eq!(pull_secret::token(&rotating).expect("there").expose(), "works");
        assert!(place.owns(&rotating));
    }
}

#[test]
fn another_objects_secret_is_not_ours() {
    let hosts = [];
    let place = place(RobotSecretType::Opaque, &hosts);
    assert!(!place.owns(&Secret::default()));
    let mut other = place.clone();
    other.robot = "other";
    assert!(!place.owns(&pull_secret::build(&other, "x", None, None)));
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("in range")
}

fn step(
    secret: Option<&Secret>,
    hash: Option<&str>,
    before: Option<&RobotStatus>,
    now: i64,
    rotate_now: bool,
) -> Step {
    let robot: Robot = serde_json::from_value(robot()).expect("a robot");
    let desired = DesiredRobot {
        description: None,
        access: Vec::new(),
        disabled: false,
        days: Some(90),
    };
    let observed = observed_robot();
    let hosts = ["h".to_owned()];
    let place = place(RobotSecretType::DockerConfigJson, &hosts);
    let case = Case {
        robot: &robot,
        desired: &desired,
        observed: &observed,
        before,
        place,
        rotate_now,
    };
    decide(&case, secret, hash, at(now))
}

#[test]
fn b13_tokens_are_made_only_when_there_is_none() {
    let hosts = ["h".to_owned()];
    let there = pull_secret::build(
        &place(RobotSecretType::DockerConfigJson, &hosts),
        "l",
        Some(&"t".to_owned().into()),
        None,
    );
    let known = RobotStatus {
        name: "ci".into(),
        id: Some(7),
        verified_hash: Some("h1".into()),
        ..RobotStatus::default()
    };
    assert_eq!(step(Some(&there), Some("h1"), Some(&known), 0, false), Step::Keep);
    // A lost status costs one login and no new token.
    assert_eq!(step(Some(&there), Some("h1"), None, 0, false), Step::Verify);
    // An edited Secret.
    assert_eq!(
        step(Some(&there), Some("h2"), Some(&known), 0, false),
        Step::Verify
    );
    assert_eq!(
        step(Some(&there), None, Some(&known), 0, false),
        Step::Mint { overlap: false }
    );
    // A deleted one.
    assert_eq!(
        step(None, None, Some(&known), 0, false),
        Step::Mint { overlap: false }
    );
    // A robot that was deleted in the registry and made again keeps its token.
    let other = RobotStatus {
        id: Some(6),
        ..known.clone()
    };
    assert_eq!(step(Some(&there), Some("h1"), Some(&other), 0, false), Step::Set);
}

#[test]
fn tokens_rotate_with_an_overlap_before_they_end() {
    let hosts = ["h".to_owned()];
    let there = pull_secret::build(
        &place(RobotSecretType::DockerConfigJson, &hosts),
        "l",
        Some(&"t".to_owned().into()),
        None,
    );
    let known = RobotStatus {
        name: "ci".into(),
        id: Some(7),
        verified_hash: Some("h1".into()),
        ..RobotStatus::default()
    };
    let day = 86_400;
    assert_eq!(
        step(Some(&there), Some("h1"), Some(&known), 75 * day, false),
        Step::Keep
    );
    assert_eq!(
        step(Some(&there), Some("h1"), Some(&known), 77 * day, false),
        Step::Mint { overlap: true }
    );
    assert_eq!(
        step(Some(&there), Some("h1"), Some(&known), day, true),
        Step::Mint { overlap: true }
    );
    // A crash in the middle: the token that waits is set again, no third one is made.
    let waiting = pull_secret::build(
        &place(RobotSecretType::DockerConfigJson, &hosts),
        "l",
        Some(&"t".to_owned().into()),
        Some(&SecretValue::from("new".to_owned())),
    );
    assert_eq!(
        step(Some(&waiting), Some("h1"), Some(&known), 77 * day, true),
        Step::Set
    );
    let _ = robots::rotation_due;
}

#[test]
fn tenants_get_what_their_rule_permits() {
    let rule = |more: Value| -> TenancyRule {
        let mut base =
            json!({"namespaces": {"names": ["tenant"]}, "projectNames": ["{namespace}", "team-*"]});
        if let (Some(base), Some(more)) = (base.as_object_mut(), more.as_object()) {
            base.extend(more.clone());
        }
        serde_json::from_value(base).expect("a rule")
    };
    let check = |spec: Value, more: Value| {
        let project = project(spec);
        let desired = Desired::of(&project).expect("valid");
        tenancy::check_rule(&project, &desired, &rule(more), "tenant").map_err(|error| error.to_string())
    };
    assert_eq!(check(json!({}), json!({})), Ok(()));
    assert!(
        check(json!({"name": "other"}), json!({}))
            .unwrap_err()
            .contains("spec.name")
    );
    assert!(
        check(json!({"visibility": "Public"}), json!({}))
            .unwrap_err()
            .contains("spec.visibility")
    );
    assert_eq!(
        check(
            json!({"visibility": "Public"}),
            json!({"visibilities": ["Public", "Private"]})
        ),
        Ok(())
    );
    assert!(
        check(json!({"robots": [robot()]}), json!({}))
            .unwrap_err()
            .contains("attachToServiceAccounts")
    );
    assert_eq!(
        check(json!({"robots": [robot()]}), json!({"serviceAccounts": true})),
        Ok(())
    );
    let limits = json!({"serviceAccounts": true, "robots": {"actions": ["pull"]}});
    assert!(
        check(json!({"robots": [robot()]}), limits)
            .unwrap_err()
            .contains("push")
    );
    let limits = json!({"serviceAccounts": true, "robots": {"maxLifetime": "30d"}});
    assert!(
        check(json!({"robots": [robot()]}), limits)
            .unwrap_err()
            .contains("at most 30d")
    );
}

#[test]
fn immutable_tags_are_exactly_those_that_are_declared() {
    let rule = |repositories: &str, tags: &str| desired::DesiredImmutability {
        repositories: repositories.into(),
        tags: tags.into(),
    };
    let declared = project(json!({"immutableTags": [
        {"repositories": "**", "tags": "v*"}, {"repositories": "app", "tags": "release"}]}));
    let wanted = Desired::of(&declared).expect("valid");
    let observed = Observed {
        immutable_tags: BTreeMap::from([
            (1, Some(rule("**", "v*"))),
            (2, Some(rule("**", "v*"))),
            (3, None),
        ]),
        ..Observed::default()
    };
    assert_eq!(
        diff(&wanted, Some(&observed), &[]),
        [
            Change::AddImmutability(rule("app", "release")),
            Change::RemoveImmutability(2),
            Change::RemoveImmutability(3),
        ]
    );
    let silent = Desired::of(&project(json!({}))).expect("valid");
    assert_eq!(diff(&silent, Some(&observed), &[]), []);
}

#[test]
fn labels_are_compared_in_what_is_declared_of_them() {
    let declared = project(json!({"labels": [
        {"name": "new"}, {"name": "same", "color": "#0065ab"}, {"name": "other", "description": "mine"}]}));
    let wanted = Desired::of(&declared).expect("valid");
    let observed = Observed {
        labels: BTreeMap::from([
            ("same".to_owned(), (1, "theirs".to_owned(), "#0065AB".to_owned())),
            ("other".to_owned(), (2, "theirs".to_owned(), String::new())),
            ("surplus".to_owned(), (3, String::new(), String::new())),
        ]),
        ..Observed::default()
    };
    assert_eq!(
        diff(&wanted, Some(&observed), &[]),
        [
            Change::CreateLabel("new".into()),
            Change::UpdateLabel("other".into(), 2),
            Change::DeleteLabel("surplus".into(), 3),
        ]
    );
}
