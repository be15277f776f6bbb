//! The storage of a request head: what goes in comes out, wherever it is moved and however often it is used again, and in the
//! steady state it allocates nothing.
#![forbid(unsafe_code)]

use http_container_abi::{
    RequestFacts, RequestSpans, RequestStorage, Span, TlsFacts, TlsStorage, hc_address,
};
use proptest::prelude::*;

fn facts(id: u64) -> RequestFacts {
    let address = hc_address { ip: [1; 16], port: 443, family: 6 };
    let (version, content_length, deadline_ns) = (11, Some(id), None);
    RequestFacts { id, version, content_length, deadline_ns, peer: address, local: address, tls: None }
}

/// Puts parts and fields into the storage, one behind the other.
fn fill(
    storage: &mut RequestStorage,
    parts: &[Vec<u8>; 5],
    query: Option<&[u8]>,
    fields: &[(Vec<u8>, Vec<u8>)],
) {
    let buffer = storage.buffer();
    assert!(buffer.is_empty(), "the buffer of a new head is empty");
    let mut put = |bytes: &[u8]| -> Span {
        let start = buffer.len() as u32;
        buffer.extend_from_slice(bytes);
        (start, buffer.len() as u32)
    };
    let [method, target, authority, path, protocol] = parts.each_ref().map(|part| put(part));
    let query = query.map(&mut put);
    let spans: Vec<_> = fields.iter().map(|(name, value)| (put(name), put(value))).collect();
    let parts = RequestSpans { method, target, scheme: "https", authority, path, query, protocol };
    storage.seal(&parts, spans.into_iter(), facts(7));
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn check(storage: &RequestStorage, parts: &[Vec<u8>; 5], query: Option<&[u8]>, fields: &Fields) {
    let head = storage.head();
    let found = [head.method(), head.target(), head.authority(), head.path(), head.protocol()];
    assert_eq!(found, parts.each_ref().map(|part| &part[..]));
    assert_eq!((head.scheme(), head.query()), (&b"https"[..], query));
    let found: Fields = head.fields().iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    assert_eq!(&found, fields);
    assert_eq!(
        (head.id(), head.version(), head.content_length(), head.deadline_ns()),
        (7, 11, Some(7), None)
    );
    assert_eq!((head.peer().port, head.local().ip[15]), (443, 1));
    assert_eq!(storage.method(), &parts[0][..]);
    assert_eq!(storage.path(), &parts[3][..]);
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        parts: [Vec<u8>; 5],
        query: Option<Vec<u8>>,
        fields in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..20),
    ) {
        let mut storage = RequestStorage::new();
        fill(&mut storage, &parts, query.as_deref(), &fields);
        // Moved into a box and to another thread: the head stays at its address.
        let address = storage.view() as *const _ as usize;
        let moved = Box::new(storage);
        let mut storage = std::thread::scope(|scope| {
            let seen = scope.spawn(|| {
                check(&moved, &parts, query.as_deref(), &fields);
                moved
            });
            *seen.join().unwrap()
        });
        prop_assert_eq!(storage.view() as *const _ as usize, address);

        let mut copy = RequestStorage::new();
        copy.copy_head(&storage.head(), "https", facts(7));
        storage.buffer();
        check(&copy, &parts, query.as_deref(), &fields);
        prop_assert!(storage.head().fields().is_empty() && storage.method().is_empty(), "a head is forgotten");
    }
}

#[test]
fn an_empty_query_is_not_no_query() {
    let parts = [const { Vec::new() }; 5];
    let mut storage = RequestStorage::new();
    fill(&mut storage, &parts, Some(b""), &[]);
    assert_eq!(storage.head().query(), Some(&b""[..]));
    fill(&mut storage, &parts, None, &[]);
    assert_eq!(storage.head().query(), None);
}

#[test]
fn used_again_it_allocates_nothing_and_shrinks_when_told() {
    let parts = ["GET", "/a", "host", "/a", ""].map(|part| part.as_bytes().to_vec());
    let fields = vec![(b"name".to_vec(), vec![b'x'; 3000]); 20];
    let mut storage = RequestStorage::new();
    let empty = storage.heap_bytes();
    fill(&mut storage, &parts, None, &fields);
    let full = storage.heap_bytes();
    assert!(full > empty + 60_000, "{full} bytes");
    for _ in 0..10 {
        fill(&mut storage, &parts, None, &fields);
        assert_eq!(storage.heap_bytes(), full);
    }
    storage.shrink(1024);
    assert!(storage.heap_bytes() <= empty + 2048, "{} bytes", storage.heap_bytes());
    assert!(storage.head().fields().is_empty());
}

#[test]
fn field_names_are_found_without_case() {
    let mut storage = RequestStorage::new();
    let fields = [(b"accept".to_vec(), b"a".to_vec()), (b"accept".to_vec(), b"b".to_vec())];
    fill(&mut storage, &[const { Vec::new() }; 5], None, &fields);
    assert_eq!(storage.field("Accept"), Some(&b"a"[..]), "the first one");
    assert_eq!(storage.field("accep"), None);
}

#[test]
fn tls_facts_outlive_the_connection_that_made_them() {
    let mut storage = RequestStorage::new();
    let text = |text: &str| text.as_bytes().into();
    let session = TlsFacts {
        version: 0x0304,
        cipher: text("TLS_AES_128_GCM_SHA256"),
        server_name: text("example.org"),
        protocol: text("h2"),
        certificate: text("der"),
    };
    let tls = TlsStorage::new(session);
    storage.buffer();
    storage.seal(
        &RequestSpans::default(),
        std::iter::empty(),
        RequestFacts { tls: Some(tls.clone()), ..facts(1) },
    );
    drop(tls);
    let seen = storage.head().tls().expect("the request came over TLS");
    assert_eq!(
        (seen.version(), seen.cipher(), seen.server_name()),
        (0x0304, &b"TLS_AES_128_GCM_SHA256"[..], &b"example.org"[..])
    );
    assert_eq!((seen.protocol(), seen.certificate()), (&b"h2"[..], &b"der"[..]));
    storage.buffer();
    assert!(storage.head().tls().is_none());
}

#[test]
#[should_panic(expected = "out of range")]
fn a_span_outside_of_the_buffer_is_refused() {
    let mut storage = RequestStorage::new();
    storage.buffer().extend_from_slice(b"GET");
    storage.seal(&RequestSpans { method: (0, 4), ..RequestSpans::default() }, std::iter::empty(), facts(1));
}
