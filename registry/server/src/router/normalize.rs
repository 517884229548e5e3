//! Harbor's clients write slashes too many: below `/api/` one at the end and repeated ones do not matter. `/v2/` is left alone,
//! where every slash means something.

use axum::http::{Request, Uri};

/// Takes the needless slashes out of the path.
pub(super) fn tidy<B>(mut request: Request<B>) -> Request<B> {
    if let Some(uri) = tidied(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn tidied(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let below_api = path.trim_start_matches('/').starts_with("api/");
    if !below_api || !(path.ends_with('/') || path.contains("//")) {
        return None;
    }
    let clean: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut text = format!("/{}", clean.join("/"));
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(text.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes() {
        let tidy = |text: &str| tidied(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(
            tidy("/api/v2.0/quotas/?page=1").as_deref(),
            Some("/api/v2.0/quotas?page=1")
        );
        assert_eq!(tidy("//api//v2.0/x").as_deref(), Some("/api/v2.0/x"));
        assert_eq!(tidy("/api/v2.0/quotas?page=1"), None);
        assert_eq!(tidy("/v2/"), None);
        assert_eq!(tidy("/v2/p//a/tags/list"), None);
    }
}
