//! Whether a statement changes the connection itself, and not only the database: settings, attached files, temporary tables.
//! Such a connection is opened anew before somebody else has it. SQLite says what a statement does while it prepares it. Must
//! not know who ran it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// Pragmas that take an argument and leave the connection as it was: they ask, or they change the database.
const HARMLESS: [&str; 18] = [
    "application_id",
    "foreign_key_check",
    "foreign_key_list",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "optimize",
    "quick_check",
    "schema_version",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
    "wal_checkpoint",
    "shrink_memory",
    "data_version",
];

/// Notes what statements change.
#[derive(Default)]
pub(crate) struct Alteration {
    /// Set by what is being prepared.
    noted: Arc<AtomicBool>,
    is_altered: bool,
}

impl Alteration {
    /// Watches what is prepared on that connection, a fresh one, from now on.
    pub(crate) fn watch(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        let noted = Arc::clone(&self.noted);
        self.is_altered = false;
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if alters(&context.action) {
                noted.store(true, Ordering::Relaxed);
            }
            Authorization::Allow
        }))
    }

    /// Takes in what was prepared since the last call; answers whether that alters the connection.
    pub(crate) fn note(&mut self) -> bool {
        let alters = self.noted.swap(false, Ordering::Relaxed);
        self.is_altered |= alters;
        alters
    }

    /// Whether the connection is not as it was opened.
    pub(crate) fn is_altered(&self) -> bool {
        self.is_altered
    }
}

fn alters(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Pragma { pragma_name, pragma_value } => {
            pragma_value.is_some() && !HARMLESS.iter().any(|name| name.eq_ignore_ascii_case(pragma_name))
        }
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => true,
        _ => false,
    }
}
