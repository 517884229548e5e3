//! Requests and answers: connections, redirects, credentials, patience.
//!
//! [`Wire`] sends one request to one address. [`Session`] makes of it what callers mean: it adds what the registry
//! asks for, follows redirects without taking credentials along, waits where the registry wants to be waited for, and
//! repeats what may be repeated.

mod answer;
mod errors;
mod location;
mod rate_limit;
mod retry_after;
mod session;
mod throttle;
mod wire;

pub(crate) use answer::Answer;
pub(crate) use errors::{digest_refused, of_answer as refusal};
pub(crate) use location::{Origin, resolve};
pub use rate_limit::RateLimit;
pub(crate) use session::{Call, Fetched, Payload, Session};
pub(crate) use wire::{Body, Outgoing, Progress, Wire};

/// Most bytes that are read of an answer whose content is not wanted, such as an error.
pub(crate) const SMALL: usize = 64 * 1024;
