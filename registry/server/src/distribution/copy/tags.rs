//! The tags that a copy sets.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Order, Tags, rows, store};
use crate::distribution::content::Place;
use crate::error::Result;

/// A tag that is to stand on a manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wish {
    pub(super) tag: String,
    pub(super) digest: String,
    /// Also where it stands on another manifest.
    pub(super) by_force: bool,
}

/// A tag that was set.
pub(super) struct Set<'a> {
    pub(super) wish: &'a Wish,
    /// It stood on another manifest before.
    pub(super) moved: bool,
}

/// What is wished for the manifest itself, and the tags by which signatures and the like are found
/// (`sha256-<hex>.sig`), where the target does not have them. Sorted.
pub(super) async fn wishes(
    conn: &mut PgConnection,
    order: &Order<'_>,
    manifests: &[String],
) -> Result<Vec<Wish>> {
    let source = order.source.repository_id;
    let by_force = !matches!(order.tags, Tags::Free);
    let own = match order.tags {
        Tags::One(tag) => vec![tag.to_owned()],
        Tags::Free | Tags::All => store::tags_of(conn, source, order.digest).await?,
    };
    let mut wishes: Vec<Wish> = own
        .into_iter()
        .map(|tag| Wish {
            tag,
            digest: order.digest.to_owned(),
            by_force,
        })
        .collect();
    for (tag, digest) in store::linking_tags(conn, source, manifests).await? {
        if wishes.iter().all(|wish| wish.tag != tag) {
            wishes.push(Wish {
                tag,
                digest,
                by_force: false,
            });
        }
    }
    wishes.sort();
    Ok(wishes)
}

/// Sets them; returns those that were not there before.
pub(super) async fn set<'a>(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    target: Place,
    wishes: &'a [Wish],
) -> Result<Vec<Set<'a>>> {
    let repository_id = target.repository_id;
    let mut set = Vec::new();
    for wish in wishes {
        let Some(id) = rows::lock_manifest(conn, repository_id, &wish.digest).await? else {
            continue;
        };
        loop {
            match rows::lock_tag(conn, repository_id, &wish.tag).await? {
                Some(current) if current == id || !wish.by_force => break,
                Some(_) => {
                    rows::move_tag(conn, now, repository_id, &wish.tag, id).await?;
                    set.push(Set { wish, moved: true });
                    break;
                }
                None if rows::insert_tag(conn, now, repository_id, &wish.tag, id).await? => {
                    set.push(Set { wish, moved: false });
                    break;
                }
                None => {}
            }
        }
    }
    Ok(set)
}
