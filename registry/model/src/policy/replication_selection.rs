//! Which repositories, tags and artifacts a replication takes along, and under which names.

use thiserror::Error;

use super::{Pattern, PatternError, SelectorKind};

/// Most literals that a glob is taken apart into.
const MOST_LITERALS: usize = 200;

/// The filters of a replication, checked. All of them must agree; one that is absent lets everything through.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    name: Option<(String, Pattern)>,
    tags: Option<(String, Pattern, bool)>,
    labels: Option<(Vec<String>, bool)>,
}

impl Selection {
    /// Takes whole repository names that match this glob. An empty one takes all.
    pub fn with_names(mut self, glob: &str) -> Result<Self, PatternError> {
        self.name = parsed(glob)?;
        Ok(self)
    }

    /// Takes tags that match this glob, or those that do not. An empty one takes all.
    pub fn with_tags(mut self, glob: &str, excludes: bool) -> Result<Self, PatternError> {
        self.tags = parsed(glob)?.map(|(text, pattern)| (text, pattern, excludes));
        Ok(self)
    }

    /// Takes artifacts that carry all of these labels, or those that do not carry all of them.
    #[must_use]
    pub fn with_labels(mut self, labels: Vec<String>, excludes: bool) -> Self {
        self.labels = (!labels.is_empty()).then_some((labels, excludes));
        self
    }

    /// Is this repository taken?
    pub fn takes_repository(&self, name: &str) -> bool {
        self.name
            .as_ref()
            .is_none_or(|(_, pattern)| pattern.matches(name))
    }

    /// Is this tag taken? An artifact without tags is asked about with an empty one.
    pub fn takes_tag(&self, tag: &str) -> bool {
        self.tags
            .as_ref()
            .is_none_or(|(_, pattern, excludes)| pattern.matches(tag) != *excludes)
    }

    /// Are artifacts with these labels taken?
    pub fn takes_labels(&self, labels: &[String]) -> bool {
        self.labels
            .as_ref()
            .is_none_or(|(wanted, excludes)| wanted.iter().all(|label| labels.contains(label)) != *excludes)
    }

    /// Does it look at labels at all?
    pub fn looks_at_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// The repositories by name, where the filter is nothing but names: then nobody need list any.
    pub fn literal_names(&self) -> Option<Vec<String>> {
        let (glob, _) = self.name.as_ref()?;
        literals(glob)
    }

    /// The tags by name, where the filter is nothing but names.
    pub fn literal_tags(&self) -> Option<Vec<String>> {
        match &self.tags {
            Some((glob, _, false)) => literals(glob),
            _ => None,
        }
    }

    /// The first components of the names, where those are written out: only there need be looked. `None`: anywhere.
    pub fn literal_namespaces(&self) -> Option<Vec<String>> {
        let (glob, _) = self.name.as_ref()?;
        literals(first_component(glob)?)
    }
}

fn parsed(glob: &str) -> Result<Option<(String, Pattern)>, PatternError> {
    if glob.is_empty() {
        return Ok(None);
    }
    let pattern = Pattern::parse(SelectorKind::Glob(glob))?;
    Ok(Some((glob.to_owned(), pattern)))
}

/// All before the first slash that stands in no braces.
fn first_component(glob: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, c) in glob.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => return glob.get(..at),
            _ => {}
        }
    }
    None
}

/// The texts that a glob stands for, where it has braces at most, and those side by side.
fn literals(glob: &str) -> Option<Vec<String>> {
    if glob.contains(['*', '?', '[', ']', '\\', '!']) {
        return None;
    }
    let mut found = vec![String::new()];
    let mut rest = glob;
    while let Some((before, behind)) = rest.split_once('{') {
        let (inside, after) = behind.split_once('}')?;
        if before.contains('}') || inside.contains('{') {
            return None;
        }
        let options: Vec<&str> = inside.split(',').collect();
        if found.len() * options.len() > MOST_LITERALS {
            return None;
        }
        found = found
            .iter()
            .flat_map(|start| {
                options
                    .iter()
                    .map(move |option| format!("{start}{before}{option}"))
            })
            .collect();
        rest = after;
    }
    if rest.contains('}') {
        return None;
    }
    found.iter_mut().for_each(|text| text.push_str(rest));
    Some(found)
}

/// Why a repository has no name at the destination.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the repository {name:?} has only {has} path components in front of its last one, and \
     dest_namespace_replace_count is {count}: set a smaller number, or -1 to replace all of them"
)]
pub struct TooShort {
    /// Its name.
    pub name: String,
    /// How many components stand in front of the last one.
    pub has: usize,
    /// How many were to be replaced.
    pub count: i64,
}

