//! The paths of the distribution API, read from their end.
//!
//! Repository names may hold slashes and every word of the API (`p/tags/list` and `p/blobs/uploads` are
//! legal names), so a path is only unambiguous from behind: the last two or three segments say what is
//! meant, all before them is the name. A router that matches from the front cannot do that.

use axum::http::Method;
use slipway_model::RepositoryName;

/// What a path below `/v2` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/v2/`: does the registry speak this API, and are the credentials good?
    Base,
    /// `/v2/_catalog`: every repository.
    Catalog,
    /// Something inside a repository.
    Repository(RepositoryName, Item),
    /// The shape is right but the name is none.
    BadName,
    /// No path of this API.
    Unknown,
}

/// Something inside a repository. The texts are as written: they are judged only after the gate, so that
/// nobody learns from an answer what he may not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// `blobs/uploads/`: beginning an upload.
    Uploads,
    /// `blobs/uploads/<id>`: an upload in progress.
    Upload(String),
    /// `blobs/<digest>`.
    Blob(String),
    /// `manifests/<tag or digest>`.
    Manifest(String),
    /// `tags/list`.
    Tags,
    /// `referrers/<digest>`.
    Referrers(String),
}

impl Target {
    /// Reads the path of a request, `/v2` included; percent-encoding is resolved first.
    pub(crate) fn parse(path: &str) -> Self {
        let Some(path) = percent_decode(path) else {
            return Self::Unknown;
        };
        let Some(rest) = path.strip_prefix("/v2") else {
            return Self::Unknown;
        };
        if rest.is_empty() || rest == "/" {
            return Self::Base;
        }
        let Some(rest) = rest.strip_prefix('/') else {
            return Self::Unknown;
        };
        if rest == "_catalog" {
            return Self::Catalog;
        }
        let mut segments: Vec<&str> = rest.split('/').collect();
        // A proxy may strip or add the slash behind `uploads`, and only that one.
        if let [.., "blobs", "uploads", ""] = segments[..] {
            segments.pop();
        }
        let (name, item) = match segments[..] {
            [ref name @ .., "blobs", "uploads"] => (name, Item::Uploads),
            [ref name @ .., "tags", "list"] => (name, Item::Tags),
            [ref name @ .., "manifests", reference] => (name, Item::Manifest(reference.to_owned())),
            [ref name @ .., "referrers", digest] => (name, Item::Referrers(digest.to_owned())),
            [ref name @ .., "blobs", "uploads", id] => (name, Item::Upload(id.to_owned())),
            [ref name @ .., "blobs", digest] => (name, Item::Blob(digest.to_owned())),
            _ => return Self::Unknown,
        };
        match RepositoryName::parse(&name.join("/")) {
            Ok(name) => Self::Repository(name, item),
            Err(_) => Self::BadName,
        }
    }

    /// The path without what differs from request to request, for metrics.
    pub(crate) fn shape(&self) -> &'static str {
        match self {
            Self::Base => "/v2/",
            Self::Catalog => "/v2/_catalog",
            Self::Repository(_, Item::Uploads) => "/v2/{name}/blobs/uploads/",
            Self::Repository(_, Item::Upload(_)) => "/v2/{name}/blobs/uploads/{id}",
            Self::Repository(_, Item::Blob(_)) => "/v2/{name}/blobs/{digest}",
            Self::Repository(_, Item::Manifest(_)) => "/v2/{name}/manifests/{reference}",
            Self::Repository(_, Item::Tags) => "/v2/{name}/tags/list",
            Self::Repository(_, Item::Referrers(_)) => "/v2/{name}/referrers/{digest}",
            Self::BadName | Self::Unknown => "/v2/{other}",
        }
    }

    /// The methods that a path answers, as the `Allow` header lists them.
    pub(crate) fn allowed(&self) -> &'static str {
        match self {
            Self::Base | Self::Catalog => "GET, HEAD",
            Self::Repository(_, item) => item.allowed(),
            Self::BadName | Self::Unknown => "",
        }
    }

    /// Does the path answer this method?
    pub(crate) fn allows(&self, method: &Method) -> bool {
        self.allowed()
            .split(", ")
            .any(|allowed| allowed == method.as_str())
    }
}

impl Item {
    fn allowed(&self) -> &'static str {
        match self {
            Self::Uploads => "POST",
            Self::Upload(_) => "GET, HEAD, PATCH, PUT, DELETE",
            Self::Blob(_) => "GET, HEAD, DELETE",
            Self::Manifest(_) => "GET, HEAD, PUT, DELETE",
            Self::Tags | Self::Referrers(_) => "GET, HEAD",
        }
    }
}

/// Resolves `%xx`; `None` where that does not give text.
fn percent_decode(path: &str) -> Option<String> {
    if !path.contains('%') {
        return Some(path.to_owned());
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: u8| char::from(b).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[path = "tests/path.rs"]
mod tests;
