use super::*;

const IDLE: Duration = Duration::from_secs(5);

fn pieces(sizes: &[usize]) -> Body {
    let pieces: Vec<_> = sizes
        .iter()
        .map(|size| Ok::<_, BoxError>(Bytes::from(vec![7; *size])))
        .collect();
    Body::from_stream(stream::iter(pieces))
}

async fn drain(incoming: &mut Incoming, length: u64) -> Result<usize, String> {
    let mut part = incoming.part(length);
    let mut sum = 0;
    while let Some(piece) = part.next().await {
        sum += piece.map_err(|error| error.to_string())?.len();
    }
    Ok(sum)
}

#[tokio::test]
async fn a_body_comes_in_parts() {
    let mut incoming = Incoming::new(pieces(&[10, 10, 10, 5]), Some(35), IDLE);
    assert_eq!(drain(&mut incoming, 15).await, Ok(20));
    assert!(!incoming.ended());
    assert_eq!(drain(&mut incoming, 15).await, Ok(15));
    assert_eq!(drain(&mut incoming, 15).await, Ok(0));
    assert!(incoming.ended());
}

#[tokio::test]
async fn a_promise_is_kept_exactly() {
    let short = drain(&mut Incoming::new(pieces(&[10]), Some(11), IDLE), 100).await;
    assert_eq!(short, Err("10 bytes arrived of the 11 that were promised".into()));
    let long = drain(&mut Incoming::new(pieces(&[10, 2]), Some(11), IDLE), 100).await;
    assert_eq!(
        long,
        Err("more than the 11 bytes that were promised arrived".into())
    );
    assert_eq!(
        drain(&mut Incoming::new(pieces(&[]), Some(0), IDLE), 100).await,
        Ok(0)
    );
    assert_eq!(
        drain(&mut Incoming::new(pieces(&[3]), None, IDLE), 100).await,
        Ok(3)
    );
}

#[tokio::test(start_paused = true)]
async fn p14_idle_time_counts_and_total_time_does_not() {
    let trickle = stream::unfold(0, |n| async move {
        tokio::time::sleep(Duration::from_secs(4)).await;
        (n < 1000).then(|| (Ok::<_, BoxError>(Bytes::from_static(b"x")), n + 1))
    });
    assert_eq!(
        drain(&mut Incoming::new(Body::from_stream(trickle), None, IDLE), 5000).await,
        Ok(1000)
    );
    let stuck = stream::once(async { Ok::<_, BoxError>(Bytes::from_static(b"x")) }).chain(stream::pending());
    let fault = drain(&mut Incoming::new(Body::from_stream(stuck), None, IDLE), 100).await;
    assert_eq!(fault, Err("no byte arrived for 5 seconds".into()));
}
