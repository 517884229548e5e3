//! Which addresses may be connected to. A registry's URL, its redirects and its token host are written by others.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// IPv4 networks that are nobody's public servers (RFC 6890 and its registry).
const DENIED_V4: &[Ipv4Net] = &[
    Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// IPv6 networks of the same kind: unspecified and loopback, unique local, link-local, site-local, multicast.
const DENIED_V6: &[Ipv6Net] = &[
    Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 127),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 9),
    Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// Which addresses may be connected to: public ones, and the networks that are named.
///
/// It holds for the registry, for every redirect and for the token host, after names have been resolved and for the
/// very addresses that are then connected to, so that a name cannot point elsewhere in between. Behind an HTTP proxy
/// the proxy resolves names: there only addresses written as numbers are judged.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

impl AddressPolicy {
    /// Public addresses only.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Public addresses and those of these networks.
    pub fn public_and(allowed: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            allowed: allowed.into_iter().collect(),
        }
    }

    /// Every address.
    pub fn unrestricted() -> Self {
        Self::public_and([IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())])
    }

    /// Whether a connection to this address is allowed.
    pub fn permits(&self, address: IpAddr) -> bool {
        let meant = meant(address);
        let allowed = |ip: IpAddr| self.allowed.iter().any(|net| net.contains(&ip));
        let denied = match meant {
            IpAddr::V4(ip) => DENIED_V4.iter().any(|net| net.contains(&ip)),
            IpAddr::V6(ip) => DENIED_V6.iter().any(|net| net.contains(&ip)),
        };
        !denied || allowed(meant) || allowed(address)
    }

    /// Whether the host of a URL may be connected to, as far as that can be said before its name is resolved.
    pub(crate) fn permits_host(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(ip)) => self.permits(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => self.permits(IpAddr::V6(ip)),
            Some(Host::Domain(_)) | None => true,
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let s = v6.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] if !(s[5] == 0 && high == 0 && low <= 1) => {
            embedded(high, low)
        }
        [0x64, 0xff9b, .., high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

/// The error of a name that leads only to addresses that are not allowed.
#[derive(Debug)]
pub(crate) struct Denied;

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is not allowed")
    }
}

impl std::error::Error for Denied {}

/// Resolves names, and leaves out the addresses that are not allowed.
pub(crate) struct Resolver {
    policy: AddressPolicy,
    /// The proxy's own name, which the administrator has chosen.
    proxy: Option<Arc<str>>,
}

impl Resolver {
    pub(crate) fn new(policy: AddressPolicy, proxy: Option<&str>) -> Self {
        Self {
            policy,
            proxy: proxy.map(Arc::from),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let policy = match &self.proxy {
            Some(proxy) if **proxy == *host => AddressPolicy::unrestricted(),
            _ => self.policy.clone(),
        };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let permitted: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| policy.permits(address.ip()))
                .collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(Denied.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
