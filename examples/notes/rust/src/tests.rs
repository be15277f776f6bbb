//! The site against a scripted database and a store in memory. The same cases are asked of the C module in bindings/c/tests.

use http_container::http::request::Builder;
use http_container::testing::{Answer, Container, FakeDatabase, FakeStore, SqlAnswer};
use http_container::{Request, Status};

use crate::Site;

const UNREADABLE: &str = r#"{"error":"the body must be an object or a form with a text"}"#;

struct Served {
    container: Container,
    db: FakeDatabase,
    cache: FakeStore,
}

/// What the database answers, to its own words in the statement.
fn database(is_there: bool) -> FakeDatabase {
    let notes = SqlAnswer::rows;
    FakeDatabase::new(move |statement| match statement.text() {
        text if text.contains("CREATE TABLE") => SqlAnswer::affected(0),
        text if text.contains("ORDER BY") => notes(&["id", "text", "created"])
            .row(&[&2_i64, &"say \"hi\"\n\u{1}", &"2026-01-02T03:04:05Z"])
            .row(&[&1_i64, &"Grüß", &"2026-01-01T00:00:00Z"]),
        text if text.contains("WHERE id = $1") && text.starts_with("SELECT") && is_there => {
            notes(&["id", "text", "created"]).row(&[&7_i64, &"seven", &"2026-01-01T00:00:00Z"])
        }
        text if text.starts_with("SELECT") => notes(&["id", "text", "created"]),
        text if text.starts_with("UPDATE notes_counter") => notes(&["latest"]).row(&[&3_i64]),
        text if text.starts_with("INSERT") => SqlAnswer::affected(1),
        text if text.starts_with("DELETE") => SqlAnswer::affected(is_there.into()),
        text => SqlAnswer::failed("42601", text),
    })
}

fn serve(config: &str, db: &FakeDatabase) -> Served {
    let cache = FakeStore::new();
    let container = Container::new(1).with_database("db", 1, db).with_store("cache", 1, &cache);
    Served { container: container.add_app::<Site>(config).unwrap(), db: db.clone(), cache }
}

fn served() -> Served {
    serve("{}", &database(true))
}

impl Served {
    fn send(&mut self, builder: Builder, body: &str) -> Answer {
        self.container.send(builder.body(body.to_owned()).unwrap())
    }

    fn post(&mut self, body: &str) -> Answer {
        self.send(Request::post("/api/notes").header("content-type", "application/json"), body)
    }

