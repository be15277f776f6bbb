//! The provider `memory`: hc.kv/1 in the memory of the process, for all workers and modules. It has no connections, no thread
//! and nothing at the other end; what is in it is gone with the resource.
//!
//! ```toml
//! [resource."cache"]
//! kind = "memory"
//! max = 64                             # how many tasks use it at the same time
//! config = { max_bytes = 67108864, when_full = "evict" }
//! ```
//! | key | |
//! | --- | --- |
//! | `max_bytes` | bytes of keys, values and about 200 for the record of each; 64 MiB |
//! | `when_full` | `evict`: what was not used for the longest time makes room; `refuse`: the operation ends with `HC_E_LIMIT` |
//!
//! A member is a place at the counter: it does one thing at a time, at once, in a step of its own. So `max` bounds how many
//! tasks hold one at the same moment; a subscriber holds one for as long as it listens. A value that could never fit is
//! refused, whatever `when_full` says.
//!
//! **Time to live.** What has expired is not found any more. Its room is given back by whatever is done in the same shard,
//! by what needs room, and by a timer of one of the members, a bounded number of entries in each step.
//!
//! **Messages** reach every member that was subscribed when they were published, in the order of each publisher. Those that
//! their reader does not take are bounded twice: by the container, and for a member whose worker is stuck by 4096 messages and
//! 4 MiB. Beyond either the reader is told that some were lost, in their place.
//!
//! | file | idea |
//! | --- | --- |
//! | `store` `cell` `shard` `recency` `places` `number` | the entries |
//! | `channels` `mailbox` | the messages |
//! | `provider` `sweep` `config` | members in a container |
//!
//! Must not know who uses it, nor any container but through the SDK.
#![forbid(unsafe_code)]

mod cell;
mod channels;
mod config;
mod mailbox;
mod number;
mod places;
mod provider;
mod recency;
mod shard;
mod store;
mod sweep;

pub use channels::{Channels, Subscriptions, TooMany};
pub use config::Config;
pub use mailbox::{Mailbox, Message};
pub use provider::Memory;
pub use store::{Condition, Found, Life, Refusal, Store, WhenFull};

http_container::provider_entry! { id: "org.http-container.memory", provider: Memory }
