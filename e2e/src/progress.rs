//! Tells step by step what a long command is doing.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Reports steps: a spinner on a terminal, plain lines elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    terminal: bool,
    quiet: bool,
}

impl Progress {
    /// Looks whether standard error is a terminal.
    pub fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            quiet: false,
        }
    }

    /// Reports nothing; for tests.
    pub fn quiet() -> Self {
        Self {
            terminal: false,
            quiet: true,
        }
    }

    /// Begins a step; it ends, with its time, when the returned value is dropped.
    pub fn step(&self, what: impl Into<String>) -> Step {
        let what = what.into();
        let spinner = self.terminal.then(|| {
            let spinner = ProgressBar::new_spinner().with_message(what.clone());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        Step {
            what,
            began: Instant::now(),
            spinner,
            quiet: self.quiet,
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// One step under way.
#[derive(Debug)]
pub struct Step {
    what: String,
    began: Instant,
    spinner: Option<ProgressBar>,
    quiet: bool,
}

impl Drop for Step {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f32();
        let line = format!("{seconds:6.1} s  {}", self.what);
        match &self.spinner {
            Some(spinner) => {
                spinner.finish_and_clear();
                eprintln!("{line}");
            }
            None if !self.quiet => eprintln!("{line}"),
            None => {}
        }
    }
}
