use serde_json::{Value, json};
use slipway_api::{OwnerMark, RetentionRun, RetentionState};
use slipway_crds::{Project, RetentionPolicy, condition::reason};

use super::{
    desired::Desired,
    outcome,
    plan::{Step, step},
    targets::{is_for, sorted},
};

fn policy(spec: Value) -> RetentionPolicy {
    serde_json::from_value(json!({
        "apiVersion": "slipway.dev/v1alpha1", "kind": "RetentionPolicy",
        "metadata": {"name": "standard", "namespace": "tenant", "uid": "u-1"},
        "spec": spec,
    }))
    .expect("a RetentionPolicy")
}

fn full() -> RetentionPolicy {
    policy(json!({
        "projectSelector": {"matchLabels": {"retention": "standard"}},
        "rules": [
            {"tags": {"semver": ">=0.0.1"}, "untagged": "Exclude", "keep": {"always": true}},
            {"repositories": {"glob": "app-*"}, "keep": {"latestPushed": 10}},
            {"keep": {"pulledWithin": "30d"}},
        ],
        "mode": "Tag",
        "schedule": {"cron": "0 3 * * 5-7", "timeZone": "Europe/Berlin"},
        "guard": {"maxDelete": "50%"},
    }))
}

fn mark(name: &str, uid: &str) -> OwnerMark {
    OwnerMark {
        cluster: "c".into(),
        namespace: "tenant".into(),
        name: name.into(),
        uid: uid.into(),
    }
}

fn desired(policy: &RetentionPolicy) -> Desired {
    Desired::of(&policy.spec, mark("standard", "u-1")).expect("valid")
}

/// What the registry answers after it was sent a policy: its zeros are left out.
fn kept(desired: &Desired, owner: Option<OwnerMark>) -> RetentionState {
    let mut policy = desired.policy(3);
    policy.id = 7;
    policy.mode = policy.mode.filter(|mode| *mode != Default::default());
    policy.guard = policy.guard.filter(|guard| guard.max_delete < 100);
    policy.dry_run = policy.dry_run.filter(|dry_run| *dry_run);
    policy.owner = owner;
    policy.trigger.settings.next_scheduled_time = Some("2026-12-01T02:00:00Z".into());
    // Over the wire and back.
    let policy = serde_json::from_value(json!(policy)).expect("a policy");
    RetentionState {
        project_id: 3,
        policy,
        last_run: None,
    }
}

#[test]
fn a_specification_becomes_what_the_registry_reads() {
    let desired = desired(&full());
    assert_eq!(desired.schedule.cron, "0 0 3 * * 5,6,0");
    assert_eq!(desired.schedule.time_zone, "Europe/Berlin");
    assert_eq!(desired.max_delete, 50);
    assert_eq!(desired.rules[1].params["latestPushedK"], 10);
    assert_eq!(desired.rules[2].template, "nDaysSinceLastPull");
    let utc = policy(json!({"projectRef": {"name": "a"}, "rules": [], "schedule": {"cron": "@daily"}}));
    let utc = Desired::of(&utc.spec, OwnerMark::default()).expect("valid");
    assert_eq!(
        (utc.schedule.cron.as_str(), utc.schedule.time_zone.as_str()),
        ("0 0 0 * * *", "")
    );
}

