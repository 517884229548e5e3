//! Standing in memory: a pull asks the database for it once, not each time.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::kernel::access::{ProjectScope, Standing};
use crate::kernel::app::App;
use crate::kernel::caller::Caller;
use crate::kernel::coherence::Guarded;

/// How many callers times projects are remembered.
const CAPACITY: u64 = 20_000;

/// Whoever called lately, in the project that he called about.
pub(crate) type Standings = Guarded<(Account, Box<str>), Arc<Known>>;

/// An account, for as long as a process lives: ids are never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    Anonymous,
    User(i64),
    Robot(i64),
    System,
}

impl From<&Caller> for Account {
    fn from(caller: &Caller) -> Self {
        match caller {
            Caller::Anonymous => Self::Anonymous,
            Caller::User { id, .. } => Self::User(*id),
            Caller::Robot { id, .. } => Self::Robot(*id),
            Caller::System { .. } => Self::System,
        }
    }
}

/// A project and what a caller is in it.
#[derive(Debug)]
pub(crate) struct Known {
    /// The project.
    pub(crate) project: ProjectScope,
    /// The caller in it.
    pub(crate) standing: Standing,
    /// When the account expires: no table tells of that.
    until: Option<DateTime<Utc>>,
}

impl Default for Standings {
    fn default() -> Self {
        Self::new("standing", CAPACITY, |_, _| 1)
    }
}

/// As [`super::in_project`], from memory where that is known to be as good.
pub(crate) async fn in_project_known(
    app: &App,
    caller: &Caller,
    project: &str,
) -> Result<Option<Arc<Known>>> {
    let now = app.clock.now();
    let look_up = async || {
        let mut conn = app.pool.acquire().await?;
        let found = super::look_up(&mut conn, now, caller, project).await?;
        Ok(found.map(|(project, standing, until)| {
            Arc::new(Known {
                project,
                standing,
                until,
            })
        }))
    };
    let key = (Account::from(caller), Box::from(project));
    let good = |known: &Arc<Known>| known.until.is_none_or(|until| now < until);
    app.standings
        .get_if::<(Account, Box<str>), _>(&app.coherence, key, good, look_up)
        .await
}
