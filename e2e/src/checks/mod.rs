//! Rules of the code base that no compiler knows; `cargo xtask check` and a unit test run them.

pub mod structure;
