//! Who is calling.

use serde::{Deserialize, Serialize};

/// An authenticated (or anonymous) caller. It says who, never what he may do: see [`super::access`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Caller {
    /// No credentials were sent.
    Anonymous,
    /// A person's account.
    User {
        /// Its id.
        id: i64,
        /// Its login name.
        name: String,
    },
    /// A robot account.
    Robot {
        /// Its id.
        id: i64,
        /// Its full name, prefix and project included.
        name: String,
    },
    /// The operator's own account, configured by `system_account`.
    System {
        /// Its login name.
        name: String,
    },
}

impl Caller {
    /// The name for logs and the audit log.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User { name, .. } | Self::Robot { name, .. } | Self::System { name } => name,
        }
    }

    /// True where no credentials were sent.
    pub(crate) fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }
}
