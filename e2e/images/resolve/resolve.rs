//! Looks a name up the way a statically linked Rust program does, and connects to it.
//!
//! Built with `-C target-feature=+crt-static`: in an image with nothing else in
//! it, glibc has to find names with what is built in.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

fn main() {
    let name = std::env::args().nth(1).expect("usage: resolve NAME:PORT");
    for attempt in 1..=60 {
        match name.to_socket_addrs().map(Iterator::collect::<Vec<_>>) {
            Ok(addresses) => {
                println!("resolved {name} to {addresses:?}");
                match TcpStream::connect(addresses.as_slice()) {
                    Ok(_) => {
                        println!("connected to {name}");
                        return;
                    }
                    Err(error) => println!("attempt {attempt}: {error}"),
                }
            }
            Err(error) => println!("attempt {attempt}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    std::process::exit(1);
}
