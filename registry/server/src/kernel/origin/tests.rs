use axum::http::Request;

use super::*;

fn config(proxies: &[&str], external: Option<&str>) -> Config {
    let mut config = Config::from_parts(None, []).unwrap();
    config.trusted_proxies = proxies.iter().map(|text| text.parse().unwrap()).collect();
    config.external_url = external.map(|text| text.parse().unwrap());
    config
}

fn parts(peer: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri("/v2/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(()).unwrap();
    request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    request.into_parts().0
}

const PROXY: &str = "10.0.0.1:1234";
const STRANGER: &str = "192.0.2.7:1234";

#[test]
fn p59_the_realm_is_the_address_that_the_client_used() {
    let trusting = config(&["10.0.0.0/8"], None);
    let forwarded = [
        ("host", "inner:5000"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "reg.example"),
        ("x-forwarded-port", "8443"),
        ("x-forwarded-prefix", "/reg/"),
    ];
    type Case<'a> = (&'a Config, &'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        (
            &trusting,
            STRANGER,
            &[("host", "127.0.0.1:5210")],
            "http://127.0.0.1:5210",
        ),
        (
            &trusting,
            STRANGER,
            &[("host", "[::1]:5210")],
            "http://[::1]:5210",
        ),
        // Whoever is no proxy of ours says what he likes.
        (&trusting, STRANGER, &forwarded, "http://inner:5000"),
        (&trusting, PROXY, &forwarded, "https://reg.example:8443/reg"),
        (
            &trusting,
            PROXY,
            &[("host", "reg.example:8443"), ("x-forwarded-proto", "https")],
            "https://reg.example:8443",
        ),
        (
            &trusting,
            PROXY,
            &[
                ("host", "reg.example"),
                ("x-forwarded-port", "443"),
                ("x-forwarded-proto", "https"),
            ],
            "https://reg.example",
        ),
        (
            &trusting,
            PROXY,
            &[("host", "h"), ("x-forwarded-host", "a.example, b.example")],
            "http://a.example",
        ),
        (
            &trusting,
            PROXY,
            &[
                ("host", "h"),
                ("x-forwarded-host", "a\"b"),
                ("x-forwarded-proto", "gopher"),
            ],
            "http://h",
        ),
    ];
    for (config, peer, headers, expected) in cases {
        assert_eq!(base_url(config, &parts(peer, headers)), *expected, "{headers:?}");
    }
    let external = config(&[], Some("https://registry.example.org/x/"));
    assert_eq!(
        base_url(&external, &parts(STRANGER, &forwarded)),
        "https://registry.example.org/x"
    );
}

#[test]
fn the_clients_address_is_the_first_that_is_no_proxy_of_ours() {
    let trusting = config(&["10.0.0.0/8"], None);
    let ip = |peer: &str, forwarded: &str| {
        client_ip(&trusting, &parts(peer, &[("x-forwarded-for", forwarded)]))
            .unwrap()
            .to_string()
    };
    assert_eq!(ip(STRANGER, "1.2.3.4"), "192.0.2.7");
    assert_eq!(ip(PROXY, "1.2.3.4"), "1.2.3.4");
    assert_eq!(ip(PROXY, "6.6.6.6, 1.2.3.4, 10.9.9.9"), "1.2.3.4");
    assert_eq!(ip(PROXY, "1.2.3.4:5555"), "1.2.3.4");
    assert_eq!(ip(PROXY, "nonsense"), "10.0.0.1");
    assert_eq!(ip("[::ffff:10.0.0.1]:1", "::1"), "::1");
}
