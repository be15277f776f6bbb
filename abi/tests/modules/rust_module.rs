//! A module in Rust, loaded by the tests: it answers each request with its configuration.
#![forbid(unsafe_code)]

use http_container_abi::{Event, HostRef, Module, Response, Start, Status, hc_entry};

struct Echo {
    host: HostRef,
    config: Vec<u8>,
}

impl Module for Echo {
    type Worker = ();
    type Task = ();

    fn create(host: HostRef, config: &[u8]) -> Result<Echo, Status> {
        Ok(Echo { host, config: config.to_vec() })
    }

    fn worker_start(&self, _worker: u32) -> Result<(), Status> {
        Ok(())
    }

    fn start(&self, (): &(), task: u64, _start: Start<'_>) -> (Status, Option<Box<()>>) {
        let response = Response { status: 200, body: &self.config, ..Response::default() };
        (self.host.respond(task, &response), None)
    }

    fn resume(&self, (): &(), _task: u64, (): &mut (), _events: &[Event]) -> Status {
        Status::DONE
    }
}

hc_entry!(Echo, id: "org.example.rust-module", version: env!("CARGO_PKG_VERSION"), description: "Answers its configuration",
    config_schema: "{\"type\": \"object\"}");
