//! What an artifact is, as Harbor sorts them. Pure.

/// Docker's image config.
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// OCI's image config.
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

const ICON_IMAGE: &str = "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06";
const ICON_CHART: &str = "sha256:61cf3a178ff0f75bf08a25d96b75cf7355dc197749a9f128ed3ef34b0df05518";
const ICON_OTHER: &str = "sha256:da834479c923584f4cbcdecc0dac61f32bef1d51e8aae598cf16bd154efab49f";
const ICON_COSIGN: &str = "sha256:20401d5b3a0f6dbc607c8d732eb08471af4ae6b19811a4efce8c6a724aed2882";
const ICON_NOTATION: &str = "sha256:3ac706e102bbe9362b400aa162df58135d35e66b9c3bee2165de92022d25fe34";

/// Is this the config of an image that runs?
pub(in crate::features::repository) fn is_image_config(config_media_type: Option<&str>) -> bool {
    matches!(config_media_type, Some(DOCKER_CONFIG | OCI_CONFIG))
}

/// `IMAGE`, `CHART`, …; decided on the artifact type (the config's media type where there is none).
pub(in crate::features::repository) fn of(
    is_index: bool,
    artifact_type: Option<&str>,
    config_media_type: Option<&str>,
) -> String {
    let Some(decisive) = artifact_type.or(config_media_type) else {
        return if is_index { "IMAGE" } else { "UNKNOWN" }.to_owned();
    };
    match decisive {
        DOCKER_CONFIG | OCI_CONFIG => "IMAGE".to_owned(),
        "application/vnd.cncf.helm.config.v1+json" => "CHART".to_owned(),
        "application/vnd.cnab.manifest.v1" => "CNAB".to_owned(),
        "application/vnd.wasm.config.v1+json" | "application/vnd.wasm.config.v0+json" => "WASM".to_owned(),
        "application/vnd.goharbor.harbor.sbom.v1" => "SBOM".to_owned(),
        "application/vnd.cncf.model.manifest.v1+json" | "application/vnd.cncf.model.config.v1+json" => {
            "CNAI".to_owned()
        }
        other => named(other).unwrap_or_else(|| "UNKNOWN".to_owned()),
    }
}

/// `application/vnd.X.NAME.config.V+json` is a NAME.
fn named(media_type: &str) -> Option<String> {
    let inside = media_type
        .strip_prefix("application/vnd.")?
        .strip_suffix("+json")?;
    let (_, rest) = inside.split_once('.')?;
    let (name, version) = rest.rsplit_once(".config.")?;
    (!name.is_empty() && !version.is_empty() && !version.contains('.')).then(|| name.to_uppercase())
}

/// The digest of the picture for a kind.
pub(in crate::features::repository) fn icon(kind: &str) -> &'static str {
    match kind {
        "IMAGE" => ICON_IMAGE,
        "CHART" => ICON_CHART,
        _ => ICON_OTHER,
    }
}

/// Harbor's name for what refers to an artifact, and the digest of its picture.
pub(in crate::features::repository) fn of_accessory(
    artifact_type: Option<&str>,
) -> (&'static str, &'static str) {
    match artifact_type {
        Some(
            "application/vnd.dev.cosign.artifact.sig.v1+json"
            | "application/vnd.dev.sigstore.bundle.v0.3+json",
        ) => ("signature.cosign", ICON_COSIGN),
        Some("application/vnd.cncf.notary.signature") => ("signature.notation", ICON_NOTATION),
        Some("application/vnd.goharbor.harbor.sbom.v1") => ("sbom.harbor", ""),
        Some("application/vnd.nydus.accelerator.v1+json") => ("accelerator.nydus", ""),
        _ => ("subject.accessory", ""),
    }
}
