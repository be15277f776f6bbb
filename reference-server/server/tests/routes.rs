//! The route table against an oracle that follows the rules word by word, with no table.

use std::path::Path;

use hc_server::config::{Config, HostPattern, RouteTable};
use proptest::prelude::*;

/// Every route is tried; hosts and prefixes are compared as the documentation says.
fn oracle(routes: &[(Option<HostPattern>, String)], authority: &str, path: &str) -> Option<usize> {
    let name = authority.split(':').next().unwrap().trim_end_matches('.').to_lowercase();
    let specificity = |host: &Option<HostPattern>| match host {
        None => Some(0),
        Some(HostPattern::Exact(exact)) => (*exact == name).then_some(usize::MAX),
        Some(HostPattern::Below(domain)) => {
            let before = name.strip_suffix(domain.as_str())?.strip_suffix('.')?;
            (!before.is_empty()).then_some(domain.len())
        }
    };
    let matches = |prefix: &str| {
        path == prefix
            || path.starts_with(&format!("{}/", prefix.trim_end_matches('/'))) && path.len() > prefix.len()
    };
    let candidates = routes.iter().enumerate().filter(|(_, (_, prefix))| matches(prefix));
    let ranked = candidates.filter_map(|(index, (host, prefix))| {
        specificity(host).map(|host| ((host, prefix.len(), std::cmp::Reverse(index)), index))
    });
    ranked.max().map(|(_, index)| index)
}

const PATTERNS: &[&str] = &[
    "a.example",
    "b.a.example",
    "*.example",
    "*.a.example",
    "*.b.a.example",
    "example",
    "[::1]",
    "192.0.2.1",
];

fn hosts() -> impl Strategy<Value = Option<HostPattern>> {
    proptest::option::of(
        proptest::sample::select(PATTERNS).prop_map(|text| HostPattern::parse(text).unwrap()),
    )
}

fn authorities() -> impl Strategy<Value = String> {
    let labels = proptest::collection::vec(
        proptest::sample::select(&["a", "b", "c", "example", "A", "Example"]),
        0..5,
    );
    (labels, "(:[0-9]{1,4})?").prop_map(|(labels, port)| labels.join(".") + &port)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn the_table_agrees_with_the_oracle(
        routes in proptest::collection::vec((hosts(), "(/[ab]{1,2}){0,3}/?".prop_map(rooted)), 0..12),
        authority in authorities(),
        path in "(/[abc]{1,2}){0,5}/?".prop_map(rooted),
    ) {
        let table = RouteTable::new(routes.iter().map(|(host, path)| (host.as_ref(), path.as_str())));
        let expect = oracle(&routes, &authority, &path);
        prop_assert_eq!(table.resolve(authority.as_bytes(), path.as_bytes()), expect);
    }

    /// Another spelling of a path reaches the same route.
    #[test]
    fn spellings_reach_one_route(
        routes in proptest::collection::vec("(/[ab]{1,2}){0,3}/?".prop_map(rooted), 1..8),
        path in "(/[abc]{1,2}){1,4}/?",
        at in any::<proptest::sample::Index>(),
        detour in proptest::sample::select(&["/", "/./", "/x/../", "/%2e/", "/x/%2E%2e/", "//", "/./x/.././"]),
    ) {
        let table = RouteTable::new(routes.iter().map(|path| (None, path.as_str())));
        let slashes: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        let slash = *at.get(&slashes);
        let spelled = format!("{}{detour}{}", &path[..slash], &path[slash + 1..]);
        let expect = table.resolve(b"", path.as_bytes());
        prop_assert_eq!(table.resolve(b"", spelled.as_bytes()), expect, "{}", spelled);
        let escaped: String = path.chars().map(|c| if c == '/' { "/".into() } else { format!("%{:02x}", c as u32) }).collect();
        prop_assert_eq!(table.resolve(b"", escaped.as_bytes()), expect, "{}", escaped);
    }

    #[test]
    fn nothing_a_peer_sends_panics(
        authority in proptest::collection::vec(any::<u8>(), 0..300),
        path in proptest::collection::vec(proptest::sample::select(b"/.%2eE\xffa:[]".as_slice()), 0..60),
    ) {
        let (below, exact) = (HostPattern::parse("*.a").unwrap(), HostPattern::parse("a").unwrap());
        let table = RouteTable::new([(Some(&below), "/a"), (Some(&exact), "/a/a"), (None, "/")]);
        prop_assert!(table.resolve(&authority, &path).is_some());
    }
}

fn rooted(path: String) -> String {
    if path.is_empty() { "/".to_owned() } else { path }
}

#[test]
fn the_documented_cases() {
    let text = r#"
        [[module]]
        name = "app"
        path = "app.so"
        [[route]]
        path = "/api"
        module = "app"
        [[route]]
        path = "/api/"
        module = "app"
        [[route]]
        host = "example.org"
        path = "/only"
        module = "app"
        [[route]]
        host = "*.example.org"
        path = "/"
        module = "app"
        [[route]]
        host = "[0:0::1]"
        path = "/"
        module = "app"
    "#;
    let config = Config::parse(text, Path::new("x.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    let table = config.route_table();
    let cases: &[(&str, &str, Option<usize>)] = &[
        ("", "/api", Some(0)),
        ("", "/api/", Some(1)),
        ("", "/api/x", Some(1)),
        ("", "/apix", None),
        ("", "/", None),
        ("", "*", None),
        ("example.org", "/only/x", Some(2)),
        ("EXAMPLE.org.:80", "/only", Some(2)),
        ("example.org", "/api", Some(0)),
        ("example.org", "/", None),
        ("a.example.org", "/only", Some(3)),
        ("a.b.example.org:1", "*", Some(3)),
        (".example.org", "/", None),
        ("notexample.org", "/", None),
        ("[::1]:8080", "/x", Some(4)),
        ("[::1]", "/x", Some(4)),
    ];
    for (authority, path, expect) in cases {
        assert_eq!(table.resolve(authority.as_bytes(), path.as_bytes()), *expect, "{authority} {path}");
    }
}
