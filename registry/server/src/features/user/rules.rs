//! What an account's fields must look like; Harbor's rules and words.

use std::sync::LazyLock;

use regex::Regex;

use crate::error::{Code, Error, Result};

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^[^<>()\[\]\\.,;:\s@"]+(\.[^<>()\[\]\\.,;:\s@"]+)*@(([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}|\[[0-9.]+\])$"#,
    )
    .ok()
});

/// A profile, whoever sends it.
pub(super) fn check_profile(email: &str, realname: &str, comment: &str) -> Result<()> {
    if email.is_empty() {
        return Err(bad("email can't be empty"));
    }
    if !EMAIL.as_ref().is_some_and(|pattern| pattern.is_match(email)) || email.len() > 255 {
        return Err(bad("email with illegal format"));
    }
    if !(1..=255).contains(&realname.chars().count()) {
        return Err(bad("realname with illegal length"));
    }
    if has_illegal(realname) {
        return Err(bad("realname contains illegal characters"));
    }
    if comment.chars().count() > 30 {
        return Err(bad("comment with illegal length"));
    }
    Ok(())
}

/// A login name.
pub(super) fn check_username(username: &str) -> Result<()> {
    if !(1..=255).contains(&username.chars().count()) {
        return Err(bad("username with illegal length"));
    }
    if has_illegal(username) || username.contains(':') || username.chars().any(char::is_control) {
        return Err(bad("username contains illegal characters"));
    }
    Ok(())
}

fn has_illegal(text: &str) -> bool {
    text.contains([',', '"', '~', '#', '%', '$'])
}

pub(super) fn bad(message: &str) -> Error {
    Error::new(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mail_addresses() {
        for good in ["a@b.io", "first.last+tag@sub.example.org"] {
            assert!(check_profile(good, "x", "").is_ok(), "{good}");
        }
        for bad in ["", "a", "a@", "@b.io", "a b@c.io", "a,b@c.io", "a@b"] {
            assert!(check_profile(bad, "x", "").is_err(), "{bad}");
        }
    }
}
