use super::*;

fn next(cron: &str, zone: &str, after: &str) -> Option<String> {
    next_fire(cron, zone, after.parse().unwrap())
        .unwrap()
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

#[test]
fn moments_are_behind_their_start_and_follow_the_zone() {
    let at = |cron, zone, after, expected: &str| {
        assert_eq!(
            next(cron, zone, after).as_deref(),
            Some(expected),
            "{cron} {zone} {after}"
        );
    };
    at("0 3 * * *", "UTC", "2026-03-28T03:00:00Z", "2026-03-29T03:00:00Z");
    at(
        "0 3 * * *",
        "UTC",
        "2026-03-28T02:59:59.9Z",
        "2026-03-28T03:00:00Z",
    );
    at(
        "0 3 * * *",
        "Europe/Berlin",
        "2026-01-10T12:00:00Z",
        "2026-01-11T02:00:00Z",
    );
    at(
        "0 3 * * *",
        "Europe/Berlin",
        "2026-07-10T12:00:00Z",
        "2026-07-11T01:00:00Z",
    );
    // Six fields begin with seconds, as Harbor writes them.
    at(
        "30 0 3 * * *",
        "UTC",
        "2026-01-10T12:00:00Z",
        "2026-01-11T03:00:30Z",
    );
    // 02:30 does not exist on this day in Berlin.
    at(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        "2026-03-29T01:00:00Z",
    );
    // 02:30 exists twice on this day in Berlin, and counts once.
    at(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        "2026-10-25T00:30:00Z",
    );
    at(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-25T00:30:00Z",
        "2026-10-26T01:30:00Z",
    );
    assert_eq!(next("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z"), None);
}

#[test]
fn nonsense_is_refused() {
    for cron in ["", "x", "* * * *", "61 * * * *", "* * * * * * * *", "@never"] {
        let refused = next_fire(cron, "UTC", DateTime::UNIX_EPOCH);
        assert!(
            matches!(refused, Err(JobsError::Cron { .. })),
            "{cron:?}: {refused:?}"
        );
    }
    let refused = next_fire("* * * * *", "Europe/Atlantis", DateTime::UNIX_EPOCH);
    assert!(matches!(refused, Err(JobsError::TimeZone(_))), "{refused:?}");
}

#[test]
fn what_harbors_clients_write_is_evaluated() {
    let at = |cron, expected: &str| {
        assert_eq!(
            next(cron, "UTC", "2026-01-10T12:00:00Z").as_deref(),
            Some(expected),
            "{cron}"
        );
    };
    at("0 0 * * * *", "2026-01-10T13:00:00Z");
    at("0 0 0 * * 0", "2026-01-11T00:00:00Z");
    at("0 0 0 ? FEB mon", "2026-02-02T00:00:00Z");
    at("0 50/5 * * * ?", "2026-01-10T12:50:00Z");
    at("0 0 0 20/7 * *", "2026-01-20T00:00:00Z");
    // Of two days that are both given either counts.
    at("0 0 0 13 * 1", "2026-01-12T00:00:00Z");
    assert_eq!(next("0 0 0 31 2 *", "UTC", "2026-01-10T12:00:00Z"), None);
}
