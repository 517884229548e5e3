use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::{Coherence, Guarded, WINDOW};

type Numbers = Guarded<Box<str>, u32>;

fn numbers() -> Numbers {
    Numbers::new("test", 1000, |_, _| 1)
}

async fn get(
    numbers: &Numbers,
    coherence: &Coherence,
    look_up: impl AsyncFnOnce() -> Option<u32>,
) -> Option<u32> {
    let found = numbers
        .get::<str, _>(coherence, "key", async || Ok::<_, Infallible>(look_up().await))
        .await;
    found.unwrap()
}

async fn never() -> Option<u32> {
    panic!("it was in memory")
}

#[tokio::test]
async fn a_value_is_looked_up_once_while_the_window_is_open() {
    let (numbers, coherence) = (numbers(), Coherence::default());
    coherence.renew(Instant::now());
    assert_eq!(get(&numbers, &coherence, async || Some(1)).await, Some(1));
    assert_eq!(get(&numbers, &coherence, never).await, Some(1));
    numbers.forget("other");
    assert_eq!(get(&numbers, &coherence, never).await, Some(1));
    numbers.forget("key");
    assert_eq!(get(&numbers, &coherence, async || Some(2)).await, Some(2));
    numbers.clear();
    assert_eq!(get(&numbers, &coherence, async || None).await, None);
    assert_eq!(
        get(&numbers, &coherence, async || Some(3)).await,
        Some(3),
        "what is absent is not kept"
    );
}

#[tokio::test]
async fn a_value_that_changed_while_it_was_looked_up_is_not_kept() {
    let (numbers, coherence) = (numbers(), Coherence::default());
    coherence.renew(Instant::now());
    let one = get(&numbers, &coherence, async || {
        numbers.forget("key");
        Some(1)
    });
    assert_eq!(one.await, Some(1));
    let two = get(&numbers, &coherence, async || {
        numbers.clear();
        Some(2)
    });
    assert_eq!(two.await, Some(2));
    assert_eq!(get(&numbers, &coherence, async || Some(3)).await, Some(3));
}

#[tokio::test]
async fn memory_is_not_used_without_a_fresh_round_trip() {
    let (numbers, coherence) = (numbers(), Coherence::default());
    assert_eq!(get(&numbers, &coherence, async || Some(1)).await, Some(1));
    coherence.renew(Instant::now());
    assert_eq!(
        get(&numbers, &coherence, async || Some(2)).await,
        Some(2),
        "nothing was kept before"
    );
    tokio::time::sleep(WINDOW + Duration::from_millis(20)).await;
    assert_eq!(
        get(&numbers, &coherence, async || Some(3)).await,
        Some(3),
        "the window closed"
    );
    coherence.renew(Instant::now());
    assert_eq!(get(&numbers, &coherence, never).await, Some(2));
    coherence.close();
    assert_eq!(get(&numbers, &coherence, async || Some(4)).await, Some(4));
    coherence.settle().await;
}
