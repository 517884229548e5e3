//! The audit log.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, ListQuery, Result};
use crate::audit::AuditLogExt;

impl Client {
    /// Lists what the caller may see of the audit log, the latest first.
    pub fn audit_list(&self, query: ListQuery) -> BoxStream<'static, Result<AuditLogExt>> {
        self.pages(move || Request::harbor(Method::GET, &["auditlog-exts"]).list(&query))
    }

    /// Lists the audit log of a project, the latest first.
    pub fn audit_list_of_project(
        &self,
        project: &str,
        query: ListQuery,
    ) -> BoxStream<'static, Result<AuditLogExt>> {
        let project = project.to_owned();
        self.pages(move || {
            Request::harbor(Method::GET, &["projects", &project, "auditlog-exts"])
                .by_name()
                .list(&query)
        })
    }
}
