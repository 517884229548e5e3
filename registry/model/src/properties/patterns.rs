//! Globs against a matcher that is slow and simple: it writes a glob out without braces, then tries every way in which the
//! parts can match.

use proptest::prelude::*;

use super::soon;
use crate::policy::{Pattern, SelectorKind};

/// All globs without braces that this one stands for.
fn written_out(glob: &str) -> Vec<String> {
    let Some(open) = glob.find('{') else {
        return vec![glob.to_owned()];
    };
    let (mut depth, mut start, mut options) = (0, open + 1, Vec::new());
    for (at, c) in glob.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            ',' if depth == 1 => {
                options.push(&glob[start..at]);
                start = at + 1;
            }
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            options.push(&glob[start..at]);
            let (before, behind) = (&glob[..open], &glob[at + 1..]);
            return options
                .iter()
                .flat_map(|option| written_out(&format!("{before}{option}{behind}")))
                .collect();
        }
    }
    unreachable!("the braces of a generated glob are closed")
}

/// `**` that is a whole part stands for any number of parts, none included; other parts stand for one.
fn parts_match(glob: &[&str], text: &[&str]) -> bool {
    match glob.split_first() {
        None => text.is_empty(),
        // At the end, after a slash, there must be something: `a/**` is not `a`.
        Some((&"**", [])) => true,
        Some((&"**", rest)) => (0..=text.len()).any(|skipped| parts_match(rest, &text[skipped..])),
        Some((part, rest)) => text.split_first().is_some_and(|(first, others)| {
            part_matches(part.as_bytes(), first.as_bytes()) && parts_match(rest, others)
        }),
    }
}

fn part_matches(glob: &[u8], text: &[u8]) -> bool {
    match glob {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skipped| part_matches(rest, &text[skipped..])),
        [b'?', rest @ ..] => !text.is_empty() && part_matches(rest, &text[1..]),
        [b'[', rest @ ..] => {
            let end = rest
                .iter()
                .position(|byte| *byte == b']')
                .expect("a generated class is closed");
            let (class, behind) = (&rest[..end], &rest[end + 1..]);
            let (turned, class) = match class {
                [b'^', class @ ..] => (true, class),
                class => (false, class),
            };
            let holds = |byte: u8| match class {
                [low, b'-', high] => (*low..=*high).contains(&byte),
                class => class.contains(&byte),
            };
            text.first().is_some_and(|byte| holds(*byte) != turned) && part_matches(behind, &text[1..])
        }
        [byte, rest @ ..] => text.first() == Some(byte) && part_matches(rest, &text[1..]),
    }
}

fn slowly(glob: &str, text: &str) -> bool {
    let text: Vec<&str> = text.split('/').collect();
    written_out(glob).iter().any(|glob| {
        let parts: Vec<&str> = glob.split('/').collect();
        match parts.split_last() {
            // `a/**` wants something below `a`.
            Some((&"**", before)) if !before.is_empty() => {
                (0..text.len()).any(|taken| parts_match(before, &text[..taken]))
            }
            _ => parts_match(&parts, &text),
        }
    })
}

fn checked(glob: &str) -> Pattern {
    Pattern::parse(SelectorKind::Glob(glob)).unwrap_or_else(|error| panic!("{glob}: {error}"))
}

/// A part of a path, in braces or not.
fn part() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        4 => "[ab1.-]".prop_map(String::from),
        2 => Just("*".to_owned()),
        1 => Just("?".to_owned()),
        1 => Just("[a-b]".to_owned()),
        1 => Just("[^a1]".to_owned()),
        1 => Just("{a,b1}".to_owned()),
        1 => Just("{a,b{1,-}}".to_owned()),
        1 => Just("{*.1,b}".to_owned()),
    ];
    prop::collection::vec(atom, 1..5).prop_map(|atoms| atoms.concat())
}

fn glob() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => part(), 1 => Just("**".to_owned()), 1 => Just("{a/b,1}".to_owned())];
    prop::collection::vec(piece, 1..4)
        .prop_map(|pieces| pieces.join("/"))
        .prop_filter("within the bounds", |glob| {
            Pattern::parse(SelectorKind::Glob(glob)).is_ok()
        })
}

fn text() -> impl Strategy<Value = String> {
    "[ab1.-]{1,4}(/[ab1.-]{1,3}){0,3}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases * 8, ..ProptestConfig::default() })]

    #[test]
    fn globs_match_as_the_slow_matcher_says(glob in glob(), text in text()) {
        prop_assert_eq!(checked(&glob).matches(&text), slowly(&glob, &text), "{} {}", glob, text);
    }

    /// Texts made after the glob, so that many match.
    #[test]
    fn globs_match_what_is_made_after_them(
        (glob, text) in glob().prop_flat_map(|glob| {
            let like = written_out(&glob)[0]
                .replace("**", "[ab]{1,2}(/[ab1]{1,2})?")
                .replace(['*', '?'], "[ab1.]")
                .replace("[^a1]", "[b.-]")
                .replace('.', "\\.");
            (Just(glob), proptest::string::string_regex(&like).unwrap())
        }),
    ) {
        prop_assert_eq!(checked(&glob).matches(&text), slowly(&glob, &text), "{} {}", glob, text);
    }

    #[test]
    fn any_pattern_is_taken_or_refused_soon(pattern in ".{0,40}", text in ".{0,40}") {
        for kind in [SelectorKind::Glob(&pattern), SelectorKind::Regex(&pattern), SelectorKind::Semver(&pattern)] {
            soon(&pattern, || Pattern::parse(kind).map(|pattern| pattern.matches(&text)).ok());
        }
    }
}
