use super::*;

fn glob(pattern: &str) -> Pattern {
    Pattern::parse(SelectorKind::Glob(pattern)).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

#[test]
fn globs_match_as_doublestar_does() {
    for (pattern, matching, others) in [
        ("**", &["v1", "a/b", ""][..], &[][..]),
        ("*", &["v1", "1.2.3-rc.1"], &["a/b"]),
        ("v*", &["v", "v1.2"], &["1", "xv"]),
        ("v**", &["v1", "v1.2"], &["1"]),
        ("1.?", &["1.2"], &["1.22", "1."]),
        ("{v1,v2}.*", &["v1.0", "v2.9"], &["v3.0"]),
        ("{a,b{c,d}}", &["a", "bc", "bd"], &["b", "c"]),
        ("[0-9]*", &["1", "9x"], &["x9"]),
        ("[!a-c]x", &["dx"], &["ax", "x"]),
        ("team/**", &["team/a", "team/a/b"], &["other/a", "teams/a"]),
        ("team/*", &["team/a"], &["team/a/b"]),
        ("**/base", &["base", "a/base", "a/b/base"], &["a/bases"]),
        ("{**}", &["v1"], &[]),
        ("a**/**", &["a/b", "ab/c/d"], &["a", "ab"]),
        ("***", &["v1"], &["a/b"]),
        ("{a**,b}/**", &["ax/b"], &["ax", "b"]),
        ("\\**", &["*", "*a"], &["a", "**/a"]),
    ] {
        let checked = glob(pattern);
        for text in matching {
            assert!(checked.matches(text), "{pattern} should match {text}");
        }
        for text in others {
            assert!(!checked.matches(text), "{pattern} should not match {text}");
        }
    }
}

#[test]
fn other_expressions_match_the_whole_text() {
    let regex = Pattern::parse(SelectorKind::Regex(r"v\d+|latest")).unwrap();
    assert!(regex.matches("v12") && regex.matches("latest"));
    assert!(!regex.matches("v1x") && !regex.matches("xlatest"));
    let semver = Pattern::parse(SelectorKind::Semver(">=1.2, <2")).unwrap();
    assert!(semver.matches("1.2.0") && semver.matches("v1.9.9"));
    assert!(!semver.matches("2.0.0") && !semver.matches("latest") && !semver.matches("1.2"));
}

#[test]
fn what_is_no_expression_is_told_apart() {
    for (kind, part) in [
        (SelectorKind::Glob(""), "empty"),
        (SelectorKind::Glob("[bad"), "unclosed character class"),
        (SelectorKind::Glob("{a,b"), "unclosed brace"),
        (SelectorKind::Glob("a\\"), "backslash"),
        (SelectorKind::Glob("!v1"), "must not begin"),
        (
            SelectorKind::Glob("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"),
            "6 opening braces",
        ),
        (SelectorKind::Regex("(a"), "regular expression: unclosed group"),
        (SelectorKind::Regex("a{9999}{9999}"), "regular expression"),
        (SelectorKind::Semver("one"), "range"),
    ] {
        let error = Pattern::parse(kind).expect_err("should be refused").to_string();
        assert!(error.contains(part), "{kind:?}: {error}");
    }
    let long = "x".repeat(257);
    assert_eq!(
        Pattern::parse(SelectorKind::Glob(&long)).expect_err("too long"),
        PatternError::TooLong(257)
    );
}

#[test]
fn h70_a_rule_may_forbid_moves_and_let_deletions_pass() {
    let choice = |pattern, excluding| Choice::new(SelectorKind::Glob(pattern), excluding).unwrap();
    let rules = [
        ImmutableRule {
            id: 1,
            repositories: choice("rel", false),
            tags: choice("1.*", false),
            allow_delete: false,
        },
        ImmutableRule {
            id: 2,
            repositories: choice("sandbox/**", true),
            tags: choice("{latest,dev}", true),
            allow_delete: true,
        },
    ];
    let id = |repository, tag, change| holding(&rules, repository, tag, change).map(|rule| rule.id);
    assert_eq!(id("rel", "1.0", TagChange::Move), Some(1));
    assert_eq!(id("rel", "1.0", TagChange::Delete), Some(1));
    assert_eq!(id("rel", "2.0", TagChange::Move), Some(2));
    assert_eq!(id("rel", "2.0", TagChange::Delete), None);
    assert_eq!(id("rel", "latest", TagChange::Move), None);
    assert_eq!(id("sandbox/a", "2.0", TagChange::Move), None);
}
