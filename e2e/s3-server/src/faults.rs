//! Failures on demand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `PutObject`.
    Put,
    /// `GetObject`.
    Get,
    /// `HeadObject`.
    Head,
    /// `DeleteObject`.
    Delete,
    /// `DeleteObjects`.
    DeleteMany,
    /// `CreateMultipartUpload`.
    Create,
    /// `UploadPart`.
    Part,
    /// `CompleteMultipartUpload`.
    Complete,
    /// `AbortMultipartUpload`.
    Abort,
    /// Listings of any kind.
    List,
}

impl Operation {
    /// Reads it from a request.
    pub(crate) fn of(method: &Method, path: &str, query: &str) -> Self {
        let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
        let of_bucket = path.trim_matches('/').split('/').count() < 2;
        match *method {
            Method::GET if of_bucket || has("uploadId") => Self::List,
            Method::GET => Self::Get,
            Method::HEAD => Self::Head,
            Method::PUT if has("uploadId") => Self::Part,
            Method::PUT => Self::Put,
            Method::DELETE if has("uploadId") => Self::Abort,
            Method::DELETE => Self::Delete,
            _ if has("delete") => Self::DeleteMany,
            _ if has("uploads") => Self::Create,
            _ => Self::Complete,
        }
    }
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 503 `SlowDown`; nothing was done.
    SlowDown,
    /// The connection is closed; nothing was done.
    Reset,
    /// The request is carried out, and then the connection is closed.
    LostAnswer,
    /// 403 `AccessDenied`; nothing was done.
    Denied,
    /// The answer comes later.
    Slow(Duration),
    /// The body of the answer breaks off in its middle.
    Broken,
}

/// Which requests fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The next so many.
    Next(u32),
    /// One of so many.
    OneIn(u32),
    /// All of them.
    Always,
}

#[derive(Debug)]
struct Rule {
    operation: Option<Operation>,
    fault: Fault,
    when: When,
    seen: u32,
}

/// The rules in force, and how often they struck.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Faults {
    pub(crate) fn add(&self, operation: Option<Operation>, fault: Fault, when: When) {
        let rule = Rule {
            operation,
            fault,
            when,
            seen: 0,
        };
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
    }

    pub(crate) fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What befalls this request.
    pub(crate) fn strike(&self, operation: Operation) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules.iter_mut() {
            if rule.operation.is_some_and(|wanted| wanted != operation) {
                continue;
            }
            rule.seen += 1;
            let strikes = match rule.when {
                When::Next(count) => rule.seen <= count,
                When::OneIn(count) => rule.seen.is_multiple_of(count),
                When::Always => true,
            };
            if strikes {
                return Some(rule.fault);
            }
        }
        None
    }
}
