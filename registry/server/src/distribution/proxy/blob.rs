//! `GET` and `HEAD blobs/<digest>` of a proxy cache, where the blob is not here.

use std::io;
use std::ops::Range;

use axum::http::{HeaderValue, header};
use bytes::Bytes;
use futures::stream::BoxStream;
use slipway_model::Digest;

use super::Place;
use super::download::End;
use super::notice::Notice;
use super::remote;
use super::tail::Tail;
use crate::distribution::pull::range::Wanted;
use crate::error::{Code, Error, Result};

/// A blob on its way.
pub(crate) struct Arriving {
    /// Its whole size, where the upstream says it.
    pub(crate) size: Option<u64>,
    /// The part that is sent, where not all of it is.
    pub(crate) part: Option<Range<u64>>,
    /// The bytes; a blob that does not come whole ends with an error.
    pub(crate) stream: BoxStream<'static, io::Result<Bytes>>,
    /// What has to be said of it.
    pub(crate) notice: Option<Notice>,
}

/// Gets a blob, or the part that a `Range` header names, as it arrives. `lost` is where the store should have it.
pub(crate) async fn open(
    place: &Place,
    digest: &Digest,
    range: Option<&str>,
    lost: Option<String>,
) -> Result<Arriving> {
    let download = place.app.proxy.downloads.join(place, digest, lost);
    let mut tail = Tail::new(place.clone(), digest.clone(), download);
    let progress = tail.ready().await;
    if let Some(End::Failed(failure)) = &progress.end {
        return Err(failure.answer(Code::BlobUnknown, &what(place, digest)));
    }
    let notice = matches!(progress.end, Some(End::NotKept)).then(|| Notice::NotKept.counted());
    let wanted = match progress.size {
        Some(size) => Wanted::parse(range, size),
        None => Wanted::Whole,
    };
    let part = match wanted {
        Wanted::Whole => None,
        Wanted::Part(part) => Some(part),
        Wanted::Unsatisfiable => {
            let size = progress.size.unwrap_or(0);
            let value = HeaderValue::try_from(format!("bytes */{size}")).map_err(Error::internal)?;
            let error = Error::new(Code::RangeInvalid, format!("the blob has {size} bytes"));
            return Err(error.with_header(header::CONTENT_RANGE, value));
        }
    };
    if let Some(part) = &part {
        tail.part(part.clone());
    }
    Ok(Arriving {
        size: progress.size,
        part,
        stream: tail.stream(),
        notice,
    })
}

/// The size of a blob that the upstream has; nothing is fetched. Zero where it does not say.
pub(crate) async fn stat(place: &Place, digest: &Digest) -> Result<u64> {
    let size = async {
        let side = remote::open(place).await?;
        remote::patiently(side.upstream.has_blob(&side.name, digest)).await
    };
    match size.await {
        Ok(Some(size)) => Ok(size),
        Ok(None) => Err(Error::new(
            Code::BlobUnknown,
            format!("{} is neither cached nor at the upstream", what(place, digest)),
        )),
        Err(failure) => Err(failure.answer(Code::BlobUnknown, &what(place, digest))),
    }
}

fn what(place: &Place, digest: &Digest) -> String {
    format!("the blob {digest} of {}", place.repository)
}
