use super::*;

fn permits(policy: &AddressPolicy, text: &str) -> bool {
    policy.permits(text.parse().expect(text))
}

#[test]
fn lesson_74_addresses_that_are_not_public_are_denied_in_every_spelling() {
    let policy = AddressPolicy::public_only();
    for inner in [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.0.1",
        "::",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::169.254.169.254",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
    ] {
        assert!(!permits(&policy, inner), "{inner}");
    }
    for public in [
        "1.1.1.1",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ] {
        assert!(permits(&policy, public), "{public}");
    }
}

#[test]
fn networks_that_are_named_are_allowed_and_no_others() {
    let policy = AddressPolicy::public_and(["10.96.0.0/12".parse().unwrap()]);
    assert!(permits(&policy, "10.96.0.10"));
    assert!(permits(&policy, "::ffff:10.96.0.10"));
    assert!(permits(&policy, "1.1.1.1"));
    assert!(!permits(&policy, "10.0.0.1"));
    assert!(!permits(&policy, "127.0.0.1"));
    assert!(permits(&AddressPolicy::unrestricted(), "169.254.169.254"));
    assert!(permits(&AddressPolicy::unrestricted(), "::1"));
}

#[test]
fn numbers_in_a_url_are_judged_as_the_url_parser_reads_them() {
    let policy = AddressPolicy::public_only();
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::1]:5000/",
    ] {
        assert!(!policy.permits_host(&Url::parse(url).unwrap()), "{url}");
    }
    assert!(policy.permits_host(&Url::parse("https://registry.example/").unwrap()));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_denied() {
    let localhost = || "localhost".parse::<Name>().unwrap();
    let denied = Resolver::new(AddressPolicy::public_only(), None)
        .resolve(localhost())
        .await;
    assert!(
        denied
            .err()
            .is_some_and(|error| error.downcast_ref::<Denied>().is_some())
    );
    let allowed = Resolver::new(AddressPolicy::unrestricted(), None)
        .resolve(localhost())
        .await;
    assert!(allowed.is_ok_and(|mut addresses| addresses.next().is_some()));
    let proxy = Resolver::new(AddressPolicy::public_only(), Some("localhost"))
        .resolve(localhost())
        .await;
    assert!(proxy.is_ok());
}
