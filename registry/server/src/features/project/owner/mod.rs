//! Slipway's own: the object that declares a project. Its mark decides who may change the project for
//! whom, and finds the project again after a lost status.

pub(super) mod service;
mod store;

#[cfg(test)]
mod tests;

pub(in crate::features) use service::check;
