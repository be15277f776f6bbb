//! The HTTP Container ABI in Rust: the only crate in which the C boundary is crossed.
//!
//! Containers implement [`Host`] and drive [`ModuleTable`]s that [`load`](load::load) found; modules implement [`Module`] and
//! call a [`HostRef`]. Both sides are safe Rust: every pointer of `spec/include` is read and written here. Must not know
//! what a container does with a call, nor what a module does with a request. `README.md` says on what soundness rests.

#[allow(missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals, clippy::all)]
#[rustfmt::skip]
pub mod raw;

mod bytes;
pub mod constants;
mod dispatch_ref;
mod event;
mod ext_dispatch;
mod ext_fd;
mod ext_kv;
mod ext_limit;
mod ext_offload;
mod ext_pool;
mod ext_provider;
mod ext_sql;
mod extension_refs;
mod fd_ref;
mod field_storage;
pub mod guard;
pub mod handle;
mod host_calls;
mod host_ref;
mod host_side;
mod kv_ref;
mod layout;
mod limit_ref;
pub mod load;
mod member_request;
mod module_calls;
mod module_entry;
mod module_side;
mod module_table;
pub mod note;
mod offload_ref;
mod opaque;
mod out;
mod pool_ref;
mod provider_ref;
mod request_storage;
mod request_view;
mod response_view;
pub mod rust_note;
mod sql_names;
mod sql_ref;
mod sql_rows;
mod sql_value;
mod status;
pub mod sums;
pub mod witness;

pub use bytes::{Field, FieldsView, RawFields};
pub use dispatch_ref::{ChildHead, ChildOptions, DispatchRef};
pub use event::Event;
pub use ext_dispatch::{DispatchHost, DispatchOptionsView, ResponseHead, dispatch_table};
pub use ext_fd::{FdHost, fd_table};
pub use ext_kv::{KvHost, KvRequestView, RawMessage, RawReply, kv_table};
pub use ext_limit::{LimitHost, Usage, limit_table};
pub use ext_offload::{OffloadHost, Work, offload_table};
pub use ext_pool::{PoolHost, pool_table};
pub use ext_provider::{ProviderHost, ReplyView, ResultView, provider_table};
pub use ext_sql::{RawOutcome, SqlHost, StatementView, sql_table};
pub use fd_ref::FdRef;
pub use field_storage::FieldStorage;
pub use handle::{Generation, Handle};
pub use host_ref::{HostRef, Response};
pub use host_side::{BoundaryRefusal, Host, HostTable, Read, Refusal};
pub use kv_ref::KvRef;
pub use limit_ref::LimitRef;
pub use load::{LoadError, LoadFailure, LoadedModule, load};
pub use member_request::{MemberRequestStorage, RawMemberRequest};
pub use module_entry::{Declared, EntryInfo, ModuleEntry, entry, entry_sendable};
pub use module_side::{Module, Start};
pub use module_table::{EntryError, ModuleInfo, ModuleTable, StartArgs};
pub use note::{NoteError, NoteInfo, read_note};
pub use offload_ref::{OffloadRef, OffloadWork};
pub use opaque::{ExtensionTable, HostPtr, Opaque};
pub use pool_ref::PoolRef;
pub use provider_ref::{MemberRequest, ProviderRef};
pub use raw::{hc_address, hc_bytes};
pub use request_storage::{RequestFacts, RequestSpans, RequestStorage, Span, TlsFacts, TlsStorage};
pub use request_view::{RequestView, TlsView};
pub use response_view::ResponseView;
pub use sql_names::{NamesStorage, NamesView, RawNames};
pub use sql_ref::{SqlOutcome, SqlRef};
pub use sql_rows::{RawRows, RowsStorage};
pub use sql_value::{SqlValue, SqlValues, SqlValuesIter};
pub use status::{Status, StatusRow};
