//! How the parts come up, one file each, and the programs that are made of them.

pub(crate) mod admin;
mod all;
mod assemble;
mod blobs;
mod cache;
mod command;
mod database;
mod embedded;
mod linger;
mod listen;
mod log;
mod serve;
mod shutdown;
pub(crate) mod store;
mod verify;
mod worker;

#[cfg(test)]
mod tests;

pub(crate) use command::{Cli, run};