#[test]
fn what_only_the_operator_finds_wrong_names_the_field() {
    let twice = json!({"keep": {"latestPushed": 3}});
    for (rules, part) in [
        (
            json!([twice, twice]),
            "spec.rules[1] says the same as spec.rules[0]",
        ),
        (
            json!([{"keep": {"pushedWithin": "36h"}}]),
            "spec.rules[0].keep.pushedWithin",
        ),
    ] {
        let policy = policy(json!({"projectRef": {"name": "a"}, "rules": rules}));
        let problem = Desired::of(&policy.spec, OwnerMark::default())
            .expect_err("wrong")
            .to_string();
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn b6_an_equal_world_needs_no_change() {
    for policy in [
        full(),
        policy(json!({"projectRef": {"name": "a"}, "rules": []})),
        policy(
            json!({"projectRef": {"name": "a"}, "rules": [{"keep": {"always": true}}], "dryRun": true, "schedule": {"cron": "5 4 * * *"}}),
        ),
    ] {
        let desired = desired(&policy);
        let state = kept(&desired, Some(mark("standard", "u-1")));
        assert_eq!(step(&desired, Some(&state), |_| true), Step::Nothing);
    }
}

#[test]
fn the_mark_decides_who_acts() {
    let desired = desired(&full());
    let nothing: Vec<&str> = vec![];
    for (owner, lives, expected) in [
        (None, true, Step::Update(7, nothing.clone())),
        (Some(mark("other", "u-2")), true, Step::Conflict),
        (
            Some(mark("other", "u-2")),
            false,
            Step::Update(7, nothing.clone()),
        ),
        // An earlier life of the same object: restored from a backup.
        (Some(mark("standard", "u-0")), true, Step::Update(7, nothing)),
    ] {
        let state = kept(&desired, owner);
        assert_eq!(step(&desired, Some(&state), |_| lives), expected);
    }
    assert_eq!(step(&desired, None, |_| true), Step::Create);
}

#[test]
fn drift_is_named_by_field() {
    let desired = desired(&full());
    let mut state = kept(&desired, Some(mark("standard", "u-1")));
    state.policy.rules.pop();
    state.policy.trigger.settings.time_zone = String::new();
    state.policy.guard = None;
    let expected = Step::Update(7, vec!["spec.rules", "spec.schedule", "spec.guard"]);
    assert_eq!(step(&desired, Some(&state), |_| true), expected);
}

#[test]
fn a6_a_suspended_one_runs_no_more() {
    let mut suspended = full();
    suspended.spec.suspend = Some(true);
    let state = kept(&desired(&full()), Some(mark("standard", "u-1")));
    assert_eq!(
        step(&desired(&suspended), Some(&state), |_| true),
        Step::Update(7, vec!["spec.schedule"])
    );
}

fn project(name: &str, labels: Value, id: Option<i64>, registry: Value) -> Project {
    let mut project: Project = serde_json::from_value(json!({
        "apiVersion": "slipway.dev/v1alpha1", "kind": "Project",
        "metadata": {"name": name, "namespace": "tenant", "labels": labels},
        "spec": {"registryRef": registry},
    }))
    .expect("a Project");
    project.status = id.map(|id| slipway_crds::ProjectStatus {
        project_id: Some(id),
        ..Default::default()
    });
    project
}

#[test]
fn projects_are_chosen_by_name_or_label_and_sorted_by_registry() {
    let standard = json!({"retention": "standard", "x": "y"});
    let a = project("a", standard.clone(), Some(1), json!({"name": "main"}));
    let b = project(
        "b",
        standard.clone(),
        Some(2),
        json!({"name": "main", "namespace": "other"}),
    );
    let c = project("c", standard, None, json!({"name": "main"}));
    let d = project(
        "d",
        json!({"retention": "none"}),
        Some(4),
        json!({"name": "main"}),
    );
    let selecting = full();
    assert_eq!(
        [&a, &b, &c, &d].map(|project| is_for(&selecting, project)),
        [true, true, true, false]
    );
    let naming = policy(json!({"projectRef": {"name": "d"}, "rules": []}));
    assert_eq!([&a, &d].map(|project| is_for(&naming, project)), [false, true]);
    let all = policy(json!({"projectSelector": {}, "rules": []}));
    assert!([&a, &b, &c, &d].iter().all(|project| is_for(&all, project)));
    let mut elsewhere = a.clone();
    elsewhere.metadata.namespace = Some("elsewhere".into());
    assert!(!is_for(&all, &elsewhere));
    let targets = sorted(&[&b, &a, &c]);
    let places: Vec<_> = targets
        .by_registry
        .iter()
        .map(|(registry, found)| (registry.namespace.as_deref(), found[0].id))
        .collect();
    assert_eq!(places, [(Some("other"), 2), (Some("tenant"), 1)]);
    assert_eq!((targets.count(), targets.waiting), (3, vec!["c".to_owned()]));
}

fn ran(run: RetentionRun) -> RetentionState {
    RetentionState {
        last_run: Some(run),
        ..kept(&desired(&full()), None)
    }
}

fn run(status: &str, total: i64, retained: i64) -> RetentionRun {
    RetentionRun {
        status: status.into(),
        end_time: (status != "Running").then(|| "2026-11-30T03:00:05Z".into()),
        total,
        retained,
        ..RetentionRun::default()
    }
}

#[test]
fn runs_are_summed_up() {
    let (one, two) = (ran(run("Success", 10, 4)), ran(run("Success", 5, 5)));
    let both = outcome::of(&[("a", &one), ("b", &two)]);
    let totals = both.totals.expect("totals");
    assert_eq!(
        (totals.projects, totals.kept, totals.deleted, totals.failed),
        (2, 9, 6, 0)
    );
    assert_eq!(totals.finished_at.as_deref(), Some("2026-11-30T03:00:05Z"));
    assert_eq!(both.next_run.as_deref(), Some("2026-12-01T02:00:00Z"));
    assert!(both.attention.is_empty() && !both.failed && !both.needs_approval);
}

#[test]
fn what_needs_a_look_is_told_and_what_runs_is_waited_for() {
    let guarded = ran(RetentionRun {
        stopped_by_guard: true,
        ..run("Error", 10, 10)
    });
    let broken = ran(RetentionRun {
        message: Some("no room".into()),
        ..run("Error", 0, 0)
    });
    let found = outcome::of(&[("guarded", &guarded), ("broken", &broken)]);
    let reasons: Vec<_> = found
        .attention
        .iter()
        .map(|one| (one.project.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("broken", reason::RUN_FAILED),
            ("guarded", reason::APPROVAL_REQUIRED)
        ]
    );
    assert!(found.needs_approval && found.failed);
    assert_eq!(found.totals.map(|totals| totals.failed), Some(1));
    let going = ran(run("Running", 3, 3));
    let found = outcome::of(&[("going", &going), ("broken", &broken)]);
    assert!(found.running && found.totals.is_none());
}
