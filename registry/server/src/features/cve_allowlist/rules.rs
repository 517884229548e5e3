//! What a list must look like.

use std::collections::BTreeSet;

use slipway_api::{CveAllowlist, CveAllowlistItem};

use crate::error::{Code, Error, Result};

/// Most entries.
const MOST: usize = 10_000;
/// Longest name of a vulnerability.
const LONGEST: usize = 128;
/// The end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// The entries, without blanks around them; 400 for what no list may hold.
pub(super) fn checked(list: CveAllowlist) -> Result<Vec<CveAllowlistItem>> {
    if let Some(end) = list.expires_at.filter(|end| !(0..=LAST_SECOND).contains(end)) {
        return Err(bad(format!(
            "expires_at is {end}: it must be seconds of the Unix epoch from 0 to {LAST_SECOND}, or left out for a list that does not end"
        )));
    }
    let items = list.items.unwrap_or_default();
    if items.len() > MOST {
        return Err(bad(format!(
            "items has {} entries, more than {MOST}",
            items.len()
        )));
    }
    let mut known = BTreeSet::new();
    items
        .into_iter()
        .map(|item| {
            let id = item.cve_id.trim().to_owned();
            if id.is_empty() || id.len() > LONGEST || !id.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(bad(format!(
                    "cve_id {id:?} must have from 1 to {LONGEST} characters of ASCII without blanks, such as CVE-2024-3094"
                )));
            }
            if !known.insert(id.clone()) {
                return Err(bad(format!("cve_id {id} stands in items twice")));
            }
            Ok(CveAllowlistItem { cve_id: id })
        })
        .collect()
}

fn bad(message: String) -> Error {
    Error::new(Code::BadRequest, message)
}
