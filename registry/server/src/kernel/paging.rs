//! Pages of a list, as Harbor has them: `page`, `page_size`, `X-Total-Count` and `Link`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use url::form_urlencoded;

use crate::error::{Code, Error};

/// Largest page that may be asked for.
pub(crate) const MAX_PAGE_SIZE: i64 = 100;

static TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Which page of a list is wanted. As an extractor it answers 422 for what Harbor does not bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// From 1.
    pub(crate) page: i64,
    /// 0: everything.
    pub(crate) page_size: i64,
    path: String,
    /// The other parameters of the query, decoded.
    others: Vec<(String, String)>,
}

impl Page {
    /// Reads the query of a request.
    pub(crate) fn from_uri(uri: &Uri) -> Result<Self, Error> {
        let mut result = Self {
            page: 1,
            page_size: 10,
            path: uri.path().to_owned(),
            others: Vec::new(),
        };
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "page" => result.page = number("page", &value)?.max(1),
                "page_size" => result.page_size = number("page_size", &value)?.max(0),
                _ => result.others.push((name.into_owned(), value.into_owned())),
            }
        }
        if result.page_size > MAX_PAGE_SIZE {
            return Err(unprocessable(
                "page_size in query should be less than or equal to 100",
            ));
        }
        Ok(result)
    }

    /// `LIMIT`: `None` for everything.
    pub(crate) fn limit(&self) -> Option<i64> {
        (self.page_size > 0).then_some(self.page_size)
    }

    /// `OFFSET`.
    pub(crate) fn offset(&self) -> i64 {
        (self.page - 1).saturating_mul(self.page_size)
    }

    /// `X-Total-Count`, and `Link` where there is a neighbour: relative to the host, `prev` first.
    pub(crate) fn headers(&self, total: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TOTAL.clone(), HeaderValue::from(total.max(0)));
        let mut links = Vec::new();
        if self.page_size > 0 {
            if self.page > 1
                && (self.page - 1).saturating_mul(self.page_size) < total.saturating_add(self.page_size)
            {
                links.push(self.link(self.page - 1, "prev"));
            }
            if self.page.saturating_mul(self.page_size) < total {
                links.push(self.link(self.page + 1, "next"));
            }
        }
        if !links.is_empty()
            && let Ok(value) = HeaderValue::from_str(&links.join(" , "))
        {
            headers.insert(header::LINK, value);
        }
        headers
    }

    fn link(&self, page: i64, rel: &str) -> String {
        let mut parameters = self.others.clone();
        parameters.push(("page".to_owned(), page.to_string()));
        parameters.push(("page_size".to_owned(), self.page_size.to_string()));
        parameters.sort_by(|a, b| a.0.cmp(&b.0));
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        format!("<{}?{}>; rel=\"{rel}\"", self.path, query.join("&"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::from_uri(&parts.uri)
    }
}

/// A binding failure in Harbor's words.
pub(crate) fn unprocessable(what: impl std::fmt::Display) -> Error {
    Error::new(
        Code::UnprocessableEntity,
        format!("validation failure list:\n{what}"),
    )
}

fn number(name: &str, text: &str) -> Result<i64, Error> {
    text.parse()
        .map_err(|_| unprocessable(format!("{name} in query must be of type int64: \"{text}\"")))
}

/// Harbor does not percent-encode the query of a link; only what would end the link or the parameter is.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '#' | '<' | '>' | ',' | '"' | '%' | '+' | ' ' => {
                escaped.push_str(&format!("%{:02X}", c as u32));
            }
            c if c.is_ascii_graphic() => escaped.push(c),
            c => escaped.extend(form_urlencoded::byte_serialize(c.to_string().as_bytes())),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(uri: &str) -> Result<Page, Error> {
        Page::from_uri(&uri.parse().unwrap())
    }

    fn link(uri: &str, total: i64) -> Option<String> {
        page(uri)
            .unwrap()
            .headers(total)
            .get(header::LINK)
            .map(|v| v.to_str().unwrap().to_owned())
    }

    #[test]
    fn defaults_and_limits() {
        let first = page("/x").unwrap();
        assert_eq!((first.page, first.limit(), first.offset()), (1, Some(10), 0));
        let all = page("/x?page_size=0").unwrap();
        assert_eq!((all.limit(), all.offset()), (None, 0));
        assert_eq!(page("/x?page_size=-1").unwrap().limit(), None);
        assert_eq!(page("/x?page=0").unwrap().page, 1);
        assert_eq!(
            page("/x?page_size=101").unwrap_err().code(),
            Code::UnprocessableEntity
        );
        assert_eq!(page("/x?page=abc").unwrap_err().code(), Code::UnprocessableEntity);
    }

    #[test]
    fn links_are_harbors() {
        assert_eq!(
            link("/api/v2.0/projects?page=2", 30).unwrap(),
            "</api/v2.0/projects?page=1&page_size=10>; rel=\"prev\" , </api/v2.0/projects?page=3&page_size=10>; rel=\"next\""
        );
        assert_eq!(
            link("/p?q=name%3D~a%2Cb&page_size=2", 3).unwrap(),
            "</p?page=2&page_size=2&q=name=~a%2Cb>; rel=\"next\""
        );
        assert_eq!(link("/p", 10), None);
        assert_eq!(link("/p?page_size=0", 1000), None);
        assert_eq!(page("/p?page=999").unwrap().headers(13)["x-total-count"], "13");
    }
}
