//! Which images run.

use slipway_crds::registry::ManagedRegistry;

use crate::options::Options;

/// The version of the registry that belongs to this operator.
pub(crate) const CURRENT: &str = env!("CARGO_PKG_VERSION");
/// The PostgreSQL of new Registries that name none.
pub(crate) const POSTGRES: &str = "17";

/// The images of one Registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Images {
    /// The registry.
    pub(crate) registry: String,
    /// PostgreSQL.
    pub(crate) postgres: String,
    /// Redis.
    pub(crate) redis: String,
    /// When nodes pull them.
    pub(crate) pull_policy: String,
    /// Secrets to pull the registry's image with.
    pub(crate) pull_secrets: Vec<String>,
    /// The registry's version.
    pub(crate) version: String,
    /// The major version of PostgreSQL.
    pub(crate) postgres_version: String,
}

impl Images {
    /// Chooses the images. What a Registry once runs it keeps (LESSONS E4): `kept_version` and `kept_postgres` come from
    /// its status.
    pub(crate) fn choose(
        managed: &ManagedRegistry,
        options: &Options,
        kept_version: Option<&str>,
        kept_postgres: Option<&str>,
        kept_image: Option<&str>,
    ) -> Self {
        let image = managed.image.clone().unwrap_or_default();
        let version = managed
            .version
            .as_deref()
            .or(kept_version)
            .unwrap_or(CURRENT)
            .to_owned();
        let declared = managed
            .database
            .managed
            .as_ref()
            .and_then(|database| database.version.as_deref());
        let postgres_version = kept_postgres.or(declared).unwrap_or(POSTGRES).to_owned();
        let registry = match (&image.repository, &image.digest) {
            (Some(repository), Some(digest)) => format!("{repository}@{digest}"),
            (Some(repository), None) => format!("{repository}:{version}"),
            (None, Some(digest)) => format!("{}@{digest}", repository_of(&options.registry_image)),
            (None, None) if version == CURRENT => options.registry_image.clone(),
            // The image of an earlier operator, whatever its tag was called.
            (None, None) => match kept_image.filter(|_| kept_version == Some(version.as_str())) {
                Some(kept) => kept.to_owned(),
                None => format!("{}:{version}", repository_of(&options.registry_image)),
            },
        };
        Self {
            registry,
            postgres: options.postgres_image.replace("{version}", &postgres_version),
            redis: options.redis_image.clone(),
            pull_policy: image
                .pull_policy
                .map_or_else(|| options.image_pull_policy.clone(), |p| p.as_str().to_owned()),
            pull_secrets: image.pull_secrets,
            version,
            postgres_version,
        }
    }
}

/// The operator's own version of the registry when it is newer than the one that runs.
pub(crate) fn update_available(running: &str) -> Option<String> {
    let parts = |version: &str| {
        let plain = version.split(['-', '+']).next().unwrap_or_default();
        plain
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<Vec<u64>>>()
    };
    let newer = parts(CURRENT)? > parts(running)?;
    newer.then(|| CURRENT.to_owned())
}

/// An image without tag and digest.
fn repository_of(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(repository, _)| repository);
    match image.rsplit_once(':') {
        // A colon before the last slash belongs to a port.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use slipway_crds::registry::Image;

    use super::*;

    #[test]
    fn repositories() {
        for (image, repository) in [
            ("ghcr.io/slipway/registry:1", "ghcr.io/slipway/registry"),
            ("localhost:5000/registry", "localhost:5000/registry"),
            ("localhost:5000/registry:1", "localhost:5000/registry"),
            ("r@sha256:00", "r"),
            ("localhost:5000/r:1@sha256:00", "localhost:5000/r"),
        ] {
            assert_eq!(repository_of(image), repository);
        }
    }

    #[test]
    fn e4_what_runs_is_kept() {
        let options = Options::parse_from([
            "x",
            "--registry-image",
            "r:new",
            "--postgres-image",
            "p:{version}",
        ]);
        let mut managed = ManagedRegistry::default();
        let new = Images::choose(&managed, &options, None, None, None);
        assert_eq!((new.registry.as_str(), new.postgres.as_str()), ("r:new", "p:17"));
        let old = Images::choose(&managed, &options, Some("0.0.9"), Some("16"), None);
        assert_eq!(
            (old.registry.as_str(), old.postgres.as_str()),
            ("r:0.0.9", "p:16")
        );
        managed.version = Some("2.0.0".into());
        managed.image = Some(Image {
            repository: Some("own".into()),
            ..Image::default()
        });
        assert_eq!(
            Images::choose(&managed, &options, Some("0.0.9"), None, None).registry,
            "own:2.0.0"
        );
        managed = ManagedRegistry::default();
        let tagged = Images::choose(&managed, &options, Some("0.0.9"), None, Some("mirror/r:dev-4"));
        assert_eq!(tagged.registry, "mirror/r:dev-4");
        managed.version = Some("0.0.8".into());
        let other = Images::choose(&managed, &options, Some("0.0.9"), None, Some("mirror/r:dev-4"));
        assert_eq!(other.registry, "r:0.0.8");
        assert_eq!(update_available("0.0.9").as_deref(), Some(CURRENT));
        assert_eq!(update_available("0.0.9-rc.1").as_deref(), Some(CURRENT));
        assert_eq!(
            (update_available(CURRENT), update_available("99.0.0")),
            (None, None)
        );
    }
}