    #[track_caller]
    fn refuses(&mut self, builder: Builder, body: &str, status: u16, text: &str) {
        let answer = self.send(builder, body);
        assert_eq!((answer.status().as_u16(), answer.text().as_str()), (status, text), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn a_list_counts_visits_and_a_search_does_not() {
    let mut served = served();
    let list = |visits: i64| {
        let notes = r#"[{"id":2,"text":"say \"hi\"\n\u0001","created":"2026-01-02T03:04:05Z"},{"id":1,"text":"Grüß","created":"2026-01-01T00:00:00Z"}]"#;
        format!(r#"{{"notes":{notes},"visits":{visits}}}"#)
    };
    let answer = served.container.get("/api/notes");
    assert_eq!((answer.status().as_u16(), answer.text()), (200, list(1)));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(served.container.get("/api/notes?q=Gr%C3%BC+").text(), list(1));
    assert!(served.db.asked().last().unwrap().ends_with("[Text(\"Grü \")]"));
    assert_eq!(served.container.get("/api/notes").text(), list(2));
    assert_eq!(served.cache.get("visits").unwrap(), "2");
    let head = served.send(Request::head("/api/notes?q"), "");
    assert_eq!((head.status().as_u16(), head.body.len()), (200, 0));
    for query in ["%zz", "%ff", "a%00", "%"] {
        let target = format!("/api/notes?q={query}");
        served.refuses(Request::get(target), "", 400, r#"{"error":"q is no text that can be searched"}"#);
    }
}

#[test]
fn a_note_is_shown_and_deleted_or_is_not_there() {
    let mut served = served();
    let note = r#"{"id":7,"text":"seven","created":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(served.container.get("/api/notes/7").text(), note);
    let deleted = served.send(Request::delete("/api/notes/7"), "");
    assert_eq!((deleted.status().as_u16(), deleted.text().as_str()), (204, ""));
    let mut empty = serve("{}", &database(false));
    empty.refuses(Request::get("/api/notes/8"), "", 404, r#"{"error":"there is no such note"}"#);
    empty.refuses(Request::delete("/api/notes/8"), "", 404, r#"{"error":"there is no such note"}"#);
}

#[test]
fn a_note_comes_in_as_json_or_as_a_form() {
    let mut served = served();
    let answer = served.post(" {\"more\": [1, null], \"text\": \" \\u0041\\\"b\\n \"} ");
    assert_eq!((answer.status().as_u16(), answer.header("location")), (201, Some("/api/notes/3")));
    let text = answer.text();
    let created = text.strip_prefix(r#"{"id":3,"text":"A\"b","created":""#).unwrap();
    assert_eq!(created.len(), r#"2026-01-02T03:04:05Z"}"#.len());
    let asked = served.db.asked();
    assert_eq!(asked.iter().filter(|asked| *asked == "BEGIN" || *asked == "COMMIT").count(), 2);
    let form = Request::post("/api/notes");
    let form = form.header("content-type", "Application/X-WWW-Form-URLencoded; charset=utf-8");
    let answer = served.send(form, "a=b&text=+x%26y+&text=z");
    assert!(answer.text().starts_with(r#"{"id":3,"text":"x&y","#), "{}", answer.text());
    assert_eq!(served.post(&format!(r#"{{"text":"{}"}}"#, "ü".repeat(1000))).status().as_u16(), 201);
}

#[test]
fn what_is_no_note_is_refused() {
    let mut served = served();
    let json = || Request::post("/api/notes").header("content-type", "application/json");
    for body in [
        "",
        "{",
        "[]",
        "\"text\"",
        r#"{"text":1}"#,
        r#"{"text":"a",}"#,
        r#"{"text":"a","x":01}"#,
        r#"{"other":"a"}"#,
        r#"{"text":"\ud800"}"#,
    ] {
        served.refuses(json(), body, 400, UNREADABLE);
    }
    served.refuses(json(), r#"{"text":" \t\r\n"}"#, 400, r#"{"error":"the text is empty"}"#);
    served.refuses(json(), r#"{"text":"a\u0000b"}"#, 400, r#"{"error":"the text holds a NUL"}"#);
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(1001));
    served.refuses(json(), &long, 400, r#"{"error":"the text is longer than 1000 characters"}"#);
    let long = r#"{"error":"the body is longer than 16384 bytes"}"#;
    served.refuses(json(), &" ".repeat(16385), 413, long);
    served.refuses(json(), &" ".repeat(16384), 400, UNREADABLE);
    assert!(served.db.asked().is_empty());
}

#[test]
fn each_place_has_its_methods() {
    let mut served = served();
    for target in
        ["/x", "/api", "/api/notes/", "/api/notes/x", "/api/notes/-1", "/api/notes/+1", "/api/notes/1/", "//"]
    {
        served.refuses(Request::get(target), "", 404, r#"{"error":"there is nothing here"}"#);
    }
    for (target, allow) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/api/notes", "GET, HEAD, POST, OPTIONS"),
        ("/api/notes/1", "GET, HEAD, DELETE, OPTIONS"),
    ] {
        let options = served.send(Request::options(target), "");
        assert_eq!((options.status().as_u16(), options.header("allow")), (204, Some(allow)));
        let patch = served.send(Request::patch(target), "");
        assert_eq!((patch.status().as_u16(), patch.header("allow")), (405, Some(allow)));
        assert_eq!(patch.text(), r#"{"error":"this method is not for this path"}"#);
    }
    assert!(served.container.get("/").text().starts_with("<!doctype html>"));
}

#[test]
fn it_works_under_a_path_of_its_own() {
    let mut served = serve(r#"{ "base": "/rust" }"#, &database(true));
    let answer = served.container.get("/rust");
    assert_eq!((answer.status().as_u16(), answer.header("location")), (308, Some("/rust/")));
    assert_eq!(served.container.get("/rust/").status().as_u16(), 200);
    assert_eq!(served.container.get("/").status().as_u16(), 404);
    let answer = served.send(Request::post("/rust/api/notes"), r#"{"text":"x"}"#);
    assert_eq!(answer.header("location"), Some("/rust/api/notes/3"));
}

#[test]
fn failures_are_left_to_the_container() {
    let db = database(true);
    db.set_unreachable(Some("it is away"));
    let mut served = serve("{}", &db);
    let exchange = served.container.open(Request::get("/api/notes/1").header("content-length", "0"));
    served.container.run();
    assert_eq!(served.container.answer(exchange).outcome, Some(Status::E_RESOURCE));

    let mut times = 0;
    let db = FakeDatabase::new(move |statement| match statement.text() {
        text if text.contains("CREATE TABLE") => {
            times += 1; // another worker makes the tables at the same moment
            if times == 1 { SqlAnswer::failed("23505", "it is being made") } else { SqlAnswer::affected(0) }
        }
        _ if times < 3 => SqlAnswer::failed("42P01", "no such table"),
        _ => SqlAnswer::rows(&["id", "text", "created"]),
    });
    let mut served = serve("{}", &db);
    let answer = served.container.get("/api/notes/1");
    assert_eq!(answer.outcome, Some(Status::E_FAILED));
    assert_eq!(
        served.container.get("/api/notes/1").status().as_u16(),
        404,
        "the tables are looked after again"
    );
}
