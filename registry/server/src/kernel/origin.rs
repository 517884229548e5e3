//! Where a request came from and under which address the client sees us. `X-Forwarded-*` counts from trusted proxies only.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

use super::app::App;
use super::token::SERVICE;
use crate::config::Config;

/// The address of the other end of the connection, put into each request's extensions by the listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The client's own address.
pub(crate) fn client_ip(config: &Config, parts: &Parts) -> Option<IpAddr> {
    let peer = peer(parts)?;
    if !trusted(config, peer) {
        return Some(peer);
    }
    // From the right: the first address that is no proxy of ours.
    let forwarded = list(&parts.headers, "x-forwarded-for");
    let mut client = peer;
    for text in forwarded.iter().rev() {
        let Some(address) = parse_ip(text) else { break };
        client = address;
        if !trusted(config, address) {
            break;
        }
    }
    Some(client)
}

/// The address that the client used, without a slash at its end: `https://registry.example.org:8443/prefix`.
pub(crate) fn base_url(config: &Config, parts: &Parts) -> String {
    if let Some(url) = &config.external_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let from_proxy = peer(parts).is_some_and(|peer| trusted(config, peer));
    let forwarded = |name: &str| {
        let values = if from_proxy {
            list(&parts.headers, name)
        } else {
            Vec::new()
        };
        values.into_iter().next().filter(|value| !value.is_empty())
    };
    let scheme = forwarded("x-forwarded-proto")
        .filter(|scheme| matches!(scheme.as_str(), "http" | "https"))
        .unwrap_or_else(|| parts.uri.scheme_str().unwrap_or("http").to_owned());
    let own_host = parts
        .headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
        .unwrap_or("localhost");
    let mut host = forwarded("x-forwarded-host").unwrap_or_else(|| own_host.to_owned());
    if let Some(port) = forwarded("x-forwarded-port").filter(|port| port.parse::<u16>().is_ok())
        && !has_port(&host)
        && port != default_port(&scheme)
    {
        host = format!("{host}:{port}");
    }
    if !host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b))
    {
        own_host.clone_into(&mut host);
    }
    let prefix = forwarded("x-forwarded-prefix")
        .map(|prefix| prefix.trim_matches('/').to_owned())
        .filter(|prefix| {
            !prefix.is_empty()
                && prefix
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"/._-~".contains(&b))
        })
        .map_or_else(String::new, |prefix| format!("/{prefix}"));
    format!("{scheme}://{host}{prefix}")
}

/// The one `WWW-Authenticate` of a 401 on `/v2/`: realm, service, scope and error, easy to parse.
/// `scope` is Docker's form, such as `repository:p/app:pull,push`; `error` is RFC 6750's word, such as `insufficient_scope`.
pub(crate) fn challenge(app: &App, parts: &Parts, scope: Option<&str>, error: Option<&str>) -> HeaderValue {
    let mut text = format!(
        "Bearer realm=\"{}/service/token\",service=\"{SERVICE}\"",
        quoted(&base_url(&app.config, parts))
    );
    if let Some(scope) = scope {
        text.push_str(&format!(",scope=\"{}\"", quoted(scope)));
    }
    if let Some(error) = error {
        text.push_str(&format!(",error=\"{}\"", quoted(error)));
    }
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
}

fn quoted(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '"' | '\\') && (c.is_ascii_graphic() || *c == ' '))
        .collect()
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts
        .extensions
        .get::<Peer>()
        .map(|peer| peer.0.ip().to_canonical())
}

fn trusted(config: &Config, address: IpAddr) -> bool {
    config
        .trusted_proxies
        .iter()
        .any(|net: &IpNet| net.contains(&address))
}

fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
        return Vec::new();
    };
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().to_owned())
        .collect()
}

fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|address| address.to_canonical())
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

fn default_port(scheme: &str) -> &'static str {
    if scheme == "https" { "443" } else { "80" }
}
