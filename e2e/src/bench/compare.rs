//! The same work in turn: A B A B …, so that whatever disturbs the machine disturbs all of them.

use std::time::Duration;

use anyhow::Result;

use super::Bench;
use super::load::{self, Load, Reads};
use super::peers::Peer;
use super::process::{Family, own_processor_time};
use super::report::{Cost, Row, Samples, ratio};
use super::slipway::Slipway;

/// One server that is measured; the first of a comparison is Slipway.
#[derive(Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) host: String,
    /// Whose peak memory counts.
    pub(super) memory: Family,
    /// Whose processor time counts.
    pub(super) processor: Family,
}

impl Contender {
    pub(super) fn slipway(slipway: &Slipway) -> Result<Self> {
        Ok(Self {
            name: "slipway",
            host: slipway.host(),
            memory: Family::new([slipway.process()?]),
            processor: slipway.family()?,
        })
    }

    pub(super) fn peer(name: &'static str, peer: &Peer) -> Result<Self> {
        Ok(Self {
            name,
            host: peer.host(),
            memory: peer.family()?,
            processor: peer.family()?,
        })
    }

    /// Runs `work` and adds what it came to, with what it cost.
    pub(super) async fn sample(
        &self,
        samples: &mut Samples,
        value: fn(&Load) -> f64,
        work: impl Future<Output = Result<Load>>,
    ) -> Result<()> {
        self.memory.forget_peak()?;
        let before = (self.processor.processor_time()?, own_processor_time()?);
        let load = work.await?;
        let after = (self.processor.processor_time()?, own_processor_time()?);
        let cost = Cost {
            processor: after.0.saturating_sub(before.0),
            generator: after.1.saturating_sub(before.1),
            memory: self.memory.peak_memory()?,
        };
        samples.add(value(&load), load, cost);
        Ok(())
    }
}

/// What a case is called and how its values are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) name: &'a str,
    pub(super) unit: &'static str,
    pub(super) value: fn(&Load) -> f64,
    pub(super) connections: usize,
    /// By contender: what Slipway is meant to reach beside it.
    pub(super) target: fn(&str) -> Option<&'static str>,
}

impl Case<'_> {
    /// Lets each of them be read in turn.
    pub(super) async fn reads(
        &self,
        bench: &Bench<'_>,
        contenders: &[(&Contender, Reads)],
    ) -> Result<Vec<Row>> {
        let warm_up = bench.sample().min(Duration::from_secs(1));
        for (contender, reads) in contenders {
            load::read(&contender.host, reads, self.connections, warm_up).await?;
        }
        let mut samples: Vec<Samples> = contenders.iter().map(|_| Samples::default()).collect();
        for _ in 0..bench.options.rounds {
            for ((contender, reads), samples) in contenders.iter().zip(&mut samples) {
                let work = load::read(&contender.host, reads, self.connections, bench.sample());
                contender.sample(samples, self.value, work).await?;
            }
        }
        let names: Vec<_> = contenders.iter().map(|(contender, _)| contender.name).collect();
        Ok(self.rows(&names, samples))
    }

    /// The rows of samples, the first Slipway's.
    pub(super) fn rows(&self, names: &[&'static str], mut samples: Vec<Samples>) -> Vec<Row> {
        let ours = samples
            .first()
            .map(|first| first.values.clone())
            .unwrap_or_default();
        let mut rows = Vec::new();
        for (name, samples) in names.iter().zip(&mut samples) {
            let mut row = samples.row(self.name, name, self.unit);
            row.target = (self.target)(name).map(str::to_owned);
            if !rows.is_empty() {
                row.ratio = Some(ratio(&ours, &row.rounds));
            }
            rows.push(row);
        }
        rows
    }
}

/// Operations in a second.
pub(super) fn rate(load: &Load) -> f64 {
    load.rate()
}

/// MiB in a second.
pub(super) fn throughput(load: &Load) -> f64 {
    load.bytes as f64 / f64::from(1 << 20) / load.elapsed.as_secs_f64()
}
