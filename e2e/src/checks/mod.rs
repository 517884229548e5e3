//! Rules of the code base that no compiler knows; `cargo xtask check` runs them.

pub mod generated;
pub mod structure;
