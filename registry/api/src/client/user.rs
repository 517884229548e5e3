//! Users.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::user::{CurrentUser, PasswordChange, UserCreate, UserSearchItem};

impl Client {
    /// Who the caller is; robots are answered with 412.
    pub async fn user_current(&self) -> Result<CurrentUser> {
        self.transport
            .send(Request::harbor(Method::GET, &["users", "current"]))
            .await?
            .json()
    }

    /// Lists users, but for the built-in administrator.
    pub fn user_list(&self) -> BoxStream<'static, Result<CurrentUser>> {
        self.pages(|| Request::harbor(Method::GET, &["users"]))
    }

    /// Finds users whose names hold a text.
    pub async fn user_search(&self, username: &str) -> Result<Vec<UserSearchItem>> {
        let request = Request::harbor(Method::GET, &["users", "search"])
            .query("username", username)
            .query("page_size", 100);
        self.transport.send(request).await?.json()
    }

    /// Creates a user and returns the id.
    pub async fn user_create(&self, user: &UserCreate) -> Result<i64> {
        self.transport
            .send(Request::harbor(Method::POST, &["users"]).json(user))
            .await?
            .location_id()
    }

    /// Sets a user's password.
    pub async fn user_set_password(&self, id: i64, change: &PasswordChange) -> Result<()> {
        let request = Request::harbor(Method::PUT, &["users", &id.to_string(), "password"]).json(change);
        self.transport.send(request).await.map(drop)
    }

    /// Deletes a user.
    pub async fn user_delete(&self, id: i64) -> Result<()> {
        self.transport
            .send(Request::harbor(Method::DELETE, &["users", &id.to_string()]))
            .await
            .map(drop)
    }
}
