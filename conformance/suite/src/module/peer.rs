//! Stands between a provider and its other end: passes bytes on, holds them, cuts connections. Must not know what passes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

#[derive(Default)]
struct Passage {
    is_held: bool,
    is_over: bool,
    /// Connections that come are cut, too.
    is_cut: bool,
    streams: Vec<TcpStream>,
}

struct Shared {
    passage: Mutex<Passage>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Passage> {
        self.passage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while bytes are held.
    fn pass(&self) {
        let passage = self.lock();
        drop(self.changed.wait_while(passage, |passage| passage.is_held && !passage.is_over));
    }
}

/// The one between.
pub struct Peer {
    shared: Arc<Shared>,
    address: String,
}

impl Peer {
    /// Stands before what listens at `target`, `HOST:PORT`.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub fn before(target: &str) -> io::Result<Peer> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared { passage: Mutex::default(), changed: Condvar::new() });
        let (of_thread, target) = (Arc::clone(&shared), target.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if of_thread.lock().is_over {
                    return;
                }
                // A connection that cannot be passed on is closed, which the provider sees.
                let _ = connect(&of_thread, stream, &target);
            }
        });
        Ok(Peer { shared, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Nothing passes from now on.
    pub fn hold(&self) {
        self.shared.lock().is_held = true;
    }

    /// Everything passes again.
    pub fn go_on(&self) {
        self.shared.lock().is_held = false;
        self.shared.changed.notify_all();
    }

    /// Cuts all connections, and those to come.
    pub fn cut(&self) {
        self.shared.lock().is_cut = true;
        self.cut_those_there_are();
    }

    fn cut_those_there_are(&self) {
        for stream in self.shared.lock().streams.drain(..) {
            // One that is closed already is cut.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(&self.address);
    }
}

fn connect(shared: &Arc<Shared>, near: TcpStream, target: &str) -> io::Result<()> {
    let far = TcpStream::connect(target)?;
    shared.lock().streams.extend([near.try_clone()?, far.try_clone()?]);
    if shared.lock().is_cut {
        return near.shutdown(Shutdown::Both);
    }
    let pairs = [(near.try_clone()?, far.try_clone()?), (far, near)];
    for (mut from, mut to) in pairs {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                shared.pass();
                if to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
