//! Groups of people.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::user_group::UserGroupSearchItem;

impl Client {
    /// Finds groups whose names hold a text.
    pub fn user_group_search(&self, name: &str) -> BoxStream<'static, Result<UserGroupSearchItem>> {
        let name = name.to_owned();
        self.pages(move || Request::harbor(Method::GET, &["usergroups", "search"]).query("groupname", &name))
    }
}
