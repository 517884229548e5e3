use super::*;

mod immutable;
mod retention;

#[test]
fn quantities_are_read_as_kubernetes_reads_them() {
    for (text, bytes) in [
        ("0", 0),
        ("1", 1),
        ("100Gi", 100 << 30),
        ("1.5Gi", 3 << 29),
        ("1024Mi", 1 << 30),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 1_000_000_000_000_000_000),
        ("5k", 5000),
        ("100m", 1),
        ("1001m", 2),
        (".5Ki", 512),
        ("5.", 5),
        ("+1Ki", 1024),
        ("1e-3", 1),
    ] {
        assert_eq!(Quantity::new(text).bytes(), Ok(bytes), "{text}");
    }
    for text in [
        "",
        ".",
        "abc",
        "Gi",
        "1gi",
        "1 Gi",
        "1.2.3",
        "--1",
        "-1",
        "1e",
        "1e99",
        "99999999999999999Ei",
        "1Gi ",
    ] {
        assert!(Quantity::new(text).bytes().is_err(), "{text:?} was accepted");
    }
    assert_eq!(Quantity::new("1500m").millis(), Ok(1500));
    assert_eq!(Quantity::new("2").millis(), Ok(2000));
}

#[test]
fn quantities_keep_what_was_written() {
    for (json, text) in [("\"1024Mi\"", "1024Mi"), ("1024", "1024"), ("\"1000m\"", "1000m")] {
        let quantity: Quantity = serde_json::from_str(json).unwrap();
        assert_eq!(quantity.as_str(), text);
    }
    assert!(serde_json::from_str::<Quantity>("0.5").is_err());
}

#[test]
fn durations() {
    for (text, seconds) in [
        ("30s", 30),
        ("10m", 600),
        ("24h", 86_400),
        ("90d", 7_776_000),
        ("2w", 1_209_600),
        ("1h30m", 5_400),
    ] {
        assert_eq!(
            HumanDuration::new(text).to_std().unwrap().as_secs(),
            seconds,
            "{text}"
        );
    }
    for text in [
        "",
        "90",
        "d",
        "90 d",
        "-1d",
        "1y",
        "1.5h",
        "99999999999999999999d",
        "1dé",
    ] {
        assert!(
            HumanDuration::new(text).to_std().is_err(),
            "{text:?} was accepted"
        );
    }
}

#[test]
fn harbors_cron_expressions() {
    let good = |text: &str, shown: &str| assert_eq!(harbor_cron(text).as_deref(), Ok(shown));
    // What Terraform's provider and harbor-cli send.
    for text in ["0 0 * * * *", "0 0 0 * * *", "0 0 0 * * 0"] {
        good(text, text);
    }
    good("0 0 * * * * ", "0 0 * * * *");
    good("  0\t0  2-4/2 ? JAN,mar MON-fri", "0 0 2-4/2 ? JAN,mar MON-fri");
    good("0 ? */6 1,15 5/3 ?", "0 * */6 1,15 5/3 ?");
    let refused = |text: &str, part: &str| {
        let message = harbor_cron(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text:?}: {message}");
    };
    refused("x", "expected exactly 6 fields, found 1: \"x\"");
    refused("", "found 0");
    refused("@daily", "found 1");
    refused("0 0 0 * *", "found 5");
    refused("0 0 0 * * * 2026", "found 7");
    refused("5 0 0 * * *", "the 1st field (seconds) is \"5\" and must be 0");
    refused("* 0 0 * * *", "must be 0");
    refused("0 0 0 * * 7", "day of week is \"7\": 0 to 6 and SUN to SAT");
    for bad in [
        "60 0 0 * * *",
        "0 60 0 * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 32 * *",
        "0 0 0 L * *",
        "0 0 0 15W * *",
        "0 0 0 * 13 *",
        "0 0 0 * * MON#2",
        "0 0 0 * * 5L",
        "0 5-1 0 * * *",
        "0 */0 0 * * *",
        "0 /5 0 * * *",
        "0 +5 0 * * *",
        "0 1, 0 * * *",
        "0 -1 0 * * *",
        "0 1-2-3 0 * * *",
        "0 0 MON * * *",
    ] {
        assert!(harbor_cron(bad).is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn schedules() {
    let schedule = |cron: &str| Schedule {
        cron: cron.into(),
        time_zone: None,
    };
    assert_eq!(schedule("@daily").expression(), Ok("0 0 * * *"));
    assert_eq!(schedule(" 0 3 * * 1-5 ").expression(), Ok("0 3 * * 1-5"));
    for bad in ["", "@never", "0 3 * *", "0 0 3 * * *"] {
        assert!(schedule(bad).expression().is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn choices_want_exactly_one_member() {
    assert_eq!(
        Keep {
            latest_pushed: Some(5),
            ..Keep::default()
        }
        .kind(),
        Ok(KeepKind::LatestPushed(5))
    );
    let refusal = Keep::default().kind().unwrap_err().to_string();
    assert_eq!(
        refusal,
        "keep: set exactly one of always, latestPushed, latestPulled, pushedWithin, pulledWithin"
    );
    let two = TagSelector {
        regex: Some("x".into()),
        ..TagSelector::glob("v*")
    };
    assert!(two.kind().is_err());
    assert_eq!(NameSelector::glob("**").kind(), Ok(SelectorKind::Glob("**")));
}

#[test]
fn schedules_become_six_fields_with_sunday_as_zero() {
    let six = |cron: &str| {
        let schedule = Schedule {
            cron: cron.to_owned(),
            time_zone: None,
        };
        schedule.six_fields()
    };
    for (five, expected) in [
        ("0 3 * * *", "0 0 3 * * *"),
        ("@weekly", "0 0 0 * * 0"),
        ("0 3 * * 7", "0 0 3 * * 0"),
        ("0 3 * * MON-FRI", "0 0 3 * * MON-FRI"),
        ("0 3 * * 1,5-7", "0 0 3 * * 1,5,6,0"),
        ("0 3 * * 1-7/3", "0 0 3 * * 1,4,0"),
    ] {
        assert_eq!(six(five).as_deref(), Ok(expected), "{five}");
    }
    assert!(six("nonsense").is_err() && six("0 3 * * a-7").is_err());
}
