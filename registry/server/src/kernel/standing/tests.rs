use serde_json::json;
use slipway_model::permission::{Action, Resource};
use sqlx::PgPool;

use super::*;
use crate::testing::TestApp;

fn user(id: i64) -> Caller {
    Caller::User {
        id,
        name: format!("user-{id}"),
    }
}

/// What each role, robot and stranger may do in a closed and in an open project.
#[sqlx::test]
async fn the_matrix(pool: PgPool) {
    use Action::{Create, Delete, List, Pull, Push, Read};
    let test = TestApp::new(pool).await;
    let (p, _) = (
        test.create_project("p", false).await,
        test.create_project("open", true).await,
    );
    let roles = [
        ("projectadmin", 1),
        ("maintainer", 4),
        ("developer", 2),
        ("guest", 3),
        ("limited", 5),
    ];
    for (name, role) in roles {
        test.create_user(name).await;
        test.add_member(p, name, role).await;
    }
    test.create_user("stranger").await;
    let access = json!([{"kind": "project", "namespace": "*", "access": [{"resource": "repository", "action": "push"}]},
        {"kind": "system", "namespace": "/", "access": [{"resource": "catalog", "action": "read"}]}]);
    test.create_system_robot("sys", access).await;
    test.create_robot((p, "p"), "own", &[("repository", "push")])
        .await;
    let robot = |id| Caller::Robot {
        id,
        name: "robot".into(),
    };

    let callers = [
        ("admin", user(1)),
        ("system", Caller::System { name: "op".into() }),
        ("projectadmin", user(3)),
        ("maintainer", user(4)),
        ("developer", user(5)),
        ("guest", user(6)),
        ("limited", user(7)),
        ("stranger", user(8)),
        ("nobody", Caller::Anonymous),
        ("system robot", robot(1)),
        ("project robot", robot(2)),
    ];
    // A letter for each of: pull, push, delete artifact, list members, create robot, delete project; upper case: yes.
    let asked = [
        ('L', Resource::Repository, Pull),
        ('P', Resource::Repository, Push),
        ('D', Resource::Artifact, Delete),
        ('M', Resource::Member, List),
        ('R', Resource::Robot, Create),
        ('X', Resource::Project, Delete),
    ];
    let mut conn = test.app.pool.acquire().await.unwrap();
    let now = test.app.clock.now();
    let mut table = Vec::new();
    for (name, caller) in &callers {
        let mut line = format!("{name:14}");
        for project in ["p", "open"] {
            let (scope, standing) = in_project(&mut conn, now, caller, project)
                .await
                .unwrap()
                .unwrap();
            line.push(' ');
            for (letter, resource, action) in asked {
                let yes = standing.allows(&scope, resource, action);
                line.push(if yes { letter } else { '.' });
            }
        }
        let system = in_system(&mut conn, now, caller).await.unwrap();
        line.push_str(if system.allows_system(Resource::Catalog, Read) {
            " catalog"
        } else {
            " -"
        });
        table.push(line);
    }
    let expected = [
        "admin          LPDMRX LPDMRX catalog",
        "system         LPDMRX LPDMRX catalog",
        "projectadmin   LPDMRX L..... -",
        "maintainer     LPDM.. L..... -",
        "developer      LP.M.. L..... -",
        "guest          L..M.. L..... -",
        "limited        L..... L..... -",
        "stranger       ...... L..... -",
        "nobody         ...... L..... -",
        "system robot   .P.... LP.... catalog",
        "project robot  LP.... L..... -",
    ];
    assert_eq!(table, expected, "{table:#?}");
    assert!(
        in_project(&mut conn, now, &user(1), "none")
            .await
            .unwrap()
            .is_none()
    );
}

/// A stranger cannot tell a closed project from none.
#[sqlx::test]
async fn p66_closed_and_absent_look_the_same(pool: PgPool) {
    let test = TestApp::new(pool).await;
    test.create_project("p", false).await;
    test.create_user("stranger").await;
    let mut conn = test.app.pool.acquire().await.unwrap();
    let now = test.app.clock.now();
    let mut answer = async |caller: &Caller, project: &str| {
        let ctx = Context {
            caller: caller.clone(),
            token: None,
            credential: None,
            client_ip: None,
            user_agent: None,
            names_only: false,
        };
        let error = require(&mut conn, now, &ctx, project, Resource::Project, Action::Read)
            .await
            .unwrap_err();
        format!("{error:?}")
    };
    for caller in [Caller::Anonymous, user(3)] {
        assert_eq!(answer(&caller, "p").await, answer(&caller, "none").await);
        assert_eq!(answer(&caller, "2").await, answer(&caller, "999").await);
    }
    assert!(answer(&user(1), "none").await.contains("NotFound"));
}
