//! A site of notes: a page, and a JSON API over a database and a counter. Here is the module: which function answers what.
//! `{ "base": "/rust" }` says at which path the site is; without it, at "/". Must not know SQL.
#![forbid(unsafe_code)]

mod answers;
mod input;
mod notes;

use std::cell::Cell;

use http_container::kv::Store;
use http_container::sql::Database;
use http_container::{App, Body, Error, Method, Request, Response, Setup, State, Status, StatusCode, module};

use answers::{json, not_here, page, refuse};

module! { id: "org.http-container.notes-rust", app: Site }

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    base: String,
}

struct Site {
    base: String,
    db: Database,
    cache: Store,
}

impl App for Site {
    type Config = Config;
    /// Whether the tables are there.
    type Worker = Cell<bool>;

    fn create(config: Config, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { base: config.base, db: setup.sql("db")?, cache: setup.kv("cache")? })
    }

    fn worker(&self, _: u32) -> Result<Cell<bool>, Error> {
        Ok(Cell::new(false))
    }

    async fn handle(site: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let answer = answer(&site, request).await;
        if answer.as_ref().is_err_and(|error| error.status() == Status::E_FAILED) {
            site.worker().set(false); // the database refuses: look after the tables again
        }
        answer
    }
}

/// What a path names.
enum Place {
    Page,
    List,
    Note(i64),
}

fn place(base: &str, path: &str) -> Option<Place> {
    let path = path.strip_prefix(base)?;
    if matches!(path, "" | "/") {
        return Some(Place::Page);
    }
    match path.strip_prefix("/api/notes")? {
        "" => Some(Place::List),
        rest => {
            let id = rest.strip_prefix('/')?;
            let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| id.parse().ok().map(Place::Note))?
        }
    }
}

async fn answer(site: &State<Site>, request: Request<Body>) -> Result<Response<Body>, Error> {
    let Some(place) = place(&site.base, request.uri().path()) else {
        return refuse(StatusCode::NOT_FOUND, "there is nothing here");
    };
    match (request.method(), place) {
        (&Method::GET | &Method::HEAD, Place::Page) => page(&site.base, request.uri().path()),
        (&Method::GET | &Method::HEAD, Place::List) => list(site, request.uri().query().unwrap_or("")).await,
        (&Method::POST, Place::List) => add(site, request).await,
        (&Method::GET | &Method::HEAD, Place::Note(id)) => {
            notes::find(site, id).await?.map_or_else(no_such_note, |note| json(StatusCode::OK, &note))
        }
        (&Method::DELETE, Place::Note(id)) => match notes::delete(site, id).await? {
            true => Ok(Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty())?),
            false => no_such_note(),
        },
        (method, Place::Page) => not_here(method, "GET, HEAD, OPTIONS"),
        (method, Place::List) => not_here(method, "GET, HEAD, POST, OPTIONS"),
        (method, Place::Note(_)) => not_here(method, "GET, HEAD, DELETE, OPTIONS"),
    }
}

fn no_such_note() -> Result<Response<Body>, Error> {
    refuse(StatusCode::NOT_FOUND, "there is no such note")
}

#[derive(serde::Serialize)]
struct List {
    notes: Vec<notes::Note>,
    visits: i64,
}

/// A list without `?q=` is a visit; a search, even for nothing, is none.
async fn list(site: &State<Site>, query: &str) -> Result<Response<Body>, Error> {
    let Ok(searched) = input::searched(query) else {
        return refuse(StatusCode::BAD_REQUEST, "q is no text that can be searched");
    };
    let visits = site.cache.acquire().await?.add("visits", i64::from(searched.is_none())).await?;
    let notes = notes::list(site, &searched.unwrap_or_default()).await?;
    let mut response = json(StatusCode::OK, &List { notes, visits })?;
    response.headers_mut().insert("cache-control", "no-store".parse()?);
    Ok(response)
}

async fn add(site: &State<Site>, request: Request<Body>) -> Result<Response<Body>, Error> {
    let text = match input::text(request).await? {
        Ok(text) => text,
        Err((status, why)) => return refuse(status, why),
    };
    let note = notes::add(site, text).await?;
    let mut response = json(StatusCode::CREATED, &note)?;
    response.headers_mut().insert("location", format!("{}/api/notes/{}", site.base, note.id).parse()?);
    Ok(response)
}

#[cfg(test)]
mod tests;
