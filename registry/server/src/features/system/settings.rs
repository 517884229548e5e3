//! Harbor's settings as they stand here. What Slipway sets elsewhere, or does not have, is shown as not editable.

use serde_json::{Map, Value, json};

use crate::config::Config;

/// Every key of Harbor's with its value.
pub(super) fn all(config: &Config) -> Map<String, Value> {
    let minutes = config.token.lifetime.as_secs() / 60;
    let values = [
        ("auth_mode", json!("db_auth")),
        ("primary_auth_mode", json!(false)),
        ("self_registration", json!(false)),
        ("read_only", json!(false)),
        ("project_creation_restriction", json!("everyone")),
        ("quota_per_project_enable", json!(true)),
        ("storage_per_project", json!(-1)),
        ("notification_enable", json!(true)),
        ("robot_name_prefix", json!(config.robot.prefix)),
        ("robot_token_duration", json!(30)),
        ("token_expiration", json!(minutes)),
        ("session_timeout", json!(60)),
        ("banner_message", json!("")),
        ("skip_audit_log_database", json!(false)),
        ("audit_log_forward_endpoint", json!("")),
        ("disabled_audit_log_event_types", json!("")),
        ("scanner_skip_update_pulltime", json!(false)),
        ("ldap_url", json!("")),
        ("ldap_base_dn", json!("")),
        ("ldap_uid", json!("cn")),
        ("ldap_filter", json!("")),
        ("ldap_search_dn", json!("")),
        ("ldap_scope", json!(2)),
        ("ldap_timeout", json!(5)),
        ("ldap_verify_cert", json!(true)),
        ("ldap_group_base_dn", json!("")),
        ("ldap_group_admin_dn", json!("")),
        ("ldap_group_attribute_name", json!("")),
        ("ldap_group_search_filter", json!("")),
        ("ldap_group_search_scope", json!(2)),
        ("ldap_group_membership_attribute", json!("memberof")),
        ("ldap_group_attach_parallel", json!(false)),
        ("uaa_client_id", json!("")),
        ("uaa_client_secret", json!("")),
        ("uaa_endpoint", json!("")),
        ("uaa_verify_cert", json!(false)),
        ("http_authproxy_endpoint", json!("")),
        ("http_authproxy_tokenreview_endpoint", json!("")),
        ("http_authproxy_admin_groups", json!("")),
        ("http_authproxy_admin_usernames", json!("")),
        ("http_authproxy_server_certificate", json!("")),
        ("http_authproxy_verify_cert", json!(true)),
        ("http_authproxy_skip_search", json!(false)),
        ("oidc_name", json!("")),
        ("oidc_endpoint", json!("")),
        ("oidc_client_id", json!("")),
        ("oidc_groups_claim", json!("")),
        ("oidc_admin_group", json!("")),
        ("oidc_group_filter", json!("")),
        ("oidc_scope", json!("")),
        ("oidc_user_claim", json!("")),
        ("oidc_verify_cert", json!(true)),
        ("oidc_auto_onboard", json!(false)),
        ("oidc_extra_redirect_parms", json!("{}")),
        ("oidc_logout", json!(false)),
    ];
    let mut all: Map<String, Value> = values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!({"value": value, "editable": false})))
        .collect();
    // Harbor shows this one empty.
    all.insert("scan_all_policy".to_owned(), json!({}));
    all
}
