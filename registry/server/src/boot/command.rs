//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use super::{all, database, embedded, log, serve, verify, worker};
use crate::config::build::parse_address;
use crate::config::{Config, DatabaseConfig, reference};
use crate::features;

/// A private registry for container images.
#[derive(Parser)]
#[command(name = "slipway-registry", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers requests: any number of these share one database and one blob store.
    Serve {
        #[command(flatten)]
        settings: Settings,
        /// Where clients connect, such as 127.0.0.1:5000 or :5000; wins over the setting `listen`.
        #[arg(long, value_parser = parse_address)]
        listen: Option<SocketAddr>,
    },
    /// Does the work that nobody waits for: clearing up, schedules. Any number of these.
    Worker {
        #[command(flatten)]
        settings: Settings,
    },
    /// Brings the database's schema up to date. Safe to run several times, also at once.
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
    /// Compares the blob store with the database, in both directions, and says what it found. The registry may run meanwhile.
    ///
    /// Ends with 0 when all is well, 3 when only something that nobody needs is left over, 2 when blobs are missing or
    /// wrong, and 1 when it could not look.
    Verify {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        options: verify::Arguments,
    },
    /// Prints the OpenAPI description of the management API.
    Openapi,
    /// Prints the reference of all settings (Markdown).
    Settings,
    /// Everything in one process and one folder, with a PostgreSQL of its own; needs no settings.
    All {
        #[command(flatten)]
        settings: Settings,
        /// Everything is kept here.
        #[arg(long, env = "SLIPWAY_DATA_DIR", default_value = "./slipway-data")]
        data_dir: PathBuf,
        /// Where clients connect, such as 127.0.0.1:5000 or :5000; wins over the setting `listen`.
        #[arg(long, value_parser = parse_address)]
        listen: Option<SocketAddr>,
    },
    /// Becomes a program of the embedded PostgreSQL, without root's rights.
    #[command(hide = true, name = embedded::LAUNCH)]
    Launch(embedded::Launch),
}

#[derive(Args)]
struct Settings {
    /// The settings' file (YAML); environment variables such as SLIPWAY_LISTEN win over it.
    #[arg(long, env = "SLIPWAY_CONFIG")]
    config: Option<PathBuf>,
}

impl Settings {
    fn load(&self) -> anyhow::Result<Config> {
        // An empty variable is one that is not set.
        let file = self.config.as_deref().filter(|path| !path.as_os_str().is_empty());
        Ok(Config::load(file)?)
    }
}

/// Runs the program that the command line names.
pub(crate) fn run(cli: Cli) -> ExitCode {
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            log::fatal(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify { settings, options } => {
            let config = settings.load()?;
            log::start(&config.log);
            runtime()?.block_on(verify::run(config, options))
        }
        other => run_to_the_end(other).map(|()| ExitCode::SUCCESS),
    }
}

fn run_to_the_end(command: Command) -> anyhow::Result<()> {
    match command {
        // Has an exit code of its own.
        Command::Verify { .. } => Ok(()),
        Command::Serve { settings, listen } => {
            let mut config = settings.load()?;
            config.listen = listen.unwrap_or(config.listen);
            log::start(&config.log);
            runtime()?.block_on(serve::run(config))
        }
        Command::Worker { settings } => {
            let config = settings.load()?;
            log::start(&config.log);
            runtime()?.block_on(worker::run(config))
        }
        Command::Migrate { settings } => {
            let config = settings.load()?;
            log::start(&config.log);
            runtime()?.block_on(migrate(&config.database))
        }
        Command::Openapi => {
            println!("{}", features::openapi().to_pretty_json()?);
            Ok(())
        }
        Command::Settings => {
            print!("{}", reference::markdown());
            Ok(())
        }
        Command::All {
            settings,
            data_dir,
            listen,
        } => {
            let mut config = settings.load()?;
            config.listen = listen.unwrap_or(config.listen);
            log::start(&config.log);
            runtime()?.block_on(all::run(config, data_dir))
        }
        Command::Launch(launch) => embedded::launch(&launch),
    }
}

async fn migrate(config: &DatabaseConfig) -> anyhow::Result<()> {
    let pool = database::connect(config).await?;
    let (before, after) = database::migrate(&pool).await?;
    if before == after {
        println!("schema version {after}, nothing to do");
    } else {
        println!("schema version {after} (was {before})");
    }
    pool.close().await;
    Ok(())
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    rustls::crypto::ring::default_provider().install_default().ok();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}
