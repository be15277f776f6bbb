//! The header that the Rust side makes is the same ABI as the specification's: a C program that includes both compiles only if
//! sizes, alignments, offsets, the types of all members (function signatures among them) and all constants are the same.
#![forbid(unsafe_code)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hc_generate::inventory::inventory;
use hc_generate::raw::HEADERS;

const ROUNDTRIP: &str = include_str!("../roundtrip/http_container_roundtrip.h");
const RAW: &str = include_str!("../../../abi/src/raw.rs");

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/include")
}

/// The round-trip header with the tag of each structure, where it is defined, and the name of each constant prefixed. What a
/// definition refers to is then the specification's own type, so the types of the members can be compared as C does.
fn prefixed(header: &str) -> String {
    let mut text = String::new();
    for line in header.lines() {
        if let Some(name) = line.strip_prefix("typedef struct hc_").and_then(|rest| rest.strip_suffix(" {")) {
            writeln!(text, "typedef struct rt_hc_{name} {{")
        } else if let Some(name) = line.strip_prefix("} hc_") {
            writeln!(text, "}} rt_hc_{name}")
        } else if let Some(rest) = line.strip_prefix("#define HC_") {
            writeln!(text, "#define RT_HC_{rest}")
        } else {
            writeln!(text, "{line}")
        }
        .unwrap();
    }
    text
}

/// The C program: both headers, and an assertion for everything that `raw.rs` declares.
fn program(roundtrip: &str) -> String {
    let found = inventory(RAW);
    assert!(
        found.structures.len() >= 13 && found.members.len() > 80 && found.constants.len() > 80,
        "{found:?}"
    );
    let mut text: String = HEADERS.iter().map(|header| format!("#include \"{header}\"\n")).collect();
    text.push_str(
        "#define SAME(fact) _Static_assert(fact, #fact)\n\
         #define MEMBER(s, m) SAME(offsetof(s, m) == offsetof(rt_##s, m)); \\\n\
         \x20 SAME(__builtin_types_compatible_p(__typeof__(((s *)0)->m), __typeof__(((rt_##s *)0)->m)))\n",
    );
    text.push_str(&prefixed(roundtrip));
    for name in &found.structures {
        writeln!(
            text,
            "SAME(sizeof({name}) == sizeof(rt_{name}));\nSAME(_Alignof({name}) == _Alignof(rt_{name}));"
        )
        .unwrap();
    }
    for (structure, member) in &found.members {
        writeln!(text, "MEMBER({structure}, {member});").unwrap();
    }
    for name in &found.constants {
        writeln!(text, "SAME(({name}) == (RT_{name}) && (({name}) < 0) == ((RT_{name}) < 0));").unwrap();
    }
    text
}

/// Compiles the text, with no output but the compiler's words.
fn compile(name: &str, text: &str, compiler: (&str, &str), arguments: &[&str]) -> Output {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, text).unwrap();
    let (variable, default) = compiler;
    let compiler = std::env::var_os(variable).unwrap_or_else(|| default.into());
    let run = Command::new(&compiler)
        .arg("-fsyntax-only")
        .args(arguments)
        .arg("-I")
        .arg(include())
        .arg(&place)
        .output();
    run.unwrap_or_else(|why| panic!("a compiler is needed ({variable}, or {default}): {why}"))
}

const C: (&str, &str) = ("CC", "cc");
const CXX: (&str, &str) = ("CXX", "c++");

#[test]
fn both_headers_are_one_abi() {
    let run = compile(
        "same_abi.c",
        &program(ROUNDTRIP),
        C,
        &["-std=gnu11", "-Wall", "-Wextra", "-Wno-type-limits", "-Werror"],
    );
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// Each change of the Rust side's header is one that the C program has to find.
#[test]
fn a_difference_does_not_compile() {
    for (at, (from, to)) in [
        ("void (*destroy)(void *instance);", "void (*destroy)(const void *instance);"),
        ("uint64_t (*now)(const struct hc_host *H);", "int64_t (*now)(const struct hc_host *H);"),
        ("hc_status (*abort)(const struct hc_host *H, hc_task task);", "hc_status (*abort)(hc_task task);"),
        ("  size_t size;\n} hc_bytes;", "  uint32_t size;\n} hc_bytes;"),
        ("  uint16_t port;\n  uint16_t family;", "  uint16_t family;\n  uint16_t port;"),
        ("  uint32_t kind;\n} hc_event;", "  uint32_t kind;\n  uint32_t more;\n} hc_event;"),
        ("typedef uint64_t hc_lease;", "typedef uint32_t hc_lease;"),
        ("#define HC_E_GONE -2", "#define HC_E_GONE -3"),
        ("#define HC_WORKER_ANY 4294967295", "#define HC_WORKER_ANY -1"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(ROUNDTRIP.matches(from).count(), 1, "{from} has to occur once");
        let changed = program(&ROUNDTRIP.replace(from, to));
        let run = compile(&format!("different_{at}.c"), &changed, C, &["-std=gnu11"]);
        assert!(!run.status.success(), "{to} went unnoticed");
        let words = String::from_utf8_lossy(&run.stderr);
        let reasons = ["static assertion", "static_assert", "conflicting types", "typedef redefinition"];
        assert!(reasons.iter().any(|reason| words.contains(reason)), "{to} was noticed by chance: {words}");
    }
}

#[test]
fn the_round_trip_header_stands_alone_in_c_and_cpp() {
    let text = format!("{ROUNDTRIP}\nint nothing;\n");
    let strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
    for (name, compiler, standard) in [("alone.c", C, "-std=c99"), ("alone.cpp", CXX, "-std=c++11")] {
        let run = compile(name, &text, compiler, &[&[standard][..], &strict].concat());
        assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    }
}
