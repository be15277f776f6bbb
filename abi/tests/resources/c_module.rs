//! A module written in C, played by a test: it calls the vtables of a fake host with what arguments it likes.

use std::sync::Arc;

use http_container_abi::raw::{HC_SQL_BOOL, HC_SQL_BYTES, HC_SQL_TEXT, hc_bytes, hc_host, hc_sql_value};
use http_container_abi::{HostTable, Status};

use crate::support::fake_host::FakeHost;

pub const OK: i32 = 0;
pub const PENDING: i32 = 1;
pub const INVALID: i32 = -4;
pub const LIMIT: i32 = -9;
pub const UNSUPPORTED: i32 = -10;

/// No bytes.
pub const NONE: hc_bytes = hc_bytes::NONE;
/// A view with a size and no pointer.
pub const BROKEN: hc_bytes = hc_bytes { data: std::ptr::null(), size: 3 };

pub struct CModule {
    pub table: Arc<HostTable<FakeHost>>,
    pub host: *const hc_host,
}

impl CModule {
    pub fn new() -> CModule {
        let table = HostTable::new(FakeHost::new());
        let host = table.as_ptr().as_ptr();
        CModule { table, host }
    }

    pub fn fake(&self) -> &FakeHost {
        self.table.host()
    }

    /// The host saw this one call, and the module was answered HC_OK.
    pub fn saw(&self, answer: i32, call: &str) {
        assert_eq!((answer, self.fake().take_calls()), (OK, vec![call.to_owned()]));
    }

    /// The call was refused at the boundary with `rule`, and the host saw nothing else of it.
    pub fn refused(&self, answer: i32, status: i32, call: &str, rule: &str) {
        let task = if call.contains("usage") || call.contains("offer") { 0 } else { 1 };
        let expect = format!("refused {task} {call} [{rule}]");
        assert_eq!((answer, self.fake().take_calls()), (status, vec![expect]));
    }
}

/// Calls a function of a vtable.
macro_rules! call {
    ($module:expr, $table:ident.$function:ident($($argument:expr),*)) => {{
        // SAFETY: the host is alive, and each argument is NULL or points at what lives here.
        unsafe { ($table::<FakeHost>().$function.unwrap())($module.host, $($argument),*) }
    }};
}
pub(crate) use call;

/// A structure of a later version: the known one, and more.
#[repr(C)]
pub struct Later<T> {
    pub known: T,
    pub tail: [u8; 4096],
}

impl<T> Later<T> {
    pub fn new(known: T, tail: u8) -> Later<T> {
        Later { known, tail: [tail; 4096] }
    }

    /// Sets the size, which is the first member of every growing structure.
    pub fn set_size(&mut self, size: usize) -> *mut T {
        let place = &raw mut *self;
        // SAFETY: the first member is a number of 32 bits, by `repr(C)` of both structures.
        unsafe { place.cast::<u32>().write(size as u32) };
        place.cast()
    }
}

/// How options structures are refused by their size: `ask` makes the call with a structure that it is given.
pub fn options_sizes<T: Copy>(module: &CModule, known: T, call: &str, ask: impl Fn(*const T) -> i32) {
    let size = size_of::<T>();
    let mut later = Later::new(known, 0);
    module.refused(ask(std::ptr::null()), INVALID, call, "host.call.null");
    let odd = std::ptr::null::<T>().wrapping_byte_add(1);
    module.refused(ask(odd), INVALID, call, "overview.undefined");
    for small in [0, size - 1] {
        module.refused(ask(later.set_size(small)), INVALID, call, "version.size.options-too-small");
    }
    module.refused(ask(later.set_size(4097)), UNSUPPORTED, call, "version.size.limit");
    for large in [size, size + 8, 4096] {
        assert!(ask(later.set_size(large)) >= OK, "{call}: zeros within the size {large}");
        module.fake().take_calls();
    }
    later.tail[7] = 1;
    assert!(ask(later.set_size(size + 7)) >= OK, "{call}: what lies beyond is not looked at");
    module.fake().take_calls();
    module.refused(ask(later.set_size(size + 8)), UNSUPPORTED, call, "version.size.options-tail");
}

/// How out structures are refused by their size, kept at it, and filled with zeros behind what is known.
pub fn output_sizes<T: Copy>(module: &CModule, empty: T, call: &str, ask: impl Fn(*mut T) -> i32) {
    let size = size_of::<T>();
    let mut later = Later::new(empty, 0xee);
    module.refused(ask(std::ptr::null_mut()), INVALID, call, "host.call.null");
    module.refused(ask(std::ptr::null_mut::<T>().wrapping_byte_add(1)), INVALID, call, "overview.undefined");
    module.refused(ask(later.set_size(size - 1)), INVALID, call, "version.size.options-too-small");
    module.refused(ask(later.set_size(4097)), UNSUPPORTED, call, "version.size.limit");
    module.fake().answer(Status::END);
    assert_eq!(ask(later.set_size(size + 5)), 2);
    assert_eq!(later.tail, [0xee; 4096], "{call}: nothing is written without an answer");
    module.fake().answer(Status::OK);
    let place = later.set_size(size + 5);
    assert_eq!(ask(place), OK);
    // SAFETY: the structure is alive and begins with its size.
    assert_eq!(unsafe { place.cast::<u32>().read() } as usize, size + 5, "{call}: the size stays");
    assert_eq!(later.tail[..6], [0, 0, 0, 0, 0, 0xee], "{call}");
    module.fake().take_calls();
}

/// A value of that type, with all members that a type may use.
pub fn value(type_: u32, integer: i64, real: f64, bytes: &[u8]) -> hc_sql_value {
    hc_sql_value { type_, reserved: 0, integer, real, bytes: hc_bytes::of(bytes) }
}

/// A value that breaks a rule, the rule, and what is wrong in words.
pub fn bad_values() -> [(hc_sql_value, &'static str, &'static str); 8] {
    let text = value(HC_SQL_TEXT, 0, 0.0, b"text");
    let absurd = hc_bytes { size: usize::MAX, ..hc_bytes::of(b"x") };
    [
        (value(6, 0, 0.0, b""), "sql.value.types", "an unknown type"),
        (value(u32::MAX, 0, 0.0, b""), "sql.value.types", "an unknown type"),
        (value(HC_SQL_BOOL, 2, 0.0, b""), "sql.value.types", "neither true nor false"),
        (value(HC_SQL_TEXT, 0, 0.0, b"\xc3"), "sql.value.types", "not UTF-8"),
        (hc_sql_value { bytes: BROKEN, ..text }, "host.call.null", "NULL"),
        (hc_sql_value { bytes: BROKEN, type_: HC_SQL_BYTES, ..text }, "host.call.null", "NULL"),
        (hc_sql_value { bytes: absurd, ..text }, "host.call.null", "larger than memory"),
        (hc_sql_value { reserved: 1, ..text }, "version.reserved", "reserved"),
    ]
}

/// The bytes of a view that the fake host answered.
pub fn bytes<'a>(view: hc_bytes) -> &'a [u8] {
    if view.size == 0 {
        return b"";
    }
    // SAFETY: a view of the fake host's, which outlives the test's look at it.
    unsafe { std::slice::from_raw_parts(view.data.cast(), view.size) }
}
