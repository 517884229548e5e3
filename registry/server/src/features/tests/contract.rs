//! Harbor's operations against ours: whatever a client of Harbor's calls is here under the same method and path, with the same
//! parameters and success codes. `operations.tsv` is the contract. The two lists here say what is still owed; a line that is
//! paid fails the test until it is taken off.

use std::collections::{BTreeMap, BTreeSet};

use crate::features::openapi;

/// Operations that are not there yet.
const MISSING: &[&str] = &[];

/// Operations that are there without these parameters or success codes.
const LACKING: &[(&str, &str)] = &[
    ("PUT /api/v2.0/projects/{project_name_or_id}/scanner", "200"),
    (
        "GET /api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/vulnerabilities",
        "200",
    ),
    // Harbor has it for accounts of an OIDC provider only; it comes with them.
    ("PUT /api/v2.0/users/{user_id}/cli_secret", "200"),
];

/// An operation as the contract names it.
struct Operation {
    /// Method and path.
    name: String,
    /// The same where only the place of the path's parameters counts.
    key: String,
    query: BTreeSet<String>,
    codes: BTreeSet<String>,
}

fn contract() -> Vec<Operation> {
    let lines = include_str!("operations.tsv").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let [_, method, path, query, codes] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not five columns: {line}")
            };
            let words = |text: &str| {
                text.split(' ')
                    .filter(|word| *word != "-")
                    .map(str::to_owned)
                    .collect()
            };
            Operation {
                name: format!("{method} {path}"),
                key: key(method, path),
                query: words(query),
                codes: words(codes),
            }
        })
        .collect()
}

/// Ours: parameters of the query and success codes of each operation.
fn ours() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
                .collect();
            let codes = operation["responses"]
                .as_object()
                .into_iter()
                .flat_map(|map| map.keys());
            let codes = codes
                .filter(|code| code.starts_with(['2', '3']))
                .cloned()
                .collect();
            operations.insert(key(&method.to_uppercase(), path), (query, codes));
        }
    }
    operations
}

/// Neither the names of the path's parameters nor a slash at its end matter to a client.
fn key(method: &str, path: &str) -> String {
    let parts: Vec<&str> = path
        .trim_end_matches('/')
        .split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect();
    format!("{method} {}", parts.join("/"))
}

#[test]
fn harbors_operations_are_here() {
    let (contract, ours) = (contract(), ours());
    let mut faults = Vec::new();
    let mut complete = 0;
    for operation in &contract {
        let name = operation.name.as_str();
        let owed = MISSING.contains(&name);
        let lacking: BTreeSet<&str> = LACKING
            .iter()
            .filter(|(of, _)| *of == name)
            .flat_map(|(_, words)| words.split(' '))
            .collect();
        let Some((query, codes)) = ours.get(&operation.key) else {
            if !owed {
                faults.push(format!("missing: {name}"));
            }
            continue;
        };
        if owed {
            faults.push(format!("is here, take it off the list MISSING: {name}"));
        }
        let absent = operation
            .query
            .difference(query)
            .chain(operation.codes.difference(codes));
        let absent: BTreeSet<&str> = absent.map(String::as_str).collect();
        for word in absent.difference(&lacking) {
            faults.push(format!("differs: {name} lacks {word}"));
        }
        for word in lacking.difference(&absent) {
            faults.push(format!("is here, take it off the list LACKING: {word} of {name}"));
        }
        complete += usize::from(absent.is_empty());
    }
    let known: BTreeSet<&str> = contract.iter().map(|operation| operation.name.as_str()).collect();
    let listed = MISSING.iter().chain(LACKING.iter().map(|(of, _)| of));
    for name in listed.filter(|name| !known.contains(*name)) {
        faults.push(format!("no operation of the contract: {name}"));
    }
    println!(
        "{complete}/{} of Harbor's operations, {} not there yet",
        contract.len(),
        MISSING.len()
    );
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert_eq!(contract.len(), 145);
}
