use std::fs;
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use futures::StreamExt;
use tempfile::TempDir;

use super::*;
use crate::contract::{body, content, contract, noise, pieces, stored};

contract!(fresh());

/// A store in a folder that goes with it.
struct Fresh {
    store: FilesystemStore,
    folder: TempDir,
}

impl Deref for Fresh {
    type Target = FilesystemStore;
    fn deref(&self) -> &FilesystemStore {
        &self.store
    }
}

async fn fresh() -> Fresh {
    limited(u64::MAX).await
}

async fn limited(file_limit: u64) -> Fresh {
    let folder = TempDir::new().unwrap();
    let store = FilesystemStore::open_limited(folder.path().join("store"), file_limit)
        .await
        .unwrap();
    Fresh { store, folder }
}

#[tokio::test]
async fn a_second_process_goes_on_with_an_upload() {
    let first = fresh().await;
    let bytes = noise(1, 2_000_000);
    let mut state = first.begin(Algorithm::Sha256).await.unwrap();
    first
        .append(
            &mut state,
            body([bytes.slice(..1_000_000)]),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let second = FilesystemStore::open(first.folder.path().join("store"))
        .await
        .unwrap();
    second
        .append(
            &mut state,
            body([bytes.slice(1_000_000..)]),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let blob = first.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(&second, &blob).await == bytes);
}

#[tokio::test]
async fn an_upload_whose_bytes_are_lost_is_unknown() {
    let store = fresh().await;
    let bytes = noise(2, 10_000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([bytes.clone()]), AppendOptions::default())
        .await
        .unwrap();
    let file = fs::File::options()
        .write(true)
        .open(store.inner.layout.upload(state.id()))
        .unwrap();
    file.set_len(9_999).unwrap();
    let append = store
        .append(&mut state, body([bytes.clone()]), AppendOptions::default())
        .await;
    assert!(matches!(append, Err(BlobError::UploadUnknown)), "{append:?}");
    let finish = store.finish(&state, &Digest::sha256(&bytes)).await;
    assert!(matches!(finish, Err(BlobError::UploadUnknown)), "{finish:?}");
    assert_eq!(store.list(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_full_disk_gives_back_what_did_not_fit() {
    let store = limited(2_000_000).await;
    let bytes = noise(3, 1_900_000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(
            &mut state,
            body([bytes.slice(..500_000)]),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let full = store
        .append(
            &mut state,
            pieces(noise(4, 5_000_000), 60_000),
            AppendOptions::default(),
        )
        .await;
    assert!(matches!(full, Err(BlobError::StorageFull)), "{full:?}");
    assert_eq!(state.received(), 500_000);
    assert_eq!(store.list_uploads(None, 10).await.unwrap()[0].size, 500_000);
    store
        .append(
            &mut state,
            body([bytes.slice(500_000..)]),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let blob = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(&*store, &blob).await == bytes);
}

/// LESSONS-protocol P16 on a real file system of 2 MB, where this process may mount one.
#[tokio::test]
async fn a_full_tmpfs_refuses_the_large_and_takes_the_small() {
    let folder = TempDir::new().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2M,nr_inodes=10000", "slipway-test"])
        .arg(folder.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped: this process may not mount a tmpfs");
        return;
    }
    let _unmount = Unmount(folder.path());
    let store = FilesystemStore::open(folder.path()).await.unwrap();
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    let full = store
        .append(
            &mut state,
            pieces(noise(5, 8_000_000), 100_000),
            AppendOptions::default(),
        )
        .await;
    assert!(matches!(full, Err(BlobError::StorageFull)), "{full:?}");
    assert_eq!(state.received(), 0);
    let small = stored(&store, &noise(6, 100_000)).await;
    assert_eq!(content(&store, &small).await, noise(6, 100_000));
    store.health().await.unwrap();
    fs::write(folder.path().join("ballast"), vec![0; 4 << 20]).unwrap_err();
    assert!(matches!(store.health().await, Err(BlobError::StorageFull)));
    fs::remove_file(folder.path().join("ballast")).unwrap();
    store.health().await.unwrap();
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test]
async fn modes_let_another_user_of_the_group_go_on() {
    let store = fresh().await;
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([noise(7, 10)]), AppendOptions::default())
        .await
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let upload = store.inner.layout.upload(state.id());
    assert_eq!(mode(&upload), 0o660);
    assert_eq!(mode(upload.parent().unwrap()), 0o770);
    let blob = store
        .finish(&state, &Digest::sha256(&noise(7, 10)))
        .await
        .unwrap();
    let path = store.inner.layout.blob(&blob.key).unwrap();
    assert_eq!(mode(&path), 0o660);
    for folder in path.ancestors().skip(1).take(3) {
        assert_eq!(mode(folder), 0o770, "{}", folder.display());
    }
}

/// Runs this test again as another user of group 0 in the same folder, where `setpriv` may change the user.
#[tokio::test]
async fn any_user_of_the_group_can_work_in_the_folder() {
    const FOLDER: &str = "SLIPWAY_TEST_OTHER_USER_FOLDER";
    if let Ok(folder) = std::env::var(FOLDER) {
        let store = FilesystemStore::open(folder).await.unwrap();
        store.health().await.unwrap();
        let upload = store.list_uploads(None, 1).await.unwrap().remove(0);
        assert_eq!(store.abort(&upload.handle).await.unwrap(), 10);
        let blob = store.list(None, 1).await.unwrap().remove(0);
        assert_eq!(store.delete(&blob.key).await.unwrap().bytes(), 20);
        stored(&store, &noise(8, 30)).await;
        return;
    }
    let store = fresh().await;
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([noise(7, 10)]), AppendOptions::default())
        .await
        .unwrap();
    stored(&*store, &noise(7, 20)).await;
    let root = store.folder.path().join("store");
    for folder in [store.folder.path(), &root] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o770)).unwrap();
    }
    let program = store.folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let child = Command::new("setpriv")
        .args(["--reuid", "54321", "--regid", "0", "--clear-groups", "--"])
        .arg(&program)
        .args([
            "--exact",
            "filesystem::tests::any_user_of_the_group_can_work_in_the_folder",
        ])
        .env(FOLDER, &root)
        .output();
    let Ok(output) = child else {
        return eprintln!("skipped: no setpriv");
    };
    if String::from_utf8_lossy(&output.stderr).contains("setpriv:") {
        return eprintln!("skipped: this process may not change its user");
    }
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let blob = store.list(None, 10).await.unwrap().remove(0);
    assert_eq!(blob.stat.size, 30);
    assert_eq!(
        fs::metadata(store.inner.layout.blob(&blob.key).unwrap())
            .unwrap()
            .uid(),
        54321
    );
    store.delete(&blob.key).await.unwrap();
}

#[tokio::test]
async fn a_failing_store_says_so_and_recovers() {
    let store = fresh().await;
    let uploads = store.inner.layout.uploads().to_owned();
    let away = store.folder.path().join("away");
    fs::rename(&uploads, &away).unwrap();
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    let append = store
        .append(&mut state, body([noise(9, 10)]), AppendOptions::default())
        .await;
    assert!(matches!(append, Err(BlobError::Unavailable { .. })), "{append:?}");
    assert!(matches!(store.health().await, Err(BlobError::Unavailable { .. })));
    fs::rename(&away, &uploads).unwrap();
    store
        .append(&mut state, body([noise(9, 10)]), AppendOptions::default())
        .await
        .unwrap();
    store
        .finish(&state, &Digest::sha256(&noise(9, 10)))
        .await
        .unwrap();
}

#[tokio::test]
async fn many_slow_readers_keep_memory_bounded() {
    let store = fresh().await;
    let bytes = noise(10, 4_000_000);
    let blob = stored(&*store, &bytes).await;
    let mut readers = Vec::new();
    for _ in 0..200 {
        let mut stream = store.open(&blob.key, None).await.unwrap().stream;
        let first: Bytes = stream.next().await.unwrap().unwrap();
        readers.push((first, stream));
    }
    let small = readers.iter().filter(|(first, _)| first.len() < 1 << 20).count();
    assert!(small > 150, "{small} of 200 readers got small pieces");
    for (first, mut stream) in readers {
        let mut read = first.to_vec();
        while let Some(piece) = stream.next().await {
            read.extend_from_slice(&piece.unwrap());
        }
        assert!(read == bytes);
    }
    assert_eq!(store.inner.buffers.in_use(), 0);
}

#[tokio::test]
async fn of_many_deletions_one_that_fails_does_not_hold_the_others_up() {
    let store = fresh().await;
    let mut keys = Vec::new();
    for seed in 0..9 {
        keys.push(stored(&*store, &noise(seed, 100)).await.key);
    }
    let stuck = store.folder.path().join("store/blobs").join(keys[5].as_str());
    fs::remove_file(&stuck).unwrap();
    fs::create_dir(&stuck).unwrap();
    let answers = store.delete_many(&keys).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(deletion) => assert_eq!((n != 5, deletion.bytes()), (true, 100)),
            Err(error) => assert!(
                n == 5 && matches!(error, BlobError::Unavailable { .. }),
                "{error:?}"
            ),
        }
    }
}
