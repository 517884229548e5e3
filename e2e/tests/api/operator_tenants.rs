//! What belongs to a tenant: content that others made, pods that came too early, and what is left when he is shut out.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::project;
use crate::operator_registry::{HOME, Shop};
use crate::operator_settled::{ready, robot, settled};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn b7_a_project_with_content_goes_only_when_that_is_said() -> Result<()> {
    let shop = Shop::open(&["--resync", "2s"]).await?;
    shop.tenant("t").await?;
    let mut spec = robot();
    spec["deletionPolicy"] = json!("Delete");
    // The registry answers: nothing is let go because somebody thinks about it for longer than this.
    spec["deletionTimeout"] = json!("2s");
    shop.stage
        .apply("t", project("full", Shop::reference(), spec))
        .await?;
    ready(&shop, "Project", "t", "full").await?;
    shop.push("full/app", "v1").await?;
    let api = shop.stage.api("Project", "t");
    api.delete("full", &DeleteParams::default()).await?;
    let blocked = shop
        .stage
        .reason("Project", "t", "full", "DeletionBlocked", "NotEmpty")
        .await?;
    ensure!(
        blocked["message"]
            .as_str()
            .is_some_and(|text| text.contains("spec.forceDelete: true")),
        "{blocked}"
    );
    tokio::time::sleep(Duration::from_secs(6)).await;
    let images = "/api/v2.0/projects/full/repositories/app/artifacts";
    shop.call(Method::GET, images, None)
        .await
        .context("the image went without a word")?;
    // What the message says works on the object as it is.
    let force = json!({"spec": {"forceDelete": true}});
    api.patch("full", &PatchParams::default(), &Patch::Merge(&force))
        .await?;
    shop.stage.gone("Project", "t", "full", PATIENCE).await?;
    let left = shop.call(Method::GET, "/api/v2.0/projects/full", None).await;
    ensure!(left.is_err(), "the project is there: {left:?}");
    Ok(())
}

/// What people see of a project, as far as nobody declared it.
async fn seen(shop: &Shop) -> Result<Vec<Value>> {
    let project = shop.call(Method::GET, "/api/v2.0/projects/old", None).await?;
    let id = &project["project_id"];
    let mut all = vec![project["metadata"].clone(), id.clone()];
    for path in [
        "/api/v2.0/projects/old/members".to_owned(),
        "/api/v2.0/projects/old/repositories/app/artifacts".to_owned(),
        format!("/api/v2.0/quotas?reference=project&reference_id={id}"),
    ] {
        let mut answer = shop.call(Method::GET, &path, None).await?;
        for one in answer.as_array_mut().into_iter().flatten() {
            // The mark itself is a change of the project.
            one["update_time"].take();
        }
        all.push(answer);
    }
    let robots = format!("/api/v2.0/robots?q=Level%3Dproject,ProjectID%3D{id}");
    let robots = shop.call(Method::GET, &robots, None).await?;
    let names = robots.as_array().context("robots")?.iter();
    all.push(names.map(|one| one["name"].clone()).collect());
    Ok(all)
}

