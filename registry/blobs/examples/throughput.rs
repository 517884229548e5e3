//! Measures the file system store beside what it is made of, several rounds in turn.
//!
//! `cargo run --release -p slipway-blobs --example throughput -- FOLDER [MEBIBYTES] [ROUNDS]`

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use futures::StreamExt;
use rand::Rng;
use slipway_blobs::{AppendOptions, BlobStore, Body, FilesystemStore, put};
use slipway_model::{Algorithm, Digest};

const MIB: usize = 1 << 20;
/// Size of the pieces of a body, about what hyper delivers from a fast client.
const PIECE: usize = 256 << 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf = arguments.next().ok_or("give a folder")?.into();
    let mebibytes = arguments.next().map_or(Ok(1024), |text| text.parse())?;
    let rounds = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let store = FilesystemStore::open(folder.join("throughput-store")).await?;
    let mut unit = vec![0; 64 * MIB];
    rand::rng().fill_bytes(&mut unit);
    let unit = Bytes::from(unit);
    let expected = hash(&unit, mebibytes);
    for round in 1..=rounds {
        println!("round {round}, {mebibytes} MiB, MiB/s:");
        let begin = Instant::now();
        let right = hash(&unit, mebibytes) == expected;
        report("sha256 alone, one thread", mebibytes, begin, right);
        let begin = Instant::now();
        plain_write(&folder.join("throughput-plain"), &unit, mebibytes)?;
        report("plain write + fsync", mebibytes, begin, true);
        let begin = Instant::now();
        let mut state = store.begin(Algorithm::Sha256).await?;
        store
            .append(&mut state, body(&unit, mebibytes), AppendOptions::default())
            .await?;
        let blob = store.finish(&state, &expected).await?;
        report("append + finish", mebibytes, begin, true);
        let begin = Instant::now();
        let mut stream = store.open(&blob.key, None).await?.stream;
        let mut read = 0;
        while let Some(piece) = stream.next().await {
            read += piece?.len();
        }
        report("read, warm", mebibytes, begin, read == mebibytes * MIB);
        store.delete(&blob.key).await?;
        small_blobs(&store, &unit, 8).await?;
    }
    fs::remove_dir_all(folder.join("throughput-store"))?;
    Ok(())
}

fn report(what: &str, mebibytes: usize, begin: Instant, right: bool) {
    let rate = mebibytes as f64 / begin.elapsed().as_secs_f64();
    println!("  {what:<28}{rate:>10.0}{}", if right { "" } else { "  WRONG" });
}

fn parts(unit: &Bytes, mebibytes: usize) -> impl Iterator<Item = Bytes> + use<> {
    let unit = unit.clone();
    (0..mebibytes * MIB / PIECE).map(move |part| {
        let start = part * PIECE % unit.len();
        unit.slice(start..start + PIECE)
    })
}

fn body(unit: &Bytes, mebibytes: usize) -> Body<'static> {
    futures::stream::iter(parts(unit, mebibytes).map(Ok)).boxed()
}

fn hash(unit: &Bytes, mebibytes: usize) -> Digest {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    parts(unit, mebibytes).for_each(|part| hasher.update(&part));
    Digest::from_raw(Algorithm::Sha256, &hasher.finalize())
}

fn plain_write(path: &Path, unit: &Bytes, mebibytes: usize) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts(unit, mebibytes) {
        file.write_all(&part)?;
    }
    file.sync_data()?;
    fs::remove_file(path)
}

/// Blobs of 10 KiB a second, durable, by `clients` at once.
async fn small_blobs(
    store: &FilesystemStore,
    unit: &Bytes,
    clients: usize,
) -> Result<(), slipway_blobs::BlobError> {
    let begin = Instant::now();
    let each = 100;
    let client = |client: usize| async move {
        for number in 0..each {
            let start = (client * each + number) * 1000;
            let bytes = unit.slice(start..start + (10 << 10));
            let digest = Digest::sha256(&bytes);
            let body = futures::stream::iter([Ok(bytes)]).boxed();
            let blob = put(store, body, &digest, None).await?;
            store.delete(&blob.key).await?;
        }
        Ok(())
    };
    for outcome in futures::future::join_all((0..clients).map(client)).await {
        outcome?;
    }
    let rate = (clients * each) as f64 / begin.elapsed().as_secs_f64();
    println!("  10 KiB blobs a second, {clients} clients{rate:>10.0}");
    Ok(())
}
