use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

/// A server for `localhost` with a certificate of its own; says its URL and the certificate.
fn server() -> (String, String) {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).expect("a key");
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(issued.cert.der().to_vec())], key)
            .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().expect("an address").port()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok() {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}");
                let _ = stream.flush();
            }
        }
    });
    (url, issued.cert.pem())
}

#[tokio::test]
async fn a_bad_certificate_is_said_to_be_one_and_not_tried_again() {
    let (url, _) = server();
    let error = Upstream::new(&endpoint(&url)).unwrap().ping().await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert!(!error.is_transient());
    // Another name than the certificate's.
    let (url, pem) = server();
    let other = endpoint(&url.replace("localhost", "127.0.0.1")).ca_pem(pem);
    let error = Upstream::new(&other).unwrap().ping().await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}

#[tokio::test]
async fn an_own_authority_is_trusted_and_any_certificate_where_one_says_so() {
    let (url, pem) = server();
    Upstream::new(&endpoint(&url).ca_pem(pem))
        .unwrap()
        .ping()
        .await
        .unwrap();
    Upstream::new(&endpoint(&url).insecure(true))
        .unwrap()
        .ping()
        .await
        .unwrap();
}

#[test]
fn endpoints_that_cannot_be() {
    for (url, says) in [
        ("registry.example", "url"),
        ("ftp://registry.example", "http:// or https://"),
        ("https://u:secret@registry.example", "credentials"),
        ("https://registry.example/?x=secret", "query"),
    ] {
        let error = Endpoint::parse(url).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    for pem in [
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let error = Upstream::new(&endpoint("https://r.example").ca_pem(pem)).unwrap_err();
        assert!(error.to_string().starts_with("ca:"), "{error}");
    }
}
