//! A module as a container drives it: a validated entry, and one safe method per callback. Must not know when a callback is
//! due; the order (exactly one finish, no overlap ...) is the container's business.

use std::ffi::{CStr, c_char};
use std::fmt;
use std::ptr;

use crate::constants::{ABI_MAJOR, ABI_MINOR, KNOWN_MODULE_FLAGS};
use crate::event::Event;
use crate::module_entry::ModuleEntry;
use crate::opaque::{HostPtr, Opaque};
use crate::raw::{hc_bytes, hc_module, hc_start};
use crate::request_storage::RequestStorage;
use crate::status::Status;

/// What a module says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleInfo {
    /// E.g. `org.example.hello`.
    pub id: &'static str,
    /// The module's own version.
    pub version: &'static str,
    /// The ABI it was built for: major and minor.
    pub abi: (u16, u16),
    /// Bits of [`module_flag`](crate::constants::module_flag).
    pub flags: u32,
    /// One line, if there is one.
    pub description: Option<&'static str>,
    /// JSON Schema of the configuration, if there is one.
    pub config_schema: Option<&'static str>,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryError {
    /// The pointer is NULL or misaligned.
    NotAnEntry,
    /// Another major version.
    WrongMajor {
        /// The entry's major version.
        major: u16,
        /// The entry's minor version.
        minor: u16,
    },
    /// `size` is smaller than in version 1.0.
    TooSmall {
        /// The entry's size in bytes.
        size: u32,
    },
    /// A flag that this version does not know.
    UnknownFlags {
        /// The unknown bits.
        flags: u32,
    },
    /// The member `reserved` is not 0.
    ReservedNotZero {
        /// What it is.
        reserved: u32,
    },
    /// A required member is NULL.
    Missing {
        /// The member's name.
        member: &'static str,
    },
    /// The id is not 1 to 127 of letters, digits, `.`, `-` and `_`.
    BadId,
    /// The version is not 1 to 63 bytes of printable ASCII.
    BadVersion,
    /// A text is not UTF-8.
    NotUtf8 {
        /// The member's name.
        member: &'static str,
    },
}

impl fmt::Display for EntryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntryError::NotAnEntry => {
                write!(out, "its hc_module_entry is NULL or misaligned; export a constant hc_module")
            }
            EntryError::WrongMajor { major, minor } => write!(
                out,
                "it was built for version {major}.{minor} of the ABI, and this container speaks {ABI_MAJOR}.{ABI_MINOR}; \
                 build it with headers of major version {ABI_MAJOR}"
            ),
            EntryError::TooSmall { size } => write!(
                out,
                "its hc_module has size {size}, and version 1.0 has {}; set `size` to sizeof(hc_module) (HC_MODULE_HEAD does)",
                size_of::<hc_module>()
            ),
            EntryError::UnknownFlags { flags } => write!(
                out,
                "it declares flags {flags:#x} that this container does not know; use a newer container, or build it without them"
            ),
            EntryError::ReservedNotZero { reserved } => {
                write!(
                    out,
                    "its member `reserved` is {reserved} and must be 0; initialise the whole structure"
                )
            }
            EntryError::Missing { member } => {
                write!(out, "its `{member}` is missing and required; fill it in")
            }
            EntryError::BadId => {
                write!(
                    out,
                    "its `id` is not 1 to 127 characters out of letters, digits, `.`, `-` and `_`; rename it"
                )
            }
            EntryError::BadVersion => {
                write!(
                    out,
                    "its `version` is not 1 to 63 characters of printable ASCII; shorten or change it"
                )
            }
            EntryError::NotUtf8 { member } => write!(out, "its `{member}` is not UTF-8; save its source so"),
        }
    }
}

impl std::error::Error for EntryError {}

/// What `start` is given.
#[derive(Clone, Copy, Debug)]
pub struct StartArgs<'a> {
    /// One of [`task_kind`](crate::constants::task_kind).
    pub kind: u32,
    /// The request head, which must stay sealed until `finish` of the task has returned.
    pub request: Option<&'a RequestStorage>,
    /// What `spawn` was given.
    pub arg: Opaque,
    /// The leases of the route's start gates.
    pub leases: &'a [u64],
}

/// A module's callbacks. Whoever calls them is a container: it keeps to the order that the header demands.
#[derive(Clone, Copy)]
pub struct ModuleTable {
    raw: &'static hc_module,
}

