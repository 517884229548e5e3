//! The reference of all settings, `docs/reference/configuration.md`, made from the one table of keys.

use super::keys::{FILE_SUFFIX, KEYS, Key, Kind, variable};

const HEAD: &str = "\
# Settings of the registry

<!-- Made by `slipway-registry settings`; change registry/server/src/config/keys.rs instead. -->

`slipway-registry serve`, `worker`, `migrate` and `all` read one YAML file (`--config FILE` or `SLIPWAY_CONFIG`) and the
environment. Both have the same names: the key `database.url` is written

```yaml
database:
  url: postgres://slipway:secret@db.example.org/slipway
```

in the file and `SLIPWAY_DATABASE_URL` in the environment. The environment wins. A key that does not exist, in either place, ends
the start with a sentence that names it and the nearest one that does; an empty variable counts as one that is not set.

* **Secrets** never stand in a log. Each has a twin with `_file` behind its name, which names a file that holds it
  (`database.password_file`, `SLIPWAY_DATABASE_PASSWORD_FILE`).
* **Durations** are written `90s`, `30m`, `1h30m` or `7d`.
* **Lists** are YAML lists in the file and separated by commas in the environment.
* `all` needs no setting at all. `serve` and `worker` need `database`, `storage`, and `serve` also `token.signing_key`.

## Errors and request ids

Every answer has `X-Request-Id` (the client's own, if it sent one of at most 128 plain characters). Error bodies have Harbor's and the
OCI specification's form with one more field, which clients ignore: `{\"errors\": [{\"code\", \"message\", \"request_id\"}]}`. The
same id stands in every log line of the request.

## Logging in

After 10 wrong passwords for one account from one address, none is looked at for a minute (429 with `Retry-After`). Robots log in under
the name that the settings make (`robot-acme--ci`) and under Harbor's (`robot$acme+ci`).

Sessions of the portal are kept in the cache: several replicas need `cache.url`, or their clients stay with one replica. While the cache does
not answer, each replica goes by what it knows itself.

## Limits on requests

`limits.*` say how often one caller may come: an account or robot, and without an account an address (IPv6: a network of 64 bits; behind a
proxy the client's own only where `trusted_proxies` names the proxy). Manifests, `HEAD` requests and tokens are counted apart, and none of them is
limited unless it is set; blobs, uploads, lists and requests that are only told to log in do not count. A minute's worth may come at once;
then requests are refused with 429, `TOOMANYREQUESTS` and a `Retry-After`, and `slipway_requests_limited_total` counts
them. Each process counts in its memory, for itself: with three replicas a caller may get three times as much, and a restart forgets.

## Clocks

Replicas and workers should agree on the time to within a minute. A clock that jumps by hours, forward or back, loses no upload and no blob in use,
runs no schedule twice and makes no token live longer; clients may have to get a new token. Only what lasts longer than `upload_expiry`
(uploads between two requests) or 36 hours (layers whose manifest has not come) is taken for time that passed.

## Settings that the API changes

`PUT /api/v2.0/configurations` changes Harbor's settings; they stand in the database and count on every replica within a second. What is set
here (`settings.*`, `token.lifetime`, `robot.name_prefix`) wins over the database, and the API says so.

## All keys

";

/// The page.
pub(crate) fn markdown() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| key | environment | holds | without it | |\n|---|---|---|---|---|\n");
    for key in KEYS {
        page.push_str(&line(key));
    }
    page
}

fn line(key: &Key) -> String {
    let twin = if key.kind == Kind::Secret {
        format!("<br>`{}{FILE_SUFFIX}`", key.path)
    } else {
        String::new()
    };
    format!(
        "| `{}`{twin} | `{}` | {} | {} | {} |\n",
        key.path,
        variable(key.path),
        kind(key.kind),
        key.default,
        key.help.replace('|', "\\|")
    )
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Secret => "secret",
        Kind::Number => "number",
        Kind::Flag => "true or false",
        Kind::Duration => "duration",
        Kind::List => "list",
        Kind::Address => "address",
    }
}
