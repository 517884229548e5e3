//! Work that many ask for and that is done once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

type Running<T> = Arc<Mutex<HashMap<String, Flight<T>>>>;

/// Work that is under way in this process, by its key.
pub(super) struct Flights<T>(Running<T>)
where
    T: Clone;

/// One piece of it. It goes on when nobody waits any more.
#[derive(Clone)]
pub(super) struct Flight<T>
where
    T: Clone,
{
    begun: Instant,
    outcome: Shared<BoxFuture<'static, Option<T>>>,
}

impl<T: Clone> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// What is under way, or `work` from now on.
    pub(super) fn join<F>(&self, key: String, work: impl FnOnce() -> F) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut running = lock(&self.0);
        if let Some(flight) = running.get(&key) {
            return flight.clone();
        }
        let landing = Landing {
            running: self.0.clone(),
            key: key.clone(),
        };
        let work = work();
        let task = tokio::spawn(async move {
            let outcome = work.await;
            drop(landing);
            outcome
        });
        let flight = Flight {
            begun: Instant::now(),
            outcome: async move { task.await.ok() }.boxed().shared(),
        };
        running.insert(key, flight.clone());
        flight
    }
}

impl<T: Clone> Flight<T> {
    /// The outcome, unless it takes longer than this from the beginning of the work on: who joins late waits less.
    pub(super) async fn within(self, budget: Duration) -> Option<T> {
        tokio::time::timeout_at(self.begun + budget, self.outcome)
            .await
            .ok()
            .flatten()
    }
}

/// Takes the work off the list when it ends, also by a panic.
struct Landing<T: Clone> {
    running: Running<T>,
    key: String,
}

impl<T: Clone> Drop for Landing<T> {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.key);
    }
}

fn lock<T: Clone>(running: &Running<T>) -> MutexGuard<'_, HashMap<String, Flight<T>>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hundred_callers_one_piece_of_work() {
        let (flights, count) = (Flights::<u32>::default(), Arc::new(AtomicUsize::new(0)));
        let join = || {
            let count = count.clone();
            flights.join("a".to_owned(), || async move {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(5)).await;
                7
            })
        };
        let all: Vec<_> = (0..100).map(|_| join().within(Duration::from_secs(9))).collect();
        assert!(
            futures::future::join_all(all)
                .await
                .iter()
                .all(|outcome| *outcome == Some(7))
        );
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert_eq!(join().within(Duration::from_secs(9)).await, Some(7));
        assert_eq!(count.load(Ordering::SeqCst), 2, "what has landed is begun anew");
    }

    #[tokio::test(start_paused = true)]
    async fn who_joins_late_waits_less_and_the_work_goes_on() {
        let flights = Flights::<u32>::default();
        let work = || async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            7
        };
        let (budget, begun) = (Duration::from_secs(2), Instant::now());
        assert_eq!(flights.join("a".to_owned(), work).within(budget).await, None);
        assert_eq!(begun.elapsed(), budget);
        for _ in 0..100 {
            assert_eq!(flights.join("a".to_owned(), work).within(budget).await, None);
        }
        assert_eq!(begun.elapsed(), budget, "nobody waits a second time");
        assert_eq!(
            flights
                .join("a".to_owned(), work)
                .within(Duration::from_secs(60))
                .await,
            Some(7)
        );
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_panic_ends_the_work_and_not_the_list() {
        let flights = Flights::<u32>::default();
        let broken = flights.join("a".to_owned(), || async { panic!("on purpose") });
        assert_eq!(broken.within(Duration::from_secs(5)).await, None);
        let again = flights.join("a".to_owned(), || async { 3 });
        assert_eq!(again.within(Duration::from_secs(5)).await, Some(3));
    }
}
