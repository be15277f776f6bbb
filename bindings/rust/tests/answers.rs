//! What handlers answer, and what the peer gets: whole and streamed bodies, errors, refusals, interim responses.

use std::time::Duration;

use http_container::testing::{Answer, Container};
use http_container::{Body, Error, HeaderMap, Request, Response, Status, StatusCode, ctx, sleep};

fn get<F>(handler: impl Fn(Request<Body>) -> F + Send + Sync + 'static) -> Answer
where
    F: Future<Output: http_container::IntoResponse> + 'static,
{
    Container::handler(handler).get("/a?b=c")
}

#[test]
fn a_whole_body_takes_one_call_and_one_step() {
    let mut container = Container::handler(async |_: Request<Body>| Response::new("Hello, World!"));
    let before = container.counts();
    let answer = container.get("/");
    assert_eq!((answer.status(), answer.text()), (StatusCode::OK, "Hello, World!".to_owned()));
    assert_eq!(answer.outcome, Some(Status::OK));
    let after = container.counts();
    assert_eq!((after.steps - before.steps, after.calls - before.calls), (1, 1));
}

#[test]
fn the_request_is_that_of_the_peer() {
    async fn handler(request: Request<Body>) -> Response<String> {
        let names: Vec<_> =
            request.headers().iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let peer = ctx().peer().ip().unwrap();
        Response::new(format!(
            "{} {} {:?} {peer} {}",
            request.method(),
            request.uri(),
            request.version(),
            names.join(" ")
        ))
    }
    let mut container = Container::handler(handler);
    let request = Request::put("/a?b=c").header("x", "1").header("x", "2").body("").unwrap();
    let text = container.send(request).text();
    assert_eq!(text, "PUT /a?b=c HTTP/1.1 192.0.2.1:49152 x=\"1\" x=\"2\" host=\"test.example\"");
}

#[test]
fn an_error_with_an_http_status_is_an_answer() {
    let answer =
        get(async |_| Err::<Response<()>, _>(Error::http(StatusCode::IM_A_TEAPOT, "short and stout")));
    assert_eq!((answer.status(), answer.text().as_str()), (StatusCode::IM_A_TEAPOT, "short and stout"));
    assert_eq!(answer.outcome, Some(Status::OK));
}

#[test]
fn any_other_error_fails_the_task_and_is_logged() {
    let mut container = Container::handler(async |_: Request<Body>| {
        let _: u32 = "x".parse()?;
        Ok::<_, Error>(Response::new(()))
    });
    let answer = container.get("/");
    assert_eq!((answer.status, answer.outcome), (None, Some(Status::E_FAILED)));
    assert!(container.log().iter().any(|line| line.level == 1 && line.text.contains("invalid digit")));
}

#[test]
fn a_refusal_names_its_rule() {
    let mut container = Container::handler(async |_: Request<Body>| {
        Response::builder().header("connection", "close").body("")
    });
    let answer = container.get("/");
    assert_eq!(answer.outcome, Some(Status::E_FIELD));
    assert!(
        container.log().iter().any(|line| line.text.contains("[response.fields.framing]")),
        "{:?}",
        container.log()
    );
}

#[test]
fn a_stream_is_sent_as_there_is_room() {
    async fn handler(_: Request<Body>) -> Response<Body> {
        Response::new(Body::stream(|mut body| async move {
            for part in ["ab", "cdef", "", "g"] {
                body.write(part).await?;
            }
            body.set_trailers(HeaderMap::from_iter([("x-sum".parse()?, "7".parse()?)]));
            Ok(())
        }))
    }
    let mut container = Container::handler(handler);
    let exchange = container.open(Request::get("/"));
    container.set_room(exchange, Some(0));
    container.run_ready();
    assert_eq!(container.answer(exchange).status(), StatusCode::OK, "the head does not wait for room");
    let mut seen = String::new();
    while !container.answer(exchange).is_whole {
        assert_eq!(container.answer(exchange).body, seen, "no byte beyond the room");
        container.nudge(exchange);
        container.run_ready();
        assert_eq!(container.answer(exchange).body, seen, "a spurious event sends nothing");
        container.set_room(exchange, Some(1));
        container.run_ready();
        seen = String::from_utf8(container.answer(exchange).body.to_vec()).unwrap();
        assert!(seen.len() <= 7);
    }
    assert_eq!(seen, "abcdefg");
    assert_eq!(container.answer(exchange).trailers["x-sum"], "7");
}

#[test]
fn a_stream_that_fails_is_never_whole() {
    let answer = get(async |_| {
        Response::new(Body::stream(|mut body| async move {
            body.write("half").await?;
            Err(Error::new("the other half is missing"))
        }))
    });
    assert_eq!((&answer.body[..], answer.is_whole, answer.is_aborted), (&b"half"[..], false, true));
    assert_eq!(answer.outcome, Some(Status::E_FAILED));
}

#[test]
fn a_sender_that_goes_away_breaks_the_body_off() {
    for is_finished in [true, false] {
        let mut container = Container::handler(move |_: Request<Body>| async move {
            let (mut sender, body) = Body::channel(1);
            http_container::spawn(async move {
                for part in ["a", "b", "c"] {
                    sender.send(part).await.unwrap();
                }
                if is_finished {
                    sender.finish(HeaderMap::new());
                }
            });
            Response::new(body)
        });
        let answer = container.get("/");
        assert_eq!((&answer.body[..], answer.is_whole), (&b"abc"[..], is_finished));
    }
}

#[test]
fn head_and_no_content_discard_the_body() {
    let stream = async |_: Request<Body>| {
        Response::new(Body::stream(|mut body| async move {
            loop {
                body.write("endless").await?;
            }
        }))
    };
    let mut container = Container::handler(stream);
    let answer = container.send(Request::head("/").body("").unwrap());
    assert_eq!((answer.is_whole, answer.body.len()), (true, 0));
    let answer = get(async |_| Response::builder().status(204).body("nothing"));
    assert_eq!((answer.is_whole, answer.body.len(), answer.outcome), (true, 0, Some(Status::OK)));
}

#[test]
fn a_body_too_long_for_one_call_is_streamed() {
    let answer = get(async |_| Response::new(vec![b'x'; (1 << 20) + 1]));
    assert_eq!(
        (answer.body.len(), answer.content_length, answer.is_whole),
        ((1 << 20) + 1, Some((1 << 20) + 1), true)
    );
}

#[test]
fn a_declared_length_that_is_not_kept_is_no_whole_response() {
    let answer = get(async |_| {
        Response::builder().header("content-length", "5").body(Body::stream(|mut body| async move {
            body.write("abc").await?;
            Ok(())
        }))
    });
    assert_eq!(
        (answer.content_length, answer.is_whole, answer.outcome),
        (Some(5), false, Some(Status::E_STATE))
    );
}

#[test]
fn interim_responses_come_before_the_response() {
    let answer = get(async |_| {
        let hints = HeaderMap::from_iter([("link".parse()?, "</style.css>; rel=preload".parse()?)]);
        ctx().inform(StatusCode::EARLY_HINTS, &hints)?;
        sleep(Duration::from_secs(1)).await;
        assert!(ctx().inform(StatusCode::CONTINUE, &HeaderMap::new()).is_err(), "100 is the container's");
        Ok::<_, Error>(Response::new("done"))
    });
    assert_eq!((&answer.informs[..], answer.text().as_str()), (&[StatusCode::EARLY_HINTS][..], "done"));
}
