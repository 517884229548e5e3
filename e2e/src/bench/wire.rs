//! HTTP/1.1 on one kept connection. A client library would cost more per request than a registry that answers
//! from memory, so that the two would be measured together; this allocates nothing while answers come.

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Large enough that a blob is read in few system calls.
const BUFFER: usize = 256 * 1024;
const MOST_HEADERS: usize = 64;

/// What came back; the body went to the caller's sink.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Bytes of the body; of a `HEAD`: what it announces.
    pub(super) length: u64,
    /// Of an answer 201 or 202.
    pub(super) location: Option<String>,
}

/// How a body ends.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length(u64),
    Chunked,
}

/// One connection, used for one request after the other.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    // What is read and not yet consumed.
    start: usize,
    end: usize,
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
        })
    }

    /// Sends a request: its head as it goes over the wire, and its body.
    pub(super) async fn send(&mut self, head: &[u8], body: &[u8]) -> Result<()> {
        self.stream.write_all(head).await.context("sending a request")?;
        if !body.is_empty() {
            self.stream.write_all(body).await.context("sending a body")?;
        }
        Ok(())
    }

    /// Reads an answer to its end and passes the body on, piece by piece.
    pub(super) async fn answer(&mut self, to_head: bool, mut sink: impl FnMut(&[u8])) -> Result<Answer> {
        let (mut answer, framing) = self.head().await?;
        match framing {
            Framing::Length(length) => {
                answer.length = length;
                if !to_head {
                    self.pass_on(length, &mut sink).await?;
                }
            }
            Framing::Chunked if to_head => {}
            Framing::Chunked => loop {
                let size = self.chunk_size().await?;
                self.pass_on(size, &mut sink).await?;
                self.end_of_line().await?;
                if size == 0 {
                    break;
                }
                answer.length += size;
            },
        }
        Ok(answer)
    }

    async fn head(&mut self) -> Result<(Answer, Framing)> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(used) = response.parse(&self.buffer[self.start..self.end])? {
                let read = read_head(&response)?;
                self.start += used;
                return Ok(read);
            }
            self.more().await?;
        }
    }

    async fn chunk_size(&mut self) -> Result<u64> {
        loop {
            match httparse::parse_chunk_size(&self.buffer[self.start..self.end]) {
                Ok(httparse::Status::Complete((used, size))) => {
                    self.start += used;
                    return Ok(size);
                }
                Ok(httparse::Status::Partial) => self.more().await?,
                Err(_) => bail!("a chunk without a size"),
            }
        }
    }

    async fn end_of_line(&mut self) -> Result<()> {
        while self.end - self.start < 2 {
            self.more().await?;
        }
        let line = &self.buffer[self.start..self.start + 2];
        ensure!(line == b"\r\n", "a chunk is followed by {line:?}");
        self.start += 2;
        Ok(())
    }

    async fn pass_on(&mut self, mut left: u64, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        while left > 0 {
            if self.start == self.end {
                self.more().await?;
            }
            let there = self.end - self.start;
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(there);
            sink(&self.buffer[self.start..self.start + take]);
            self.start += take;
            left -= take as u64;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            ensure!(self.start > 0, "the head of an answer is above {BUFFER} bytes");
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let read = self.stream.read(&mut self.buffer[self.end..]).await?;
        ensure!(
            read > 0,
            "the server closed the connection in the middle of an answer"
        );
        self.end += read;
        Ok(())
    }
}

fn read_head(response: &httparse::Response<'_, '_>) -> Result<(Answer, Framing)> {
    let status = response.code.context("an answer without a status")?;
    let mut framing = Framing::Length(0);
    let mut location = None;
    for header in response.headers.iter() {
        let name = header.name;
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(std::str::from_utf8(header.value)?.trim().parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        } else if matches!(status, 201 | 202) && name.eq_ignore_ascii_case("location") {
            location = Some(std::str::from_utf8(header.value)?.to_owned());
        } else if name.eq_ignore_ascii_case("connection") && header.value.eq_ignore_ascii_case(b"close") {
            bail!("the server wants to close the connection after status {status}");
        }
    }
    let answer = Answer {
        status,
        length: 0,
        location,
    };
    Ok((answer, framing))
}

#[cfg(test)]
#[path = "wire/tests.rs"]
mod tests;
