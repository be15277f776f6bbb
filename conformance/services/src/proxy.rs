//! A proxy between a client and a server that does to connections what bad networks do: cuts them, refuses them, swallows what
//! they carry, delays it. It must not know what they carry.

use crate::{ports, wait_for};
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A proxy in front of one server. Connections end with this value.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    refusing: bool,
    holding: bool,
    delay: Duration,
    accepted: u64,
    /// Both ends of each connection, by its number.
    open: HashMap<u64, [TcpStream; 2]>,
}

impl Proxy {
    /// A proxy on a free port of loopback that passes everything on to `target`.
    pub fn before(target: SocketAddr) -> Proxy {
        let shared = Shared { target, state: Mutex::default(), changed: Condvar::new() };
        let (listener, address) = loop {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
            match TcpListener::bind(address) {
                Ok(listener) => break (listener, address),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{address}: {error}"),
            }
        };
        let mut proxy = Proxy { address, shared: Arc::new(shared), acceptor: None };
        proxy.listen(listener);
        proxy
    }

    fn listen(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        self.acceptor = Some(std::thread::spawn(move || accept(&shared, &listener)));
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections now; what was on its way is lost. How many there were.
    pub fn cut(&self) -> usize {
        let mut state = self.shared.lock();
        let cut = state.open.len();
        // Their threads find them gone, and say no goodbye.
        for stream in state.open.drain().flat_map(|(_, ends)| ends) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
        cut
    }

    /// From now on nobody listens here: who connects is refused. Open connections stay.
    pub fn refuse(&mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            self.shared.lock().refusing = true;
            // Wakes the thread, which then closes its listener.
            let _ = TcpStream::connect(self.address);
            let _ = acceptor.join();
            // A program that is being started elsewhere may have the socket for a moment longer.
            wait_for("it refuses", || TcpStream::connect(self.address).err());
        }
    }

    /// Listens again.
    pub fn admit(&mut self) {
        if self.acceptor.is_none() {
            self.shared.lock().refusing = false;
            let listener = wait_for("its port is free", || TcpListener::bind(self.address).ok());
            self.listen(listener);
        }
    }

    /// From now on nothing is passed on, in either direction: connections are accepted and stay, but are mute.
    pub fn hold(&self) {
        self.shared.lock().holding = true;
    }

    /// Passes on what was held, and all that comes.
    pub fn pass(&self) {
        self.shared.lock().holding = false;
        self.shared.changed.notify_all();
    }

    /// From now on each piece is passed on so much later.
    pub fn delay(&self, delay: Duration) {
        self.shared.lock().delay = delay;
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.lock().open.len()
    }

    /// How many connections there have been.
    pub fn accepted(&self) -> u64 {
        self.shared.lock().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.refuse();
        self.cut();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the proxy holds; `None` when the connection is gone, else how long its bytes are to be delayed.
    fn turn(&self, number: u64) -> Option<Duration> {
        let mut state = self.lock();
        while state.holding && state.open.contains_key(&number) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.open.contains_key(&number).then_some(state.delay)
    }
}

/// Accepts until the proxy refuses.
fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    loop {
        let Ok((client, _)) = listener.accept() else { return };
        if shared.lock().refusing {
            return;
        }
        let shared = Arc::clone(shared);
        std::thread::spawn(move || carry(&shared, client));
    }
}

/// Carries one connection to its end.
fn carry(shared: &Arc<Shared>, client: TcpStream) {
    // A server that is not there: the client finds its connection closed at once.
    let Ok(server) = TcpStream::connect(shared.target) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let Ok(ends) = client.try_clone().and_then(|client| Ok([client, server.try_clone()?])) else { return };
    let number = {
        let mut state = shared.lock();
        state.accepted += 1;
        let number = state.accepted;
        state.open.insert(number, ends);
        number
    };
    let back = {
        let shared = Arc::clone(shared);
        let (from, to) = (server.try_clone(), client.try_clone());
        std::thread::spawn(move || {
            if let (Ok(from), Ok(to)) = (from, to) {
                pump(&shared, number, from, to);
            }
        })
    };
    pump(shared, number, client, server);
    let _ = back.join();
    shared.lock().open.remove(&number);
}

/// Passes on what comes from one end, and the end's end.
fn pump(shared: &Shared, number: u64, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let size = from.read(&mut buffer);
        let Some(delay) = shared.turn(number) else { return };
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        match size {
            Ok(size) if size > 0 && to.write_all(&buffer[..size]).is_ok() => {}
            _ => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}
