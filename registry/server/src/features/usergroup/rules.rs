//! What a group must look like.

use slipway_api::UserGroup;

use crate::error::{Code, Error, Result};

/// LDAP's number.
const LDAP: i64 = 1;
const LONGEST: usize = 255;

/// A group that is to be made known; its kind as it is stored.
pub(super) fn new(group: &UserGroup) -> Result<i16> {
    name(&group.group_name)?;
    match group.group_type {
        LDAP => Err(bad(format!(
            "the LDAP group {:?} cannot be looked up: this release does not speak to LDAP; group_type 2 (HTTP authentication) \
             and 3 (OIDC) need no look-up",
            group.ldap_group_dn
        ))),
        2 => Ok(2),
        3 => Ok(3),
        other => Err(bad(format!(
            "group_type is {other}, which is none of 1 (LDAP), 2 (HTTP authentication), 3 (OIDC)"
        ))),
    }
}

/// A group's name.
pub(super) fn name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
        return Err(bad(format!(
            "group_name must have from 1 to {LONGEST} characters, not only blanks, and no control characters"
        )));
    }
    Ok(())
}

pub(super) fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}