/// The name of a repository at the destination: so many of its first components are replaced by the namespace, all but the
/// last one where `count` is negative. Without a namespace the name stays.
pub fn destination(name: &str, namespace: &str, count: i64) -> Result<String, TooShort> {
    if namespace.is_empty() {
        return Ok(name.to_owned());
    }
    let parts: Vec<&str> = name.split('/').collect();
    let has = parts.len() - 1;
    let replaced = match usize::try_from(count) {
        Err(_) => has,
        Ok(count) if count <= has => count,
        Ok(_) => {
            return Err(TooShort {
                name: name.to_owned(),
                has,
                count,
            });
        }
    };
    Ok(format!("{namespace}/{}", parts[replaced..].join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: Option<Vec<String>>) -> Vec<String> {
        found.unwrap_or_default()
    }

    #[test]
    fn names_at_the_destination_follow_the_table() {
        for (name, namespace, count, expected) in [
            ("a/b/c/img", "", 2, Some("a/b/c/img")),
            ("a/b/c/img", "n", -1, Some("n/img")),
            ("a/b/c/img", "n", 0, Some("n/a/b/c/img")),
            ("a/b/c/img", "n", 1, Some("n/b/c/img")),
            ("a/b/c/img", "n", 2, Some("n/c/img")),
            ("a/b/c/img", "n", 3, Some("n/img")),
            ("a/b/c/img", "n", 4, None),
            ("a/b/c/img", "n/m", 1, Some("n/m/b/c/img")),
            ("img", "n", -1, Some("n/img")),
            ("img", "n", 0, Some("n/img")),
            ("img", "n", 1, None),
        ] {
            assert_eq!(
                destination(name, namespace, count).ok().as_deref(),
                expected,
                "{name} {namespace} {count}"
            );
        }
    }

    #[test]
    fn globs_without_wildcards_are_names() {
        let of = |glob: &str| texts(Selection::default().with_names(glob).unwrap().literal_names());
        assert_eq!(of("a/b"), ["a/b"]);
        assert_eq!(of("a/{b,c}"), ["a/b", "a/c"]);
        assert_eq!(of("{a,b}/{c,d}-x"), ["a/c-x", "a/d-x", "b/c-x", "b/d-x"]);
        for glob in ["a/*", "a/b?", "a/[bc]", "a/{b,{c,d}}", "**"] {
            assert_eq!(of(glob), Vec::<String>::new(), "{glob}");
        }
        let spaces = |glob: &str| {
            texts(
                Selection::default()
                    .with_names(glob)
                    .unwrap()
                    .literal_namespaces(),
            )
        };
        assert_eq!(spaces("library/**"), ["library"]);
        assert_eq!(spaces("{a,b}/**"), ["a", "b"]);
        assert_eq!(spaces("*/a"), Vec::<String>::new());
        assert_eq!(spaces("**"), Vec::<String>::new());
        let tags = Selection::default().with_tags("{1.0,2.0}", false).unwrap();
        assert_eq!(texts(tags.literal_tags()), ["1.0", "2.0"]);
        assert_eq!(
            Selection::default()
                .with_tags("1.0", true)
                .unwrap()
                .literal_tags(),
            None
        );
    }

    #[test]
    fn artifacts_without_tags_have_an_empty_one() {
        for (glob, excludes, untagged, v1) in [
            ("", false, true, true),
            ("**", false, true, true),
            ("*", false, true, true),
            ("v*", false, false, true),
            ("v*", true, true, false),
        ] {
            let selection = Selection::default().with_tags(glob, excludes).unwrap();
            assert_eq!(
                (selection.takes_tag(""), selection.takes_tag("v1")),
                (untagged, v1),
                "{glob} {excludes}"
            );
        }
    }

    #[test]
    fn labels_are_all_there_or_not_all() {
        let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let all = Selection::default().with_labels(labels(&["a", "b"]), false);
        let not_all = Selection::default().with_labels(labels(&["a", "b"]), true);
        for (carried, is_taken) in [
            (labels(&["a", "b", "c"]), true),
            (labels(&["a"]), false),
            (labels(&[]), false),
        ] {
            assert_eq!(all.takes_labels(&carried), is_taken);
            assert_eq!(not_all.takes_labels(&carried), !is_taken);
        }
        assert!(Selection::default().takes_labels(&[]) && !Selection::default().looks_at_labels());
    }

    #[test]
    fn names_are_whole_and_bad_globs_are_told() {
        let selection = Selection::default().with_names("alpha/**").unwrap();
        assert!(selection.takes_repository("alpha/a/b") && !selection.takes_repository("beta/alpha/a"));
        assert!(Selection::default().with_names("a{").is_err());
        assert!(Selection::default().takes_repository("anything"));
    }
}
