//! Robot accounts.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, ListQuery, Result};
use crate::robot::{Robot, RobotCreate, RobotCreated, RobotSecretAnswer, RobotSecretPatch, RobotUpdate};

impl Client {
    /// Lists the robots of a project (by its id).
    pub fn robot_list(&self, project_id: i64) -> BoxStream<'static, Result<Robot>> {
        self.pages(move || {
            Request::harbor(Method::GET, &["robots"])
                .query("q", format!("Level=project,ProjectID={project_id}"))
        })
    }

    /// Lists the robots of the system.
    pub fn robot_list_system(&self) -> BoxStream<'static, Result<Robot>> {
        self.pages(|| Request::harbor(Method::GET, &["robots"]))
    }

    /// Lists those robots that a query chooses; of the system unless it says `Level=project,ProjectID=N`.
    pub fn robot_list_by(&self, query: ListQuery) -> BoxStream<'static, Result<Robot>> {
        self.pages(move || Request::harbor(Method::GET, &["robots"]).list(&query))
    }

    /// Reads a robot.
    pub async fn robot_get(&self, id: i64) -> Result<Robot> {
        self.transport
            .send(Request::harbor(Method::GET, &["robots", &id.to_string()]))
            .await?
            .json()
    }

    /// Creates a robot; the answer is the only one that shows its secret.
    pub async fn robot_create(&self, robot: &RobotCreate) -> Result<RobotCreated> {
        self.transport
            .send(Request::harbor(Method::POST, &["robots"]).json(robot))
            .await?
            .json()
    }

    /// Changes a robot.
    pub async fn robot_update(&self, id: i64, update: &RobotUpdate) -> Result<()> {
        let request = Request::harbor(Method::PUT, &["robots", &id.to_string()]).json(update);
        self.transport.send(request).await.map(drop)
    }

    /// Gives a robot a new secret.
    pub async fn robot_set_secret(&self, id: i64, patch: &RobotSecretPatch) -> Result<RobotSecretAnswer> {
        let request = Request::harbor(Method::PATCH, &["robots", &id.to_string()]).json(patch);
        self.transport.send(request).await?.json()
    }

    /// Deletes a robot.
    pub async fn robot_delete(&self, id: i64) -> Result<()> {
        self.transport
            .send(Request::harbor(Method::DELETE, &["robots", &id.to_string()]))
            .await
            .map(drop)
    }
}
