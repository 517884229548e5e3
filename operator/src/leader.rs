//! Leader election by a Lease: one writer, fenced, the next one in less than 15 seconds (LESSONS G3).
//!
//! kube 5.0 has none. Other people's clocks are not trusted: a lease counts as expired when this process has seen it
//! unchanged for its whole duration.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};

use crate::{clock::Clock, error::explain, fence::Fence};

/// How long a lease counts after it was renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
/// How often it is renewed, and looked at by those who wait.
const PERIOD: Duration = Duration::from_secs(2);
/// How long after the last renewal the holder still writes: less than the lease, so that two never do.
const DEADLINE: Duration = Duration::from_secs(7);
/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A candidate for the lease.
pub(crate) struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
    clock: Clock,
    fence: Fence,
}

/// What a candidate saw last, and when.
struct Sighting {
    version: Option<String>,
    since: Instant,
}

/// What came of a renewal.
enum Renewal {
    Done,
    Again,
    Lost,
}

impl Elector {
    /// A candidate. `client` must not be behind the fence.
    pub(crate) fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: String,
        clock: Clock,
        fence: Fence,
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity,
            clock,
            fence,
        }
    }

    /// Waits until the lease is this process's own.
    pub(crate) async fn acquire(&self) {
        let mut seen = Sighting {
            version: None,
            since: Instant::now(),
        };
        loop {
            match tokio::time::timeout(TIMEOUT, self.try_acquire(&mut seen)).await {
                Ok(Ok(true)) => return,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::warn!(error = explain(&error), "the lease cannot be taken"),
                Err(_) => tracing::warn!("the lease cannot be taken: no answer"),
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Renews until that fails for too long. Returning means that the process must end.
    pub(crate) async fn hold(&self) {
        let mut renewed = Instant::now();
        while renewed.elapsed() < DEADLINE && self.fence.holds() {
            tokio::time::sleep(PERIOD).await;
            let sent = Instant::now();
            match tokio::time::timeout(TIMEOUT, self.renew()).await {
                Ok(Ok(Renewal::Done)) => renewed = sent,
                Ok(Ok(Renewal::Again)) => {}
                Ok(Ok(Renewal::Lost)) => return,
                Ok(Err(error)) => tracing::warn!(error = explain(&error), "the lease was not renewed"),
                Err(_) => tracing::warn!("the lease was not renewed: no answer"),
            }
        }
    }

    /// Gives the lease back, so that the next one need not wait for it to end.
    pub(crate) async fn release(&self) {
        let release = async {
            let mut lease = self.api.get(&self.name).await?;
            if holder(&lease) != Some(self.identity.as_str()) {
                return Ok(());
            }
            lease.spec.get_or_insert_default().holder_identity = Some(String::new());
            self.api
                .replace(&self.name, &PostParams::default(), &lease)
                .await
                .map(drop)
        };
        if let Ok(Err(error)) = tokio::time::timeout(TIMEOUT, release).await {
            tracing::debug!(error = explain(&error), "the lease was not given back");
        }
    }

    async fn try_acquire(&self, seen: &mut Sighting) -> kube::Result<bool> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            return self.create().await;
        };
        if lease.resource_version() != seen.version {
            *seen = Sighting {
                version: lease.resource_version(),
                since: Instant::now(),
            };
        }
        let free = holder(&lease).is_none_or(|holder| holder.is_empty() || holder == self.identity);
        if !free && seen.since.elapsed() < LEASE {
            return Ok(false);
        }
        self.take(lease, true).await
    }

    async fn renew(&self) -> kube::Result<Renewal> {
        let lease = self.api.get(&self.name).await?;
        if holder(&lease) != Some(self.identity.as_str()) {
            return Ok(Renewal::Lost);
        }
        // A conflict means that somebody wrote meanwhile: looked at again in the next round.
        Ok(if self.take(lease, false).await? {
            Renewal::Done
        } else {
            Renewal::Again
        })
    }

    async fn create(&self) -> kube::Result<bool> {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(self.spec(0, true, None)),
        };
        let sent = Instant::now();
        self.settle(sent, self.api.create(&PostParams::default(), &lease).await)
    }

    async fn take(&self, mut lease: Lease, anew: bool) -> kube::Result<bool> {
        let spec = lease.spec.take().unwrap_or_default();
        let transitions = spec.lease_transitions.unwrap_or(0) + i32::from(anew);
        lease.spec = Some(self.spec(transitions, anew, spec.acquire_time));
        let sent = Instant::now();
        // The resourceVersion in the object makes this a comparison and an exchange.
        self.settle(
            sent,
            self.api.replace(&self.name, &PostParams::default(), &lease).await,
        )
    }

    fn settle(&self, sent: Instant, answer: kube::Result<Lease>) -> kube::Result<bool> {
        match answer {
            Ok(_) => {
                self.fence.extend(sent, DEADLINE);
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn spec(&self, transitions: i32, anew: bool, acquired: Option<MicroTime>) -> LeaseSpec {
        let now = MicroTime(self.clock.now());
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE.as_secs()).ok(),
            acquire_time: if anew { Some(now.clone()) } else { acquired },
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}
