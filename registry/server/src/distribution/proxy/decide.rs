//! What is served, from what is cached and what the upstream said. Pure.

use slipway_upstream::{Denial, Error as UpstreamError};

use super::notice::Why;
use super::remote::Failure;

/// What is known of a tag's meaning upstream.
#[derive(Debug, Clone)]
pub(super) enum Told<'a> {
    /// It stands for this digest.
    Is(&'a str),
    /// Nobody could say.
    Failed(&'a Failure),
    /// Nobody has said yet.
    Late,
}

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// What is cached, and what has to be said of it.
    Cached(Option<Why>),
    /// What the upstream has now.
    Upstream,
    /// Nothing.
    Nothing,
}

/// Decides. `cached` is the digest that the tag stands for here; with `follows`, what is gone upstream is not served.
pub(super) fn decide(cached: Option<&str>, told: &Told<'_>, follows: bool) -> Decision {
    match (cached, told) {
        (Some(cached), Told::Is(digest)) if cached == *digest => Decision::Cached(None),
        (_, Told::Is(_)) => Decision::Upstream,
        (Some(_), Told::Failed(failure)) if follows && is_gone(failure) => Decision::Nothing,
        (Some(_), Told::Failed(failure)) => Decision::Cached(Some(Why::Failed(failure.word()))),
        (Some(_), Told::Late) => Decision::Cached(Some(Why::Late)),
        (None, Told::Failed(_) | Told::Late) => Decision::Nothing,
    }
}

/// The upstream knows what it says: it has no such thing, or none that it shows to an account which is good. Credentials
/// that are not accepted are our own trouble.
fn is_gone(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Upstream(
            UpstreamError::NotFound { .. }
                | UpstreamError::Unauthorized {
                    denial: Denial::Rights,
                    ..
                }
        )
    )
}

#[cfg(test)]
mod tests {
    use slipway_upstream::Site;
    use tokio::time::Instant;

    use super::*;

    fn site() -> Site {
        Site {
            host: "upstream.example".to_owned(),
            operation: "looking".to_owned(),
        }
    }

    fn gone() -> [Failure; 2] {
        let denial = Denial::Rights;
        [
            UpstreamError::NotFound { site: site() }.into(),
            UpstreamError::Unauthorized { site: site(), denial }.into(),
        ]
    }

    fn troubles() -> Vec<Failure> {
        let cause = || "trouble".to_owned();
        vec![
            UpstreamError::Throttled {
                site: site(),
                until: Instant::now(),
            }
            .into(),
            UpstreamError::Unavailable {
                site: site(),
                cause: cause(),
                until: None,
            }
            .into(),
            UpstreamError::Tls {
                site: site(),
                cause: cause(),
            }
            .into(),
            UpstreamError::Protocol {
                site: site(),
                cause: cause(),
            }
            .into(),
            UpstreamError::AddressDenied { site: site() }.into(),
            UpstreamError::Unauthorized {
                site: site(),
                denial: Denial::Credentials,
            }
            .into(),
            UpstreamError::Unauthorized {
                site: site(),
                denial: Denial::Anonymous,
            }
            .into(),
            Failure::Slow,
            Failure::Busy,
            Failure::Unusable(cause()),
            Failure::Ours(cause()),
        ]
    }

    #[test]
    fn what_the_upstream_confirms_is_served_and_what_it_changed_is_fetched() {
        for follows in [false, true] {
            assert_eq!(decide(Some("a"), &Told::Is("a"), follows), Decision::Cached(None));
            assert_eq!(decide(Some("a"), &Told::Is("b"), follows), Decision::Upstream);
            assert_eq!(decide(None, &Told::Is("b"), follows), Decision::Upstream);
        }
    }

    #[tokio::test]
    async fn h32_h33_no_trouble_upstream_takes_away_what_is_cached() {
        for follows in [false, true] {
            for trouble in troubles() {
                let served = decide(Some("a"), &Told::Failed(&trouble), follows);
                assert_eq!(
                    served,
                    Decision::Cached(Some(Why::Failed(trouble.word()))),
                    "{trouble}"
                );
                assert_eq!(decide(None, &Told::Failed(&trouble), follows), Decision::Nothing);
            }
            assert_eq!(
                decide(Some("a"), &Told::Late, follows),
                Decision::Cached(Some(Why::Late))
            );
            assert_eq!(decide(None, &Told::Late, follows), Decision::Nothing);
        }
    }

    #[test]
    fn h34_what_is_gone_upstream_stays_unless_the_project_follows() {
        for failure in gone() {
            let told = Told::Failed(&failure);
            let kept = Decision::Cached(Some(Why::Failed(failure.word())));
            assert_eq!(decide(Some("a"), &told, false), kept, "{failure}");
            assert_eq!(decide(Some("a"), &told, true), Decision::Nothing, "{failure}");
        }
    }
}
