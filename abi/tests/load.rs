//! Loading: a C module and a Rust module that work, and each way in which a file can fail to be a module, told apart.
#![forbid(unsafe_code)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use http_container_abi::constants::{module_flag, task_kind};
use http_container_abi::{
    EntryError, HostTable, LoadFailure, LoadedModule, NoteError, NoteInfo, Opaque, StartArgs, Status, load,
    read_note,
};
use support::fake_host::FakeHost;

/// A C module that answers 200, with its entry as the test wants it.
fn c_module(entry: &str) -> String {
    format!(
        "#include \"http_container.h\"\n\
         static const hc_host *host;\n\
         static hc_status create(const hc_host *H, hc_bytes config, void **instance) {{\n\
         \x20 (void)config; host = H; *instance = &host; return HC_OK;\n}}\n\
         static hc_status start(void *instance, void *worker, hc_task task, const hc_start *given, void **state) {{\n\
         \x20 hc_response response = {{sizeof response, 200, NULL, 0, HC_LITERAL(\"Hello from C\"), 0}};\n\
         \x20 (void)instance; (void)worker; (void)state; (void)given;\n\
         \x20 return host->respond(host, task, &response);\n}}\n\
         {entry}\n"
    )
}

const GOOD_ENTRY: &str = "HC_MODULE_NOTE(\"org.example.c\", \"1.0\", 0, \"\");\n\
    const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0), 0, \"org.example.c\", \"1.0\", NULL, NULL,\n\
    create, NULL, NULL, NULL, start, NULL, NULL};";

/// The good entry with one part replaced.
fn entry_with(part: &str, by: &str) -> String {
    assert_eq!(GOOD_ENTRY.matches(part).count(), 1, "{part} has to occur once");
    c_module(&GOOD_ENTRY.replace(part, by))
}

/// Runs a request through the loaded module on a fake host.
fn run(module: &LoadedModule, config: &str) -> Vec<String> {
    let host = HostTable::new(FakeHost::new());
    let instance = module.table.create(host.as_ptr(), config.as_bytes()).unwrap();
    let worker = module.table.worker_start(instance, 0).unwrap();
    let args = StartArgs { kind: task_kind::REQUEST, request: None, arg: Opaque::NULL, leases: &[] };
    let (status, state) = module.table.start(instance, worker, 1, &args);
    assert_eq!(status, Status::DONE);
    module.table.finish(instance, worker, 1, state, Status::OK, &[]);
    module.table.worker_stop(instance, worker);
    module.table.destroy(instance);
    host.host().take_calls()
}

/// The example of this package that is a module, beside which cargo puts this test's own program.
fn rust_module() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let place = own.parent().and_then(Path::parent).unwrap().join("examples");
    let library = place.join("librust_module.so");
    assert!(
        library.exists(),
        "build it first: cargo build -p http-container-abi --examples (cargo test does so)"
    );
    library
}

#[test]
fn a_c_module_loads_and_answers() {
    let place = support::scratch("load-c");
    let module = load(support::shared_library(&place, "good", &c_module(GOOD_ENTRY))).unwrap();
    let info = module.table.info();
    assert_eq!((info.id, info.version, info.flags, info.description), ("org.example.c", "1.0", 0, None));
    assert!(!module.table.has_resume() && module.path.is_absolute());
    assert_eq!(module.table.resume(Opaque::NULL, Opaque::NULL, 1, Opaque::NULL, &[]), Status::E_INVALID);
    assert_eq!(run(&module, "{}"), ["respond(1, 200 [] \"Hello from C\" 0)"]);
}

#[test]
fn a_rust_module_loads_and_answers() {
    let module = load(rust_module()).unwrap();
    let info = module.table.info();
    assert_eq!(info.id, "org.example.rust-module");
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(info.description, Some("Answers its configuration"));
    assert_eq!(info.config_schema, Some("{\"type\": \"object\"}"));
    assert_eq!(run(&module, "{}"), ["respond(1, 200 [] \"{}\" 18446744073709551615)"]);
}

