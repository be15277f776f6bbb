//! Which route answers: by host, then by the longest path prefix. Pure; read by every worker for every request.
//!
//! - The host first: routes of exactly this host, then those of a wildcard (the longest first), then those of no host.
//!   The first of these groups with a matching path decides.
//! - A prefix matches whole segments: `/api` matches `/api`, `/api/` and `/api/x`, not `/apix`. Written with a slash at
//!   its end, `/api/` matches what is below only, and is longer than `/api`. `/` matches everything, also `*`.
//! - Paths are compared in their normal form, so that `/%61pi`, `//api` and `/x/../api` are `/api`.

use std::cell::RefCell;
use std::collections::HashMap;

use super::host_name::{HostName, HostPattern};
use super::path_segments::{may_differ, normalize};

/// Finds the route of a request.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    exact: HashMap<Box<[u8]>, Node>,
    below: HashMap<Box<[u8]>, Node>,
    every: Node,
}

/// A path segment, in one group of routes.
#[derive(Clone, Debug, Default)]
struct Node {
    /// The route whose prefix ends with this segment.
    own: Option<usize>,
    /// The route whose prefix ends with the slash after this segment.
    below: Option<usize>,
    /// Longer prefixes, sorted by their next segment.
    children: Vec<(Box<[u8]>, Node)>,
}

thread_local! {
    /// The normal form of the path at hand; grows once to the longest path of the thread.
    static NORMAL: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl RouteTable {
    /// The table of these routes: each a host pattern and a path prefix in normal form. Of equal ones the first counts.
    pub fn new<'a>(routes: impl IntoIterator<Item = (Option<&'a HostPattern>, &'a str)>) -> Self {
        let mut table = Self::default();
        for (index, (host, path)) in routes.into_iter().enumerate() {
            let group = match host {
                None => &mut table.every,
                Some(HostPattern::Exact(name)) => table.exact.entry(name.as_bytes().into()).or_default(),
                Some(HostPattern::Below(domain)) => table.below.entry(domain.as_bytes().into()).or_default(),
            };
            group.insert(path.as_bytes(), index);
        }
        table
    }

    /// The index of the route for a request to this authority (`example.org:8080`, may be empty) and path (as sent,
    /// without query). `None`: no route matches, the answer is 404.
    pub fn resolve(&self, authority: &[u8], path: &[u8]) -> Option<usize> {
        let path = if path.starts_with(b"/") { path } else { b"/" };
        if self.is_flat() || !may_differ(path) {
            return self.resolve_normal(authority, path);
        }
        NORMAL.with_borrow_mut(|normal| {
            normalize(path, normal);
            self.resolve_normal(authority, normal)
        })
    }

    /// Whether the path decides nothing.
    fn is_flat(&self) -> bool {
        self.exact.is_empty() && self.below.is_empty() && self.every.children.is_empty()
    }

    fn resolve_normal(&self, authority: &[u8], path: &[u8]) -> Option<usize> {
        if self.exact.is_empty() && self.below.is_empty() {
            return self.every.resolve(path);
        }
        self.resolve_host(authority, path).or_else(|| self.every.resolve(path))
    }

    fn resolve_host(&self, authority: &[u8], path: &[u8]) -> Option<usize> {
        let host = HostName::of(authority)?;
        let name = host.as_bytes();
        let exact = self.exact.get(name).and_then(|group| group.resolve(path));
        if exact.is_some() || self.below.is_empty() {
            return exact;
        }
        let dots = name.iter().enumerate().filter(|&(at, &byte)| byte == b'.' && at > 0);
        dots.filter_map(|(at, _)| self.below.get(&name[at + 1..])).find_map(|group| group.resolve(path))
    }
}

impl Node {
    fn insert(&mut self, path: &[u8], index: usize) {
        let mut node = self;
        let mut rest = path;
        while let Some(after) = rest.strip_prefix(b"/") {
            if after.is_empty() {
                node.below.get_or_insert(index);
                return;
            }
            let (segment, next) = split_segment(after);
            let at = match node.find(segment) {
                Ok(at) => at,
                Err(at) => {
                    node.children.insert(at, (segment.into(), Self::default()));
                    at
                }
            };
            node = &mut node.children[at].1;
            rest = next;
        }
        node.own.get_or_insert(index);
    }

    /// The route of the longest prefix of `path`, which begins with `/`.
    fn resolve(&self, path: &[u8]) -> Option<usize> {
        let mut node = self;
        let mut rest = path;
        let mut longest = None;
        while let Some(after) = rest.strip_prefix(b"/") {
            longest = node.below.or(node.own).or(longest);
            let (segment, next) = split_segment(after);
            match node.find(segment) {
                Ok(at) => node = &node.children[at].1,
                Err(_) => return longest,
            }
            rest = next;
        }
        node.own.or(longest)
    }

    fn find(&self, segment: &[u8]) -> Result<usize, usize> {
        self.children.binary_search_by(|(name, _)| (**name).cmp(segment))
    }
}

/// The bytes before the first slash, and the rest from that slash on.
fn split_segment(path: &[u8]) -> (&[u8], &[u8]) {
    let slash = path.iter().position(|&byte| byte == b'/').unwrap_or(path.len());
    path.split_at(slash)
}
