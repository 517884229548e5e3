//! Prints results: tables for people, JSON, YAML and names for scripts.

use std::io::{self, Write};

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use slipway_api::Timestamp;
use slipway_api::client::{self, ListQuery};
use unicode_width::UnicodeWidthStr as _;

use crate::arguments::{Format, Listing};
use crate::failure::{Failure, Result};

/// A column: its heading, and whether it is for `-o wide` only.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) bool);

/// Something that can be printed in all formats.
pub(crate) trait Row: Serialize {
    /// The columns of a table; of one thing alone all of them are shown, one a line.
    const COLUMNS: &'static [Column];
    /// A text for each column.
    fn cells(&self) -> Vec<String>;
    /// What `-o name` prints: what other commands take.
    fn name(&self) -> String;
}

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output<W> {
    format: Format,
    out: W,
}

/// What a change was, for scripts.
#[derive(Debug, Serialize)]
struct Change<'a> {
    kind: &'a str,
    name: &'a str,
    done: &'a str,
}

impl Output<io::BufWriter<io::Stdout>> {
    /// Standard output.
    pub(crate) fn new(format: Format) -> Self {
        Self::to(format, io::BufWriter::new(io::stdout()))
    }
}

impl<W: Write> Output<W> {
    /// Anywhere.
    pub(crate) fn to(format: Format, out: W) -> Self {
        Self { format, out }
    }

    /// How results are printed.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints a list as far as it is wanted.
    pub(crate) async fn list<T: Row>(
        &mut self,
        list: impl Stream<Item = client::Result<T>> + Send,
        limit: usize,
    ) -> Result<()> {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let rows: Vec<T> = list.take(limit).try_collect().await?;
        self.rows(&rows)
    }

    /// Prints rows.
    pub(crate) fn rows<T: Row>(&mut self, rows: &[T]) -> Result<()> {
        match self.format {
            Format::Table | Format::Wide => self.table(rows)?,
            Format::Json | Format::Yaml => self.serialized(&rows)?,
            Format::Name => {
                for row in rows {
                    writeln!(self.out, "{}", printable(&row.name()))?;
                }
            }
        }
        Ok(self.out.flush()?)
    }

    /// Prints one thing, column by column.
    pub(crate) fn one<T: Row>(&mut self, row: &T) -> Result<()> {
        match self.format {
            Format::Table | Format::Wide => {
                let headings: Vec<String> = T::COLUMNS
                    .iter()
                    .map(|column| format!("{}:", column.0.to_lowercase()))
                    .collect();
                let width = headings.iter().map(|text| text.width()).max().unwrap_or(0);
                for (heading, cell) in headings.iter().zip(row.cells()) {
                    let line = format!("{heading:width$}  {}", printable(&cell));
                    writeln!(self.out, "{}", line.trim_end())?;
                }
            }
            Format::Json | Format::Yaml => self.serialized(row)?,
            Format::Name => writeln!(self.out, "{}", printable(&row.name()))?,
        }
        Ok(self.out.flush()?)
    }

    /// Says what was changed: `project team-a created`.
    pub(crate) fn done(&mut self, kind: &str, name: &str, done: &str) -> Result<()> {
        match self.format {
            Format::Table | Format::Wide => writeln!(self.out, "{kind} {} {done}", printable(name))?,
            Format::Json | Format::Yaml => self.serialized(&Change { kind, name, done })?,
            Format::Name => writeln!(self.out, "{}", printable(name))?,
        }
        Ok(self.out.flush()?)
    }

    /// Prints a text as it is.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    fn serialized(&mut self, value: &impl Serialize) -> Result<()> {
        let failed = |why: String| Failure::Refused(format!("the result cannot be written: {why}"));
        let text = match self.format {
            Format::Yaml => serde_yaml::to_string(value).map_err(|error| failed(error.to_string()))?,
            _ => serde_json::to_string_pretty(value).map_err(|error| failed(error.to_string()))? + "\n",
        };
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }

    fn table<T: Row>(&mut self, rows: &[T]) -> Result<()> {
        let wanted = |column: &Column| !column.1 || self.format == Format::Wide;
        let pick = |cells: Vec<String>| -> Vec<String> {
            let shown = cells.into_iter().zip(T::COLUMNS);
            shown
                .filter(|(_, column)| wanted(column))
                .map(|(cell, _)| printable(&cell))
                .collect()
        };
        let headings = pick(T::COLUMNS.iter().map(|column| column.0.to_owned()).collect());
        let lines: Vec<Vec<String>> = std::iter::once(headings)
            .chain(rows.iter().map(|row| pick(row.cells())))
            .collect();
        let widths: Vec<usize> = (0..lines[0].len())
            .map(|at| lines.iter().map(|line| line[at].width()).max().unwrap_or(0))
            .collect();
        for line in &lines {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', width - cell.width() + 3));
            }
            writeln!(self.out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

impl Listing {
    /// What the API is asked; a word alone is a part of `field`.
    pub(crate) fn query(&self, field: &str) -> ListQuery {
        let q = self.query.as_ref().map(|text| match text.contains('=') {
            true => text.clone(),
            false => format!("{field}=~{text}"),
        });
        ListQuery {
            q,
            sort: self.sort.clone(),
        }
    }
}

/// What others wrote must not steer the terminal: control characters become blanks.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// `1.2 GiB`; below zero there is no limit.
pub(crate) fn bytes(amount: i64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let Ok(amount) = u64::try_from(amount) else {
        return "unlimited".to_owned();
    };
    if amount < 1024 {
        return format!("{amount} B");
    }
    let (mut tenths, mut unit) = (u128::from(amount) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `2026-11-30 20:50:07`, in UTC; nothing for "never".
pub(crate) fn time(time: Timestamp) -> String {
    match time.is_never() {
        true => String::new(),
        false => time.0.format("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

/// `yes` or nothing.
pub(crate) fn yes(value: bool) -> String {
    if value { "yes" } else { "" }.to_owned()
}

/// The first letters of a digest that tell it apart.
pub(crate) fn short(digest: &str) -> String {
    let end = digest.find(':').map_or(12, |colon| colon + 13);
    digest.get(..end).unwrap_or(digest).to_owned()
}
