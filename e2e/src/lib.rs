//! Everything that Slipway needs to prove itself: a real Kubernetes on one
//! machine, the tools and images for it, and the words that scenarios are written in.

pub mod bench;
pub mod checks;
pub mod commands;
pub mod local_cluster;
pub mod paths;
pub mod platform;
pub mod progress;
pub mod registry_process;
pub mod scenario;
pub mod services;
pub mod shell;
pub mod story;
pub mod tools;

/// Makes *ring* the process's TLS provider; needed once before any client is built.
///
/// A second call changes nothing, so every entry point may call it.
pub fn install_tls_provider() {
    // The error only says that a provider is already there, which is what is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
}
