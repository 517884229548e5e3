//! How the simulated registry wants to be convinced.

use std::collections::HashMap;

use super::{Reply, Seen, Simulator};

/// The one account.
pub const USER: &str = "robot$p+x";
/// Its password.
pub const PASSWORD: &str = "Ge:heim 1";
/// USER:PASSWORD in the form of RFC 7617.
const BASIC: &str = "Basic cm9ib3QkcCt4OkdlOmhlaW0gMQ==";

/// Which credentials it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// None.
    Open,
    /// [`USER`] and [`PASSWORD`] with each request.
    Basic,
    /// Tokens from `/token`, asked for with GET, with POST, or with either.
    Tokens {
        /// It answers GET.
        get: bool,
        /// It answers POST.
        post: bool,
        /// Where the realm is said to be; here, when absent.
        realm: Option<String>,
        /// Anonymous callers get tokens as well.
        anonymous: bool,
        /// Seconds that a token lives.
        life: u64,
    },
}

impl Auth {
    /// Tokens in every way, for the account only.
    pub fn tokens() -> Self {
        Self::Tokens {
            get: true,
            post: true,
            realm: None,
            anonymous: false,
            life: 300,
        }
    }
}

/// The tokens that were issued, with their scopes.
#[derive(Debug, Default)]
pub struct Tokens {
    valid: HashMap<String, Vec<String>>,
    /// How many there were.
    pub issued: usize,
}

impl Tokens {
    /// Every token that was issued so far is refused from now on.
    pub fn revoke_all(&mut self) {
        self.valid.clear();
    }
}

/// A 401, or nothing where the request may pass.
pub(super) fn check(simulator: &Simulator, seen: &Seen, name: Option<&str>, action: &str) -> Option<Reply> {
    let authorization = seen.header("authorization").unwrap_or_default();
    let denied = name.is_some_and(|name| simulator.content().denied.contains(name));
    match &simulator.habits.auth {
        Auth::Open => None,
        Auth::Basic if authorization != BASIC => {
            Some(Reply::error(401, "UNAUTHORIZED").header("www-authenticate", "Basic realm=\"registry\""))
        }
        Auth::Basic => denied.then(|| Reply::error(403, "DENIED")),
        Auth::Tokens { realm, .. } => {
            let scope = match name {
                Some("") => "registry:catalog:*".to_owned(),
                Some(name) => format!("repository:{name}:{action}"),
                None => String::new(),
            };
            let granted = authorization
                .strip_prefix("Bearer ")
                .and_then(|token| simulator.tokens().valid.get(token).cloned());
            if granted.is_some_and(|scopes| {
                scope.is_empty() || scopes.iter().any(|granted| allows(granted, &scope))
            }) {
                return None;
            }
            let realm = realm
                .clone()
                .unwrap_or_else(|| format!("{}/token", simulator.url));
            let scope = if scope.is_empty() {
                scope
            } else {
                format!(",scope=\"{scope}\"")
            };
            let challenge = format!("Bearer realm=\"{realm}\",service=\"simulator\"{scope}");
            Some(Reply::error(401, "UNAUTHORIZED").header("www-authenticate", challenge))
        }
    }
}

fn allows(granted: &str, wanted: &str) -> bool {
    let (Some((resource, has)), Some((other, needs))) = (granted.rsplit_once(':'), wanted.rsplit_once(':'))
    else {
        return false;
    };
    resource == other && needs.split(',').all(|need| has.split(',').any(|has| has == need))
}

/// `/token`.
pub(super) fn issue(simulator: &Simulator, seen: &Seen) -> Reply {
    let Auth::Tokens {
        get,
        post,
        anonymous,
        life,
        ..
    } = &simulator.habits.auth
    else {
        return Reply::error(404, "UNSUPPORTED");
    };
    let form: HashMap<String, String> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let (known, scopes) = match seen.method.as_str() {
        "GET" if *get => {
            let known = match seen.header("authorization") {
                None => *anonymous,
                Some(authorization) => authorization == BASIC,
            };
            (known, seen.query("scope"))
        }
        "POST" if *post => {
            let known = match field("grant_type") {
                "password" => field("username") == USER && field("password") == PASSWORD,
                "refresh_token" => field("refresh_token") == "identity-1",
                _ => false,
            };
            (
                known,
                field("scope")
                    .split_ascii_whitespace()
                    .map(str::to_owned)
                    .collect(),
            )
        }
        _ => return Reply::error(405, "UNSUPPORTED"),
    };
    if !known {
        return Reply::error(401, "UNAUTHORIZED");
    }
    let scopes = scopes.into_iter().filter(|scope| {
        let name = scope.split(':').nth(1).unwrap_or_default();
        !simulator.content().denied.contains(name)
    });
    let scopes: Vec<String> = scopes.collect();
    let mut tokens = simulator.tokens();
    tokens.issued += 1;
    let token = format!("token-{}", tokens.issued);
    tokens.valid.insert(token.clone(), scopes);
    Reply::new(200).body(format!(r#"{{"access_token":"{token}","expires_in":{life}}}"#))
}
