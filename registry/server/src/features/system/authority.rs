//! The authority that signed the registry's certificate, for clients that do not trust it yet.

use std::io::ErrorKind;

use crate::config::Config;
use crate::error::{Error, Result};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Its certificates in PEM form as they stand in the file now, if there are any. Whatever else stands there, such as a
/// key that was put beside them, is left out.
pub(super) async fn certificates(config: &Config) -> Result<Option<String>> {
    let Some(path) = &config.external_ca_file else {
        return Ok(None);
    };
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(Some(only_certificates(&text)).filter(|certificates| !certificates.is_empty())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::internal(error)),
    }
}

fn only_certificates(text: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        inside |= line == BEGIN;
        if inside {
            kept.push_str(line);
            kept.push('\n');
        }
        inside &= line != END;
    }
    kept
}
