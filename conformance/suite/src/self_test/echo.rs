//! What the bad module's links are connected with: it sends back every byte. Must not know what is sent.

use std::io;
use std::net::TcpListener;
use std::thread;

/// Listens on a free port, as long as the process lives; `HOST:PORT`.
pub fn start() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                // When it cannot go on, the other side sees the end.
                let _ = io::copy(&mut &stream, &mut &stream);
            });
        }
    });
    Ok(address)
}
