//! A probe for the server's tests: the path says where it panics. Each instance logs that it was made.
#![forbid(unsafe_code)]

use http_container::log::Level;
use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State, module, sleep};
use std::time::Duration;

module! { id: "test.panics", app: Panics }

struct Panics;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("panic in finish");
    }
}

impl App for Panics {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        setup.logger().write(Level::Info, format_args!("instance made"));
        Ok(Self)
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(_: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        match request.uri().path() {
            "/start" => panic!("panic in start"),
            "/resume" => {
                sleep(Duration::from_millis(1)).await;
                panic!("panic in resume");
            }
            "/body" => Ok(Response::new(Body::stream(|mut writer| async move {
                writer.write("half").await?;
                sleep(Duration::from_millis(1)).await;
                panic!("panic in body");
            }))),
            "/finish" => {
                let bomb = Bomb;
                sleep(Duration::from_secs(3600)).await;
                std::mem::forget(bomb);
                Ok(Response::new(Body::from("never")))
            }
            _ => Ok(Response::new(Body::from("hello"))),
        }
    }
}
