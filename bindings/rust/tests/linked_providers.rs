//! Several providers in one program: none of them exports a symbol.

use std::sync::Arc;

use http_container::abi::{Declared, ModuleTable};
use http_container::provider::{Member, Outcome, Provider, Request as Asked, SqlValue};
use http_container::testing::Container;
use http_container::{Body, Error, NoConfig, Request, Response, Setup, ctx, module};

/// Answers every statement with a number.
struct Number<const N: i64>;

impl<const N: i64> Provider for Number<N> {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = NoConfig;

    fn create(_: NoConfig, _: &Setup) -> Result<Self, Error> {
        Ok(Self)
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        member.ready()?;
        loop {
            match member.next().await {
                Asked::Statement(_) => {
                    member.columns(&["number"])?;
                    member.rows(&[SqlValue::Int64(N)]).await?;
                    member.done(Outcome::ok());
                }
                Asked::Close => return Ok(()),
                _ => member.done(Outcome::ok()),
            }
        }
    }
}

mod first {
    http_container::provider_entry! { id: "org.example.first", provider: super::Number<1> }
}

mod second {
    http_container::provider_entry! {
        id: "org.example.second", version: "7", description: "The second", schema: "{}",
        provider: super::Number<2>
    }
}

module! { id: "org.example.sum", sql: ["first", "second"], handler: sum }

async fn sum(_: Request<Body>) -> Result<Response<String>, Error> {
    let mut sum = 0;
    for name in ["first", "second"] {
        sum += ctx().sql(name).await?.query_one("number", &[]).await?.get::<i64>(0)?;
    }
    Ok(Response::new(sum.to_string()))
}

#[test]
fn each_is_an_entry_of_its_own() {
    let mut container = Container::new(1)
        .with_provider_entry("first", 1, first::entry(), "{}")
        .and_then(|container| container.with_provider_entry("second", 1, second::entry(), "{}"))
        .and_then(|container| container.add_app::<HandlerApp>("{}"))
        .unwrap();
    assert_eq!(container.get("/").text(), "3");
}

#[test]
fn an_entry_says_what_its_declaration_says() {
    let table = ModuleTable::from_entry(second::entry()).unwrap();
    let info = table.info();
    assert_eq!((info.id, info.version), (second::Entry::ID, "7"));
    assert_eq!((info.description, info.config_schema), (Some("The second"), Some("{}")));
    assert_eq!((info.flags, second::Entry::SCHEMA), (second::Entry::FLAGS, "{}"));
}
