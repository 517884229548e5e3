//! Harbor's settings: what `PUT /configurations` changes. They stand in the database; every process reads them again twice a
//! second as long as requests come, so a change bites on every replica within a second.

pub(crate) mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgPool;

use super::store;
use crate::config::{Config, RobotNames};
use crate::error::Result;

/// Read again after this long.
const FRESH: Duration = Duration::from_millis(500);
/// Waited for no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// A setting that the settings file or the environment decides.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pin {
    /// Its value, in Harbor's form.
    pub(crate) value: Value,
    /// Where it is set, in words: `SLIPWAY_TOKEN_LIFETIME (environment)`.
    pub(crate) origin: String,
}

/// The settings at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, Value>,
    robot: RobotNames,
    token_lifetime: Duration,
}

impl Settings {
    /// From what the process was started with and what stands in the database.
    fn new(config: &Config, stored: Vec<(String, Value)>) -> Self {
        let mut values: BTreeMap<&'static str, Value> = table::SETTINGS
            .iter()
            .map(|setting| (setting.key, setting.default()))
            .collect();
        values.insert("robot_name_prefix", json!(config.robot.prefix));
        values.insert("token_expiration", json!(minutes(config.token.lifetime)));
        for (key, value) in stored {
            // What another release stored and this one does not take is as if it were not set.
            if let Some(setting) = table::find(&key)
                && (setting.is_secret() || setting.check(&value).is_ok())
            {
                values.insert(setting.key, value);
            }
        }
        for (key, pin) in &config.pins {
            values.insert(*key, pin.value.clone());
        }
        let number = |key| values.get(key).and_then(Value::as_u64).unwrap_or_default();
        let token_lifetime = match config.pins.contains_key("token_expiration") {
            true => config.token.lifetime,
            false => Duration::from_secs(number("token_expiration") * 60),
        };
        let prefix = values.get("robot_name_prefix").and_then(Value::as_str);
        let robot = RobotNames {
            prefix: prefix.unwrap_or(&config.robot.prefix).to_owned(),
            separator: config.robot.separator.clone(),
        };
        Self {
            values,
            robot,
            token_lifetime,
        }
    }

    /// Any setting's value; that of a secret is sealed.
    pub(crate) fn value(&self, key: &str) -> Value {
        self.values.get(key).cloned().unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.values.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    fn number(&self, key: &str) -> i64 {
        self.values.get(key).and_then(Value::as_i64).unwrap_or_default()
    }

    fn text(&self, key: &str) -> &str {
        self.values.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Is nothing to be changed at the moment?
    pub(crate) fn read_only(&self) -> bool {
        self.flag("read_only")
    }

    /// May people make accounts for themselves?
    pub(crate) fn self_registration(&self) -> bool {
        self.flag("self_registration")
    }

    /// May only administrators make projects?
    pub(crate) fn only_administrators_create_projects(&self) -> bool {
        self.text("project_creation_restriction") == "adminonly"
    }

    /// Bytes that a new project may hold, -1 without limit.
    pub(crate) fn storage_per_project(&self) -> i64 {
        match self.flag("quota_per_project_enable") {
            true => self.number("storage_per_project"),
            false => -1,
        }
    }

    /// Days that a robot lives whose maker does not say.
    pub(crate) fn robot_duration(&self) -> i64 {
        self.number("robot_token_duration")
    }

    /// How robots' full names are built.
    pub(crate) fn robot(&self) -> &RobotNames {
        &self.robot
    }

    /// How long a token is good for.
    pub(crate) fn token_lifetime(&self) -> Duration {
        self.token_lifetime
    }

    /// How long a session lives without a request.
    pub(crate) fn session_timeout(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.number("session_timeout")).unwrap_or(60) * 60)
    }
}

/// Whole minutes, not less than the duration.
pub(crate) fn minutes(duration: Duration) -> u64 {
    duration.as_secs().div_ceil(60)
}

/// The settings, kept fresh.
pub(crate) struct CurrentSettings {
    current: RwLock<(Arc<Settings>, Option<Instant>)>,
    reading: tokio::sync::Mutex<()>,
}

impl CurrentSettings {
    /// As the process was started; the database was not asked yet.
    pub(crate) fn new(config: &Config) -> Self {
        let settings = Settings::new(config, Vec::new());
        Self {
            current: RwLock::new((Arc::new(settings), None)),
            reading: tokio::sync::Mutex::new(()),
        }
    }

    /// What a setting is while the database says nothing about it.
    pub(crate) fn initial(&self, config: &Config, key: &str) -> Value {
        Settings::new(config, Vec::new()).value(key)
    }

    /// As they were read last.
    pub(crate) fn now(&self) -> Arc<Settings> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.0)
    }

    /// Reads them again where that is due. While the database does not answer, the last ones count.
    pub(crate) async fn refresh(&self, pool: &PgPool, config: &Config) {
        if self.age().is_some_and(|age| age < FRESH) {
            return;
        }
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            // Somebody else reads; that his answer comes soon is good enough for a while.
            Err(_) if self.age().is_some_and(|age| age < FRESH + FRESH / 2) => return,
            Err(_) => self.reading.lock().await,
        };
        if self.age().is_some_and(|age| age < FRESH) {
            return;
        }
        match tokio::time::timeout(PATIENCE, self.read(pool, config)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    ?error,
                    "the settings could not be read; going on with the last ones"
                );
                self.touch();
            }
            Err(_) => {
                tracing::warn!("the settings could not be read in time; going on with the last ones");
                self.touch();
            }
        }
    }

    /// Reads them now.
    pub(crate) async fn read(&self, pool: &PgPool, config: &Config) -> Result<()> {
        let started = Instant::now();
        let stored = {
            let mut conn = pool.acquire().await?;
            store::settings(&mut conn).await?
        };
        let settings = Arc::new(Settings::new(config, stored));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // What was asked for later is newer.
        if current.1.is_none_or(|before| before <= started) {
            *current = (settings, Some(started));
        }
        Ok(())
    }

    fn age(&self) -> Option<Duration> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.1.map(|at| at.elapsed())
    }

    fn touch(&self) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.1 = Some(Instant::now());
    }
}
