//! Robots' full names. They are stored without prefix and project, so the prefix may change at any time.
//!
//! `robot-ci` is a system robot, `robot-acme--ci` the robot `ci` of the project `acme`. Neither a project's nor a robot's name can
//! hold `--`, so with the default separator a name reads in one way only; with another one a login still cannot be confused,
//! because it is looked up among the robots that exist and its secret decides.

use crate::config::RobotNames;

/// Harbor's own form, `robot$ci` and `robot$acme+ci`, which always works for logins.
const HARBOR: (&str, &str) = ("robot$", "+");

/// The full name of a robot (of a project, or of the system).
pub(crate) fn full_name(names: &RobotNames, project: Option<&str>, name: &str) -> String {
    match project {
        None => format!("{}{name}", names.prefix),
        Some(project) => format!("{}{project}{}{name}", names.prefix, names.separator),
    }
}

/// Every robot (project or none, short name) that could log in under this name.
pub(crate) fn candidates(names: &RobotNames, login: &str) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    for (prefix, separator) in [(names.prefix.as_str(), names.separator.as_str()), HARBOR] {
        let Some(rest) = login.strip_prefix(prefix) else {
            continue;
        };
        found.push((None, rest.to_owned()));
        for (at, _) in rest.match_indices(separator) {
            found.push((
                Some(rest[..at].to_owned()),
                rest[at + separator.len()..].to_owned(),
            ));
        }
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> RobotNames {
        RobotNames {
            prefix: "robot-".to_owned(),
            separator: "--".to_owned(),
        }
    }

    #[test]
    fn lessons_47_default_names_are_safe_everywhere() {
        let plain = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        assert_eq!(full_name(&names(), Some("acme"), "ci"), "robot-acme--ci");
        assert!(plain(&full_name(&names(), Some("acme"), "ci")) && plain(&full_name(&names(), None, "ci")));
    }

    #[test]
    fn lessons_47_both_forms_log_in() {
        let project = (Some("acme".to_owned()), "ci".to_owned());
        assert!(candidates(&names(), "robot-acme--ci").contains(&project));
        assert!(candidates(&names(), "robot$acme+ci").contains(&project));
        assert!(candidates(&names(), "robot$ci").contains(&(None, "ci".to_owned())));
        assert!(candidates(&names(), "acme+ci").is_empty());
    }
}
