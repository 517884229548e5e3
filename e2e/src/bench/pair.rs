//! Slipway beside distribution: the two of most comparisons.

use anyhow::Result;

use super::Bench;
use super::compare::Contender;
use super::peers::Peer;
use super::slipway::Slipway;
use super::tagged::Tagged;

/// What is pushed and pulled; its project is private in Slipway.
pub(super) const REPOSITORY: &str = "bench/app";

/// Both, running.
#[derive(Debug)]
pub(super) struct Pair {
    slipway: Slipway,
    distribution: Peer,
    /// The header line with the token of a robot.
    bearer: String,
}

impl Pair {
    pub(super) async fn start(bench: &Bench<'_>) -> Result<Self> {
        let slipway = bench.slipway(&[]).await?;
        let distribution = Peer::distribution(bench.folder.path(), bench.progress)?;
        let robot = slipway.project("bench").await?;
        Ok(Self {
            bearer: slipway.bearer(&robot, REPOSITORY).await?,
            slipway,
            distribution,
        })
    }

    /// Slipway first, each with the header lines that its requests carry.
    pub(super) fn contenders(&self) -> Result<[(Contender, &str); 2]> {
        Ok([
            (Contender::slipway(&self.slipway)?, self.bearer.as_str()),
            (Contender::peer("distribution", &self.distribution)?, ""),
        ])
    }

    /// 100,000 tags in the repository of both.
    pub(super) fn seed(&self, bench: &Bench<'_>) -> Result<Tagged> {
        let tagged = Tagged::new(100_000);
        let _step = bench.progress.step("100,000 tags for both");
        tagged.seed_slipway(self.slipway.services(), REPOSITORY)?;
        tagged.seed_distribution(&self.distribution.data(), REPOSITORY)?;
        Ok(tagged)
    }

    /// Ends Slipway in good order, and distribution.
    pub(super) async fn end(self) -> Result<()> {
        self.slipway.end().await
    }
}
