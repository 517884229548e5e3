use serde_json::json;

use super::*;

#[test]
fn zeros_are_left_out_and_absent_lists_are_null() {
    let project = Project {
        project_id: 2,
        name: "alpha".into(),
        ..Default::default()
    };
    assert_eq!(
        serde_json::to_value(project).unwrap(),
        json!({
            "project_id": 2, "name": "alpha", "repo_count": 0, "current_user_role_ids": null,
            "creation_time": "0001-01-01T00:00:00.000Z", "update_time": "0001-01-01T00:00:00.000Z",
            "cve_allowlist": {
                "items": null,
                "creation_time": "0001-01-01T00:00:00.000Z", "update_time": "0001-01-01T00:00:00.000Z",
            },
        })
    );
}

#[test]
fn times_have_milliseconds_and_a_zero() {
    let time: Timestamp = serde_json::from_value(json!("2026-01-02T03:04:05.0067+01:00")).unwrap();
    assert_eq!(
        serde_json::to_value(time).unwrap(),
        json!("2026-01-02T02:04:05.006Z")
    );
    assert!(Timestamp::default().is_never());
}

#[test]
fn what_is_missing_or_unknown_does_not_matter() {
    let robot: Robot =
        serde_json::from_value(json!({"id": 1, "permissions": null, "new_in_harbor": 5})).unwrap();
    assert_eq!(robot.permissions, []);
    let project: Project =
        serde_json::from_value(json!({"name": "p", "metadata": {"public": "true"}})).unwrap();
    assert!(project.is_public());
}

#[test]
fn a_secret_does_not_show_itself() {
    let created: RobotCreated = serde_json::from_value(json!({"id": 1, "secret": "Geheim123"})).unwrap();
    assert_eq!(created.secret.expose(), "Geheim123");
    assert!(!format!("{created:?}").contains("Geheim"));
}
