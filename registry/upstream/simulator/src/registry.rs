//! The distribution protocol over what stands in memory.

use bytes::Bytes;
use slipway_model::Digest;

use super::{Reply, Seen, Simulator, auth};

pub(super) fn answer(simulator: &Simulator, seen: &Seen) -> Reply {
    let path = seen.path.split('?').next().unwrap_or_default();
    if path == "/token" {
        return auth::issue(simulator, seen);
    }
    let page = {
        let content = simulator.content();
        let key = format!("{} {}", seen.method, seen.path);
        content
            .pages
            .get(&key)
            .or_else(|| content.pages.get(&seen.path))
            .cloned()
    };
    if let Some((status, headers, body)) = page {
        let reply = Reply::new(status).body(body);
        return headers
            .into_iter()
            .fold(reply, |reply, (name, value)| reply.header(&name, value));
    }
    let Some((_, rest)) = path.split_once("/v2/") else {
        return Reply::error(404, "NOT_FOUND");
    };
    let action = match seen.method.as_str() {
        "GET" | "HEAD" => "pull",
        "DELETE" if !rest.contains("/uploads/") => "delete",
        _ => "push",
    };
    let (name, kind, last) = match split(rest) {
        Some(parts) => parts,
        None => return auth::check(simulator, seen, None, "").unwrap_or_else(|| Reply::new(200).body("{}")),
    };
    if let Some(refusal) = auth::check(simulator, seen, Some(name), action) {
        return refusal;
    }
    let reply = match kind {
        "catalog" => catalog(simulator, seen),
        "tags" => tags(simulator, seen, name),
        "manifests" => manifest(simulator, seen, name, last),
        "blobs" => blob(simulator, seen, name, last),
        "uploads" => upload(simulator, seen, name, last),
        _ => referrers(simulator, name, last),
    };
    Reply {
        head: seen.method == "HEAD",
        ..reply
    }
}

fn split(rest: &str) -> Option<(&str, &str, &str)> {
    if rest == "_catalog" {
        return Some(("", "catalog", ""));
    }
    if let Some(name) = rest.strip_suffix("/tags/list") {
        return Some((name, "tags", ""));
    }
    if let Some((name, id)) = rest.split_once("/blobs/uploads/") {
        return Some((name, "uploads", id));
    }
    ["manifests", "blobs", "referrers"].into_iter().find_map(|kind| {
        let (name, last) = rest.rsplit_once(&format!("/{kind}/"))?;
        Some((name, kind, last))
    })
}

fn paged(simulator: &Simulator, seen: &Seen, mut all: Vec<String>, write: impl Fn(&str) -> String) -> Reply {
    all.sort();
    all.dedup();
    let asked = seen
        .query("n")
        .first()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usize::MAX);
    let last = seen.query("last").pop().unwrap_or_default();
    all.retain(|entry| *entry > last);
    let more = all.len() > simulator.habits.page.min(asked);
    all.truncate(simulator.habits.page.min(asked));
    let reply = Reply::new(200).body(write(&serde_json::to_string(&all).expect("JSON")));
    let Some(end) = all.last().filter(|_| more) else {
        return reply;
    };
    let path = seen.path.split('?').next().unwrap_or_default();
    let encoded: String = url::form_urlencoded::byte_serialize(end.as_bytes()).collect();
    let target = format!("{path}?last={encoded}&n={asked}");
    match simulator.habits.absolute_links {
        true => reply.header("link", format!("<{}{target}>; rel=next", simulator.url)),
        false => reply.header("link", format!("<{target}>; rel=\"next\"")),
    }
}

