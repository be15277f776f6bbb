//! SQLSTATE, five characters, for what SQLite reports by numbers of its own, so that a module need not know which database
//! refused it. Must not know who is told.

use rusqlite::ffi;

/// The code for an extended result code of SQLite and the message beside it; empty where there is none that fits.
/// \[sql.failure.code\]
pub(crate) fn of(extended: i32, message: &str) -> &'static str {
    let exact = match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            "23505"
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => "23502",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "23503",
        ffi::SQLITE_CONSTRAINT_CHECK => "23514",
        // What RAISE in a trigger refuses.
        ffi::SQLITE_CONSTRAINT_TRIGGER => "P0001",
        ffi::SQLITE_CONSTRAINT_DATATYPE => "42804",
        // The snapshot is older than somebody else's change: the transaction may be tried again.
        ffi::SQLITE_BUSY_SNAPSHOT => "40001",
        _ => "",
    };
    match extended & 0xff {
        _ if !exact.is_empty() => exact,
        ffi::SQLITE_ERROR => of_message(message),
        ffi::SQLITE_CONSTRAINT => "23000",
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => "55P03",
        ffi::SQLITE_READONLY => "25006",
        ffi::SQLITE_FULL => "53100",
        ffi::SQLITE_NOMEM => "53200",
        ffi::SQLITE_IOERR => "58030",
        ffi::SQLITE_CANTOPEN => "58P01",
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => "XX001",
        ffi::SQLITE_INTERRUPT => "57014",
        ffi::SQLITE_TOOBIG => "54000",
        ffi::SQLITE_MISMATCH => "42804",
        ffi::SQLITE_AUTH | ffi::SQLITE_PERM => "42501",
        _ => "",
    }
}

/// What SQLite tells apart by words only. The order counts: the first that fits is taken.
const MESSAGES: [(&str, &str); 24] = [
    ("no such table", "42P01"),
    ("no such view", "42P01"),
    ("no such index", "42704"),
    ("no such trigger", "42704"),
    ("no such collation sequence", "42704"),
    ("no such module", "42704"),
    ("no such savepoint", "3B001"),
    ("no such database", "3D000"),
    ("no such column", "42703"),
    ("has no column named", "42703"),
    ("no such function", "42883"),
    ("wrong number of arguments", "42883"),
    ("ambiguous column name", "42702"),
    ("duplicate column name", "42701"),
    ("already exists", "42P07"),
    ("already another table or index", "42P07"),
    ("cannot start a transaction within a transaction", "25001"),
    ("no transaction is active", "25P01"),
    ("within a transaction", "25001"),
    ("integer overflow", "22003"),
    ("malformed JSON", "22032"),
    ("syntax error", "42601"),
    ("incomplete input", "42601"),
    ("unrecognized token", "42601"),
];

fn of_message(message: &str) -> &'static str {
    let fits = |(words, _): &&(&str, &str)| message.contains(words);
    MESSAGES.iter().find(fits).map_or_else(|| shape_of(message), |(_, code)| code)
}

/// What is well written but does not fit together, as `table t has 3 columns but 1 values were supplied`.
fn shape_of(message: &str) -> &'static str {
    let words = [" values for ", "values were supplied", "do not have the same number"];
    if words.iter().any(|words| message.contains(words)) { "42601" } else { "" }
}
