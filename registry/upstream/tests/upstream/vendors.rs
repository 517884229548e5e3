//! One contract that every vendor keeps, and what is different about each.

use std::sync::Arc;

use slipway_upstream::Denial;
use slipway_upstream::adapters::{DockerHub, Ghcr, GitLab, Kind, Listing, Remote, Vendor};

use super::*;
use slipway_simulator::{Auth, Fault};

const NAMES: [&str; 3] = ["p/app", "p/deep/er/app", "q/other"];

fn listing(namespace: &str) -> Listing {
    Listing {
        namespace: Some(namespace.to_owned()),
        most: 1_000,
    }
}

fn tag_named(text: &str) -> Tag {
    Tag::parse(text).expect("a tag")
}

fn password(user: &str) -> Credential {
    Credential::basic(user, "{}")
}

/// The vendor at a simulated registry that holds [`NAMES`], its own API included.
async fn remote(kind: Kind) -> (Simulator, Remote) {
    let simulator = Simulator::start(Habits::default()).await;
    for name in NAMES {
        simulator.put_manifest(name, "v1", OCI_MANIFEST, "{}");
    }
    let of_p = r#"[{"name":"p/app"},{"name":"p/deep/er/app"}]"#;
    simulator.page(
        "/api/v2.0/projects/p/repositories?page=1&page_size=100",
        200,
        &[],
        of_p,
    );
    simulator.page("/api/v2.0/projects?project_name=p", 200, &[], "");
    simulator.page(
        "/v2/namespaces/p/repositories?page_size=100",
        200,
        &[],
        r#"{"next":null,"results":[{"name":"app","namespace":"p"},{"name":"deep/er/app","namespace":"p"}]}"#,
    );
    simulator.page("/v2/auth/token", 200, &[], r#"{"access_token":"token-hub"}"#);
    simulator.page(
        "/orgs/p/packages?package_type=container&per_page=100&page=1",
        200,
        &[],
        r#"[{"name":"app"},{"name":"deep/er/app"}]"#,
    );
    simulator.page(
        "/api/v4/groups/p/registry/repositories?per_page=100&page=1",
        200,
        &[],
        r#"[{"path":"p/app"},{"path":"p/deep/er/app"}]"#,
    );
    for path in [
        "DELETE /api/v2.0/projects/p/repositories/app/artifacts/v1/tags/v1",
        "DELETE /v2/repositories/p/app/tags/v1/",
        "DELETE /acr/v1/p/app/_tags/v1",
    ] {
        simulator.page(path, 202, &[], "");
    }
    let user = match kind {
        Kind::Ecr => "AWS",
        Kind::Gar => "_json_key",
        _ => "somebody",
    };
    let endpoint = endpoint(&simulator.url).credential(password(user));
    let vendor: Arc<dyn Vendor> = match kind {
        Kind::DockerHub => Arc::new(DockerHub::at(&simulator.url)),
        Kind::Ghcr => Arc::new(Ghcr::at(&simulator.url)),
        Kind::GitLab => Arc::new(GitLab::at(&simulator.url)),
        other => other.vendor(&endpoint),
    };
    let remote = Remote::new(vendor, endpoint).expect("a remote");
    (simulator, remote)
}

#[tokio::test]
async fn the_contract_of_every_vendor() {
    for kind in Kind::ALL {
        let (_simulator, remote) = remote(kind).await;
        let (upstream, vendor) = (&remote.upstream, &remote.vendor);
        assert_eq!(vendor.kind(), kind);
        assert_eq!(Kind::parse(kind.name()), Some(kind));
        assert!(upstream.ping().await.is_ok(), "{kind}");
        // Listing says what is below a namespace, or that it cannot.
        let listed = vendor.repositories(upstream, &listing("p")).await;
        match vendor.abilities().lists {
            true => {
                let mut names = listed.unwrap_or_else(|error| panic!("{kind}: {error}"));
                names.sort();
                assert_eq!(
                    names.iter().map(RemoteName::as_str).collect::<Vec<_>>(),
                    NAMES[..2],
                    "{kind}"
                );
            }
            false => assert!(matches!(listed, Err(Error::Unsupported { .. })), "{kind}"),
        }
        let everything = Listing {
            namespace: None,
            most: 10,
        };
        if vendor.abilities().needs_namespace {
            let listed = vendor.repositories(upstream, &everything).await;
            assert!(
                matches!(listed, Err(Error::Unsupported { .. })),
                "{kind}: {listed:?}"
            );
        }
        // What is there may be pushed to, and what a name means does not change when it is said again.
        let app = vendor.repository("p/app").unwrap();
        vendor
            .create_repository(upstream, &app)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let short = vendor.repository("app").unwrap();
        assert_eq!(vendor.repository(short.as_str()).unwrap(), short, "{kind}");
        assert!(vendor.repository("../app").is_err(), "{kind}");
        let deleted = vendor.delete_tag(upstream, &app, &tag_named("v1")).await;
        match vendor.abilities().deletes_tags {
            true => assert!(
                deleted.unwrap_or_else(|error| panic!("{kind}: {error}")),
                "{kind}"
            ),
            false => assert!(matches!(deleted, Err(Error::Unsupported { .. })), "{kind}"),
        }
    }
}

#[tokio::test]
async fn harbor_lists_by_pages_deletes_by_its_api_and_creates_projects() {
    let (simulator, remote) = remote(Kind::Harbor).await;
    let (upstream, vendor) = (&remote.upstream, &remote.vendor);
    let page = |from: usize, to: usize| {
        let names = (from..to).map(|n| format!(r#"{{"name":"p/a{n}"}}"#));
        format!("[{}]", names.collect::<Vec<_>>().join(","))
    };
    simulator.page(
        "/api/v2.0/repositories?page=1&page_size=100",
        200,
        &[],
        page(0, 100),
    );
    simulator.page(
        "/api/v2.0/repositories?page=2&page_size=100",
        200,
        &[],
        page(100, 130),
    );
    let everything = Listing {
        namespace: None,
        most: 1_000,
    };
    assert_eq!(
        vendor.repositories(upstream, &everything).await.unwrap().len(),
        130
    );
    let few = Listing {
        namespace: None,
        most: 120,
    };
    assert!(matches!(
        vendor.repositories(upstream, &few).await,
        Err(Error::TooLarge { .. })
    ));
    // Slashes of a repository's name are escaped twice.
    let deep = name("p/deep/app");
    assert!(
        !vendor
            .delete_tag(upstream, &deep, &tag_named("v1"))
            .await
            .unwrap()
    );
    let path = "/api/v2.0/projects/p/repositories/deep%252Fapp/artifacts/v1/tags/v1";
    assert_eq!(simulator.asked("DELETE", path).len(), 1);
    // A project that is there is left alone, another one is created, and another client may be quicker.
    vendor.create_repository(upstream, &deep).await.unwrap();
    assert!(simulator.asked("POST", "projects").is_empty());
    for status in [201, 409] {
        simulator.page("POST /api/v2.0/projects", status, &[], "");
        vendor
            .create_repository(upstream, &name("new/app"))
            .await
            .unwrap();
    }
    let created = simulator.asked("POST", "/api/v2.0/projects");
    assert_eq!(
        &created[0].body[..],
        br#"{"metadata":{"public":"false"},"project_name":"new"}"#
    );
    assert!(
        created[0]
            .header("authorization")
            .is_some_and(|value| value.starts_with("Basic "))
    );
    simulator.page("POST /api/v2.0/projects", 403, &[], "");
    let error = vendor
        .create_repository(upstream, &name("forbidden/app"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unauthorized {
                denial: Denial::Rights,
                ..
            }
        ),
        "{error}"
    );
    assert!(vendor.create_repository(upstream, &name("app")).await.is_err());
}

#[tokio::test]
async fn docker_hub_knows_official_images_and_its_three_hosts() {
    let (simulator, remote) = remote(Kind::DockerHub).await;
    assert_eq!(
        remote.vendor.repository("nginx").unwrap().as_str(),
        "library/nginx"
    );
    assert_eq!(remote.vendor.repository("p/app").unwrap().as_str(), "p/app");
    for url in [
        "https://hub.docker.com",
        "https://docker.io/",
        "https://index.docker.io",
    ] {
        let adapted = remote.vendor.adapt(Endpoint::parse(url).unwrap()).unwrap();
        assert_eq!(adapted.url().as_str(), "https://registry-1.docker.io/");
    }
    remote
        .vendor
        .repositories(&remote.upstream, &listing("p"))
        .await
        .unwrap();
    let login = simulator.asked("POST", "/v2/auth/token");
    assert_eq!(&login[0].body[..], br#"{"identifier":"somebody","secret":"{}"}"#);
    let listed = simulator.asked("GET", "/v2/namespaces/p/repositories");
    assert_eq!(listed[0].header("authorization"), Some("Bearer token-hub"));
    // A page that leads the session's token elsewhere.
    let next = r#"{"next":"http://localhost:9/steal","results":[{"name":"app","namespace":"p"}]}"#;
    simulator.page("/v2/namespaces/p/repositories?page_size=100", 200, &[], next);
    let listed = remote.vendor.repositories(&remote.upstream, &listing("p")).await;
    assert!(matches!(listed, Err(Error::Protocol { .. })), "{listed:?}");
    simulator.fault(1, "POST", "/v2/auth/token", Fault::Status(401, vec![]));
    let error = remote
        .vendor
        .repositories(&remote.upstream, &listing("p"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unauthorized {
                denial: Denial::Credentials,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn owners_are_organisations_or_people_and_namespaces_are_groups_or_projects() {
    let (simulator, remote) = remote(Kind::Ghcr).await;
    let person = "/users/me/packages?package_type=container&per_page=100&page=1";
    simulator.page(person, 200, &[], r#"[{"name":"app"}]"#);
    let names = remote
        .vendor
        .repositories(&remote.upstream, &listing("me"))
        .await
        .unwrap();
    assert_eq!(names, [name("me/app")]);
    let anonymous = Remote::new(Arc::new(Ghcr::at(&simulator.url)), endpoint(&simulator.url)).unwrap();
    let listed = anonymous
        .vendor
        .repositories(&anonymous.upstream, &listing("me"))
        .await;
    assert!(matches!(listed, Err(Error::Unsupported { .. })), "{listed:?}");

    let (simulator, remote) = self::remote(Kind::GitLab).await;
    let project = "/api/v4/projects/group%2Fsub%2Fproject/registry/repositories?per_page=100&page=1";
    simulator.page(
        project,
        200,
        &[],
        r#"[{"path":"group/sub/project"},{"path":"group/sub/project/img"}]"#,
    );
    let names = remote
        .vendor
        .repositories(&remote.upstream, &listing("group/sub/project"))
        .await
        .unwrap();
    assert_eq!(names, [name("group/sub/project"), name("group/sub/project/img")]);
}

#[tokio::test]
async fn credentials_in_the_form_of_the_vendor() {
    let at = |kind: Kind, credential: Credential| {
        let endpoint = endpoint("https://registry.example").credential(credential);
        Remote::of(kind, endpoint)
    };
    // What is missing for ECR is said, and how to do without.
    let error = at(Kind::Ecr, Credential::basic("AKIAIOSFODNN7EXAMPLE", "secret-key"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("get-login-password") && !error.contains("secret-key"),
        "{error}"
    );
    assert!(at(Kind::Ecr, password("AWS")).is_ok());
    assert!(at(Kind::Gar, Credential::basic("_json_key", "no JSON")).is_err());
    assert!(at(Kind::Gar, Credential::basic("oauth2accesstoken", "ya29")).is_ok());
    // Azure's refresh token is exchanged by POST.
    let simulator = Simulator::start(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    let refresh = Credential::basic("00000000-0000-0000-0000-000000000000", "identity-1");
    let endpoint = endpoint(&simulator.url).credential(refresh);
    let remote = Remote::of(Kind::Acr, endpoint).unwrap();
    assert!(remote.upstream.ping().await.unwrap().authenticated);
    assert_eq!(simulator.asked("POST", "/token").len(), 1);
}

#[tokio::test]
async fn ecr_says_that_a_repository_must_be_there() {
    let (simulator, remote) = remote(Kind::Ecr).await;
    simulator.fault(1, "GET", "p/new/tags", Fault::Status(404, vec![]));
    let error = remote
        .vendor
        .create_repository(&remote.upstream, &name("p/new"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn artifactory_below_a_path() {
    let simulator = Simulator::start(Habits {
        page: 1,
        ..Habits::default()
    })
    .await;
    for name in NAMES {
        simulator.put_manifest(name, "v1", OCI_MANIFEST, "{}");
    }
    let endpoint = endpoint(&format!("{}/artifactory/api/docker/key", simulator.url));
    let remote = Remote::of(Kind::Artifactory, endpoint).unwrap();
    let all = Listing {
        namespace: None,
        most: 10,
    };
    let names = remote.vendor.repositories(&remote.upstream, &all).await.unwrap();
    assert_eq!(names.len(), 3);
    let read = remote.upstream.get_manifest(&names[0], &tag("v1")).await;
    assert!(read.is_ok(), "{read:?}");
    assert!(
        simulator
            .seen()
            .iter()
            .all(|seen| seen.path.starts_with("/artifactory/api/docker/key/v2/"))
    );
}
