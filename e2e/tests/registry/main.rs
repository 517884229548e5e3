//! The registry's own program, seen from outside: real clients, real kills, real faults.

mod clients;
mod command_line;
mod conformance;
mod embedded;
mod faults;
mod kills;
mod object_store;
mod proxy;
mod replication;
mod schemathesis;
mod soak;
mod support;
