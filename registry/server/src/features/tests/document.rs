//! The document that describes the API.

use crate::features::openapi;

#[test]
fn it_names_every_operation_once() {
    let document = openapi();
    let mut ids: Vec<String> = Vec::new();
    for (path, item) in &document.paths.paths {
        assert!(path.starts_with("/api/") || path.starts_with("/c/"), "{path}");
        for operation in [
            &item.get,
            &item.put,
            &item.post,
            &item.delete,
            &item.head,
            &item.patch,
        ]
        .into_iter()
        .flatten()
        {
            ids.push(
                operation
                    .operation_id
                    .clone()
                    .unwrap_or_else(|| panic!("{path} has no operation id")),
            );
            assert!(
                operation.tags.as_ref().is_some_and(|tags| !tags.is_empty()),
                "{path} has no tag"
            );
        }
    }
    assert!(ids.len() > 35, "{ids:?}");
    ids.sort();
    let twice: Vec<_> = ids.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn it_is_the_same_each_time() {
    assert_eq!(
        openapi().to_pretty_json().unwrap(),
        openapi().to_pretty_json().unwrap()
    );
}
