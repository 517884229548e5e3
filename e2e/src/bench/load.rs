//! Reads in a closed loop: each connection sends its next request when the answer to the last one is complete.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;

use super::random::Random;
use super::wire::Connection;

/// What is read: one of many things that differ in a word of the path only. Requests are put together from prepared parts.
#[derive(Debug)]
pub(super) struct Reads {
    before: Vec<u8>,
    after: Vec<u8>,
    things: Vec<Thing>,
    is_head: bool,
}

/// A word of the path, and the length that the answer must have where it is known.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) word: String,
    pub(super) length: Option<u64>,
}

impl Thing {
    pub(super) fn new(word: impl Into<String>, length: impl Into<Option<u64>>) -> Self {
        Self {
            word: word.into(),
            length: length.into(),
        }
    }
}

impl Reads {
    /// `method path{thing}`, with these header lines (each ended by CRLF).
    pub(super) fn new(method: &str, host: &str, path: &str, headers: &str, things: Vec<Thing>) -> Self {
        Self {
            before: format!("{method} {path}").into_bytes(),
            after: format!(" HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n").into_bytes(),
            things,
            is_head: method == "HEAD",
        }
    }

    fn write(&self, thing: &Thing, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.before);
        request.extend_from_slice(thing.word.as_bytes());
        request.extend_from_slice(&self.after);
    }
}

/// What a sample came to.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) operations: u64,
    pub(super) bytes: u64,
    pub(super) elapsed: Duration,
    /// Of each operation.
    pub(super) latencies: Vec<Duration>,
}

impl Load {
    /// Operations in a second.
    pub(super) fn rate(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64()
    }

    /// Adds what another client did in the same time.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.operations += other.operations;
        self.bytes += other.bytes;
        self.elapsed = self.elapsed.max(other.elapsed);
        self.latencies.extend(other.latencies);
        self
    }
}

/// Reads for at least this long on so many connections; anything but a 200 of the right length is an error.
pub(super) async fn read(
    address: &str,
    reads: &Reads,
    connections: usize,
    duration: Duration,
) -> Result<Load> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let until = Instant::now() + duration;
    let clients = opened
        .into_iter()
        .zip(1..)
        .map(|(connection, seed)| client(connection, reads, Random::new(seed), until));
    let loads = try_join_all(clients).await?;
    Ok(loads.into_iter().fold(Load::default(), Load::join))
}

async fn client(
    mut connection: Connection,
    reads: &Reads,
    mut random: Random,
    until: Instant,
) -> Result<Load> {
    let mut load = Load {
        latencies: Vec::with_capacity(1 << 16),
        ..Load::default()
    };
    let mut request = Vec::with_capacity(4096);
    let began = Instant::now();
    let mut last = began;
    while last < until {
        let thing = &reads.things[random.below(reads.things.len())];
        reads.write(thing, &mut request);
        connection.send(&request, &[]).await?;
        let answer = connection.answer(reads.is_head, |_| ()).await?;
        ensure!(
            answer.status == 200 && thing.length.is_none_or(|length| length == answer.length),
            "{} answered with status {} and {} bytes",
            String::from_utf8_lossy(&request)
                .lines()
                .next()
                .unwrap_or_default(),
            answer.status,
            answer.length
        );
        let now = Instant::now();
        load.operations += 1;
        load.bytes += if reads.is_head { 0 } else { answer.length };
        load.latencies.push(now - last);
        last = now;
    }
    load.elapsed = last - began;
    Ok(load)
}
