//! Where a connection stands between its transactions, as its user sees it. Must not know SQL.

use crate::failure::Failure;

/// The transaction of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Transaction {
    /// None: each statement is one by itself.
    #[default]
    None,
    /// One is open.
    Open {
        /// It was begun for reading.
        reads_only: bool,
    },
    /// SQLite rolled it back by itself, after an error that it could not go on from. What follows would be done outside of
    /// it, so nothing is, until its user has ended it.
    Failed,
}

impl Transaction {
    /// Where it stands when something was run: whether that failed, and whether SQLite has a transaction open.
    pub(crate) fn after(self, has_failed: bool, is_open: bool) -> Self {
        match self {
            Self::Open { .. } if is_open => self,
            _ if is_open => Self::Open { reads_only: false },
            Self::Open { .. } if has_failed => Self::Failed,
            Self::Failed => Self::Failed,
            _ => Self::None,
        }
    }

    /// Whether a statement may be run.
    pub(crate) fn admit(self) -> Result<(), Failure> {
        match self {
            Self::Failed => {
                Err(Failure::refused("25P02", "an error has rolled the transaction back: end it first"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a statement that writes may be run.
    pub(crate) fn admit_write(self) -> Result<(), Failure> {
        match self {
            Self::Open { reads_only: true } => {
                Err(Failure::refused("25006", "the transaction was begun for reading, and this writes"))
            }
            _ => Ok(()),
        }
    }
}
