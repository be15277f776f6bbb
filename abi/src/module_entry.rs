//! The entry of a Rust module: the constant `hc_module` over a `Module`, and the macro that exports it. Must not know what
//! the callbacks do.

use std::ffi::CStr;
use std::ptr;

use crate::constants::{ABI_MAJOR, ABI_MINOR, module_flag};
use crate::module_calls;
use crate::module_side::Module;
use crate::raw::hc_module;

/// An `hc_module` of one's own: constant, so that it can be a `static`.
#[repr(transparent)]
pub struct ModuleEntry(hc_module);

// SAFETY: the entry is constant, and points at constants only.
unsafe impl Sync for ModuleEntry {}
// SAFETY: as above.
unsafe impl Send for ModuleEntry {}

impl ModuleEntry {
    /// The structure.
    #[must_use]
    pub const fn raw(&self) -> &hc_module {
        &self.0
    }
}

/// What a module says about itself, in terminated texts.
#[derive(Clone, Copy, Debug)]
pub struct EntryInfo {
    /// E.g. `c"org.example.hello"`.
    pub id: &'static CStr,
    /// The module's own version.
    pub version: &'static CStr,
    /// One line.
    pub description: Option<&'static CStr>,
    /// JSON Schema of the configuration.
    pub config_schema: Option<&'static CStr>,
    /// Bits of [`module_flag`].
    pub flags: u32,
}

/// The entry of a module whose worker and task states stay on one thread: THREAD_BOUND is added to the flags.
///
/// # Panics
/// At compile time, when the flags have MIGRATES: that needs [`entry_sendable`].
#[must_use]
pub const fn entry<M: Module>(info: EntryInfo) -> ModuleEntry {
    assert!(
        info.flags & module_flag::MIGRATES == 0,
        "MIGRATES needs states that are Send: use entry_sendable"
    );
    build::<M>(info, info.flags | module_flag::THREAD_BOUND)
}

/// The entry of a module whose states may move from thread to thread: the flags are as given.
#[must_use]
pub const fn entry_sendable<M>(info: EntryInfo) -> ModuleEntry
where
    M: Module,
    M::Worker: Send,
    M::Task: Send,
{
    build::<M>(info, info.flags)
}

const fn build<M: Module>(info: EntryInfo, flags: u32) -> ModuleEntry {
    ModuleEntry(hc_module {
        size: size_of::<hc_module>() as u32,
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        flags,
        reserved: 0,
        id: info.id.as_ptr(),
        version: info.version.as_ptr(),
        description: match info.description {
            Some(text) => text.as_ptr(),
            None => ptr::null(),
        },
        config_schema: match info.config_schema {
            Some(text) => text.as_ptr(),
            None => ptr::null(),
        },
        create: Some(module_calls::create::<M>),
        destroy: Some(module_calls::destroy::<M>),
        worker_start: Some(module_calls::worker_start::<M>),
        worker_stop: Some(module_calls::worker_stop::<M>),
        start: Some(module_calls::start::<M>),
        resume: Some(module_calls::resume::<M>),
        finish: Some(module_calls::finish::<M>),
    })
}

/// Exports a [`Module`]: the symbol `hc_module_entry`, and the ELF note that tools read. Use once in a `cdylib`. It works in a
/// crate that forbids unsafe code.
///
/// ```
/// #![forbid(unsafe_code)]
/// use http_container_abi::{Event, HostRef, Module, Response, Start, Status, hc_entry};
///
/// struct Hello(HostRef);
///
/// impl Module for Hello {
///     type Worker = ();
///     type Task = ();
///     fn create(host: HostRef, _config: &[u8]) -> Result<Hello, Status> {
///         Ok(Hello(host))
///     }
///     fn worker_start(&self, _worker: u32) -> Result<(), Status> {
///         Ok(())
///     }
///     fn start(&self, (): &(), task: u64, _start: Start<'_>) -> (Status, Option<Box<()>>) {
///         (self.0.respond(task, &Response { status: 200, body: b"Hello", ..Response::default() }), None)
///     }
///     fn resume(&self, (): &(), _task: u64, (): &mut (), _events: &[Event]) -> Status {
///         Status::DONE
///     }
/// }
///
/// hc_entry!(Hello, id: "org.example.hello", version: env!("CARGO_PKG_VERSION"), description: "Says hello");
/// # fn main() {}
/// ```
///
/// Optional, in this order: `description: TEXT`, `config_schema: TEXT`, `flags: BITS`, and the word `sendable` for states that
/// may move between threads ([`entry_sendable`]); without it the module is THREAD_BOUND.
#[macro_export]
macro_rules! hc_entry {
    ($module:ty, id: $id:expr, version: $version:expr $(, description: $description:expr)?
        $(, config_schema: $schema:expr)? $(, flags: $flags:expr)? $(,)?) => {
        $crate::hc_entry!(@build entry, $crate::constants::module_flag::THREAD_BOUND, $module, $id, $version,
            [$($description)?], [$($schema)?], [$($flags)?]);
    };
    ($module:ty, id: $id:expr, version: $version:expr $(, description: $description:expr)?
        $(, config_schema: $schema:expr)? $(, flags: $flags:expr)?, sendable $(,)?) => {
        $crate::hc_entry!(@build entry_sendable, 0, $module, $id, $version,
            [$($description)?], [$($schema)?], [$($flags)?]);
    };
    (@build $entry:ident, $added:expr, $module:ty, $id:expr, $version:expr,
        [$($description:expr)?], [$($schema:expr)?], [$($flags:expr)?]) => {
        const _: () = {
            use $crate::rust_note::{Note, Terminated};
            const ID: &str = $id;
            const VERSION: &str = $version;
            const SCHEMA: &str = concat!($($schema)?);
            static ID_TEXT: Terminated<{ ID.len() + 1 }> = Terminated::new(ID);
            static VERSION_TEXT: Terminated<{ VERSION.len() + 1 }> = Terminated::new(VERSION);
            const FLAGS: u32 = 0 $(| $flags)?;
            const INFO: $crate::EntryInfo = $crate::EntryInfo {
                id: ID_TEXT.text(),
                version: VERSION_TEXT.text(),
                description: $crate::hc_entry!(@text $($description)?),
                config_schema: $crate::hc_entry!(@text $($schema)?),
                flags: FLAGS,
            };

            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals)]
            pub static hc_module_entry: $crate::ModuleEntry = $crate::$entry::<$module>(INFO);

            #[used]
            #[cfg_attr(all(unix, not(target_vendor = "apple")), unsafe(link_section = ".note.http_container"))]
            static NOTE: Note<{ ID.len() + 1 }, { VERSION.len() + 1 }, { SCHEMA.len() + 1 }> =
                Note::new(ID, VERSION, SCHEMA, FLAGS | $added);
        };
    };
    (@text) => { None };
    (@text $text:expr) => {{
        const TEXT: &str = $text;
        static TERMINATED: $crate::rust_note::Terminated<{ TEXT.len() + 1 }> =
            $crate::rust_note::Terminated::new(TEXT);
        Some(TERMINATED.text())
    }};
}