// SAFETY: an hc_module is constant; the thread tags of its callbacks bind the container.
unsafe impl Send for ModuleTable {}
// SAFETY: as above.
unsafe impl Sync for ModuleTable {}

impl ModuleTable {
    /// A module that is linked into the program.
    ///
    /// # Errors
    /// What is wrong with the entry.
    pub fn from_entry(entry: &'static ModuleEntry) -> Result<ModuleTable, EntryError> {
        // SAFETY: an entry is made from a Module by `entry`, or is the static of such a module.
        unsafe { ModuleTable::from_raw(entry.raw()) }
    }

    /// The module behind an exported symbol.
    ///
    /// # Errors
    /// What is wrong with the entry.
    ///
    /// # Safety
    /// `entry` is NULL or points at what a library exports as `hc_module_entry`, constant for the rest of the process.
    pub(crate) unsafe fn from_raw(entry: *const hc_module) -> Result<ModuleTable, EntryError> {
        if entry.is_null() || !entry.is_aligned() {
            return Err(EntryError::NotAnEntry);
        }
        // SAFETY: the first three members are the same in every version; nothing else is read before they fit.
        let (size, major, minor) =
            unsafe { ((*entry).size, (*entry).abi_major, (&raw const (*entry).abi_minor).read()) };
        if major != ABI_MAJOR {
            return Err(EntryError::WrongMajor { major, minor });
        }
        if (size as usize) < size_of::<hc_module>() {
            return Err(EntryError::TooSmall { size });
        }
        // SAFETY: of this major version and large enough.
        let raw: &'static hc_module = unsafe { &*entry };
        if raw.flags & !KNOWN_MODULE_FLAGS != 0 {
            return Err(EntryError::UnknownFlags { flags: raw.flags & !KNOWN_MODULE_FLAGS });
        }
        if raw.reserved != 0 {
            return Err(EntryError::ReservedNotZero { reserved: raw.reserved });
        }
        if raw.start.is_none() {
            return Err(EntryError::Missing { member: "start" });
        }
        for (text, member, required) in [
            (raw.id, "id", true),
            (raw.version, "version", true),
            (raw.description, "description", false),
            (raw.config_schema, "config_schema", false),
        ] {
            // SAFETY: a text of the entry, terminated and constant, or NULL.
            let text = unsafe { text_of(text) }.map_err(|()| EntryError::NotUtf8 { member })?;
            if required && text.is_none() {
                return Err(EntryError::Missing { member });
            }
        }
        let table = ModuleTable { raw };
        let info = table.info();
        if !is_id(info.id) {
            return Err(EntryError::BadId);
        }
        if !is_version(info.version) {
            return Err(EntryError::BadVersion);
        }
        Ok(table)
    }

    /// What the module says about itself.
    #[must_use]
    pub fn info(&self) -> ModuleInfo {
        // SAFETY: texts of the entry, terminated and constant, or NULL.
        let text = |text| unsafe { text_of(text) }.ok().flatten();
        ModuleInfo {
            id: text(self.raw.id).unwrap_or_default(),
            version: text(self.raw.version).unwrap_or_default(),
            abi: (self.raw.abi_major, self.raw.abi_minor),
            flags: self.raw.flags,
            description: text(self.raw.description),
            config_schema: text(self.raw.config_schema),
        }
    }

