//! What runs copy.

use slipway_model::manifest::OCI_INDEX;

use super::*;

#[sqlx::test(migrations = "./migrations")]
async fn a_push_takes_children_referrers_and_signatures_along(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let app = &lab.app;
    let one = push::image(app, "alpha/hello", None, "one").await;
    let two = push::image(app, "alpha/hello", None, "two").await;
    push::index(app, "alpha/hello", "multi", &[&one, &two]).await;
    push::image(app, "alpha/hello", Some("v1"), "v1").await;
    let sbom = push::referrer(app, "alpha/hello", &one, "application/spdx+json").await;
    push::referrer(app, "alpha/hello", &sbom, "application/vnd.cncf.notary.signature").await;
    let signature = format!("sha256-{}.sig", two.digest.hex());
    push::image(app, "alpha/hello", Some(&signature), "cosign").await;
    push::image(app, "alpha/other", Some("v1"), "other").await;
    push::image(app, "library/unseen", Some("v1"), "unseen").await;

    let policy = lab.post(POLICIES, &pushes("mirror", named("alpha/**"))).await;
    let run = lab.run(&policy).await;
    assert_eq!(
        (
            &run["status"],
            &run["total"],
            &run["succeed"],
            &run["trigger"],
            &run["status_text"]
        ),
        (
            &json!("Succeed"),
            &json!(2),
            &json!(2),
            &json!("manual"),
            &json!("")
        ),
        "{}",
        lab.log(&run).await
    );
    for name in ["hello", "other"] {
        let (here, there) = (format!("alpha/{name}"), format!("mirror/{name}"));
        assert_eq!(lab.tags(&here).await, lab.tags(&there).await);
        assert_eq!(lab.digests(&here).await, lab.digests(&there).await);
    }
    assert!(lab.digests("mirror/unseen").await.is_empty());
    let tasks = lab
        .get(&format!("{EXECUTIONS}/{}/tasks?status=Succeed", run["id"]))
        .await;
    let task = tasks
        .as_array()
        .unwrap()
        .iter()
        .find(|task| task["src_resource"].as_str().unwrap().starts_with("alpha/hello "));
    let task = task.unwrap();
    assert_eq!(task["src_resource"], "alpha/hello [3 item(s) in total]");
    assert_eq!(task["dst_resource"], "mirror/hello [3 item(s) in total]");
    assert_eq!(
        (&task["operation"], &task["resource_type"], &task["status"]),
        (&json!("copy"), &json!("artifact"), &json!("Succeed"))
    );
    assert_eq!(task["job_id"], task["id"].to_string());
    assert!(lab.log(&run).await.contains("v1: copied sha256:"));
    let wrong = app
        .get(
            &app.admin(),
            &format!("{EXECUTIONS}/{}/tasks/99999/log", run["id"]),
        )
        .await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);

    // Again there is nothing to do but to look; a tag that moved is followed.
    push::index(app, "alpha/hello", "multi", &[&two]).await;
    let again = lab.run(&policy).await;
    assert_eq!(again["status"], "Succeed");
    assert!(lab.log(&again).await.contains("is there already"));
    assert_eq!(lab.tags("alpha/hello").await, lab.tags("mirror/hello").await);
    for (query, total) in [
        ("policy_id=1", "2"),
        ("status=Succeed", "2"),
        ("status=Failed", "0"),
        ("trigger=manual", "2"),
        ("trigger=event_based", "0"),
        ("policy_id=7", "0"),
    ] {
        let list = app.get(&app.admin(), &format!("{EXECUTIONS}?{query}")).await;
        assert_eq!(list.header("x-total-count"), total, "{query}: {:?}", list.json());
    }
    let newest = lab.get(&format!("{EXECUTIONS}?page_size=1")).await;
    assert_eq!(newest[0]["id"], again["id"]);
}

