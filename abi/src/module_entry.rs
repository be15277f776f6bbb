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

/// A module that one library declares, and that another exports or a program links. Made by
/// [`hc_declare!`](crate::hc_declare).
pub trait Declared {
    /// The module's id.
    const ID: &'static str;
    /// The module's own version.
    const VERSION: &'static str;
    /// JSON Schema of the configuration, or empty.
    const SCHEMA: &'static str;
    /// Bits of [`module_flag`], as in the entry.
    const FLAGS: u32;
    /// The entry.
    const ENTRY: ModuleEntry;
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
            /// The module of this library.
            struct Exported;
            $crate::hc_entry!(@declare Exported, $entry, $added, $module, $id, $version,
                [$($description)?], [$($schema)?], [$($flags)?]);
            $crate::hc_export!(Exported);
        };
    };
    (@declare $name:ident, $entry:ident, $added:expr, $module:ty, $id:expr, $version:expr,
        [$($description:expr)?], [$($schema:expr)?], [$($flags:expr)?]) => {
        impl $crate::Declared for $name {
            const ID: &'static str = $id;
            const VERSION: &'static str = $version;
            const SCHEMA: &'static str = concat!($($schema)?);
            const FLAGS: u32 = $added $(| $flags)?;
            const ENTRY: $crate::ModuleEntry = $crate::$entry::<$module>($crate::EntryInfo {
                id: $crate::hc_entry!(@terminated <$name as $crate::Declared>::ID),
                version: $crate::hc_entry!(@terminated <$name as $crate::Declared>::VERSION),
                description: $crate::hc_entry!(@text $($description)?),
                config_schema: $crate::hc_entry!(@text $($schema)?),
                flags: 0 $(| $flags)?,
            });
        }
    };
    (@text) => { None };
    (@text $text:expr) => { Some($crate::hc_entry!(@terminated $text)) };
    (@terminated $text:expr) => {{
        const TEXT: &str = $text;
        static TERMINATED: $crate::rust_note::Terminated<{ TEXT.len() + 1 }> =
            $crate::rust_note::Terminated::new(TEXT);
        TERMINATED.text()
    }};
}

/// Declares a [`Module`] under a name, and exports nothing: for a library whose module is exported by another
/// ([`hc_export!`](crate::hc_export)), or linked into a program beside others. Arguments as of [`hc_entry!`](crate::hc_entry),
/// after the name of the type that is made.
#[macro_export]
macro_rules! hc_declare {
    ($name:ident, $module:ty, id: $id:expr, version: $version:expr $(, description: $description:expr)?
        $(, config_schema: $schema:expr)? $(, flags: $flags:expr)? $(,)?) => {
        /// The module that this library declares.
        pub struct $name;
        $crate::hc_entry!(@declare $name, entry, $crate::constants::module_flag::THREAD_BOUND, $module, $id, $version,
            [$($description)?], [$($schema)?], [$($flags)?]);
    };
}

/// Exports a [`Declared`] module: the symbol `hc_module_entry`, and the ELF note that tools read. Use once in a `cdylib`.
#[macro_export]
macro_rules! hc_export {
    ($declared:ty) => {
        const _: () = {
            use $crate::Declared;
            use $crate::rust_note::Note;
            type Module = $declared;

            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals)]
            pub static hc_module_entry: $crate::ModuleEntry = Module::ENTRY;

            #[used]
            #[cfg_attr(
                all(unix, not(target_vendor = "apple")),
                unsafe(link_section = ".note.http_container")
            )]
            static NOTE: Note<
                { Module::ID.len() + 1 },
                { Module::VERSION.len() + 1 },
                { Module::SCHEMA.len() + 1 },
            > = Note::new(Module::ID, Module::VERSION, Module::SCHEMA, Module::FLAGS);
        };
    };
}
