//! The provider in a container, over the real boundary: as many as there are permits hold one at the same time.

use std::time::Duration;

use hc_provider_limit::Limit;
use http_container::limit::Permits;
use http_container::testing::Container;
use http_container::{App, Body, Error, LeaseEnd, NoConfig, Request, Response, Setup, State, sleep};

struct Renderer {
    permits: Permits,
}

impl App for Renderer {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { permits: setup.limit("renderer")? })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        let permit = state.permits.acquire().await?;
        sleep(Duration::from_secs(1)).await;
        let usage = state.permits.usage()?;
        drop(permit);
        Ok(Response::new(format!("{} of {}", usage.in_use, usage.max).into()))
    }
}

#[test]
fn a_permit_is_held_by_one_at_a_time_and_goes_to_the_next() {
    let entry = hc_provider_limit::entry();
    let container = Container::new(2).with_provider_entry("renderer", 2, entry, "{}").unwrap();
    let mut container = container.add_app::<Renderer>("{}").unwrap();
    let exchanges: Vec<_> = (0..5).map(|_| container.open(Request::get("/"))).collect();
    for exchange in &exchanges {
        container.end_body(*exchange);
    }
    container.advance(Duration::from_millis(1_500));
    let done = exchanges.iter().filter(|exchange| container.answer(**exchange).outcome.is_some());
    assert_eq!(done.count(), 2);
    container.run();
    let texts: Vec<_> =
        exchanges.iter().map(|exchange| container.answer(*exchange).text().to_owned()).collect();
    assert_eq!(texts[..2], ["2 of 2", "2 of 2"]);
    assert!(texts.iter().all(|text| text.ends_with("of 2")));
    assert!(container.lease_ends().iter().all(|end| *end == LeaseEnd::Clean));
    container.close();
}

#[test]
fn a_configuration_with_a_mistake_is_refused() {
    for config in [r#"{"url":"redis://x"}"#, r#"{"max":3}"#] {
        assert!(Container::new(1).with_provider::<Limit>("renderer", 1, config).is_err(), "{config}");
    }
    assert!(Container::new(1).with_provider::<Limit>("renderer", 1, r#"{"url":"limit:"}"#).is_ok());
}