#[tokio::test]
async fn b7_what_an_adopted_project_held_stays_in_it() -> Result<()> {
    let shop = Shop::open(&["--resync", "1s"]).await?;
    shop.tenant("t").await?;
    let old = json!({"project_name": "old", "metadata": {"public": "true"}, "storage_limit": 12_345_678});
    shop.call(Method::POST, "/api/v2.0/projects", Some(old)).await?;
    for (name, role) in [("ada", 1), ("bob", 2), ("eve", 3)] {
        let user = json!({"username": name, "email": format!("{name}@example.com"), "realname": name,
            "password": "Slipway-Test-4711"});
        shop.call(Method::POST, "/api/v2.0/users", Some(user)).await?;
        let member = json!({"role_id": role, "member_user": {"username": name}});
        shop.call(Method::POST, "/api/v2.0/projects/old/members", Some(member))
            .await?;
    }
    let theirs = json!({"name": "theirs", "level": "project", "duration": -1, "permissions": [{"kind": "project",
        "namespace": "old", "access": [{"resource": "repository", "action": "pull"}]}]});
    shop.call(Method::POST, "/api/v2.0/robots", Some(theirs)).await?;
    shop.push("old/app", "v1").await?;
    let before = seen(&shop).await?;
    ensure!(before[2].as_array().is_some_and(|members| members.len() >= 3));
    ensure!(
        before[5] == json!(["robot-old--theirs"]) || before[5].as_array().is_some_and(|all| all.len() == 1)
    );
    shop.stage
        .apply(
            "t",
            project("old", Shop::reference(), json!({"adoption": "IfUnmanaged"})),
        )
        .await?;
    ready(&shop, "Project", "t", "old").await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = seen(&shop).await?;
    ensure!(before == after, "{before:#?}\n{after:#?}");
    // A robot of one's own comes and goes beside theirs.
    let mut spec = robot();
    spec["adoption"] = json!("IfUnmanaged");
    spec.as_object_mut().context("an object")?.remove("quota");
    shop.stage
        .apply("t", project("old", Shop::reference(), spec))
        .await?;
    ready(&shop, "Project", "t", "old").await?;
    eventually(PATIENCE, "the robot", || async {
        shop.credentials("t", "pull").await.map(drop)
    })
    .await?;
    ensure!(seen(&shop).await?[5].as_array().is_some_and(|all| all.len() == 2));
    shop.stage
        .api("Project", "t")
        .delete("old", &DeleteParams::default())
        .await?;
    shop.stage.gone("Project", "t", "old", PATIENCE).await?;
    let released = seen(&shop).await?;
    ensure!(before == released, "{before:#?}\n{released:#?}");
    Ok(())
}

