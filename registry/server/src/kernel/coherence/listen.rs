//! The listening connection.

use std::time::{Duration, Instant};

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{Acquire, PgPool};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Ask;
use super::change::{CHANNEL, apply, forget_everything};
use super::store::{self, Connection};
use crate::kernel::app::App;

/// How often the connection is tried when nobody asks.
const BEAT: Duration = Duration::from_millis(250);
/// A round trip that takes longer means that the connection is broken.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(500);

/// Listens until `stop`. While it cannot, every read asks the database.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let Some(mut asked) = app.coherence.take_asked() else {
        return;
    };
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with((*app.pool.connect_options()).clone());
    loop {
        let ended = tokio::select! {
            () = stop.cancelled() => break,
            ended = session(&app, &pool, &mut asked) => ended,
        };
        tracing::warn!(cause = %ended, "not hearing of changes: every read asks the database meanwhile");
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    lost(&app);
}

/// Memory is empty and unused after this; whoever waits may be told so.
fn lost(app: &App) {
    app.coherence.close();
    forget_everything(app);
}

/// One connection, to its end; says what ended it.
async fn session(app: &App, pool: &PgPool, asked: &mut UnboundedReceiver<Ask>) -> String {
    let (mut listener, connection) = match connect(pool).await {
        Ok(connected) => connected,
        Err(cause) => {
            lost(app);
            return cause;
        }
    };
    // In this order: whoever changes something from here on waits; whatever was kept before is forgotten.
    app.coherence.open();
    forget_everything(app);
    tracing::debug!("hearing of changes");

    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut waiting: Vec<Ask> = Vec::new();
    let ended = loop {
        tokio::select! {
            heard = listener.try_recv() => match heard {
                Ok(Some(notification)) => {
                    apply(app, notification.payload());
                    continue;
                }
                Ok(None) => break "the connection was lost".to_owned(),
                Err(error) => break error.to_string(),
            },
            ask = asked.recv() => waiting.extend(ask),
            _ = beat.tick() => {}
        }
        while let Ok(ask) = asked.try_recv() {
            waiting.push(ask);
        }
        let begun = Instant::now();
        let answer = round_trip(&mut listener).await;
        while let Some(notification) = listener.next_buffered() {
            apply(app, notification.payload());
        }
        match answer {
            Ok(now) if now == connection => app.coherence.renew(begun),
            Ok(_) => break "the connection is another one now".to_owned(),
            Err(cause) => break cause,
        }
        for ask in waiting.drain(..) {
            ask.send(()).ok();
        }
    };
    lost(app);
    ended
}

async fn connect(pool: &PgPool) -> Result<(PgListener, Connection), String> {
    let connect = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let connected = timeout(Duration::from_secs(5), connect).await;
    let mut listener = connected
        .map_err(|_| "the database does not answer".to_owned())?
        .map_err(|error| error.to_string())?;
    let connection = round_trip(&mut listener).await?;
    if !connection.listens {
        return Err("the connection does not listen: is there a pooler that shares connections?".to_owned());
    }
    if connection.standby {
        return Err("this server is a standby".to_owned());
    }
    Ok((listener, connection))
}

async fn round_trip(listener: &mut PgListener) -> Result<Connection, String> {
    let trip = async {
        let conn = listener.acquire().await?;
        store::connection(conn, CHANNEL).await
    };
    match timeout(PATIENCE, trip).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("no answer on the listening connection".to_owned()),
    }
}
