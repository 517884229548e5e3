//! What goes wrong.

use std::time::Duration;

use bytes::Bytes;

use super::{Broken, Reply, Seen, Simulator, registry};

/// One thing that goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answers with this status and these headers.
    Status(u16, Vec<(&'static str, String)>),
    /// The connection breaks before an answer.
    NoAnswer,
    /// The request is done, and then the connection breaks.
    LostAnswer,
    /// The answer breaks after so many bytes of its body.
    Cut(usize),
    /// The answer stands still after so many bytes of its body.
    Stall(usize, Duration),
    /// Nothing comes for so long.
    Slow(Duration),
    /// The connection breaks when so many bytes of the request's body have come in.
    CutUpload(usize),
    /// The body of the answer is another one.
    Lie(Bytes),
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) times: usize,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) fault: Fault,
}

pub(super) fn pick(rules: &mut [Rule], seen: &Seen) -> Option<Fault> {
    let matches =
        |rule: &&mut Rule| rule.times > 0 && rule.method == seen.method && seen.path.contains(&rule.path);
    let rule = rules.iter_mut().find(matches)?;
    rule.times -= 1;
    Some(rule.fault.clone())
}

pub(super) async fn apply(simulator: &Simulator, fault: Fault, seen: &Seen) -> Result<Reply, Broken> {
    let as_usual = || registry::answer(simulator, seen);
    Ok(match fault {
        Fault::Status(status, headers) => headers
            .into_iter()
            .fold(Reply::error(status, "TROUBLE"), |reply, (name, value)| {
                reply.header(name, value)
            }),
        Fault::NoAnswer | Fault::CutUpload(_) => return Err(Broken),
        Fault::LostAnswer => {
            as_usual();
            return Err(Broken);
        }
        Fault::Cut(at) => Reply {
            cut: Some(at),
            ..as_usual()
        },
        Fault::Stall(at, pause) => Reply {
            stall: Some((at, pause)),
            ..as_usual()
        },
        Fault::Slow(pause) => {
            tokio::time::sleep(pause).await;
            as_usual()
        }
        Fault::Lie(body) => as_usual().body(body),
    })
}