#[tokio::test]
async fn b11_pods_that_started_too_early_are_named() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("t").await?;
    let pods: Api<Pod> = Api::namespaced(shop.stage.client.clone(), "t");
    for (name, why) in [("early", "ImagePullBackOff"), ("slow", "ContainerCreating")] {
        let pod = json!({"metadata": {"name": name},
            "spec": {"containers": [{"name": "app", "image": "registry.example.com/t/app:v1"}]}});
        pods.create(&PostParams::default(), &serde_json::from_value(pod)?)
            .await?;
        let status = json!({"status": {"phase": "Pending", "containerStatuses": [{"name": "app", "ready": false,
            "restartCount": 0, "image": "", "imageID": "", "state": {"waiting": {"reason": why}}}]}});
        pods.patch_status(name, &PatchParams::default(), &Patch::Merge(&status))
            .await?;
    }
    shop.stage
        .apply("t", project("t", Shop::reference(), robot()))
        .await?;
    ready(&shop, "Project", "t", "t").await?;
    let arguments = ["get", "events.events.k8s.io", "-n", "t", "-o", "json"];
    let told = eventually(PATIENCE, "an Event", || async {
        let list: Value = serde_json::from_str(&shop.stage.kubectl(&arguments).await?)?;
        let all = list["items"].as_array().context("a list")?;
        let found = all.iter().find(|one| one["reason"] == "PodsTooEarly");
        let note = found.and_then(|one| one["note"].as_str());
        note.map(str::to_owned).context("not yet")
    })
    .await?;
    ensure!(told.contains("early") && !told.contains("slow"), "{told}");
    // Pods that start now have the Secret.
    let late = json!({"metadata": {"name": "late"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/t/app:v1"}]}});
    let late = pods
        .create(&PostParams::default(), &serde_json::from_value(late)?)
        .await?;
    let secrets = late
        .spec
        .and_then(|spec| spec.image_pull_secrets)
        .unwrap_or_default();
    ensure!(secrets.iter().any(|secret| secret.name == "pull"), "{secrets:?}");
    Ok(())
}

#[tokio::test]
async fn f2_a_namespace_that_is_shut_out_moves_nothing_and_can_still_leave() -> Result<()> {
    let shop = Shop::open(&["--resync", "1s"]).await?;
    shop.tenant("t").await?;
    shop.stage
        .apply("t", project("t", Shop::reference(), robot()))
        .await?;
    ready(&shop, "Project", "t", "t").await?;
    let (user, token) = shop.credentials("t", "pull").await?;
    let namespaces: Api<Namespace> = Api::all(shop.stage.client.clone());
    let label = |value: Value| {
        let namespaces = namespaces.clone();
        async move {
            let change = json!({"metadata": {"labels": {"tenant": value}}});
            namespaces
                .patch("t", &PatchParams::default(), &Patch::Merge(&change))
                .await
        }
    };
    label(Value::Null).await?;
    shop.stage
        .reason("Project", "t", "t", "Stalled", "RegistryUnavailable")
        .await?;
    let changes = shop.changes().await?;
    let wider = json!({"spec": {"visibility": "Public", "quota": {"storage": "Unlimited"}}});
    shop.stage
        .api("Project", "t")
        .patch("t", &PatchParams::default(), &Patch::Merge(&wider))
        .await?;
    shop.stage
        .apply("t", project("another", Shop::reference(), json!({})))
        .await?;
    shop.stage
        .reason("Project", "t", "another", "Stalled", "RegistryUnavailable")
        .await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    ensure!(shop.changes().await? == changes, "something was written");
    // Let in again: what was declared meanwhile is done.
    label(json!("true")).await?;
    for name in ["t", "another"] {
        ready(&shop, "Project", "t", name).await?;
    }
    eventually(PATIENCE, "public", || async {
        let known = shop.call(Method::GET, "/api/v2.0/projects/t", None).await?;
        ensure!(known["metadata"]["public"] == "true", "{known}");
        Ok(())
    })
    .await?;
    // Shut out for good: the objects go, and the robot goes with them.
    label(Value::Null).await?;
    shop.stage
        .reason("Project", "t", "t", "Stalled", "RegistryUnavailable")
        .await?;
    let api = shop.stage.api("Project", "t");
    for name in ["t", "another"] {
        api.delete(name, &DeleteParams::default()).await?;
        shop.stage.gone("Project", "t", name, PATIENCE).await?;
    }
    ensure!(!shop.logs_in(&user, &token).await?, "the robot stays");
    shop.call(Method::GET, "/api/v2.0/projects/t", None)
        .await
        .map(drop)
}

#[tokio::test]
async fn a4_what_a_deletion_could_not_wait_for_is_made_good() -> Result<()> {
    let (mut shop, _nodes) = settled(&["--resync", "2s"], json!({})).await?;
    let mut spec = robot();
    spec["robots"][0]["secret"]["name"] = json!("pull-full");
    spec["deletionPolicy"] = json!("Delete");
    shop.stage
        .apply("team-a", project("full", Shop::reference(), spec))
        .await?;
    ready(&shop, "Project", "team-a", "full").await?;
    shop.push("full/app", "v1").await?;
    let robots = [
        shop.credentials("team-a", "pull").await?,
        shop.credentials("team-a", "pull-full").await?,
    ];
    let api = shop.stage.api("Project", "team-a");
    shop.close();
    for name in ["team-a", "full"] {
        let soon = json!({"spec": {"deletionTimeout": "3s"}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(&soon))
            .await?;
        api.delete(name, &DeleteParams::default()).await?;
    }
    for name in ["team-a", "full"] {
        shop.stage
            .gone("Project", "team-a", name, Duration::from_secs(40))
            .await?;
    }
    let registries = shop.stage.api("Registry", HOME);
    let owed = registries.get("main").await?.data["status"]["owedCleanup"].clone();
    ensure!(owed.as_array().is_some_and(|all| all.len() == 2), "{owed}");
    shop.reopen(&[]).await?;
    eventually(Duration::from_secs(60), "nothing is owed", || async {
        let status = registries.get("main").await?.data["status"].clone();
        let left = status["owedCleanup"].as_array().map_or(0, Vec::len);
        ensure!(left == 0, "{status}");
        Ok(())
    })
    .await?;
    for (user, token) in robots {
        ensure!(!shop.logs_in(&user, &token).await?, "{user} still logs in");
    }
    // What people pushed stays, and nothing says that it belongs to an object.
    shop.call(
        Method::GET,
        "/api/v2.0/projects/full/repositories/app/artifacts",
        None,
    )
    .await?;
    for name in ["team-a", "full"] {
        let path = format!("/api/slipway/v1/projects/{name}/owner");
        let owner = shop.call(Method::GET, &path, None).await?;
        ensure!(owner.is_null(), "{name}: {owner}");
    }
    Ok(())
}
