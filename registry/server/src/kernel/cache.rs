//! The shared cache: Redis where it is configured, otherwise this process's memory. Flushing it at any time loses nothing but
//! speed, so its failures are misses, logged once a minute at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache as Moka;
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

/// Keys with a life of their own.
#[derive(Clone)]
pub(crate) struct Cache {
    memory: Moka<String, Entry>,
    /// Texts, with those that Redis holds as well.
    texts: Moka<String, Text>,
    redis: Option<Redis>,
}

#[derive(Clone)]
struct Redis {
    connection: ConnectionManager,
    started: Instant,
    /// Seconds since `started` at the last warning, plus one.
    warned: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Entry {
    count: i64,
    life: Duration,
}

#[derive(Clone)]
struct Text {
    text: Arc<str>,
    life: Duration,
    /// Redis has it too: where it lacks it, it was removed there.
    shared: bool,
}

struct Life;

impl Expiry<String, Text> for Life {
    fn expire_after_create(&self, _: &String, entry: &Text, _: Instant) -> Option<Duration> {
        Some(entry.life)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Text,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.life)
    }
}

impl Expiry<String, Entry> for Life {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.life)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.life)
    }
}

impl Cache {
    /// In this process only.
    pub(crate) fn memory() -> Self {
        Self {
            memory: Moka::builder().max_capacity(100_000).expire_after(Life).build(),
            texts: Moka::builder().max_capacity(100_000).expire_after(Life).build(),
            redis: None,
        }
    }

    /// In Redis, with this process's memory for when it does not answer.
    pub(crate) fn redis(connection: ConnectionManager) -> Self {
        let redis = Redis {
            connection,
            started: Instant::now(),
            warned: Arc::default(),
        };
        Self {
            redis: Some(redis),
            ..Self::memory()
        }
    }

    /// Raises a counter, whose life starts anew, and says where it stands.
    pub(crate) async fn increment(&self, key: &str, life: Duration) -> i64 {
        if let Some(redis) = &self.redis {
            let seconds = i64::try_from(life.as_secs().max(1)).unwrap_or(i64::MAX);
            let mut pipe = redis::pipe();
            pipe.atomic().incr(key, 1_i64).expire(key, seconds).ignore();
            let answer: redis::RedisResult<(i64,)> = pipe.query_async(&mut redis.connection.clone()).await;
            match answer {
                Ok((count,)) => return count,
                Err(error) => redis.warn(&error),
            }
        }
        let entry = self.memory.entry(key.to_owned()).and_upsert_with(|old| Entry {
            count: old.map_or(0, |old| old.into_value().count).saturating_add(1),
            life,
        });
        entry.into_value().count
    }

    /// Where a counter stands.
    pub(crate) async fn count(&self, key: &str) -> i64 {
        if let Some(redis) = &self.redis {
            let answer: redis::RedisResult<Option<i64>> = redis.connection.clone().get(key).await;
            match answer {
                Ok(count) => return count.unwrap_or(0),
                Err(error) => redis.warn(&error),
            }
        }
        self.memory.get(key).map_or(0, |entry| entry.count)
    }

    /// Keeps a text for so long.
    pub(crate) async fn put_text(&self, key: &str, text: &str, life: Duration) {
        let mut shared = false;
        if let Some(redis) = &self.redis {
            let seconds = life.as_secs().max(1);
            let answer: redis::RedisResult<()> = redis.connection.clone().set_ex(key, text, seconds).await;
            shared = answer.is_ok();
            if let Err(error) = answer {
                redis.warn(&error);
            }
        }
        let entry = Text {
            text: Arc::from(text),
            life,
            shared,
        };
        self.texts.insert(key.to_owned(), entry);
    }

    /// A text that was kept. While Redis does not answer, what this process knows counts.
    pub(crate) async fn text(&self, key: &str) -> Option<Arc<str>> {
        let mut answered = false;
        if let Some(redis) = &self.redis {
            let answer: redis::RedisResult<Option<String>> = redis.connection.clone().get(key).await;
            match answer {
                Ok(Some(text)) => return Some(Arc::from(text)),
                Ok(None) => answered = true,
                Err(error) => redis.warn(&error),
            }
        }
        let known = self.texts.get(key)?;
        (!answered || !known.shared).then_some(known.text)
    }

    /// Forgets a key.
    pub(crate) async fn remove(&self, key: &str) {
        if let Some(redis) = &self.redis {
            let answer: redis::RedisResult<()> = redis.connection.clone().del(key).await;
            if let Err(error) = answer {
                redis.warn(&error);
            }
        }
        self.memory.invalidate(key);
        self.texts.invalidate(key);
    }
}

impl Redis {
    fn warn(&self, error: &redis::RedisError) {
        let now = self.started.elapsed().as_secs() + 1;
        let last = self.warned.load(Ordering::Relaxed);
        if last == 0 || now >= last + 60 {
            self.warned.store(now, Ordering::Relaxed);
            tracing::warn!(%error, "the cache does not answer; going on without it");
        }
    }
}
