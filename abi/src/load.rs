//! Loads a module's library. Each thing that can be wrong is an error of its own that names the file, the reason and what to
//! do. Must not know configuration or instances: a library that loads has run none of the module's callbacks.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::constants::ENTRY_NAME;
use crate::module_table::{EntryError, ModuleTable};
use crate::raw::hc_module;

/// A module whose library is loaded, for the rest of the process.
#[derive(Clone, Debug)]
pub struct LoadedModule {
    /// The library's file, made absolute.
    pub path: PathBuf,
    /// Its callbacks.
    pub table: ModuleTable,
}

/// Why a library could not be loaded as a module, with the path as it was given.
#[derive(Debug)]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// The reason.
    pub reason: LoadFailure,
}

/// What is wrong with a library.
#[derive(Debug)]
pub enum LoadFailure {
    /// There is no such file.
    Missing,
    /// It is there, and cannot be read.
    Unreadable(io::Error),
    /// It is no file, or no ELF shared library; what it is instead.
    NotALibrary(&'static str),
    /// It was built for another machine: the numbers of the ELF header (class, byte order, machine) of file and container.
    WrongArchitecture {
        /// The file's class (1: 32 bits, 2: 64), byte order (1: little, 2: big) and machine.
        file: (u8, u8, u16),
        /// Those of this program.
        container: (u8, u8, u16),
    },
    /// The dynamic linker refuses it; its own words.
    Linker(String),
    /// It exports no entry.
    NoEntry,
    /// Its entry is not one that this container can use.
    Entry(EntryError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cannot load the module {}: {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for LoadFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadFailure::Missing => {
                write!(out, "there is no such file; check the path, or build the module first")
            }
            LoadFailure::Unreadable(why) => {
                write!(out, "it cannot be read ({why}); give the server's user read permission")
            }
            LoadFailure::NotALibrary(what) => {
                write!(
                    out,
                    "it is not a shared library, but {what}; build the module with -shared -fPIC (cargo: crate-type \"cdylib\")"
                )
            }
            LoadFailure::WrongArchitecture { file, container } => write!(
                out,
                "it was built for {}, and this container runs on {}; build the module for this machine",
                Machine(*file),
                Machine(*container)
            ),
            LoadFailure::Linker(why) => write!(
                out,
                "the dynamic linker refuses it ({why}); install what it needs, or see `ldd -r` for what is undefined"
            ),
            LoadFailure::NoEntry => write!(
                out,
                "it exports no symbol {ENTRY_NAME}; define `const hc_module HC_MODULE_ENTRY` at file scope (Rust: module!, or hc_entry! of the crate abi), \
                 and see that no linker script hides it"
            ),
            LoadFailure::Entry(why) => why.fmt(out),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            LoadFailure::Unreadable(why) => Some(why),
            LoadFailure::Entry(why) => Some(why),
            _ => None,
        }
    }
}

struct Machine((u8, u8, u16));

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, order, machine) = self.0;
        match machine {
            3 => write!(out, "x86")?,
            40 => write!(out, "arm")?,
            62 => write!(out, "x86-64")?,
            183 => write!(out, "aarch64")?,
            243 => write!(out, "riscv")?,
            other => write!(out, "ELF machine {other}")?,
        }
        let bits = if class == 1 { 32 } else { 64 };
        write!(out, " ({bits} bits, {} endian)", if order == 2 { "big" } else { "little" })
    }
}

/// Loads the library at `path` and checks its entry. The library's own initialisers run; it is never unloaded, not even when
/// its entry is refused.
///
/// # Errors
/// What is wrong with it.
pub fn load(path: impl AsRef<Path>) -> Result<LoadedModule, LoadError> {
    let path = path.as_ref();
    load_file(path).map_err(|reason| LoadError { path: path.to_owned(), reason })
}

fn load_file(path: &Path) -> Result<LoadedModule, LoadFailure> {
    check_file(path)?;
    // An absolute path keeps the linker from searching its own directories for a bare name.
    let path = path.canonicalize().map_err(LoadFailure::Unreadable)?;
    // SAFETY: running the initialisers of a module is what the operator asked for: a loaded module is trusted (README.md).
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|why| LoadFailure::Linker(linker_words(&why)))?;
    // SAFETY: the symbol is only looked up; what it points at is checked by `from_raw`.
    let entry = unsafe { library.get::<*const hc_module>(ENTRY_NAME.as_bytes()) }
        .map(|symbol| symbol.into_raw().cast_const().cast::<hc_module>());
    // The library stays loaded for good: other threads may run its code for as long as the process lives.
    std::mem::forget(library);
    let entry = entry.map_err(|_| LoadFailure::NoEntry)?;
    // SAFETY: the address of what the library exports as its entry, which is never unloaded.
    let table = unsafe { ModuleTable::from_raw(entry) }.map_err(LoadFailure::Entry)?;
    Ok(LoadedModule { path, table })
}

fn linker_words(why: &libloading::Error) -> String {
    std::error::Error::source(why).map_or_else(|| why.to_string(), ToString::to_string)
}

const CLASS: usize = 4;
const BYTE_ORDER: usize = 5;

/// Looks at the ELF header, since the linker's own words do not tell these cases apart.
fn check_file(path: &Path) -> Result<(), LoadFailure> {
    let unreadable = |why: io::Error| match why.kind() {
        io::ErrorKind::NotFound => LoadFailure::Missing,
        _ => LoadFailure::Unreadable(why),
    };
    let about = path.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(LoadFailure::NotALibrary(if about.is_dir() { "a directory" } else { "a special file" }));
    }
    let mut head = Vec::with_capacity(20);
    File::open(path).map_err(unreadable)?.take(20).read_to_end(&mut head).map_err(LoadFailure::Unreadable)?;
    if head.len() < 20 || !head.starts_with(b"\x7fELF") {
        return Err(LoadFailure::NotALibrary(match &head[..] {
            [] => "an empty file",
            [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "a static library (.a)",
            [0x7f, b'E', b'L', b'F', ..] => "a truncated ELF file",
            _ => "a file of another kind",
        }));
    }
    let short = |at: usize| match head[BYTE_ORDER] {
        2 => u16::from_be_bytes([head[at], head[at + 1]]),
        _ => u16::from_le_bytes([head[at], head[at + 1]]),
    };
    let (kind, file) = (short(16), (head[CLASS], head[BYTE_ORDER], short(18)));
    let container = own_machine().map_err(LoadFailure::Unreadable)?;
    if file != container {
        return Err(LoadFailure::WrongArchitecture { file, container });
    }
    match kind {
        3 => Ok(()),
        1 => Err(LoadFailure::NotALibrary("an object file (.o)")),
        2 => Err(LoadFailure::NotALibrary("a program")),
        _ => Err(LoadFailure::NotALibrary("an ELF file of another kind")),
    }
}

/// Class, byte order and machine of this program.
fn own_machine() -> io::Result<(u8, u8, u16)> {
    let mut head = [0; 20];
    File::open("/proc/self/exe")?.read_exact(&mut head)?;
    Ok((head[CLASS], head[BYTE_ORDER], u16::from_ne_bytes([head[18], head[19]])))
}
