//! A module of one handler that names its resources in `module!`.

use http_container::testing::{Container, FakeDatabase, FakeStore, SqlAnswer};
use http_container::{Body, Error, Request, Response, ctx, module};

module! {
    id: "org.example.named", description: "Names its resources", sql: ["db"], kv: ["cache"], limit: ["few"],
    handler: handler
}

async fn handler(_: Request<Body>) -> Result<Response<String>, Error> {
    let permit = ctx().permit("few").await?;
    let count = ctx().kv("cache").await?.add("visits", 1).await?;
    let mut sql = ctx().sql("db").await?;
    let name: String = sql.query_one("name", &[]).await?.get(0)?;
    drop(permit);
    Ok(Response::new(format!("{name} {count}")))
}

#[test]
fn a_handler_finds_what_its_module_names() {
    let database = FakeDatabase::new(|_| SqlAnswer::rows(&["name"]).row(&[&"Ada"]));
    let container = Container::new(1)
        .with_database("db", 1, &database)
        .with_store("cache", 1, &FakeStore::new())
        .with_permits("few", 1);
    let mut container = container.add_app::<HandlerApp>("{}").unwrap();
    assert_eq!(container.get("/").text(), "Ada 1");
    assert_eq!(container.get("/").text(), "Ada 2");
}

#[test]
fn a_module_whose_resource_is_missing_is_refused() {
    let refused = Container::new(1).with_permits("few", 1).add_app::<HandlerApp>("{}").err().unwrap();
    assert_eq!(refused.status, http_container::Status::E_RESOURCE);
    assert!(refused.log[0].text.contains("`db`"), "{:?}", refused.log);
}
