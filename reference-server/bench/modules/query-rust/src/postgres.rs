//! `tokio-postgres` in the module: each connection is driven by a background task, as that library wants it. Must not know leases.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};

use http_container::net::TcpStream;
use http_container::{Error, spawn};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::BY_KEY;
use crate::free::Free;

/// The connections of a worker.
pub(crate) struct Postgres {
    config: Config,
    address: SocketAddr,
    connections: usize,
    is_open: Cell<bool>,
    free: Free<(Client, Statement)>,
}

impl Postgres {
    pub(crate) fn new(url: &str, connections: usize) -> Result<Self, Error> {
        let config: Config = url.parse()?;
        let address = match (config.get_hosts(), config.get_ports()) {
            ([Host::Tcp(host)], [port]) => (host.parse::<IpAddr>()?, *port).into(),
            _ => return Err(Error::new("the url names one address and one port")),
        };
        Ok(Self { config, address, connections, is_open: Cell::new(false), free: Free::new() })
    }

    /// The table is there: the bench has made it.
    async fn open(&self) -> Result<(), Error> {
        for _ in 0..self.connections {
            let stream = TcpStream::connect(self.address).await?;
            let (client, connection) = self.config.connect_raw(stream, NoTls).await?;
            drop(spawn(connection));
            let statement = client.prepare(BY_KEY).await?;
            self.free.give((client, statement));
        }
        Ok(())
    }

    pub(crate) async fn value(&self, key: i64) -> Result<String, Error> {
        if !self.is_open.replace(true) {
            self.open().await?;
        }
        let (client, statement) = self.free.take().await;
        let row = client.query_one(&statement, &[&key]).await?;
        self.free.give((client, statement));
        Ok(row.try_get::<_, &str>(0)?.to_owned())
    }
}