#[test]
fn the_note_says_what_the_entry_says() {
    let place = support::scratch("load-note");
    let stripped = place.join("stripped.so");
    fs::copy(rust_module(), &stripped).unwrap();
    let strip = std::process::Command::new("strip").arg(&stripped).status();
    assert!(strip.expect("strip is installed").success());
    let c_library = support::shared_library(&place, "good", &c_module(GOOD_ENTRY));
    for path in [rust_module(), stripped, c_library] {
        let info = load(&path).unwrap().table.info();
        let expect = NoteInfo {
            id: info.id.into(),
            version: info.version.into(),
            config_schema: info.config_schema.map(Into::into),
            abi: info.abi,
            flags: info.flags,
        };
        assert_eq!(read_note(&path).unwrap(), expect, "{}", path.display());
    }
    assert_eq!(read_note(rust_module()).unwrap().flags, module_flag::THREAD_BOUND);
    let object = place.join("object.o");
    support::cc(&c_module(GOOD_ENTRY), &object, &["-c"]);
    assert_eq!(
        read_note(&object).unwrap().id,
        "org.example.c",
        "an object file has sections and no segments"
    );
}

#[test]
fn a_file_without_a_note_is_told_from_one_that_is_no_library() {
    let place = support::scratch("load-no-note");
    let bare = support::shared_library(&place, "bare", "int nothing;\n");
    assert!(matches!(read_note(bare), Err(NoteError::Missing)));
    assert!(matches!(read_note(place.join("absent.so")), Err(NoteError::Unreadable(_))));
    assert!(matches!(read_note(&place), Err(NoteError::NotElf)));
    assert!(matches!(read_note(place.join("bare.c")), Err(NoteError::NotElf)));
}

/// Loads the file, which must fail; the message must name the file and every one of `words`.
fn check(path: &Path, words: &[&str]) -> LoadFailure {
    let error = load(path).expect_err("the file is not a module");
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
    error.reason
}

