//! The life of the registry's own certificate authority. At two thirds of it the next one is made and published beside it;
//! only when clients had time to read the new bundle are certificates signed by the next one. The one before stays in the
//! bundle until it ends, because certificates that it signed may be served for a while yet (LESSONS E8).

use jiff::Timestamp;

use super::certificate::{Facts, Pair, new_authority};
use crate::error::Result;

/// An authority and its neighbours in time.
#[derive(Clone)]
pub(crate) struct Authority {
    /// What certificates are signed with.
    pub(crate) current: Pair,
    /// Published, and not signed with yet.
    pub(crate) next: Option<Pair>,
    /// The certificate of the one before.
    pub(crate) previous: Option<String>,
}

impl Authority {
    /// What the stored authority is to be now. One that was edited into something useless is made anew.
    pub(crate) fn at(stored: Option<Self>, name: &str, now: Timestamp) -> Result<Self> {
        let usable = stored.and_then(|stored| Some((facts(&stored.current)?, stored)));
        let Some((facts, mut stored)) = usable else {
            return Self::first(name, now);
        };
        stored.next = stored.next.filter(Pair::is_usable);
        stored.previous = stored
            .previous
            .filter(|pem| Facts::read(pem.as_bytes()).is_some_and(|facts| facts.ends > now));
        if stored.next.is_none() && now >= facts.renew_at() {
            stored.next = Some(new_authority(name, now)?);
        }
        let turns = now >= stored.turns_at();
        match stored.next.take_if(|_| turns) {
            Some(next) => Ok(Self {
                previous: (facts.ends > now).then_some(stored.current.certificate),
                current: next,
                next: None,
            }),
            None => Ok(stored),
        }
    }

    fn first(name: &str, now: Timestamp) -> Result<Self> {
        Ok(Self {
            current: new_authority(name, now)?,
            next: None,
            previous: None,
        })
    }

    /// The certificates that clients are to trust.
    pub(crate) fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| next.certificate.as_str());
        let all = [
            Some(self.current.certificate.as_str()),
            next,
            self.previous.as_deref(),
        ];
        all.into_iter().flatten().collect()
    }

    /// When something is to be done about it: the next one made, or signed with. The latter happens after a sixth of the
    /// current one's life, or, when the next one was made late, a twelfth of it before its end.
    pub(crate) fn turns_at(&self) -> Timestamp {
        let Some(current) = Facts::read(self.current.certificate.as_bytes()) else {
            return Timestamp::MIN;
        };
        let Some(next) = self.next.as_ref().and_then(facts) else {
            return current.renew_at();
        };
        let life = current.ends.duration_since(current.begins);
        let published = next.begins.saturating_add(life / 6).unwrap_or(current.ends);
        published.min(current.late_at())
    }
}

fn facts(pair: &Pair) -> Option<Facts> {
    pair.is_usable()
        .then(|| Facts::read(pair.certificate.as_bytes()))
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;
    use rcgen::KeyPair;
    use rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        pki_types::{CertificateDer, ServerName, UnixTime},
    };
    use x509_parser::prelude::Pem;

    use super::*;
    use crate::registry::certificate::new_certificate;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn start() -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("in range")
    }

    fn der(pem: &str) -> Vec<CertificateDer<'static>> {
        Pem::iter_from_buffer(pem.as_bytes())
            .map(|block| block.expect("PEM").contents.into())
            .collect()
    }

    /// Whether a client that read `bundle` trusts the chain at a moment.
    fn is_trusted(bundle: &str, chain: &str, now: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(der(bundle));
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .expect("a verifier");
        let chain = der(chain);
        let since = Duration::from_secs(u64::try_from(now.as_second()).expect("after 1970"));
        let name = ServerName::try_from("registry.example.com").expect("a name");
        verifier
            .verify_server_cert(
                &chain[0],
                &chain[1..],
                &name,
                &[],
                UnixTime::since_unix_epoch(since),
            )
            .is_ok()
    }

    #[test]
    fn e8_authorities_of_a_hundred_years_leave_no_client_behind() {
        let (mut stored, mut now, mut authorities) = (None, start(), 0);
        let (mut bundles, mut leaf) = (Vec::<String>::new(), String::new());
        let mut known = String::new();
        for _ in 0..(100 * 365 / 30) {
            let authority = Authority::at(stored.take(), "main", now).expect("an authority");
            if authority.current.certificate != known {
                known.clone_from(&authority.current.certificate);
                authorities += 1;
            }
            // A client has the bundle of today or the one of a month ago; the Ingress the certificate of today or of a
            // month ago.
            bundles.push(authority.bundle());
            let fresh = new_certificate(
                &authority.current,
                &["registry.example.com"],
                Duration::from_secs(90 * 86_400),
                now,
            )
            .expect("a certificate")
            .certificate;
            for bundle in bundles.iter().rev().take(2) {
                assert!(is_trusted(bundle, &fresh, now), "{now}: a new certificate");
                assert!(
                    leaf.is_empty() || is_trusted(bundle, &leaf, now),
                    "{now}: the certificate of a month ago"
                );
            }
            leaf = fresh;
            stored = Some(authority);
            now += DAY * 30;
        }
        assert!((14..=16).contains(&authorities), "{authorities} authorities");
    }

    #[test]
    fn e8_an_operator_that_was_away_catches_up() {
        let first = Authority::at(None, "main", start()).expect("an authority");
        let facts = Facts::read(first.current.certificate.as_bytes()).expect("facts");
        // Shortly before the end: the next one signs at once, the old one is trusted as long as it lives.
        let late = facts.ends - DAY;
        let turned = Authority::at(Some(first.clone()), "main", late).expect("an authority");
        assert_ne!(turned.current.certificate, first.current.certificate);
        assert_eq!(
            turned.previous.as_deref(),
            Some(first.current.certificate.as_str())
        );
        // After it: a new one, and nothing that has ended is published.
        let after = facts.ends + DAY;
        let again = Authority::at(Some(first), "main", after).expect("an authority");
        assert!(again.previous.is_none());
        assert_eq!(der(&again.bundle()).len(), 1);
    }

    #[test]
    fn e8_nothing_turns_while_nothing_is_due() {
        let first = Authority::at(None, "main", start()).expect("an authority");
        let same = Authority::at(Some(first.clone()), "main", start() + DAY * 2000).expect("an authority");
        assert_eq!(first.bundle(), same.bundle());
        assert!(same.turns_at() > start() + DAY * 2000);
    }

    #[test]
    fn e8_an_authority_that_was_edited_is_made_anew() {
        let good = Authority::at(None, "main", start()).expect("an authority");
        let broken = |key: &str, certificate: &str| Authority {
            current: Pair {
                key: key.to_owned(),
                certificate: certificate.to_owned(),
            },
            next: None,
            previous: None,
        };
        let other = KeyPair::generate().expect("a key").serialize_pem();
        for (key, certificate) in [
            ("", good.current.certificate.as_str()),
            (good.current.key.as_str(), "nothing"),
            (other.as_str(), good.current.certificate.as_str()),
        ] {
            let again = Authority::at(Some(broken(key, certificate)), "main", start()).expect("an authority");
            assert!(again.current.is_usable() && again.current.certificate != good.current.certificate);
        }
    }
}
