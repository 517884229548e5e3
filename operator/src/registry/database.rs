//! PostgreSQL: one server with a volume of its own. Highly available ones are CloudNativePG's business.

use k8s_openapi::{
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec},
        core::v1::{
            ContainerPort, ExecAction, Lifecycle, LifecycleHandler, PersistentVolumeClaim, PodSpec, Service,
            ServicePort, ServiceSpec,
        },
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use slipway_crds::registry::ManagedDatabase;

use super::{
    images::Images,
    names::{Component, Names},
    pod, storage,
};

/// The part in names.
pub(crate) const PART: &str = "database";
/// The annotation of the pod by which a changed password rolls it.
pub(crate) const PASSWORD_HASH: &str = "slipway.dev/database-password";

const PORT: i32 = 5432;
/// How long the server may take to stop; a fast shutdown writes a checkpoint.
const GRACE: i64 = 60;
/// No answer at all is a failure; "starting" and "recovering" are not.
const ALIVE: &str = "export PATH=\"/usr/lib/postgresql/$(cat \"$PGDATA/PG_VERSION\")/bin:$PATH\"; pg_isready -q -h /var/run/postgresql || [ $? -ne 2 ]";
const READY: &str = "export PATH=\"/usr/lib/postgresql/$(cat \"$PGDATA/PG_VERSION\")/bin:$PATH\"; pg_isready -q -h /var/run/postgresql";
const STOP: &str = "export PATH=\"/usr/lib/postgresql/$(cat \"$PGDATA/PG_VERSION\")/bin:$PATH\"; pg_ctl stop -D \"$PGDATA\" -m fast -w -t 50";

/// The volume.
pub(crate) fn claim(names: &Names, database: &ManagedDatabase) -> PersistentVolumeClaim {
    let class = database.storage_class_name.as_deref();
    storage::claim(
        names,
        PART,
        Component::Database,
        database.size.as_str(),
        class,
        "ReadWriteOnce",
    )
}

/// The name under which the registry reaches it.
pub(crate) fn service(names: &Names) -> Service {
    Service {
        metadata: names.owned(PART, Component::Database),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            selector: Some(names.selector_labels(Component::Database)),
            ports: Some(vec![ServicePort {
                name: Some("postgres".to_owned()),
                port: PORT,
                target_port: Some(IntOrString::String("postgres".to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// The server.
pub(crate) fn stateful_set(
    names: &Names,
    database: &ManagedDatabase,
    images: &Images,
    secret: &str,
    password_hash: &str,
) -> StatefulSet {
    let mut container = pod::container("postgres", &images.postgres, &images.pull_policy);
    container.command = Some(pod::shell(include_str!("database.sh")));
    container.env = Some(vec![pod::variable("PGDATA", "/data/pgdata")]);
    container.ports = Some(vec![ContainerPort {
        container_port: PORT,
        name: Some("postgres".to_owned()),
        ..ContainerPort::default()
    }]);
    container.resources = Some(pod::resources(
        database.resources.as_ref(),
        "100m",
        "256Mi",
        "1Gi",
    ));
    container.startup_probe = Some(pod::exec_probe(READY, 2, 150));
    container.readiness_probe = Some(pod::exec_probe(READY, 5, 3));
    container.liveness_probe = Some(pod::exec_probe(ALIVE, 20, 6));
    // The default signal would wait for every client to leave.
    container.lifecycle = Some(Lifecycle {
        pre_stop: Some(LifecycleHandler {
            exec: Some(ExecAction {
                command: Some(pod::shell(STOP)),
            }),
            ..LifecycleHandler::default()
        }),
        ..Lifecycle::default()
    });
    container.volume_mounts = Some(vec![
        pod::mount("data", "/data"),
        pod::mount("socket", "/var/run/postgresql"),
        pod::mount("tmp", "/tmp"),
        pod::mount("shm", "/dev/shm"),
        pod::mount_read_only("password", "/etc/slipway/database"),
    ]);
    let spec = PodSpec {
        containers: vec![container],
        termination_grace_period_seconds: Some(GRACE),
        volumes: Some(vec![
            pod::claim_volume("data", &names.of(PART)),
            pod::scratch_volume("socket"),
            pod::scratch_volume("tmp"),
            pod::memory_volume("shm", "128Mi"),
            pod::secret_volume("password", secret, &[("password", "password")]),
        ]),
        ..PodSpec::default()
    };
    let mut template = pod::template(names, Component::Database, pod::SERVER_UID, spec);
    pod::place(&mut template, database.pod.as_ref());
    pod::annotate(&mut template, PASSWORD_HASH, password_hash);
    StatefulSet {
        metadata: names.owned(PART, Component::Database),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            selector: names.selector(Component::Database),
            service_name: Some(names.of(PART)),
            template,
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}