#[test]
fn files_that_are_no_library() {
    let place = support::scratch("load-files");
    let write = |name: &str, bytes: &[u8]| {
        let path = place.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert!(matches!(
        check(&place.join("absent.so"), &["no such file", "build the module"]),
        LoadFailure::Missing
    ));
    for (path, what) in [
        (place.clone(), "a directory"),
        (write("empty.so", b""), "an empty file"),
        (write("text.so", b"this is a text that is longer than a header"), "a file of another kind"),
        (write("archive.so", b"!<arch>\nand more of an archive"), "a static library"),
        (write("short.so", b"\x7fELF\x02\x01"), "a truncated ELF file"),
    ] {
        assert!(matches!(check(&path, &[what, "-shared"]), LoadFailure::NotALibrary(_)), "{what}");
    }
    let object = place.join("object.so");
    support::cc(&c_module(GOOD_ENTRY), &object, &["-c", "-fPIC"]);
    assert!(matches!(check(&object, &["an object file", "-shared"]), LoadFailure::NotALibrary(_)));
    let program = place.join("program.so");
    support::cc("int main(void) { return 0; }\n", &program, &["-no-pie"]);
    assert!(matches!(check(&program, &["a program", "-shared"]), LoadFailure::NotALibrary(_)));
}

#[test]
fn libraries_that_the_linker_cannot_take() {
    let place = support::scratch("load-linker");
    let good = support::shared_library(&place, "good", &c_module(GOOD_ENTRY));
    let mut bytes = fs::read(&good).unwrap();
    let cut = place.join("cut.so");
    fs::write(&cut, &bytes[..64]).unwrap();
    assert!(matches!(check(&cut, &["dynamic linker"]), LoadFailure::Linker(_)));

    // Another machine: SPARC, in the ELF header's own byte order.
    let foreign = place.join("foreign.so");
    bytes[18..20].copy_from_slice(&2_u16.to_ne_bytes());
    fs::write(&foreign, &bytes).unwrap();
    let reason = check(&foreign, &["ELF machine 2", "for this machine"]);
    assert!(matches!(reason, LoadFailure::WrongArchitecture { file: (_, _, 2), .. }), "{reason:?}");

    let undefined =
        "extern void not_to_be_found_anywhere(void);\nvoid call(void) { not_to_be_found_anywhere(); }\n";
    let undefined = support::shared_library(&place, "undefined", undefined);
    assert!(matches!(check(&undefined, &["not_to_be_found_anywhere", "ldd -r"]), LoadFailure::Linker(_)));
}

/// A library by name and source, what is wrong with its entry, and words of the message.
type Case = (&'static str, String, EntryError, &'static [&'static str]);

fn entries_with_wrong_numbers() -> Vec<Case> {
    let head = "HC_MODULE_HEAD(0)";
    vec![
        (
            "major",
            entry_with(head, "sizeof(hc_module), 2, 7, 0"),
            EntryError::WrongMajor { major: 2, minor: 7 },
            &["2.7", "1.0", "build it"],
        ),
        (
            "small",
            entry_with(head, "96, 1, 0, 0"),
            EntryError::TooSmall { size: 96 },
            &["size 96", "104", "sizeof"],
        ),
        (
            "flags",
            entry_with(head, "HC_MODULE_HEAD(0x104)"),
            EntryError::UnknownFlags { flags: 0x100 },
            &["0x100"],
        ),
        (
            "reserved",
            entry_with("HC_MODULE_HEAD(0), 0", "HC_MODULE_HEAD(0), 9"),
            EntryError::ReservedNotZero { reserved: 9 },
            &["`reserved` is 9"],
        ),
    ]
}

fn entries_with_wrong_members() -> Vec<Case> {
    let long_id = format!("\"{}\"", "a".repeat(128));
    let long_version = format!("\"{}\"", "1".repeat(64));
    let (id, version) = ("0, \"org.example.c\", \"1.0\", NULL", "\"1.0\", NULL, NULL");
    vec![
        ("no_id", entry_with(id, "0, NULL, \"1.0\", NULL"), EntryError::Missing { member: "id" }, &["`id`"]),
        (
            "no_version",
            entry_with(version, "NULL, NULL, NULL"),
            EntryError::Missing { member: "version" },
            &["`version`"],
        ),
        (
            "no_start",
            entry_with("NULL, start, NULL", "NULL, NULL, NULL"),
            EntryError::Missing { member: "start" },
            &["`start`"],
        ),
        (
            "latin_id",
            entry_with(id, "0, \"caf\\xe9\", \"1.0\", NULL"),
            EntryError::NotUtf8 { member: "id" },
            &["`id` is not UTF-8"],
        ),
        (
            "latin_description",
            entry_with(version, "\"1.0\", \"caf\\xe9\", NULL"),
            EntryError::NotUtf8 { member: "description" },
            &["`description` is not UTF-8"],
        ),
        ("empty_id", entry_with(id, "0, \"\", \"1.0\", NULL"), EntryError::BadId, &["`id`", "127"]),
        ("odd_id", entry_with(id, "0, \"a b\", \"1.0\", NULL"), EntryError::BadId, &["`id`", "letters"]),
        ("long_id", entry_with(id, &format!("0, {long_id}, \"1.0\", NULL")), EntryError::BadId, &["`id`"]),
        ("odd_version", entry_with(version, "\"1\\n0\", NULL, NULL"), EntryError::BadVersion, &["`version`"]),
        (
            "long_version",
            entry_with(version, &format!("{long_version}, NULL, NULL")),
            EntryError::BadVersion,
            &["`version`"],
        ),
    ]
}

#[test]
fn libraries_that_are_no_module() {
    let place = support::scratch("load-entries");
    let no_entry = support::shared_library(&place, "no_entry", "int nothing;\n");
    assert!(matches!(check(&no_entry, &["hc_module_entry", "HC_MODULE_ENTRY"]), LoadFailure::NoEntry));

    for (name, source, expect, words) in
        entries_with_wrong_numbers().into_iter().chain(entries_with_wrong_members())
    {
        // `static` functions that an entry does not name are no fault of these modules.
        let path = place.join(format!("{name}.so"));
        support::cc(&source, &path, &["-shared", "-fPIC", "-Wno-unused-function"]);
        match check(&path, words) {
            LoadFailure::Entry(found) => assert_eq!(found, expect, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_a_newer_minor_version_adds_is_no_obstacle() {
    let place = support::scratch("load-newer");
    let bigger = "struct later { hc_module known; void *more; };\n\
        extern HC_EXPORT const struct later hc_module_entry_later __asm__(\"hc_module_entry\");\n\
        const struct later hc_module_entry_later = {{sizeof(struct later), HC_ABI_MAJOR, 7, 0, 0,\n\
        \"org.example.later\", \"1.0\", NULL, NULL, create, NULL, NULL, NULL, start, NULL, NULL}, &host};";
    let module = load(support::shared_library(&place, "later", &c_module(bigger))).unwrap();
    assert_eq!(module.table.info().abi, (1, 7));
    assert_eq!(run(&module, "{}").len(), 1);
}
