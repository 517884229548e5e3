//! The pictures.

/// An image that runs.
pub(crate) const IMAGE: &str = "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06";
/// A Helm chart.
pub(crate) const CHART: &str = "sha256:61cf3a178ff0f75bf08a25d96b75cf7355dc197749a9f128ed3ef34b0df05518";
/// Anything else.
pub(crate) const OTHER: &str = "sha256:da834479c923584f4cbcdecc0dac61f32bef1d51e8aae598cf16bd154efab49f";
/// A signature of cosign's.
pub(crate) const COSIGN: &str = "sha256:20401d5b3a0f6dbc607c8d732eb08471af4ae6b19811a4efce8c6a724aed2882";
/// A signature of notation's.
pub(crate) const NOTATION: &str = "sha256:3ac706e102bbe9362b400aa162df58135d35e66b9c3bee2165de92022d25fe34";

const PICTURES: &[(&str, &str)] = &[
    (IMAGE, include_str!("image.svg")),
    (CHART, include_str!("chart.svg")),
    (OTHER, include_str!("other.svg")),
    (COSIGN, include_str!("signature.svg")),
    (NOTATION, include_str!("signature.svg")),
];

/// The picture of this name.
pub(super) fn find(digest: &str) -> Option<&'static str> {
    PICTURES
        .iter()
        .find(|(known, _)| *known == digest)
        .map(|(_, picture)| *picture)
}