fn catalog(simulator: &Simulator, seen: &Seen) -> Reply {
    let names = simulator
        .content()
        .manifests
        .keys()
        .map(|(name, _)| name.clone())
        .collect();
    paged(simulator, seen, names, |list| {
        format!(r#"{{"repositories":{list}}}"#)
    })
}

fn tags(simulator: &Simulator, seen: &Seen, name: &str) -> Reply {
    let tags: Vec<String> = {
        let content = simulator.content();
        let of_name = content
            .manifests
            .keys()
            .filter(|(repository, _)| repository == name);
        of_name
            .map(|(_, tag)| tag.clone())
            .filter(|tag| !tag.contains(':'))
            .collect()
    };
    paged(simulator, seen, tags, |list| {
        format!(r#"{{"name":"{name}","tags":{list}}}"#)
    })
}

fn manifest(simulator: &Simulator, seen: &Seen, name: &str, reference: &str) -> Reply {
    let key = (name.to_owned(), reference.to_owned());
    match seen.method.as_str() {
        "PUT" => {
            let media_type = seen.header("content-type").unwrap_or_default();
            let digest = simulator.put_manifest(name, reference, media_type, seen.body.clone());
            let reply = Reply::new(201).header("docker-content-digest", digest.to_string());
            let subject = serde_json::from_slice::<serde_json::Value>(&seen.body)
                .ok()
                .and_then(|document| Some(document["subject"]["digest"].as_str()?.to_owned()));
            match subject.filter(|_| simulator.habits.referrers) {
                Some(subject) => reply.header("oci-subject", subject),
                None => reply,
            }
        }
        "DELETE" if !reference.contains(':') && !simulator.habits.deletes_tags => {
            Reply::error(405, "UNSUPPORTED")
        }
        "DELETE" => match simulator.content().manifests.remove(&key) {
            Some(_) => Reply::new(202),
            None => Reply::error(404, "MANIFEST_UNKNOWN"),
        },
        _ => {
            let Some((media_type, bytes)) = simulator.content().manifests.get(&key).cloned() else {
                return Reply::error(404, "MANIFEST_UNKNOWN");
            };
            let digest = Digest::sha256(&bytes).to_string();
            if seen.header("if-none-match") == Some(&format!("\"{digest}\"")) {
                return Reply::new(304);
            }
            let reply = Reply::new(200)
                .header("content-type", media_type)
                .header("etag", format!("\"{digest}\""))
                .body(bytes);
            match simulator.habits.names_digests {
                true => reply.header("docker-content-digest", digest),
                false => reply,
            }
        }
    }
}

fn blob(simulator: &Simulator, seen: &Seen, name: &str, digest: &str) -> Reply {
    let key = (name.to_owned(), digest.to_owned());
    let Some(bytes) = simulator.content().blobs.get(&key).cloned() else {
        return Reply::error(404, "BLOB_UNKNOWN");
    };
    let reply = Reply::new(200).header("etag", format!("\"{digest}\""));
    let start = seen.header("range").and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    match start.filter(|_| simulator.habits.ranges) {
        Some(start) if start >= bytes.len() => Reply::error(416, "RANGE_INVALID"),
        Some(start) => Reply { status: 206, ..reply }
            .header(
                "content-range",
                format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len()),
            )
            .body(bytes.slice(start..)),
        None => reply.body(bytes),
    }
}

fn upload(simulator: &Simulator, seen: &Seen, name: &str, id: &str) -> Reply {
    let location = |id: &str| format!("/v2/{name}/blobs/uploads/{id}?_state=a%2Bb");
    let mut content = simulator.content();
    if seen.method == "POST" {
        let mount = seen.query("mount").pop().zip(seen.query("from").pop());
        if let Some((digest, from)) = mount
            && let Some(bytes) = content.blobs.get(&(from, digest.clone())).cloned()
        {
            content.blobs.insert((name.to_owned(), digest), bytes);
            return Reply::new(201);
        }
        let id = format!("u{}", content.number());
        content.uploads.insert(id.clone(), Vec::new());
        return Reply::new(202)
            .header("location", location(&id))
            .header("range", "0-0");
    }
    let Some(received) = content.uploads.get_mut(id) else {
        return Reply::error(404, "BLOB_UPLOAD_UNKNOWN");
    };
    let range = |length: usize| format!("0-{}", length.saturating_sub(1));
    match seen.method.as_str() {
        "GET" => Reply::new(204)
            .header("location", location(id))
            .header("range", range(received.len())),
        "PATCH" => {
            let start = seen
                .header("content-range")
                .and_then(|range| range.split('-').next()?.parse::<usize>().ok());
            if start.is_some_and(|start| start != received.len()) {
                return Reply::error(416, "RANGE_INVALID");
            }
            received.extend_from_slice(&seen.body);
            Reply::new(202)
                .header("location", location(id))
                .header("range", range(received.len()))
        }
        "PUT" => {
            received.extend_from_slice(&seen.body);
            let bytes = Bytes::from(received.clone());
            let wanted = seen.query("digest").pop().unwrap_or_default();
            content.uploads.remove(id);
            if Digest::sha256(&bytes).as_str() != wanted {
                return Reply::error(400, "DIGEST_INVALID");
            }
            content.blobs.insert((name.to_owned(), wanted.clone()), bytes);
            Reply::new(201).header("docker-content-digest", wanted)
        }
        _ => {
            content.uploads.remove(id);
            Reply::new(204)
        }
    }
}

fn referrers(simulator: &Simulator, name: &str, subject: &str) -> Reply {
    if !simulator.habits.referrers {
        return Reply::error(404, "NOT_FOUND");
    }
    let content = simulator.content();
    let mut found = Vec::new();
    for ((repository, reference), (media_type, bytes)) in &content.manifests {
        let document: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        if repository == name && reference.contains(':') && document["subject"]["digest"] == subject {
            found.push(serde_json::json!({
                "mediaType": media_type,
                "digest": reference,
                "size": bytes.len(),
                "artifactType": document["artifactType"],
            }));
        }
    }
    let index = serde_json::json!({"schemaVersion": 2, "manifests": found});
    Reply::new(200)
        .header("content-type", "application/vnd.oci.image.index.v1+json")
        .body(index.to_string())
}
