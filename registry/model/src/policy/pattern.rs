use std::fmt;

use regex::RegexBuilder;
use thiserror::Error;

use super::SelectorKind;

/// Most bytes that an expression may have.
pub const MAX_PATTERN_BYTES: usize = 256;

/// Most braces in a glob: each multiplies the ways in which a text can match.
const MAX_BRACES: usize = 5;

/// Most bytes that a compiled regular expression may take.
const MAX_REGEX_SIZE: usize = 1 << 20;

/// An expression that was checked: a glob, a regular expression or a range of versions.
#[derive(Debug, Clone)]
pub struct Pattern(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Glob(String),
    Regex(regex::Regex),
    Semver(semver::VersionReq),
}

/// Why an expression is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Nothing at all.
    #[error("the pattern is empty; `**` stands for everything")]
    Empty,
    /// Longer than [`MAX_PATTERN_BYTES`].
    #[error("the pattern has {0} bytes, at most {MAX_PATTERN_BYTES} are allowed")]
    TooLong(usize),
    /// A glob that is turned round by its first character.
    #[error("a glob must not begin with `!`; exclude what matches instead")]
    Negated,
    /// More than [`MAX_BRACES`].
    #[error(
        "the glob has {0} opening braces, at most {MAX_BRACES} are allowed; list more in one: `{{a,b,c}}`"
    )]
    TooManyBraces(usize),
    /// Not a glob.
    #[error("not a glob: {0}")]
    Glob(String),
    /// Not a regular expression.
    #[error("not a regular expression: {0}")]
    Regex(String),
    /// Not a range of versions.
    #[error("not a range of semantic versions such as `>=1.2, <2`: {0}")]
    Semver(String),
}

impl Pattern {
    /// Checks an expression.
    pub fn parse(kind: SelectorKind<'_>) -> Result<Self, PatternError> {
        let (SelectorKind::Glob(text) | SelectorKind::Regex(text) | SelectorKind::Semver(text)) = kind;
        match text.len() {
            0 => return Err(PatternError::Empty),
            n if n > MAX_PATTERN_BYTES => return Err(PatternError::TooLong(n)),
            _ => {}
        }
        let kind = match kind {
            SelectorKind::Glob(glob) => glob_of(glob)?,
            SelectorKind::Regex(regex) => RegexBuilder::new(&format!("^(?:{regex})$"))
                .size_limit(MAX_REGEX_SIZE)
                .build()
                .map(Kind::Regex)
                .map_err(|error| PatternError::Regex(last_line(&error)))?,
            SelectorKind::Semver(range) => semver::VersionReq::parse(range)
                .map(Kind::Semver)
                .map_err(|error| PatternError::Semver(error.to_string()))?,
        };
        Ok(Self(kind))
    }

    /// Does the whole text match? A text that is no version is in no range of versions.
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Glob(glob) => fast_glob::glob_match(glob, text),
            Kind::Regex(regex) => regex.is_match(text),
            Kind::Semver(range) => semver::Version::parse(text.strip_prefix('v').unwrap_or(text))
                .is_ok_and(|version| range.matches(&version)),
        }
    }
}

fn glob_of(glob: &str) -> Result<Kind, PatternError> {
    if glob.starts_with('!') {
        return Err(PatternError::Negated);
    }
    let braces = glob.matches('{').count();
    if braces > MAX_BRACES {
        return Err(PatternError::TooManyBraces(braces));
    }
    fast_glob::validate(glob).map_err(|error| PatternError::Glob(error.to_string()))?;
    Ok(Kind::Glob(with_single_stars(glob)))
}

/// Stars in a row that are not a whole part of a path mean the same as one. fast-glob is not always of that opinion: to it
/// `a**/**` matches `a`.
fn with_single_stars(glob: &str) -> String {
    let mut written = String::with_capacity(glob.len());
    let mut rest = glob;
    while let Some(first) = rest.chars().next() {
        let stars = rest.len() - rest.trim_start_matches('*').len();
        let length = match first {
            '*' => stars,
            '\\' => rest.chars().take(2).map(char::len_utf8).sum(),
            other => other.len_utf8(),
        };
        let begins = written.is_empty() || written.ends_with(['/', '{', ',']);
        let (piece, behind) = rest.split_at(length);
        let ends = behind.is_empty() || behind.starts_with(['/', '}', ',']);
        let is_whole_part = stars == 2 && begins && ends;
        written.push_str(if stars > 0 && !is_whole_part { "*" } else { piece });
        rest = behind;
    }
    written
}

/// A regular expression's error shows the expression over several lines; its last says what is wrong.
fn last_line(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error:").trim().to_owned()
}
