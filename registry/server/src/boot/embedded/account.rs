//! The account that PostgreSQL runs as when we are root.

use anyhow::Context as _;

/// A user without rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// User id.
    pub(super) uid: u32,
    /// Group id.
    pub(super) gid: u32,
}

/// `None` when we are not root and simply go on as we are.
pub(super) fn unprivileged() -> anyhow::Result<Option<Account>> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    // Read by hand: a static program must not load the system's name services.
    let passwd = std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let account = ["postgres", "nobody"].into_iter().find_map(|name| find(&passwd, name)).context(
        "PostgreSQL does not run as root, and /etc/passwd has neither a user postgres nor nobody: run as another user",
    )?;
    Ok(Some(account))
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        if fields.first() != Some(&name) {
            return None;
        }
        let account = Account {
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
        };
        (account.uid != 0).then_some(account)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_etc_passwd() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\nodd:x:0:1::/:/bin/sh\n";
        assert_eq!(
            find(passwd, "nobody"),
            Some(Account {
                uid: 65534,
                gid: 65533
            })
        );
        assert_eq!(find(passwd, "postgres"), None);
        assert_eq!(find(passwd, "odd"), None);
    }
}