#[sqlx::test(migrations = "./migrations")]
async fn filters_choose_tags_labels_and_untagged(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let app = &lab.app;
    for tag in ["v1", "v2", "latest"] {
        push::image(app, "alpha/hello", Some(tag), tag).await;
    }
    push::image(app, "alpha/hello", None, "untagged").await;
    let tags = |list: Vec<(String, String)>| list.into_iter().map(|(tag, _)| tag).collect::<Vec<_>>();
    for (space, filters, expected, digests) in [
        ("all", json!([]), vec!["latest", "v1", "v2"], 4),
        ("vs", json!([{"type": "tag", "value": "v*"}]), vec!["v1", "v2"], 2),
        (
            "novs",
            json!([{"type": "tag", "value": "v*", "decoration": "excludes"}]),
            vec!["latest"],
            2,
        ),
        (
            "one",
            json!([{"type": "name", "value": "alpha/{hello,x}"}, {"type": "tag", "value": "v2"}]),
            vec!["v2"],
            1,
        ),
    ] {
        let mut policy = pushes(space, filters);
        policy["dest_namespace"] = json!(space);
        let policy = lab.post(POLICIES, &policy).await;
        let run = lab.run(&policy).await;
        assert_eq!(run["status"], "Succeed", "{}", lab.log(&run).await);
        assert_eq!(
            tags(lab.tags(&format!("{space}/hello")).await),
            expected,
            "{space}"
        );
        assert_eq!(
            lab.digests(&format!("{space}/hello")).await.len(),
            digests,
            "{space}"
        );
    }
    let nothing = lab.post(POLICIES, &pushes("nothing", named("nope/**"))).await;
    let run = lab.run(&nothing).await;
    assert_eq!(
        (&run["status"], &run["status_text"], &run["total"]),
        (
            &json!("Succeed"),
            &json!("no resources need to be replicated"),
            &json!(0)
        )
    );
    let mut deep = pushes("deep", named("alpha/hello"));
    deep["dest_namespace_replace_count"] = json!(5);
    let deep = lab.post(POLICIES, &deep).await;
    let run = lab.run(&deep).await;
    assert_eq!(run["status"], "Failed");
    assert!(
        run["status_text"]
            .as_str()
            .unwrap()
            .contains("only 1 path components"),
        "{run}"
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn override_off_leaves_what_is_there(pool: PgPool) {
    let lab = Lab::new(pool).await;
    push::image(&lab.app, "alpha/hello", Some("v1"), "new").await;
    lab.app.create_project("mirror", false).await;
    push::image(&lab.app, "mirror/hello", Some("v1"), "old").await;
    let old = lab.tags("mirror/hello").await;
    let mut policy = pushes("careful", named("alpha/**"));
    policy["override"] = json!(false);
    let policy = lab.post(POLICIES, &policy).await;
    let run = lab.run(&policy).await;
    assert_eq!(run["status"], "Succeed");
    assert!(lab.log(&run).await.contains("override is off"));
    assert_eq!(lab.tags("mirror/hello").await, old);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_pull_makes_the_project_and_needs_no_bytes_that_are_here(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let one = push::image(&lab.app, "alpha/hello", None, "one").await;
    push::index(&lab.app, "alpha/hello", "multi", &[&one]).await;
    push::image(&lab.app, "alpha/hello", Some("v1"), "v1").await;
    push::referrer(&lab.app, "alpha/hello", &one, "application/spdx+json").await;
    let policy = lab.post(POLICIES, &pulls("pull", named("alpha/**"))).await;
    let run = lab.run(&policy).await;
    assert_eq!(run["status"], "Succeed", "{run} {}", lab.log(&run).await);
    assert_eq!(lab.tags("alpha/hello").await, lab.tags("pulled/hello").await);
    assert_eq!(
        lab.digests("alpha/hello").await,
        lab.digests("pulled/hello").await
    );
    let public: bool = sqlx::query_scalar("SELECT public FROM projects WHERE name = 'pulled'")
        .fetch_one(&lab.app.app.pool)
        .await
        .unwrap();
    assert!(!public);
}

/// The index keeps its digest; of its children only those of the platform come, and their attestations.
#[sqlx::test(migrations = "./migrations")]
async fn platforms_leave_an_index_as_it_is(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let app = &lab.app;
    let mut children = Vec::new();
    for content in ["amd64", "arm64", "attests amd64", "attests arm64"] {
        children.push(push::image(app, "alpha/hello", None, content).await);
    }
    let entry = |place: usize, architecture: &str, of: Option<usize>| {
        let mut entry = json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": children[place].digest,
            "size": children[place].size,
            "platform": {"architecture": architecture, "os": if of.is_some() { "unknown" } else { "linux" }},
        });
        if let Some(of) = of {
            entry["annotations"] = json!({"vnd.docker.reference.digest": children[of].digest});
        }
        entry
    };
    let document = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        entry(0, "amd64", None), entry(1, "arm64", None), entry(2, "unknown", Some(0)), entry(3, "unknown", Some(1))]});
    push::manifest(app, &app.admin(), "alpha/hello", Some("multi"), &document).await;
    let whole = lab.post(POLICIES, &pushes("whole", named("alpha/**"))).await;
    assert_eq!(lab.run(&whole).await["status"], "Succeed");
    assert_eq!(
        lab.digests("mirror/hello").await,
        lab.digests("alpha/hello").await
    );

    let mut sparse = pushes("sparse", named("alpha/**"));
    sparse["platforms"] = json!(["linux/amd64"]);
    sparse["dest_namespace"] = json!("sparse");
    let sparse = lab.post(POLICIES, &sparse).await;
    let run = lab.run(&sparse).await;
    // This destination takes whole indexes only; what goes there is told by what is there.
    assert_eq!(run["status"], "Failed");
    let mut there = lab.digests("sparse/hello").await;
    there.sort();
    let mut expected: Vec<String> = [0, 2]
        .iter()
        .map(|place| children[*place].digest.to_string())
        .collect();
    expected.sort();
    assert_eq!(there, expected);
}
