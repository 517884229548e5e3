use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{CaRef, SecretRef, rule, union};

/// Where people's accounts come from. Set exactly one of `database`, `oidc` and `ldap`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["database", "oidc", "ldap"], "x-slipway-rules" = [rule::rule(
    "!has(self.selfRegistration) || !self.selfRegistration || has(self.database)",
    "selfRegistration works with auth.database only; remove it"
)]))]
pub struct Auth {
    /// The registry's own database. Write `database: {}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseAuth>,
    /// An OpenID Connect provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcAuth>,
    /// An LDAP directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapAuth>,
    /// Whether people may register themselves. Only with `database`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_registration: Option<bool>,
}

union! {
    /// Where people's accounts come from.
    Auth, "spec.auth": kind() -> AuthKind {
        /// The registry's own database.
        database / "database" => Database(DatabaseAuth),
        /// OpenID Connect.
        oidc / "oidc" => Oidc(OidcAuth),
        /// LDAP.
        ldap / "ldap" => Ldap(LdapAuth),
    }
}

/// Accounts in the registry's own database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseAuth {}

/// An OpenID Connect provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcAuth {
    /// The name on the login button.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// The issuer's URL, such as `https://login.example.com/realms/main`.
    #[schemars(length(min = 1, max = 512), extend("x-slipway-rules" = [rule::https_url()]))]
    pub issuer: String,
    /// The client's id.
    #[schemars(length(min = 1, max = 256))]
    pub client_id: String,
    /// The Secret with the client's secret (key `clientSecret`).
    pub client_secret_ref: SecretRef,
    /// The scopes to ask for. `openid`, `profile`, `email` and `offline_access` when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set"))]
    pub scopes: Vec<String>,
    /// The claim that holds a person's groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub groups_claim: Option<String>,
    /// The group whose members are administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub admin_group: Option<String>,
    /// The claim that holds a person's name in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub user_claim: Option<String>,
    /// Whether accounts are made at the first login without asking for a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_onboard: Option<bool>,
    /// A bundle of certificates for the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
}

/// An LDAP directory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapAuth {
    /// The directory's URL, such as `ldaps://ldap.example.com`.
    #[schemars(length(min = 1, max = 512), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^ldaps?://[^/@?# ]+/?$')",
        "write a URL with ldaps:// or ldap:// and a host, such as ldaps://ldap.example.com"
    )]))]
    pub url: String,
    /// Where people are looked for, such as `ou=people,dc=example,dc=com`.
    #[schemars(length(min = 1, max = 512))]
    pub base_dn: String,
    /// The account that searches.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub bind_dn: Option<String>,
    /// The Secret with the searching account's password (key `password`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_password_secret_ref: Option<SecretRef>,
    /// The attribute that holds a person's name. `uid` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub user_attribute: Option<String>,
    /// A further filter for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub filter: Option<String>,
    /// Where groups are looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub group_base_dn: Option<String>,
    /// A filter for groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub group_filter: Option<String>,
    /// The distinguished name of the group whose members are administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub admin_group_dn: Option<String>,
    /// A bundle of certificates for the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
}
