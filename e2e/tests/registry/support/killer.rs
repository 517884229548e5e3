//! Kills, and starts again.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use slipway_e2e::registry_process::RegistryProcess;

use super::random::Random;
use super::stack::Stack;

pub(crate) struct Killer {
    random: Random,
    replicas: [usize; 2],
    workers: usize,
    databases: usize,
    /// What the restarts took: of servers, workers, the database.
    took: [Duration; 3],
}

impl Killer {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed ^ 0x6b69_6c6c),
            replicas: [0; 2],
            workers: 0,
            databases: 0,
            took: [Duration::ZERO; 3],
        }
    }

    pub(crate) fn summary(&self) -> String {
        format!(
            "killed serve-1 {}, serve-2 {}, worker {}, PostgreSQL {} times, which took {:.1?}",
            self.replicas[0], self.replicas[1], self.workers, self.databases, self.took
        )
    }

    /// So many kills, one after the other; fewer when the writers gave up.
    pub(crate) async fn kill(
        &mut self,
        stack: &mut Stack,
        kills: usize,
        over: impl Fn() -> bool,
    ) -> Result<()> {
        for _ in 0..kills {
            if over() {
                break;
            }
            // The jobs, too, are to be in the middle of something.
            run_jobs(stack)?;
            tokio::time::sleep(Duration::from_millis(self.random.between(50, 500))).await;
            for process in stack.replicas.iter_mut().chain(&mut stack.worker) {
                let status = process.status()?;
                ensure!(
                    status.is_none(),
                    "a process that nobody killed ended with {status:?}"
                );
            }
            let began = Instant::now();
            let kind = match self.random.between(0, 4) {
                victim @ (0 | 1) => {
                    let victim = usize::try_from(victim)?;
                    self.replicas[victim] += 1;
                    restart(&mut stack.replicas[victim]).await?;
                    0
                }
                2 => {
                    self.workers += 1;
                    if let Some(worker) = &mut stack.worker {
                        restart(worker).await?;
                    }
                    1
                }
                _ => {
                    self.databases += 1;
                    stack.postgres.kill()?;
                    stack.postgres.start_again()?;
                    stack.postgres.answers().await?;
                    2
                }
            };
            self.took[kind] += began.elapsed();
        }
        Ok(())
    }
}

async fn restart(process: &mut RegistryProcess) -> Result<()> {
    process.kill()?;
    process.start_again()?;
    process.ready().await?;
    Ok(())
}

/// Makes the schedules of expiry and collection due at once.
pub(crate) fn run_jobs(stack: &Stack) -> Result<()> {
    stack
        .postgres
        .sql("UPDATE job_schedules SET next_fire_at = now() WHERE enabled")
        .map(drop)
}

/// Days go by: leases, idle times, grace periods and the claims of the dead end. To be repeated until all is settled, as a
/// job that has just read the old times may write them once more.
pub(crate) fn time_passes(stack: &Stack) -> Result<()> {
    stack
        .postgres
        .sql(
            "UPDATE uploads SET touched_at = touched_at - interval '2 days', claimed_until = NULL
             WHERE touched_at > now() - interval '1 day';
             UPDATE repository_blobs SET leased_until = now() - interval '1 day' WHERE leased_until > now();
             UPDATE blob_reviews SET not_before = now() - interval '1 day' WHERE not_before > now();
             UPDATE jobs SET lease_until = now() - interval '1 minute'
             WHERE state = 'running' AND lease_until > now() + interval '1 hour'",
        )
        .map(drop)
}
