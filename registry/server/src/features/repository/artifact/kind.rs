//! What an artifact is, as Harbor sorts them. Pure.

use crate::features::icon;

/// Docker's image config.
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// OCI's image config.
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

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
pub(in crate::features::repository) fn picture(kind: &str) -> &'static str {
    match kind {
        "IMAGE" => icon::IMAGE,
        "CHART" => icon::CHART,
        _ => icon::OTHER,
    }
}

/// What refers to an artifact: its type, Harbor's name for it, and the digest of its picture.
const ACCESSORIES: &[(&str, &str, &str)] = &[
    (
        "application/vnd.dev.cosign.artifact.sig.v1+json",
        COSIGN,
        icon::COSIGN,
    ),
    (
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        COSIGN,
        icon::COSIGN,
    ),
    ("application/vnd.cncf.notary.signature", NOTATION, icon::NOTATION),
    ("application/vnd.goharbor.harbor.sbom.v1", "sbom.harbor", ""),
    (
        "application/vnd.nydus.accelerator.v1+json",
        "accelerator.nydus",
        "",
    ),
];
const COSIGN: &str = "signature.cosign";
const NOTATION: &str = "signature.notation";
/// Harbor's name for every other type.
const OTHER_ACCESSORY: &str = "subject.accessory";

/// Harbor's name for what refers to an artifact, and the digest of its picture.
pub(in crate::features::repository) fn of_accessory(
    artifact_type: Option<&str>,
) -> (&'static str, &'static str) {
    ACCESSORIES
        .iter()
        .find(|(of, ..)| Some(*of) == artifact_type)
        .map_or((OTHER_ACCESSORY, ""), |(_, name, picture)| (name, picture))
}

/// The types that have one of these names of Harbor's, and whether the types without a name of their own are among them.
pub(in crate::features::repository) fn accessory_types(names: &[String]) -> (Vec<String>, bool) {
    let named = |name: &str| names.iter().any(|wanted| wanted == name);
    let types = ACCESSORIES.iter().filter(|(_, name, _)| named(name));
    (
        types.map(|(of, ..)| (*of).to_owned()).collect(),
        named(OTHER_ACCESSORY),
    )
}

/// The types of signatures.
pub(in crate::features::repository) fn signature_types() -> Vec<String> {
    accessory_types(&[COSIGN.to_owned(), NOTATION.to_owned()]).0
}

/// The types that have a name of their own.
pub(in crate::features::repository) fn named_accessory_types() -> Vec<String> {
    ACCESSORIES.iter().map(|(of, ..)| (*of).to_owned()).collect()
}
