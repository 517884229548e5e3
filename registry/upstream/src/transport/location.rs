//! Where an answer leads: `Location` and `Link`, and what may go along.

use url::Url;

use crate::{Error, Result, Site};

/// Scheme, host and port: who may see the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    pub(crate) fn of(url: &Url) -> Self {
        Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
            port: url.port_or_known_default(),
        }
    }

    pub(crate) fn is_of(&self, url: &Url) -> bool {
        *self == Self::of(url)
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// The URL that `text`, found in an answer from `base`, means.
///
/// Registries behind a proxy that ends TLS often write their own host with `http` and without its port: that is read
/// as the registry's own address. Every other step from `https` to `http` is refused.
pub(crate) fn resolve(registry: &Url, base: &Url, text: &str, site: &Site) -> Result<Url> {
    let mut url = base
        .join(text)
        .map_err(|error| Error::protocol(site.clone(), format!("its Location is no URL: {error}")))?;
    // A name written into a URL is sent as a password.
    let cleaned = url.set_username("").and_then(|()| url.set_password(None));
    if cleaned.is_err() || !matches!(url.scheme(), "http" | "https") {
        return Err(Error::protocol(
            site.clone(),
            "it leads to something that is not HTTP",
        ));
    }
    if url.scheme() == "http" && base.scheme() == "https" {
        if url.host_str() != registry.host_str() || registry.scheme() != "https" {
            return Err(Error::protocol(site.clone(), "it leads from https to http"));
        }
        let moved = url
            .set_scheme("https")
            .and_then(|()| url.set_port(registry.port()));
        if moved.is_err() {
            return Err(Error::protocol(site.clone(), "it leads from https to http"));
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(registry: &str, text: &str) -> Option<String> {
        let registry = Url::parse(registry).unwrap();
        let base = registry.join("/v2/a/blobs/uploads/").unwrap();
        let site = Site::new(&base, "x");
        resolve(&registry, &base, text, &site).ok().map(String::from)
    }

    #[test]
    fn p06_locations_of_a_registry_behind_tls_lead_back_to_it() {
        let registry = "https://r.example:8443/";
        for (text, expected) in [
            (
                "/v2/a/blobs/uploads/1",
                "https://r.example:8443/v2/a/blobs/uploads/1",
            ),
            (
                "http://r.example/v2/1?_state=a%3D",
                "https://r.example:8443/v2/1?_state=a%3D",
            ),
            ("http://r.example:80/v2/1", "https://r.example:8443/v2/1"),
            ("https://cdn.example/x?sig=1", "https://cdn.example/x?sig=1"),
            ("https://u:p@cdn.example/x", "https://cdn.example/x"),
            ("//cdn.example/x", "https://cdn.example/x"),
        ] {
            assert_eq!(resolved(registry, text).as_deref(), Some(expected), "{text}");
        }
        for bad in [
            "http://cdn.example/x",
            "file:///etc/passwd",
            "ftp://r.example/x",
            "http://[",
            "data:,x",
        ] {
            assert_eq!(resolved(registry, bad), None, "{bad}");
        }
        assert_eq!(
            resolved("http://r.example:5000/", "http://other.example/x").as_deref(),
            Some("http://other.example/x")
        );
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = Origin::of(&Url::parse("https://R.example/").unwrap());
        assert!(origin.is_of(&Url::parse("https://r.example:443/v2/").unwrap()));
        for other in [
            "http://r.example/",
            "https://r.example:8443/",
            "https://r.example.evil/",
            "https://s.r.example/",
        ] {
            assert!(!origin.is_of(&Url::parse(other).unwrap()), "{other}");
        }
    }
}
