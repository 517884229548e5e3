//! What this registry is.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use slipway_api::SystemInfo;

use crate::config::StorageConfig;
use crate::error::Result;
use crate::features::system::authority;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::origin;

/// The release of Harbor whose API this is, in Harbor's form, with our own behind it.
const VERSION: &str = concat!("v2.16.0-slipway.", env!("CARGO_PKG_VERSION"));

/// What this registry is; more of it for those who are logged in.
#[utoipa::path(get, path = "/api/v2.0/systeminfo", tag = "systeminfo", operation_id = "getSystemInfo", responses((status = 200, body = SystemInfo)))]
pub(in crate::features::system) async fn info(
    State(app): State<App>,
    ctx: Context,
    parts: Parts,
) -> Result<Json<SystemInfo>> {
    let settings = app.settings.now();
    let flag = |key: &str| settings.value(key).as_bool();
    let text = |key: &str| settings.value(key).as_str().map(str::to_owned);
    let mut info = SystemInfo {
        auth_mode: text("auth_mode"),
        primary_auth_mode: flag("primary_auth_mode"),
        self_registration: flag("self_registration"),
        banner_message: text("banner_message"),
        oidc_provider_name: Some(String::new()),
        ..SystemInfo::default()
    };
    if !ctx.caller.is_anonymous() {
        let url = origin::base_url(&app.config, &parts);
        info.has_ca_root = Some(authority::certificates(&app.config).await?.is_some());
        info.project_creation_restriction = text("project_creation_restriction");
        info.harbor_version = Some(VERSION.to_owned());
        info.registry_url = Some(
            url.split_once("://")
                .map_or(url.clone(), |(_, rest)| rest.to_owned()),
        );
        info.external_url = Some(url);
        info.read_only = flag("read_only");
        info.notification_enable = flag("notification_enable");
        let provider = match app.config.storage {
            Some(StorageConfig::Memory) => "memory",
            _ => "filesystem",
        };
        info.registry_storage_provider_name = Some(provider.to_owned());
        info.current_time = Some(app.clock.now().into());
    }
    Ok(Json(info))
}