    /// The entry itself.
    pub(crate) fn raw(&self) -> &'static hc_module {
        self.raw
    }

    /// The flags: bits of [`module_flag`](crate::constants::module_flag).
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.raw.flags
    }

    /// Whether its tasks may yield.
    #[must_use]
    pub fn has_resume(&self) -> bool {
        self.raw.resume.is_some()
    }

    /// Makes an instance; `config` is a JSON object.
    ///
    /// # Errors
    /// The status with which the module refused. A positive status other than `HC_OK` is a fault: `HC_E_INVALID`.
    pub fn create(&self, host: HostPtr, config: &[u8]) -> Result<Opaque, Status> {
        let Some(create) = self.raw.create else { return Ok(Opaque::NULL) };
        let mut instance = ptr::null_mut();
        // SAFETY: the module is trusted to be one; the pointers live during the call.
        let status = Status(unsafe { create(host.as_ptr(), hc_bytes::of(config), &raw mut instance) });
        accept(status).map(|()| Opaque::new(instance))
    }

    /// The instance's end.
    pub fn destroy(&self, instance: Opaque) {
        if let Some(destroy) = self.raw.destroy {
            // SAFETY: the module is trusted, and the container calls this once, last.
            unsafe { destroy(instance.as_ptr()) }
        }
    }

    /// A worker's beginning; its state.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn worker_start(&self, instance: Opaque, worker: u32) -> Result<Opaque, Status> {
        let Some(worker_start) = self.raw.worker_start else { return Ok(Opaque::NULL) };
        let mut state = ptr::null_mut();
        // SAFETY: the module is trusted; the pointer lives during the call.
        let status = Status(unsafe { worker_start(instance.as_ptr(), worker, &raw mut state) });
        accept(status).map(|()| Opaque::new(state))
    }

    /// A worker's end.
    pub fn worker_stop(&self, instance: Opaque, worker_state: Opaque) {
        if let Some(worker_stop) = self.raw.worker_stop {
            // SAFETY: the module is trusted, and the container calls this once per worker that started.
            unsafe { worker_stop(instance.as_ptr(), worker_state.as_ptr()) }
        }
    }

    /// The first step of a task: its status, and the task state.
    #[inline]
    pub fn start(
        &self,
        instance: Opaque,
        worker_state: Opaque,
        task: u64,
        args: &StartArgs<'_>,
    ) -> (Status, Opaque) {
        let Some(start) = self.raw.start else { return (Status::E_INVALID, Opaque::NULL) };
        let given = hc_start {
            size: size_of::<hc_start>() as u32,
            kind: args.kind,
            request: args.request.map_or(ptr::null(), |request| ptr::from_ref(request.view())),
            arg: args.arg.as_ptr(),
            leases: if args.leases.is_empty() { ptr::null() } else { args.leases.as_ptr() },
            lease_count: args.leases.len(),
        };
        let mut state = ptr::null_mut();
        // SAFETY: the module is trusted; the pointers live during the call, the request until `finish` by the container's
        // promise.
        let status = unsafe {
            start(instance.as_ptr(), worker_state.as_ptr(), task, &raw const given, &raw mut state)
        };
        (Status(status), Opaque::new(state))
    }

    /// A further step: at least one event. `HC_E_INVALID` when the module has no `resume`
    /// ([`has_resume`](Self::has_resume)).
    #[inline]
    pub fn resume(
        &self,
        instance: Opaque,
        worker_state: Opaque,
        task: u64,
        task_state: Opaque,
        events: &[Event],
    ) -> Status {
        let Some(resume) = self.raw.resume else { return Status::E_INVALID };
        let (instance, worker_state, task_state) =
            (instance.as_ptr(), worker_state.as_ptr(), task_state.as_ptr());
        // SAFETY: the module is trusted; the events live during the call.
        Status(unsafe {
            resume(instance, worker_state, task, task_state, Event::first(events), events.len())
        })
    }

    /// The end of a task: exactly once for every start.
    #[inline]
    pub fn finish(
        &self,
        instance: Opaque,
        worker_state: Opaque,
        task: u64,
        task_state: Opaque,
        outcome: Status,
        unseen: &[Event],
    ) {
        let Some(finish) = self.raw.finish else { return };
        let (instance, worker_state, task_state) =
            (instance.as_ptr(), worker_state.as_ptr(), task_state.as_ptr());
        let (events, count) = (Event::first(unseen), unseen.len());
        // SAFETY: the module is trusted; the events live during the call.
        unsafe { finish(instance, worker_state, task, task_state, outcome.0, events, count) }
    }
}

impl fmt::Debug for ModuleTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info().fmt(out)
    }
}

/// Whether it is an id of a module [module.entry.id].
pub(crate) fn is_id(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=127).contains(&text.len()) && text.bytes().all(is_part)
}

/// Whether it is a version of a module [module.entry.id].
pub(crate) fn is_version(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// `HC_OK` is success, below zero a refusal, and anything else a fault of the module.
fn accept(status: Status) -> Result<(), Status> {
    match status {
        Status::OK => Ok(()),
        status if status.is_error() => Err(status),
        _ => Err(Status::E_INVALID),
    }
}

/// # Safety
/// `text` is NULL, or terminated and constant for the rest of the process.
unsafe fn text_of(text: *const c_char) -> Result<Option<&'static str>, ()> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller promises the rest.
    unsafe { CStr::from_ptr(text) }.to_str().map(Some).map_err(|_| ())
}
