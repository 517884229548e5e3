//! `cargo xtask`: the commands of a contributor's day.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use slipway_e2e::{commands, install_tls_provider, local_cluster};

/// Starts, tests and checks Slipway.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A cluster with Slipway, a registry, a project and a pod pulled from it.
    Up(commands::up::Up),
    /// Removes everything that `up` made.
    Down(commands::down::Down),
    /// Runs the tests: everything, or one tier.
    Test(commands::test::Test),
    /// The registry under everything at once, for long.
    Soak(commands::soak::Soak),
    /// The management API held against its OpenAPI document, for long.
    Schemathesis(commands::schemathesis::Schemathesis),
    /// Slipway beside its peers: medians, ratios, memory.
    Bench(commands::bench::Bench),
    /// Formatting, lints, licences, dependency direction, drift of generated files.
    Check(commands::check::Check),
    /// Renews the committed files that are made from the code.
    Generate(commands::generate::Generate),
    /// The local cluster alone.
    Cluster(commands::cluster::Cluster),
    /// Builds and fetches every program the other commands need; prints where they are.
    Tools(commands::tools::Tools),
    /// What `cluster start` leaves running: machines, forwarders, storage.
    #[command(hide = true)]
    Supervise(local_cluster::supervisor::Supervise),
    /// The first process of a node.
    #[command(hide = true)]
    MachineInit(local_cluster::machine_init::MachineInit),
}

fn main() -> ExitCode {
    install_tls_provider();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
                tracing_subscriber::EnvFilter::new("warn,slipway_e2e=info,kube_client=off")
            }),
        )
        .with_writer(std::io::stderr)
        .init();
    let done = match Arguments::parse().command {
        Command::Up(up) => up.run(),
        Command::Down(down) => down.run(),
        Command::Test(test) => test.run(),
        Command::Soak(soak) => soak.run(),
        Command::Schemathesis(schemathesis) => schemathesis.run(),
        Command::Bench(bench) => bench.run(),
        Command::Check(check) => check.run(),
        Command::Generate(generate) => generate.run(),
        Command::Cluster(cluster) => cluster.run(),
        Command::Tools(tools) => tools.run(),
        Command::Supervise(supervise) => supervise.run(),
        Command::MachineInit(init) => init.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
