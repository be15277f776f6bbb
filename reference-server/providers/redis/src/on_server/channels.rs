//! Channels: messages among replies, and what a reset leaves.

use bytes::Bytes;
use hc_services::{Redis, Reply as Plain};
use http_container::Error;
use http_container::provider::KvRequest;

use super::{Heard, at, in_task, perform, with_session};
use crate::session::Session;

const NEWS: Bytes = Bytes::from_static(b"news");
const OTHER: Bytes = Bytes::from_static(b"other");

fn publish(channel: Bytes, value: &'static [u8]) -> KvRequest {
    KvRequest::Publish { channel, value: value.into() }
}

#[test]
fn messages_come_in_order_and_only_of_ones_channels() {
    for server in Redis::start_each("channels", &[]) {
        let url = server.url();
        in_task(move || {
            let settings = at(&url);
            async move {
                let open = || async { Session::open(&settings).await.map_err(Error::new) };
                let (mut listener, mut speaker, heard) = (open().await?, open().await?, Heard::default());
                assert_eq!(perform(&mut speaker, publish(NEWS, b"nobody")).await.unwrap().number, 0);
                for channel in [NEWS, OTHER] {
                    let request = KvRequest::Subscribe { channel };
                    listener.perform(&request, &heard).await.unwrap().unwrap();
                    // A second time is the same as once.
                    listener.perform(&request, &heard).await.unwrap().unwrap();
                    assert!(listener.is_listening());
                }
                for (channel, value) in [(NEWS, &b"1"[..]), (OTHER, b"2"), (NEWS, b"\0\r\n")] {
                    assert_eq!(perform(&mut speaker, publish(channel, value)).await.unwrap().number, 1);
                }
                // The reply comes behind the messages.
                let request = KvRequest::Unsubscribe { channel: OTHER };
                listener.perform(&request, &heard).await.unwrap().unwrap();
                let news = |value: &[u8]| (NEWS.to_vec(), value.to_vec());
                assert_eq!(heard.take(), [news(b"1"), (OTHER.to_vec(), b"2".to_vec()), news(b"\0\r\n")]);
                assert!(listener.is_listening());
                assert_eq!(perform(&mut speaker, publish(OTHER, b"3")).await.unwrap().number, 0);
                perform(&mut speaker, publish(NEWS, b"4")).await.unwrap();
                let request = KvRequest::Unsubscribe { channel: OTHER };
                assert!(!listener.perform(&request, &heard).await.unwrap().unwrap().found);
                let request = KvRequest::Unsubscribe { channel: NEWS };
                assert!(listener.perform(&request, &heard).await.unwrap().unwrap().found);
                assert_eq!(heard.take(), [news(b"4")]);
                assert!(!listener.is_listening());
                assert!(!perform(&mut listener, KvRequest::Get { key: NEWS }).await.unwrap().found);
                Ok(())
            }
        });
    }
}

#[test]
fn a_reset_leaves_no_channel() {
    for server in Redis::start_each("reset", &[]) {
        with_session(&server.url(), |mut session| async move {
            session.reset().await.unwrap().unwrap();
            for channel in [NEWS, OTHER] {
                perform(&mut session, KvRequest::Subscribe { channel }).await.unwrap();
            }
            session.reset().await.unwrap().unwrap();
            assert!(!session.is_listening());
            assert_eq!(perform(&mut session, publish(NEWS, b"x")).await.unwrap().number, 0);
            session.check().await.unwrap().unwrap();
        });
    }
}

#[test]
fn a_channel_that_is_not_allowed_is_refused() {
    for server in Redis::start_each("acl", &["--user", "me", "on", ">secret", "+@all", "~*", "resetchannels"])
    {
        let url = server.url().replace("redis://", "redis://me:secret@");
        with_session(&url, |mut session| async move {
            let failure = perform(&mut session, KvRequest::Subscribe { channel: NEWS }).await.unwrap_err();
            assert!(failure.message.starts_with("NOPERM"), "{failure:?}");
            assert!(!session.is_listening());
        });
        assert_eq!(server.session().run(&["PUBLISH", "news", "x"]), Plain::Number(0));
    }
}
