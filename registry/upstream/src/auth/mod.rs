//! How a registry wants to be convinced: not at all, by password, or by tokens (distribution's token specification).

mod authorizer;
mod challenge;
mod scopes;
mod token;

pub(crate) use authorizer::{Attached, Authorizer};
pub(crate) use scopes::Scopes;
