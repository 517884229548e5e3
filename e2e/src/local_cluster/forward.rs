//! Doors from the host's loopback into our network namespaces.
//!
//! `setns` belongs to a thread: a thread that enters a namespace and connects
//! has a socket there, while the listener stays on the host.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sched::{CloneFlags, setns};

/// Leads every connection to `listen` to `target` inside `namespace`, for ever.
pub fn forward(listen: SocketAddr, namespace: &'static str, target: SocketAddr) -> Result<()> {
    serve(listen, move |client| {
        let server = dial(namespace, target)?;
        splice(client, server)
    })
}

/// An HTTP CONNECT proxy: whatever name is asked for, the answer comes from
/// `target`'s address at the port that was asked for.
pub fn connect_proxy(listen: SocketAddr, namespace: &'static str, target: SocketAddr) -> Result<()> {
    serve(listen, move |mut client| {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut request = String::new();
        (&mut reader).take(8 * 1024).read_line(&mut request)?;
        let mut words = request.split_whitespace();
        let (method, authority) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        loop {
            let mut header = String::new();
            if (&mut reader).take(8 * 1024).read_line(&mut header)? <= 2 {
                break;
            }
        }
        let port = authority.rsplit(':').next().and_then(|port| port.parse().ok());
        let (true, Some(port)) = (method == "CONNECT", port) else {
            client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")?;
            return Ok(());
        };
        let server = dial(namespace, SocketAddr::new(target.ip(), port))?;
        client.write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n")?;
        splice(client, server)
    })
}

/// A connection made from inside a network namespace. Changes the calling thread's namespace.
fn dial(namespace: &str, target: SocketAddr) -> io::Result<TcpStream> {
    let handle = File::open(Path::new("/run/netns").join(namespace))?;
    setns(&handle, CloneFlags::CLONE_NEWNET)?;
    TcpStream::connect_timeout(&target, Duration::from_secs(5))
}

fn serve(
    listen: SocketAddr,
    answer: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> Result<()> {
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else {
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            let answer = answer.clone();
            // A client that leaves, or a machine that is down, ends its own connection only.
            thread::spawn(move || answer(client));
        }
    });
    Ok(())
}

fn splice(client: TcpStream, server: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut client_in, mut server_out) = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::spawn(move || {
        let copied = io::copy(&mut client_in, &mut server_out);
        let _gone = server_out.shutdown(Shutdown::Write);
        copied
    });
    let (mut server_in, mut client_out) = (server, client);
    let copied = io::copy(&mut server_in, &mut client_out);
    let _gone = client_out.shutdown(Shutdown::Both);
    let _gone = server_in.shutdown(Shutdown::Both);
    drop(upwards.join());
    copied.map(drop)
}
