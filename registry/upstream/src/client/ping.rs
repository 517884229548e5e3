//! Is it there, does it speak the protocol, does it know us?

use reqwest::Method;
use reqwest::header::AUTHORIZATION;

use super::Upstream;
use crate::auth::Scopes;
use crate::transport::{Call, SMALL};
use crate::{Denial, Error, Result};

/// What a registry answers to `GET /v2/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// The credentials were looked at and found good. False for an anonymous caller, whom a registry may refuse here
    /// and still serve public repositories.
    pub authenticated: bool,
}

impl Upstream {
    /// Asks whether the registry is there and takes the credentials. Not repeated on failure beyond what
    /// [`crate::Patience`] says.
    pub async fn ping(&self) -> Result<Ping> {
        let authorizer = self.session.authorizer();
        let call = || -> Result<Call> {
            let mut url = self.url(&["v2"])?;
            url.set_path(&format!("{}/", url.path()));
            Ok(Call::new(Method::GET, url, Scopes::none(), "pinging"))
        };
        match self.session.fetch(&call()?, SMALL).await {
            Ok(_) => {}
            // 401 or 403 is a registry's answer as well: it is there.
            Err(Error::Unauthorized { .. }) if authorizer.is_anonymous() => {
                return Ok(Ping { authenticated: false });
            }
            Err(error) => return Err(error),
        }
        if authorizer.is_anonymous() {
            return Ok(Ping { authenticated: false });
        }
        if authorizer.was_asked() {
            return Ok(Ping { authenticated: true });
        }
        // It lets everybody in here: only a request that carries the credentials shows whether they are good.
        let Some(header) = authorizer.password_header() else {
            return Ok(Ping { authenticated: false });
        };
        let mut call = call()?;
        call.headers.insert(AUTHORIZATION, header);
        match self.session.fetch(&call, SMALL).await {
            Ok(_) => Ok(Ping { authenticated: true }),
            Err(Error::Unauthorized { site, .. }) => Err(Error::Unauthorized {
                site,
                denial: Denial::Credentials,
            }),
            Err(error) => Err(error),
        }
    }
}
