use std::time::{Duration, SystemTime};

use super::Times;
use crate::Digest;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Which of the chosen ones a rule keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Template {
    /// All.
    Always,
    /// The N pushed last.
    LatestPushed(u32),
    /// The N pulled last; what was never pulled comes behind everything that was.
    LatestPulled(u32),
    /// The N pushed or pulled last, whichever came later.
    LatestActive(u32),
    /// Pushed within the time.
    PushedWithin(Duration),
    /// Pulled within the time; what was never pulled is not.
    PulledWithin(Duration),
}

/// What the parameter of a template counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateUnit {
    /// Artifacts, or tags in the mode that counts them.
    Count,
    /// Days of 24 hours.
    Days,
}

/// What a template of Harbor's API takes.
#[derive(Debug, Clone, Copy)]
pub struct TemplateParameter {
    /// The parameter's name, which is the template's.
    pub name: &'static str,
    /// What it counts.
    pub unit: TemplateUnit,
    /// The largest value; 0 is the smallest.
    pub largest: u32,
    make: fn(u32) -> Template,
}

/// The most that a template counts.
const MOST: u32 = 32_766;
/// The most days.
const MOST_DAYS: u32 = 20_190_904;

const fn count(name: &'static str, make: fn(u32) -> Template) -> TemplateParameter {
    TemplateParameter {
        name,
        unit: TemplateUnit::Count,
        largest: MOST,
        make,
    }
}

const fn days(name: &'static str, make: fn(u32) -> Template) -> TemplateParameter {
    TemplateParameter {
        name,
        unit: TemplateUnit::Days,
        largest: MOST_DAYS,
        make,
    }
}

/// Templates with a parameter. The last two are known to Harbor, but not shown by it.
const PARAMETERS: [TemplateParameter; 6] = [
    count("latestPushedK", Template::LatestPushed),
    count("latestPulledN", Template::LatestPulled),
    days("nDaysSinceLastPush", |days| Template::PushedWithin(DAY * days)),
    days("nDaysSinceLastPull", |days| Template::PulledWithin(DAY * days)),
    count("latestActiveK", Template::LatestActive),
    days("lastXDays", |days| Template::PushedWithin(DAY * days)),
];

/// How many of [`PARAMETERS`] Harbor shows.
const SHOWN: usize = 4;

impl Template {
    /// The name under which Harbor's API knows [`Template::Always`].
    pub const ALWAYS: &'static str = "always";

    /// Templates with a parameter that are offered to users of Harbor's API, in Harbor's order; [`Template::ALWAYS`] comes
    /// behind them.
    pub fn offered() -> &'static [TemplateParameter] {
        &PARAMETERS[..SHOWN]
    }

    /// The names of all templates of Harbor's API that are taken.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PARAMETERS
            .iter()
            .map(|parameter| parameter.name)
            .chain([Self::ALWAYS])
    }

    /// Drops those of `chosen` that the template does not keep. Where two were pushed or pulled at the same moment, the one
    /// with the later push counts first, then the one with the smaller name.
    pub(super) fn retain<T>(self, now: SystemTime, chosen: &mut Vec<T>, of: impl Fn(&T) -> Ranked<'_>) {
        match self {
            Self::Always => {}
            Self::LatestPushed(most) => latest(most, chosen, of, |times| Some(times.pushed)),
            Self::LatestPulled(most) => latest(most, chosen, of, |times| times.pulled),
            Self::LatestActive(most) => {
                latest(most, chosen, of, |times| times.pulled.max(Some(times.pushed)));
            }
            // A time before the beginning of time reaches back to everything.
            Self::PushedWithin(within) => {
                let since = now.checked_sub(within);
                chosen.retain(|one| Some(of(one).times.pushed) >= since);
            }
            Self::PulledWithin(within) => {
                let since = now.checked_sub(within);
                chosen.retain(|one| of(one).times.pulled.is_some_and(|pulled| Some(pulled) >= since));
            }
        }
    }
}

/// What the order of the latest ones looks at.
pub(super) struct Ranked<'a> {
    pub(super) times: Times,
    pub(super) digest: &'a Digest,
    pub(super) tag: Option<&'a str>,
}

fn latest<T>(
    most: u32,
    chosen: &mut Vec<T>,
    of: impl Fn(&T) -> Ranked<'_>,
    moment: impl Fn(&Times) -> Option<SystemTime>,
) {
    chosen.sort_unstable_by(|a, b| {
        let (a, b) = (of(a), of(b));
        moment(&b.times)
            .cmp(&moment(&a.times))
            .then_with(|| b.times.pushed.cmp(&a.times.pushed))
            .then_with(|| a.digest.cmp(b.digest))
            .then_with(|| a.tag.cmp(&b.tag))
    });
    chosen.truncate(usize::try_from(most).unwrap_or(usize::MAX));
}

impl TemplateParameter {
    /// The parameter of a template of Harbor's API.
    pub fn of(template: &str) -> Option<&'static Self> {
        PARAMETERS.iter().find(|parameter| parameter.name == template)
    }

    /// The template with this value, unless it is too large.
    pub fn template(&self, value: u32) -> Option<Template> {
        (value <= self.largest).then(|| (self.make)(value))
    }
}
